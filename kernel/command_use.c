/* SPDX-License-Identifier: MIT */
/* Prompt commands that use memory: map, read and write it. */
#include "kernel/arch/x86_64/image.h"
#include "kernel/command.h"
#include "kernel/console.h"
#include "kernel/fault.h"
#include "kernel/mm/mmap.h"
#include "lib/addr.h"
#include "lib/error.h"
#include "lib/format.h"
#include "lib/string.h"

static const char *error_name(intptr_t error)
{
    switch (error) {
    case -EINVAL:
        return "EINVAL: misaligned, empty, or outside the mmap window";
    case -ENOMEM:
        return "ENOMEM: no memory or no room";
    case -EEXIST:
        return "EEXIST: something is mapped there";
    default:
        return "unknown error";
    }
}

static bool parse_protection(const char *text, unsigned *prot)
{
    *prot = 0;
    if (strcmp(text, "none") == 0)
        return true;
    for (; *text != '\0'; text++) {
        if (*text == 'r')
            *prot |= PROT_READ;
        else if (*text == 'w')
            *prot |= PROT_WRITE;
        else if (*text == 'x')
            *prot |= PROT_EXEC;
        else
            break;
    }
    if (*text == '\0')
        return true;
    console_print("map: a protection is none, r, rw or rx\n");
    return false;
}

static bool map(int argc, char **argv)
{
    uint64_t size, hint = 0;
    unsigned prot = PROT_READ | PROT_WRITE;
    if (!command_number(argv[1], "map", &size) || (argc > 2 && !parse_protection(argv[2], &prot)) ||
        (argc > 3 && !command_number(argv[3], "map", &hint)))
        return false;
    if ((prot & PROT_WRITE) && (prot & PROT_EXEC)) {
        console_print("map: no kernel page is both writable and executable\n");
        return false;
    }
    unsigned fixed = argc > 3 ? MAP_FIXED_NOREPLACE : 0;
    intptr_t address = kmmap(hint, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | fixed);
    if (is_error(address)) {
        console_print("map: %s\n", error_name(address));
        return false;
    }
    console_print("0x%lx  %lu bytes mapped\n", (uintptr_t)address, size);
    return true;
}

static bool unmap(int argc, char **argv)
{
    (void)argc;
    uint64_t address, size;
    if (!command_number(argv[1], "unmap", &address) || !command_number(argv[2], "unmap", &size))
        return false;
    int error = kmunmap(address, size);
    if (error != 0)
        console_print("unmap: %s\n", error_name(error));
    return error == 0;
}

/* peek, poke and fill: any address may be tried, a bad one is reported */

struct transfer {
    void *to;
    const void *from;
    size_t bytes;
};

static void copy(void *argument)
{
    const struct transfer *transfer = argument;
    memcpy(transfer->to, transfer->from, transfer->bytes);
}

static bool try_copy(const char *who, void *to, const void *from, size_t bytes)
{
    struct transfer transfer = {to, from, bytes};
    struct fault fault;
    if (fault_try(copy, &transfer, &fault))
        return true;
    console_print("%s: %s\n", who, fault.reason);
    return false;
}

static void print_line(uintptr_t address, const unsigned char *bytes, size_t count)
{
    console_print("%016lx ", address);
    for (size_t i = 0; i < 16; i++)
        if (i < count)
            console_print(" %02x", bytes[i]);
        else
            console_print("   ");
    console_print("  ");
    for (size_t i = 0; i < count; i++)
        console_print("%c", bytes[i] >= ' ' && bytes[i] < 127 ? bytes[i] : '.');
    console_print("\n");
}

#define PEEK_MAX ((uint64_t)64 << 10) /* nothing can interrupt it */

static bool peek(int argc, char **argv)
{
    uint64_t address, count = 16;
    if (!command_number(argv[1], "peek", &address) ||
        (argc > 2 && !command_number(argv[2], "peek", &count)))
        return false;
    if (count > PEEK_MAX) {
        console_print("peek: shows at most %lu KiB at once\n", PEEK_MAX / 1024);
        return false;
    }
    while (count > 0) {
        unsigned char bytes[16];
        size_t part = count < sizeof bytes ? count : sizeof bytes;
        if (!try_copy("peek", bytes, (const void *)address, part))
            return false;
        print_line(address, bytes, part);
        address += part;
        count -= part;
    }
    return true;
}

static bool poke(int argc, char **argv)
{
    uint64_t address, value, bytes = 1;
    if (!command_number(argv[1], "poke", &address) || !command_number(argv[2], "poke", &value) ||
        (argc > 3 && !command_number(argv[3], "poke", &bytes)))
        return false;
    if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8) {
        console_print("poke: a value has 1, 2, 4 or 8 bytes\n");
        return false;
    }
    if (bytes < 8 && value >> (8 * bytes) != 0) {
        console_print("poke: 0x%lx does not fit %lu bytes\n", value, bytes);
        return false;
    }
    return try_copy("poke", (void *)address, &value, bytes);
}

struct range {
    volatile unsigned char *bytes;
    size_t count;
    unsigned char value;
};

/* Writes to every page of the range the byte that is there. */
static void touch(void *argument)
{
    const struct range *range = argument;
    for (size_t at = 0; at < range->count;
         at += PAGE_SIZE - ((uintptr_t)range->bytes + at) % PAGE_SIZE)
        range->bytes[at] = range->bytes[at];
}

static void fill_range(void *argument)
{
    const struct range *range = argument;
    memset((void *)range->bytes, range->value, range->count);
}

/* Where the whole range cannot be written, nothing is. */
static bool fill(int argc, char **argv)
{
    (void)argc;
    uint64_t address, count, value;
    struct fault fault;
    if (!command_number(argv[1], "fill", &address) || !command_number(argv[2], "fill", &count) ||
        !command_number(argv[3], "fill", &value))
        return false;
    if (value > 255) {
        console_print("fill: 0x%lx does not fit a byte\n", value);
        return false;
    }
    if (count > UINTPTR_MAX - address) {
        console_print("fill: the range goes beyond the last address\n");
        return false;
    }
    struct range range = {(unsigned char *)address, count, (unsigned char)value};
    if (fault_try(touch, &range, &fault) && fault_try(fill_range, &range, &fault))
        return true;
    console_print("fill: %s\n", fault.reason);
    return false;
}

const struct command command_use[] = {
    {"map", "SIZE [PROT [ADDR]]", "kmmap; PROT is none, r, rw (default) or rx", 1, 3, map},
    {"unmap", "ADDR SIZE", "kmunmap; does not ask whose it is", 2, 2, unmap},
    {"peek", "ADDR [COUNT]", "show bytes", 1, 2, peek},
    {"poke", "ADDR VALUE [BYTES]", "write a value of 1, 2, 4 or 8 bytes", 2, 3, poke},
    {"fill", "ADDR SIZE BYTE", "make all bytes of a range the same", 3, 3, fill},
    {0},
};
