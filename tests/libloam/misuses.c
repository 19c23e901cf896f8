/* SPDX-License-Identifier: MIT */
/* What a program must not do; each prints the pointer that the message should name, and aborts. */
#include "tests/libloam/corner.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static void name_and_free(void *pointer)
{
    printf("%p\n", pointer);
    fflush(stdout);
    free(opaque_pointer(pointer));
}

static void double_free(void)
{
    void *block = malloc(100);
    free(opaque_pointer(block));
    name_and_free(block);
}

static void double_free_large(void)
{
    void *block = malloc(1 << 18);
    free(opaque_pointer(block));
    name_and_free(block);
}

static void double_free_huge(void)
{
    void *block = malloc(64 << 20);
    free(opaque_pointer(block));
    name_and_free(block);
}

static void free_of_a_stack_address(void)
{
    long on_the_stack[8] = {0};
    name_and_free(on_the_stack + 2);
}

static void free_of_a_static_address(void)
{
    static long fixed[8];
    name_and_free(fixed);
}

static void free_of_a_mapping(void)
{
    name_and_free(mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static void free_inside_a_block(void)
{
    char *block = malloc(100);
    name_and_free(block + 16);
}

static void free_inside_a_large_block(void)
{
    char *block = malloc(1 << 20);
    name_and_free(block + 4096);
}

static void free_of_a_small_number(void)
{
    name_and_free((void *)opaque(0x10));
}

static void free_of_a_non_canonical_address(void)
{
    name_and_free((void *)opaque(0xdeadbeefdeadbee0));
}

static void realloc_of_a_freed_block(void)
{
    void *block = malloc(1 << 18);
    free(opaque_pointer(block));
    printf("%p\n", block);
    fflush(stdout);
    block = realloc(opaque_pointer(block), 100);
}

const struct corner corner_misuses[] = {
    {"double_free", double_free},
    {"double_free_large", double_free_large},
    {"double_free_huge", double_free_huge},
    {"free_of_a_stack_address", free_of_a_stack_address},
    {"free_of_a_static_address", free_of_a_static_address},
    {"free_of_a_mapping", free_of_a_mapping},
    {"free_inside_a_block", free_inside_a_block},
    {"free_inside_a_large_block", free_inside_a_large_block},
    {"free_of_a_small_number", free_of_a_small_number},
    {"free_of_a_non_canonical_address", free_of_a_non_canonical_address},
    {"realloc_of_a_freed_block", realloc_of_a_freed_block},
    {NULL, NULL},
};
