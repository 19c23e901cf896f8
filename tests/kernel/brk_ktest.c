/* SPDX-License-Identifier: MIT */
/* The break on the real machine. */
#include "kernel/ktest.h"
#include "kernel/mm/brk.h"
#include "kernel/mm/pmm.h"
#include "lib/string.h"
#include "tests/kernel/memory.h"

KTEST(brk, grown_memory_is_zero_also_after_shrinking)
{
    char *start = ksbrk(0);
    for (int round = 0; round < 2; round++) {
        char *grown = ksbrk((intptr_t)MIB);
        KTEST_CHECK(grown == start);
        KTEST_CHECK(memory_is_filled(grown, 0, MIB));
        memset(grown, 0xee, MIB);
        KTEST_CHECK(ksbrk(-(intptr_t)MIB) == start + MIB);
        KTEST_CHECK(ksbrk(0) == start);
    }
    memory_check_everything();
}

KTEST(brk, impossible_growth_changes_nothing)
{
    void *start = ksbrk(0);
    uint64_t before = memory_free_frames();
    KTEST_CHECK(ksbrk(INTPTR_MAX) == (void *)-1);
    KTEST_CHECK(ksbrk(INTPTR_MIN) == (void *)-1);
    KTEST_CHECK(ksbrk((intptr_t)(pmm_account().ram << PAGE_SHIFT)) == (void *)-1);
    KTEST_CHECK(ksbrk(0) == start);
    KTEST_CHECK(memory_free_frames() == before);
    memory_check_everything();
}
