/* SPDX-License-Identifier: MIT */
/* The prompt: what people type is done, or they are told what was expected. */
#include "kernel/console.h"
#include "kernel/ktest.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/names.h"
#include "kernel/shell.h"
#include "lib/alloc/heap.h"
#include "lib/format.h"
#include "lib/string.h"
#include "tests/kernel/memory.h"

static bool execute(const char *text)
{
    char line[256];
    console_print("# > %s\n", text);
    format_text(line, sizeof line, "%s", text);
    return shell_execute(line);
}

KTEST(shell, commands_that_look_succeed)
{
    static const char *const lines[] = {
        "help",
        "mem",
        "frames",
        "heap",
        "maps",
        "cpu",
        "log",
        "  mem  ",
        "",
        "walk 0xffffffff80200000",
        "walk 0xffff800000001000",
        "walk 0",
        "test list",
        "peek 0xffffffff80200000 40",
        "check",
    };
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++)
        KTEST_CHECK(execute(lines[i]));
}

KTEST(shell, slips_are_explained_and_harmless)
{
    static const char *const lines[] = {
        "nonsense",
        "mem now",
        "walk",
        "walk here",
        "walk 0x8000000000000000",
        "walk 1 2",
        "peek 0",
        "peek 0xdeadbeef00000000",
        "peek -1",
        "poke 0 1",
        "poke 0xffffffff80200000 1",
        "poke 0xffff800000001000 256",
        "poke 0xffff800000001000 1 3",
        "poke 0",
        "alloc",
        "alloc 0xfffffffffffffff0",
        "alloc 16 3",
        "alloc 99999999999999999999",
        "free 1",
        "free 0xffffffff80200000",
        "free x",
        "map 0",
        "map 4K rwx",
        "map 4K q",
        "map 4K rw 0x1000",
        "fill 0 1 0",
        "fill 0xffffffff80200000 1 0",
        "fill 0xdeadbeef00000000 8 0",
        "fill 0xffff800000001000 1 256",
        "fill 0xffffffffffffffff 2 0",
        "fill 0xffff800000001000 0",
        "fill here 1 1",
        "realloc 1 16",
        "realloc 0xffffffff80200000 16",
        "realloc 0xffffd00000000000",
        "more 1",
        "more 1001",
        "more rows",
        "peek $",
        "peek $0",
        "peek $4294967296",
        "peek $x",
        "unmap 0 4096",
        "unmap 0xffffe00000000001 4096",
        "test nothing",
        "bench nothing",
        "crash",
        "crash gently",
        "peek 'open",
        "a b c d e f g h i j k l m n o p q",
    };
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++)
        KTEST_CHECK(!execute(lines[i]));
    memory_check_everything();
}

KTEST(shell, mapped_memory_can_be_poked_and_unmapped)
{
    KTEST_CHECK(execute("map 8K rw 0xffffe12300000000"));
    KTEST_CHECK(execute("poke 0xffffe12300000ff8 0x1122334455667788 8"));
    KTEST_CHECK(*(uint64_t *)0xffffe12300000ff8 == 0x1122334455667788);
    KTEST_CHECK(!execute("map 4K rw 0xffffe12300001000"));
    KTEST_CHECK(execute("unmap 0xffffe12300000000 8K"));
    KTEST_CHECK(!execute("peek 0xffffe12300000ff8 8"));
    memory_check_everything();
}

/* What the next block will be called; found by naming an address. */
static unsigned next_name(void)
{
    return names_add(0) + 1;
}

/* Executes a command about a block. */
static bool execute_on(const char *command, unsigned name, const char *rest)
{
    char line[64];
    format_text(line, sizeof line, "%s $%u%s", command, name, rest);
    return execute(line);
}

static unsigned char *named_block(unsigned name)
{
    char text[16];
    uintptr_t address = 0;
    format_text(text, sizeof text, "$%u", name);
    KTEST_CHECK(names_find(text, &address) == 0);
    return (unsigned char *)address;
}

KTEST(shell, a_block_is_used_by_its_name_until_it_is_freed)
{
    unsigned name = next_name();
    KTEST_CHECK(execute("alloc 100"));
    unsigned char *block = named_block(name);
    KTEST_CHECK(execute_on("fill", name, " 100 0x5a"));
    KTEST_CHECK(memory_is_filled(block, 0x5a, 100));
    KTEST_CHECK(execute_on("poke", name, "+99 1"));
    KTEST_CHECK(block[99] == 1 && memory_is_filled(block, 0x5a, 99));
    KTEST_CHECK(execute_on("peek", name, "+96 4"));
    KTEST_CHECK(execute_on("walk", name, ""));
    KTEST_CHECK(!execute_on("peek", name + 1, ""));
    KTEST_CHECK(!execute_on("free", name, "+16"));
    KTEST_CHECK(execute_on("free", name, ""));
    KTEST_CHECK(!execute_on("free", name, ""));
    KTEST_CHECK(!execute_on("realloc", name, " 10"));
    memory_check_everything();
}

KTEST(shell, a_block_that_is_resized_keeps_its_name_and_contents)
{
    unsigned name = next_name();
    KTEST_CHECK(execute("alloc 100"));
    KTEST_CHECK(execute_on("fill", name, " 100 7"));
    unsigned char *block = named_block(name);
    KTEST_CHECK(execute_on("realloc", name, " 1M"));
    KTEST_CHECK(named_block(name) != block);
    KTEST_CHECK(memory_is_filled(named_block(name), 7, 100));
    KTEST_CHECK(!execute_on("realloc", name, " 0xfffffffffffff000"));
    KTEST_CHECK(execute_on("realloc", name, " 50"));
    KTEST_CHECK(memory_is_filled(named_block(name), 7, 50));
    KTEST_CHECK(next_name() == name + 2); /* no names but these were given */
    KTEST_CHECK(execute_on("free", name, ""));
    memory_check_everything();
}

/* Where a part of the range is bad, no byte of it changes. */
KTEST(shell, fill_changes_all_or_nothing)
{
    unsigned char *page = (unsigned char *)0xffffe12300000000;
    KTEST_CHECK(execute("map 8K rw 0xffffe12300000000"));
    KTEST_CHECK(execute("fill 0xffffe12300000ff0 32 0xff"));
    KTEST_CHECK(memory_is_filled(page, 0, 0xff0) && memory_is_filled(page + 0xff0, 0xff, 32) &&
                memory_is_filled(page + 0x1010, 0, 0xff0));
    KTEST_CHECK(!execute("fill 0xffffe12300000ff0 0x1011 1"));
    KTEST_CHECK(memory_is_filled(page + 0xff0, 0xff, 32));
    KTEST_CHECK(execute("fill 0xffffe12300000ff0 0x1010 1"));
    KTEST_CHECK(memory_is_filled(page + 0xff0, 1, 0x1010));
    KTEST_CHECK(execute("fill 0xffffe12300002000 0 1"));
    KTEST_CHECK(execute("unmap 0xffffe12300000000 8K"));
}

KTEST(shell, check_fails_where_an_invariant_does)
{
    struct heap_world *world = kmalloc_world();
    world->huge_count++;
    bool holds = execute("check");
    world->huge_count--;
    KTEST_CHECK(!holds);
    KTEST_CHECK(execute("check"));
}

static char shown[64];

static void keep(const char *text, size_t length)
{
    for (size_t i = 0; i < length && strlen(shown) < sizeof shown - 1; i++)
        shown[strlen(shown)] = text[i];
}

KTEST(shell, what_is_written_goes_through_the_filter)
{
    memset(shown, 0, sizeof shown);
    console_filter(keep);
    console_print("%u blocks\n", 3);
    console_filter(NULL);
    console_print("# this is shown\n");
    KTEST_CHECK(strcmp(shown, "3 blocks\n") == 0);
}
