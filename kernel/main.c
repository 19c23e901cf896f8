/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel begins. kmain() brings the layers up in the order in which they stand on each
 * other, from the firmware's memory map to the heap; read it first.
 */
#include "boot/boot_info.h"
#include "kernel/acpi_window.h"
#include "kernel/arch/x86_64/asm.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/gdt.h"
#include "kernel/arch/x86_64/idle.h"
#include "kernel/arch/x86_64/image.h"
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/arch/x86_64/pic.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/arch/x86_64/tsc.h"
#include "kernel/console.h"
#include "kernel/drain.h"
#include "kernel/fault.h"
#include "kernel/irq.h"
#include "kernel/keyboard.h"
#include "kernel/log.h"
#include "kernel/mm/brk.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/kmem_cache.h"
#include "kernel/mm/kmalloc_cpu.h"
#include "kernel/mm/kspace.h"
#include "kernel/mm/memmap.h"
#include "kernel/mm/mmap.h"
#include "kernel/mm/pmm.h"
#include "kernel/mm/vmalloc.h"
#include "kernel/nmi.h"
#include "kernel/panic.h"
#include "kernel/screen.h"
#include "kernel/shell.h"
#include "kernel/shootdown.h"
#include "kernel/smp.h"
#include "kernel/topology.h"
#include "lib/format.h"
#include "lib/string.h"

/* What the kernel keeps of boot_info, whose memory it takes over. */
SEALED static struct memmap map;
SEALED static char command_line[BOOT_COMMAND_LINE_SIZE];

/* entry.S calls it, with the time stamp counter as it was then. */
_Noreturn void kmain(const struct boot_info *boot, uint64_t entry_ticks);

/* A count of frames as text; good until the fourth next call. */
static const char *size_of(uint64_t frames)
{
    static char text[4][FORMAT_BYTES_SIZE];
    static unsigned next;
    return format_bytes(text[next++ % 4], frames << PAGE_SHIFT);
}

/* The screen, if its framebuffer lies where memory is mapped from the start. */
static void start_screen(const struct boot_framebuffer *framebuffer)
{
    if (screen_init(framebuffer) && framebuffer->base < BOOT_MAPPED &&
        screen_bytes() <= BOOT_MAPPED - framebuffer->base)
        screen_show((void *)(BOOT_DIRECT_MAP + framebuffer->base));
}

/* The same screen in the kernel's own tables, whose direct map leaves it out. */
static void move_screen(void)
{
    if (screen_bytes() == 0)
        return;
    screen_show(NULL);
    void *window = kspace_map_device(screen_base(), screen_bytes(), PAGE_WRITE_COMBINING);
    struct screen_size size = screen_size();
    screen_show(window);
    if (window == NULL)
        log_print("screen", "off: its framebuffer is RAM or cannot be mapped");
    else
        log_print("screen", "%ux%u characters", size.columns, size.rows);
}

/* The CPU, then the console, so that all that follows can speak; then what answers exceptions and
 * interrupts. */
static void start_machine(const struct boot_info *boot)
{
    cpu_identify();
    cpu_enable();
    gdt_load(&percpu_boot);
    trap_init();
    console_init();
    log_init();
    start_screen(&boot->framebuffer);
    fault_init();
    pic_init(IRQ_ISA);
    keyboard_init(screen_view());
    console_print("\nLoam %s (%s, %s), booted by %s\n", LOAM_VERSION, LOAM_BUILD, LOAM_COMPILER,
                  boot->entry);
    log_print("cpu", "%s, %u-bit physical addresses, %s pages, %s, %u of %u page table levels",
              cpu.vendor, cpu.physical_bits, cpu.gib_pages ? "1 GiB" : "2 MiB",
              cpu.nx ? "NX" : "no NX", cpu.levels, cpu.la57 ? 5 : 4);
}

/* What the loader found besides memory. */
static void tell_boot(const struct boot_info *boot)
{
    char size[FORMAT_BYTES_SIZE];
    const struct boot_framebuffer *screen = &boot->framebuffer;
    if (screen->base != 0)
        log_print("boot", "framebuffer %ux%u at 0x%lx", screen->width, screen->height,
                  screen->base);
    else
        log_print("boot", "no framebuffer");
    if (boot->initrd_bytes != 0)
        log_print("boot", "initrd %s at 0x%lx", format_bytes(size, boot->initrd_bytes),
                  boot->initrd_start);
    log_print("boot", "kernel at 0x%lx, ACPI root pointer at 0x%lx", boot->kernel_start,
              boot->rsdp);
}

/* The firmware's memory map, put in order. */
static void start_memmap(const struct boot_info *boot)
{
    uint64_t physical_end = (uint64_t)1 << (cpu.physical_bits < 52 ? cpu.physical_bits : 52);
    if (memmap_build(&map, boot->ranges, boot->range_count, physical_end) != 0)
        panic("the firmware's memory map has %zu ranges, too many for Loam", boot->range_count);
    log_print("memmap", "%zu firmware ranges, %zu after sorting; RAM %s, usable at once %s",
              boot->range_count, map.count, size_of(memmap_ram(&map)),
              size_of(memmap_frames(&map, BOOT_USABLE)));
}

/* Physical frames and the kernel's own page tables: each needs a little of the other, so frames
 * come in two steps. */
static void start_frames_and_paging(const struct boot_info *boot)
{
    if (pmm_start(&map) != 0)
        panic("no usable memory below 4 GiB; the machine needs more RAM (48 MiB will do)");
    if (kspace_init(&map, boot->kernel_start) != 0)
        panic("too little memory for page tables; the machine needs more RAM (48 MiB will do)");
    move_screen();
    log_print("paging", "own tables: direct map, image, guards");
    if (pmm_init() != 0)
        panic("too little memory for frame metadata; the machine needs more RAM (48 MiB will do)");
    pmm_reclaim(BOOT_LOADER); /* boot_info is gone from here on */
    struct pmm_account account = pmm_account();
    log_print("frames", "%s free of %s", size_of(account.free), size_of(account.ram));
}

/* The kernel's sbrk and mmap, and the heap on them. */
static void start_heap(void)
{
    brk_init(kspace());
    mmap_init(kspace());
    kmalloc_init();
    kmem_cache_init();
    vmalloc_init(kspace());
    log_print("heap", "kmalloc over ksbrk and kmmap");
}

/* Whatever the firmware says of the machine. A machine without it works all the same. */
static void start_acpi(uint64_t rsdp)
{
    const char *wrong = rsdp != 0 ? acpi_window_open(rsdp) : "is not where the loader looked";
    if (wrong != NULL)
        log_print("acpi", "no tables: the ACPI root %s", wrong);
    else
        log_print("acpi", "%zu tables", acpi_window_tables()->count);
    topology_init();
}

/* From here on the kernel can be interrupted, and is not alone. */
static void start_cpus(void)
{
    const struct madt *madt = topology_madt();
    tsc_init();
    bool by_apic = irq_init(madt);
    log_print("irq", "by %s", by_apic ? "APIC" : "PIC");
    asm_interrupts_on();
    irq_timer_start(IRQ_TICKS);
    if (by_apic)
        nmi_init();
    smp_call_init();
    shootdown_init();
    drain_init();
    idle_set_work(kmalloc_idle);
    smp_init(by_apic ? madt : NULL);
    topology_place_memory();
}

static void tell(const char *sentence)
{
    log_print("audit", "%s", sentence);
}

/* The protections, in every table that the CPU will look at. */
static void audit(void)
{
    size_t violations = kspace_audit(tell);
    if (violations != 0)
        panic("the page tables break %zu rules", violations);
    log_print("audit", "%s, sealed data, guard pages and the direct map hold in every table",
              cpu.nx ? "W^X" : "no W^X (this CPU has no NX), but read-only pages");
}

/* How long all this took. */
static void tell_time(uint64_t ticks)
{
    uint64_t rate = tsc_rate();
    if (tsc_is_measured())
        log_print("time", "%lu us from kernel entry to prompt (%lu ticks at %lu MHz)",
                  ticks * 1000 / rate, ticks, rate / 1000);
    else
        log_print("time", "%lu ticks from kernel entry to prompt", ticks);
}

/* boot_info and what it points to become free memory on the way. */
static void keep_command_line(const struct boot_info *boot)
{
    if (strlen(boot->command_line) >= sizeof command_line)
        panic("the command line is longer than %zu characters", sizeof command_line - 1);
    memcpy(command_line, boot->command_line, strlen(boot->command_line) + 1);
}

_Noreturn void kmain(const struct boot_info *boot, uint64_t entry_ticks)
{
    start_machine(boot);
    tell_boot(boot);
    keep_command_line(boot);
    uint64_t rsdp = boot->rsdp;
    start_memmap(boot);
    start_frames_and_paging(boot);
    start_heap();
    start_acpi(rsdp);
    start_cpus();
    kspace_seal();
    audit();
    tell_time(asm_read_tsc() - entry_ticks);
    shell_run(command_line);
}
