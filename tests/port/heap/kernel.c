/* SPDX-License-Identifier: MIT */
/*
 * Another kernel, as small as can be, with the heap of build/core and its minimal port: no library,
 * no start-up code. Its machine is a Linux process. tests/core_test.py builds it and runs it.
 */
#include "lib/alloc/port/port.h"

#define BLOCKS 1000

static long call(long number, long first, long second, long third)
{
    __asm__ volatile("syscall"
                     : "+a"(number)
                     : "D"(first), "S"(second), "d"(third)
                     : "rcx", "r11", "memory");
    return number;
}

static void print(const char *text)
{
    long length = 0;
    while (text[length] != '\0')
        length++;
    call(1, 1, (long)text, length);
    call(1, 1, (long)"\n", 1);
}

static _Noreturn void end(int status)
{
    for (;;)
        call(231, status, 0, 0);
}

void port_stop(const void *caller, const char *sentence)
{
    (void)caller;
    print(sentence);
    end(1);
}

/* What compilers call in any kernel. */

void *memset(void *to, int byte, size_t size);
void *memset(void *to, int byte, size_t size)
{
    void *at = to;
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(byte) : "memory");
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    void *at = to;
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(size) : : "memory");
    return to;
}

static void expect(bool holds, const char *text)
{
    if (!holds)
        print("not so:");
    print(text);
    if (!holds)
        end(1);
}

static size_t *blocks[BLOCKS];

/* Sizes from 16 bytes to 64 KiB, each block filled with its number. */
static bool fill(void)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = (size_t)16 << i % 13;
        blocks[i] = heap_alloc(&port_heap, size);
        if (blocks[i] == NULL)
            return false;
        for (size_t word = 0; word < size / sizeof(size_t); word++)
            blocks[i][word] = i;
    }
    return true;
}

static bool drain(void)
{
    bool sound = true;
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t last = ((size_t)16 << i % 13) / sizeof(size_t) - 1;
        sound = sound && blocks[i][0] == i && blocks[i][last] == i;
        heap_free(&port_heap, blocks[i]);
    }
    return sound;
}

void _start(void);
__attribute__((force_align_arg_pointer)) void _start(void)
{
    port_start();
    for (unsigned round = 0; round < 3; round++)
        expect(fill() && drain(), "blocks keep what is in them");
    expect(heap_alloc(&port_heap, (size_t)1 << 30) == NULL, "a block larger than memory is NULL");
    unsigned char *zero = heap_alloc_zeroed(&port_heap, 5000);
    expect(zero != NULL && zero[0] == 0 && zero[4999] == 0, "zeroed blocks are zero");
    char *block = heap_alloc(&port_heap, 100);
    heap_free(&port_heap, block);
    heap_free(&port_heap, block);
    end(0);
}
