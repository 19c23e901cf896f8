/* SPDX-License-Identifier: MIT */
/* The prompt: what people type is done, or they are told what was expected. */
#include "kernel/console.h"
#include "kernel/ktest.h"
#include "kernel/shell.h"
#include "lib/format.h"
#include "lib/string.h"
#include "tests/kernel/memory.h"

static bool execute(const char *text)
{
    char line[256];
    console_print("# > %s\n# ", text);
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
