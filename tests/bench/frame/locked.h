/* SPDX-License-Identifier: MIT */
/* Counts locked read-modify-writes, where the core is built to announce them: see locked.c. */
#pragma once

extern unsigned long locked_operations;
