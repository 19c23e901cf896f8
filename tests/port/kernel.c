/* SPDX-License-Identifier: MIT */
/*
 * Another kernel, as small as can be, that takes its frames from lib/alloc/frame: no library, no
 * start-up code, nothing of Loam but the core. Its machine is a Linux process, its physical memory
 * an array. See docs/frames.md; tests/frame_port_test.py builds it and runs it.
 */
#include "lib/alloc/frame.h"
#include "lib/alloc/frame_port.h"

/* The machine: a console, and an end. */

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
}

static _Noreturn void end(int status)
{
    for (;;)
        call(231, status, 0, 0);
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

/* The port. */

void frame_port_panic(const char *format, ...)
{
    print(format); /* as it stands: this kernel does not format */
    print("\n");
    end(1);
}

void frame_port_zero(frame_t frame, unsigned order)
{
    volatile uint64_t *word = (uint64_t *)phys_of_frame(frame).addr;
    for (size_t i = 0; i < (PAGE_SIZE << order) / sizeof *word; i++)
        word[i] = 0;
}

/* The kernel. */

#define MEMORY_FRAMES 4096

static _Alignas(4096) unsigned char memory[MEMORY_FRAMES * PAGE_SIZE];
static struct frames frames;

/* The first frames of memory hold the metadata. */
static void start_frames(void)
{
    frame_t start = frame_of_phys((phys_t){(uintptr_t)memory});
    struct frame_range all = {start, {start.number + MEMORY_FRAMES}};
    size_t pages = (frame_metadata_size(&all, 1, 1) + PAGE_SIZE - 1) >> PAGE_SHIFT;
    frame_init(&frames, &all, 1, 1, memory);
    frame_add(&frames, (frame_t){start.number + pages}, all.end);
}

static void expect(bool holds, const char *text)
{
    print(holds ? "ok   " : "not ok ");
    print(text);
    print("\n");
    if (!holds)
        end(1);
}

static void use_frames(void)
{
    uint64_t before = frame_free_count(&frames);
    expect(before > MEMORY_FRAMES - 32, "memory is free but for the metadata");
    frame_t block = frame_alloc(&frames, (struct frame_request){.order = 9, .flags = FRAME_ZERO});
    expect(block.number % 512 == 0, "2 MiB are aligned");
    unsigned char *bytes = (unsigned char *)phys_of_frame(block).addr;
    expect(bytes[0] == 0 && bytes[(PAGE_SIZE << 9) - 1] == 0, "they are zero");
    frame_free(&frames, block, 9);
    uint64_t taken = 0;
    while (!frame_is_none(frame_alloc(&frames, (struct frame_request){0})))
        taken++;
    expect(taken == before, "all of it can be had, and no more");
}

_Noreturn void _start(void);
_Noreturn __attribute__((force_align_arg_pointer)) void _start(void)
{
    start_frames();
    use_frames();
    frame_t last = frame_of_phys((phys_t){(uintptr_t)memory + sizeof memory - 1});
    frame_free(&frames, last, 0);
    frame_drain(&frames);
    frame_free(&frames, last, 0); /* misuse: the end */
    frame_drain(&frames);
    end(2);
}
