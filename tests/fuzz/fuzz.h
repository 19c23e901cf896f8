/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets share. A target takes bytes that the fuzzer made up, feeds them to one part
 * of Loam and holds the answer against that part's contract; a broken contract aborts, as the
 * sanitizers do, and the fuzzer keeps the bytes. (https://llvm.org/docs/LibFuzzer.html)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The contract: says what is broken, and where, and ends. */
#define FUZZ_EXPECT(holds)                                                        \
    do {                                                                          \
        if (!(holds)) {                                                           \
            fprintf(stderr, "%s:%d: %s is broken\n", __FILE__, __LINE__, #holds); \
            abort();                                                              \
        }                                                                         \
    } while (0)

/* Bytes to be taken from the front, zeros once they are used up. */
struct fuzz_bytes {
    const uint8_t *at;
    size_t left;
};

static inline uint64_t fuzz_take(struct fuzz_bytes *bytes, size_t count)
{
    uint64_t value = 0;
    size_t there = count < bytes->left ? count : bytes->left;
    memcpy(&value, bytes->at, there);
    bytes->at += there;
    bytes->left -= there;
    return value;
}

/* A terminated copy of exactly its length, so that ASan sees a read behind it; to be freed. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, 0, size);
    size_t length = end != NULL ? (size_t)(end - data) : size;
    char *text = malloc(length + 1);
    memcpy(text, data, length);
    text[length] = '\0';
    return text;
}
