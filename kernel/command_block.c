/* SPDX-License-Identifier: MIT */
/* Prompt commands for blocks of the kernel heap, each of which gets a name. */
#include "kernel/command.h"
#include "kernel/console.h"
#include "kernel/fault.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/names.h"

static void print_block(unsigned name, void *block, uint64_t size)
{
    console_print("$%u = 0x%lx  %lu bytes, usable %zu\n", name, (uintptr_t)block, size,
                  ksize(block));
}

static bool alloc(int argc, char **argv)
{
    uint64_t size, align = 0;
    if (!command_number(argv[1], "alloc", &size) ||
        (argc > 2 && !command_number(argv[2], "alloc", &align)))
        return false;
    if (argc > 2 && (align == 0 || (align & (align - 1)) != 0)) {
        console_print("alloc: the alignment %lu is not a power of two\n", align);
        return false;
    }
    void *block = argc > 2 ? kmalloc_aligned(size, align, 0) : kmalloc(size, 0);
    if (block == NULL) {
        console_print("alloc: no memory for %lu bytes\n", size);
        return false;
    }
    print_block(names_add((uintptr_t)block), block, size);
    return true;
}

/* A wrong pointer panics in kfree and krealloc; at the prompt that is a person's slip, so it is
 * caught. Both check before they change anything. */

static void free_block(void *block)
{
    kfree(block);
}

static bool free_command(int argc, char **argv)
{
    (void)argc;
    uint64_t address;
    struct fault fault;
    if (!command_number(argv[1], "free", &address))
        return false;
    if (!fault_try(free_block, (void *)address, &fault)) {
        console_print("free: %s\n", fault.reason);
        return false;
    }
    return true;
}

struct resize {
    void *block;
    size_t size;
    void *moved;
};

static void resize_block(void *argument)
{
    struct resize *resize = argument;
    resize->moved = krealloc(resize->block, resize->size, 0);
}

static bool realloc_command(int argc, char **argv)
{
    (void)argc;
    uint64_t address, size;
    struct fault fault;
    if (!command_number(argv[1], "realloc", &address) || !command_number(argv[2], "realloc", &size))
        return false;
    struct resize resize = {(void *)address, size, NULL};
    if (!fault_try(resize_block, &resize, &fault)) {
        console_print("realloc: %s\n", fault.reason);
        return false;
    }
    if (resize.moved == NULL) {
        console_print("realloc: no memory for %lu bytes; the block is as it was\n", size);
        return false;
    }
    print_block(names_move(address, (uintptr_t)resize.moved), resize.moved, size);
    return true;
}

const struct command command_block[] = {
    {"alloc", "SIZE [ALIGN]", "kmalloc; the block is called $1, the next one $2, ...", 1, 2, alloc},
    {"realloc", "ADDR SIZE", "krealloc; the block keeps its name", 2, 2, realloc_command},
    {"free", "ADDR", "kfree", 1, 1, free_command},
    {0},
};
