/* SPDX-License-Identifier: MIT */
/* Device memory: it is mapped in its own window alone, not cached, and never an alias of RAM. */
#include <machine.h>

#include "kernel/arch/x86_64/image.h"
#include "kernel/ktest.h"
#include "kernel/memlayout.h"
#include "kernel/mm/kspace.h"
#include "kernel/mm/pmm.h"
#include "tests/kernel/memory.h"

#define LOCAL_APIC         0xfee00000
#define LOCAL_APIC_VERSION 0x30

KTEST(device, registers_can_be_read_at_any_byte)
{
    phys_t phys = {LOCAL_APIC + LOCAL_APIC_VERSION};
    volatile uint32_t *version = kspace_map_device(phys, sizeof *version, PAGE_UNCACHED);
    struct page page;
    KTEST_CHECK(version != NULL);
    KTEST_CHECK((*version & 0xf0) == 0x10); /* 10 to 15: integrated (Intel SDM vol. 3A, 11.4.8) */
    KTEST_CHECK(paging_find(kspace_paging(), (uintptr_t)version, &page));
    KTEST_CHECK(page.phys.addr == LOCAL_APIC);
    KTEST_CHECK(page.flags & PAGE_UNCACHED);
    memory_check_everything();
}

KTEST(device, ram_and_the_kernel_are_no_devices)
{
    phys_t text;
    frame_t frame = pmm_alloc(PMM_KERNEL, (struct frame_request){0});
    KTEST_CHECK(!frame_is_none(frame));
    phys_t ram = phys_of_frame(frame), before = {ram.addr - 1};
    KTEST_CHECK(paging_translate(kspace_paging(), (uintptr_t)image_start, &text));
    KTEST_CHECK(kspace_map_device(ram, 1, PAGE_UNCACHED) == NULL);
    KTEST_CHECK(kspace_map_device(before, 2, PAGE_UNCACHED) == NULL);
    KTEST_CHECK(kspace_map_device(text, 1, PAGE_UNCACHED) == NULL);
    pmm_free(PMM_KERNEL, frame, 0);
}

KTEST(device, addresses_that_the_cpu_does_not_have_are_refused)
{
    phys_t end = {(uint64_t)1 << cpu.physical_bits}, last = {end.addr - PAGE_SIZE};
    KTEST_CHECK(kspace_map_device(end, 1, PAGE_UNCACHED) == NULL);
    KTEST_CHECK(kspace_map_device(last, PAGE_SIZE + 1, PAGE_UNCACHED) == NULL);
    KTEST_CHECK(kspace_map_device(last, UINT64_MAX, PAGE_UNCACHED) == NULL);
    KTEST_CHECK(kspace_map_device((phys_t){UINT64_MAX}, 2, PAGE_UNCACHED) == NULL);
}

/* How many sentences the audit says while `frame` is mapped at `virt`. */
static size_t audit_with(uintptr_t virt, phys_t phys, unsigned flags)
{
    struct paging *paging = kspace_paging();
    flags |= PAGE_READ | PAGE_WRITE | PAGE_GLOBAL;
    KTEST_CHECK(paging_map(paging, virt, phys, PAGE_SIZE, flags) == 0);
    size_t violations = kspace_audit(ktest_report);
    KTEST_CHECK(paging_unmap(paging, virt, PAGE_SIZE, NULL) == 0);
    return violations;
}

KTEST(device, audit_finds_what_is_cached_in_the_window_or_not_cached_outside)
{
    phys_t device = {LOCAL_APIC};
    frame_t frame = pmm_alloc(PMM_KERNEL, (struct frame_request){0});
    phys_t ram = phys_of_frame(frame);
    uintptr_t in_window = (uintptr_t)kspace_map_device(device, PAGE_SIZE, PAGE_UNCACHED);
    KTEST_CHECK(in_window != 0 && !frame_is_none(frame));
    KTEST_CHECK(kspace_audit(ktest_report) == 0);
    KTEST_CHECK(paging_unmap(kspace_paging(), in_window, PAGE_SIZE, NULL) == 0);

    KTEST_CHECK(audit_with(in_window, device, PAGE_UNCACHED) == 0);
    KTEST_CHECK(audit_with(in_window, device, PAGE_WRITE_COMBINING) == 0);
    KTEST_CHECK(audit_with(in_window, device, 0) == 1);
    KTEST_CHECK(audit_with(in_window, ram, PAGE_UNCACHED) == 1);
    KTEST_CHECK(audit_with(MEMLAYOUT_DEVICES_END - PAGE_SIZE, device, PAGE_UNCACHED) == 1);
    KTEST_CHECK(audit_with(MEMLAYOUT_MMAP_END - PAGE_SIZE, device, PAGE_UNCACHED) == 1);
    pmm_free(PMM_KERNEL, frame, 0);
    memory_check_everything();
}
