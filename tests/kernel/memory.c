/* SPDX-License-Identifier: MIT */
/* What the in-kernel tests of the memory layers share. */
#include "tests/kernel/memory.h"

#include "kernel/ktest.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/kspace.h"
#include "kernel/mm/pmm.h"
#include "kernel/mm/vmalloc.h"

bool memory_is_filled(const void *memory, unsigned char byte, size_t size)
{
    const unsigned char *bytes = memory;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != byte)
            return false;
    return true;
}

uint64_t memory_free_frames(void)
{
    return pmm_account().free;
}

void memory_need(uint64_t bytes)
{
    kmalloc_trim();
    if (memory_free_frames() < bytes / PAGE_SIZE)
        ktest_skip("this machine has too little memory");
}

void memory_check_everything(void)
{
    KTEST_CHECK(pmm_check(ktest_report) == 0);
    KTEST_CHECK(kspace_audit(ktest_report) == 0);
    KTEST_CHECK(aspace_check(kspace(), ktest_report) == 0);
    KTEST_CHECK(kmalloc_check(ktest_report) == 0);
    KTEST_CHECK(vmalloc_check(ktest_report) == 0);
}
