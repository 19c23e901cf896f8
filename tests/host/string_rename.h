/* SPDX-License-Identifier: MIT */
/*
 * Gives the functions of lib/string.c names of their own, so that string_test can hold them against
 * the host's. Taken in by `-include` when lib/string.c is compiled for that test, and only there.
 */
#pragma once

#define memcpy  loam_memcpy
#define memmove loam_memmove
#define memset  loam_memset
#define memcmp  loam_memcmp
#define strlen  loam_strlen
#define strnlen loam_strnlen
#define strcmp  loam_strcmp
#define strncmp loam_strncmp
#define strchr  loam_strchr
