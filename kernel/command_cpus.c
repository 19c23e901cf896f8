/* SPDX-License-Identifier: MIT */
/* Prompt commands about CPUs, interrupts and nodes. */
#include "kernel/acpi_madt.h"
#include "kernel/acpi_numa.h"
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/command.h"
#include "kernel/console.h"
#include "kernel/irq.h"
#include "kernel/smp.h"
#include "kernel/topology.h"
#include "lib/format.h"

static const char *what_it_does(const struct percpu *area)
{
    if (!smp_is_online(area->id))
        return "does not answer: left out";
    if (area->id == cpu_id())
        return "runs the prompt";
    if (__atomic_load_n(&area->job, __ATOMIC_RELAXED) != NULL)
        return "works";
    return "idle";
}

static uint64_t all_irqs(const struct percpu *area)
{
    uint64_t sum = 0;
    for (unsigned vector = IRQ_FIRST; vector <= IRQ_SPURIOUS; vector++)
        sum += irq_count(area, vector);
    return sum;
}

static bool show_cpus(int argc, char **argv)
{
    (void)argc, (void)argv;
    const struct madt *madt = topology_madt();
    console_print("CPU  APIC id  node  interrupts    NMIs\n");
    for (unsigned i = 0; i < percpu_count(); i++) {
        const struct percpu *area = percpu_get(i);
        console_print("%3u  %7u  %4u  %10lu  %6u  %s\n", i, area->apic_id,
                      topology_numa()->cpu_node[area->apic_id], all_irqs(area), area->nmis_taken,
                      what_it_does(area));
    }
    if (madt != NULL && madt->out_of_reach > 0)
        console_print("%zu more are not started: only an x2APIC reaches them\n",
                      madt->out_of_reach);
    return true;
}

#define SHOWN_CPUS 8 /* of so many each has a column */

static void show_vector(unsigned vector)
{
    unsigned cpus = percpu_count();
    uint64_t sum = 0;
    for (unsigned i = 0; i < cpus; i++)
        sum += irq_count(percpu_get(i), vector);
    if (sum == 0 && irq_name(vector) == NULL)
        return;
    console_print("%6u  %-12s %9lu", vector, irq_name(vector) != NULL ? irq_name(vector) : "", sum);
    for (unsigned i = 0; i < cpus && cpus <= SHOWN_CPUS; i++)
        console_print(" %8lu", irq_count(percpu_get(i), vector));
    console_print("\n");
}

static bool show_irqs(int argc, char **argv)
{
    (void)argc, (void)argv;
    console_print("vector  from              all");
    for (unsigned i = 0; i < percpu_count() && percpu_count() <= SHOWN_CPUS; i++)
        console_print("   CPU %2u", i);
    console_print("\n");
    for (unsigned vector = IRQ_FIRST; vector <= IRQ_SPURIOUS; vector++)
        show_vector(vector);
    return true;
}

static void show_node(const struct numa *numa, unsigned node)
{
    char text[FORMAT_BYTES_SIZE];
    console_print("node %u: CPUs", node);
    for (unsigned i = 0; i < percpu_count(); i++)
        if (numa->cpu_node[percpu_get(i)->apic_id] == node)
            console_print(" %u", i);
    console_print("; distances");
    for (unsigned to = 0; to < numa->nodes; to++)
        console_print(" %u", numa->distance[node][to]);
    console_print("\n");
    for (size_t i = 0; i < numa->range_count; i++) {
        const struct numa_range *range = &numa->range[i];
        if (range->node == node)
            console_print(
                "  0x%010lx - 0x%010lx  %s\n", phys_of_frame(range->start).addr,
                phys_of_frame(range->end).addr,
                format_bytes(text, (range->end.number - range->start.number) << PAGE_SHIFT));
    }
}

static bool show_nodes(int argc, char **argv)
{
    (void)argc, (void)argv;
    const struct numa *numa = topology_numa();
    for (unsigned node = 0; node < numa->nodes; node++)
        show_node(numa, node);
    if (numa->range_count == 0)
        console_print("  all memory: the firmware tells of no nodes\n");
    return true;
}

const struct command command_cpus[] = {
    {"cpus", "", "the CPUs and what they do", 0, 0, show_cpus},
    {"irqs", "", "which interrupts came, and where", 0, 0, show_irqs},
    {"nodes", "", "memory and CPUs that are near each other", 0, 0, show_nodes},
    {0},
};
