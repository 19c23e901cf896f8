/* SPDX-License-Identifier: MIT */
/* Prompt commands about the machine and the kernel as a whole. */
#include <stddef.h>

#include "kernel/acpi_window.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/image.h"
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/arch/x86_64/power.h"
#include "kernel/arch/x86_64/stack.h"
#include "kernel/bench.h"
#include "kernel/command.h"
#include "kernel/console.h"
#include "kernel/crash.h"
#include "kernel/ktest.h"
#include "kernel/log.h"
#include "kernel/mm/kspace.h"
#include "kernel/mm/paging.h"
#include "kernel/panic.h"
#include "lib/string.h"

struct flag {
    const char *name;
    bool on;
};

/* A line of them, up to one without a name. */
static void show_flags(const struct flag *flag)
{
    for (const char *before = ""; flag->name != NULL; flag++, before = " ")
        console_print("%s%c%s", before, flag->on ? '+' : '-', flag->name);
    console_print("\n");
}

static bool is_mapped(const char *address, unsigned flag)
{
    struct page page;
    return paging_find(kspace_paging(), (uintptr_t)address, &page) && (page.flags & flag) != 0;
}

/* What is on, as this CPU and the page tables have it now. docs/protections.md */
static void show_protections(void)
{
    struct cpu_protections on = cpu_protections();
    const char *guard = (const char *)stack_get(cpu_id(), STACK_MAIN).low - 1;
    show_flags((const struct flag[]){
        {"NX", on.nx},
        {"WP", on.write_protect},
        {"SMEP", on.smep},
        {"SMAP", on.smap},
        {"UMIP", on.umip},
        {"W^X", on.nx && on.write_protect},
        {"guard-pages", !is_mapped(guard, PAGE_READ)},
        {"sealed-data", !is_mapped(image_rodata_end, PAGE_WRITE)},
        {"stack-canaries", percpu_this()->canary != 0},
        {NULL, false},
    });
}

static bool show_cpu(int argc, char **argv)
{
    (void)argc, (void)argv;
    console_print(
        "%s  %s\nfamily %u model %u stepping %u; addresses: %u bits physical, %u virtual\n",
        cpu.vendor, cpu.brand, cpu.family, cpu.model, cpu.stepping, cpu.physical_bits,
        cpu.virtual_bits);
    show_flags((const struct flag[]){
        {"NX", cpu.nx},
        {"1-GiB-pages", cpu.gib_pages},
        {"global-pages", cpu.global_pages},
        {"PAT", cpu.pat},
        {"SMEP", cpu.smep},
        {"SMAP", cpu.smap},
        {"UMIP", cpu.umip},
        {"LA57", cpu.la57},
        {"RDRAND", cpu.rdrand},
        {"hypervisor", cpu.hypervisor},
        {NULL, false},
    });
    console_print("protections: ");
    show_protections();
    return true;
}

static bool show_log(int argc, char **argv)
{
    (void)argc, (void)argv;
    log_show();
    return true;
}

static void dump_table(const struct acpi_table *table)
{
    const unsigned char *bytes = table->data;
    for (uint32_t i = 0; i < table->bytes; i++)
        console_print("%s%02x%s", i % 16 == 0 ? "  " : " ", bytes[i],
                      i % 16 == 15 || i + 1 == table->bytes ? "\n" : "");
}

/* Lists the tables, or shows the bytes of one. */
static bool show_tables(int argc, char **argv)
{
    const struct acpi *acpi = acpi_window_tables();
    struct acpi_table table;
    if (acpi == NULL) {
        console_print("tables: the firmware gave no sound ACPI tables; `log` says why\n");
        return false;
    }
    if (argc > 1 && !acpi_find(acpi, argv[1], &table)) {
        console_print("tables: there is no sound table %s\n", argv[1]);
        return false;
    }
    if (argc > 1) {
        dump_table(&table);
        return true;
    }
    for (size_t i = 0; i < acpi->count; i++) {
        const char *wrong = acpi_read(acpi, i, &table);
        console_print("%s  0x%08lx  %6u bytes  %s\n", table.signature, table.phys, table.bytes,
                      wrong == NULL ? "sound" : wrong);
    }
    return true;
}

static bool test(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "list") == 0) {
        ktest_list();
        return true;
    }
    bool is_long = argc > 1 && strcmp(argv[argc - 1], "long") == 0;
    int named = argc - is_long;
    if (named > 2) {
        console_print("test: \"%s\" is not long\n", argv[2]);
        return false;
    }
    return ktest_run(named > 1 ? argv[1] : NULL, is_long);
}

static bool bench(int argc, char **argv)
{
    return bench_run(argc > 1 ? argv[1] : NULL);
}

static bool do_panic(int argc, char **argv)
{
    panic("%s", argc > 1 ? argv[1] : "asked for at the prompt");
}

static bool crash(int argc, char **argv)
{
    (void)argc;
    return crash_run(argv[1]);
}

static bool poweroff(int argc, char **argv)
{
    (void)argc, (void)argv;
    if (!cpu.hypervisor)
        console_print("It is safe now to switch the machine off.\n");
    power_off(POWER_OK);
}

static bool reboot(int argc, char **argv)
{
    (void)argc, (void)argv;
    power_reset();
}

const struct command command_machine[] = {
    {"cpu", "", "what the CPU is and can do", 0, 0, show_cpu},
    {"log", "", "what the kernel has logged", 0, 0, show_log},
    {"tables", "[SIGNATURE]", "the ACPI tables, or the bytes of one", 0, 1, show_tables},
    {"test", "[NAME] [long]", "the in-kernel tests as TAP; `test list` names them", 0, 2, test},
    {"bench", "[NAME]", "the in-kernel benchmarks, or those of one name", 0, 1, bench},
    {"crash", "KIND", "provoke a fault; an unknown KIND lists them", 1, 1, crash},
    {"panic", "[REASON]", "end the kernel", 0, 1, do_panic},
    {"poweroff", "", "turn the machine off", 0, 0, poweroff},
    {"reboot", "", "start the machine anew", 0, 0, reboot},
    {0},
};
