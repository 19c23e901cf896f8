/* SPDX-License-Identifier: MIT */
/* Nodes on the real machine: the firmware's tables reach the frame allocator. */
#include "kernel/acpi_numa.h"
#include "kernel/arch/x86_64/percpu.h"
#include "kernel/ktest.h"
#include "kernel/mm/pmm.h"
#include "kernel/smp.h"
#include "kernel/topology.h"
#include "lib/alloc/frame_kind.h"

#define FRAMES 200 /* more than a CPU has at hand */

static frame_t taken[FRAMES];

static void take(void *unused)
{
    (void)unused;
    for (size_t i = 0; i < FRAMES; i++)
        taken[i] = pmm_alloc(PMM_KERNEL, (struct frame_request){0});
}

static void put_back(void)
{
    for (size_t i = 0; i < FRAMES; i++)
        pmm_free(PMM_KERNEL, taken[i], 0);
}

static bool has_memory(const struct numa *numa, unsigned node)
{
    for (size_t i = 0; i < numa->range_count; i++)
        if (numa->range[i].node == node)
            return true;
    return false;
}

/* The nearest node that has memory: itself, if it has. */
static unsigned source_of(const struct numa *numa, unsigned node)
{
    unsigned best = numa->nodes;
    for (unsigned to = 0; to < numa->nodes; to++)
        if (has_memory(numa, to) &&
            (best == numa->nodes || numa->distance[node][to] < numa->distance[node][best]))
            best = to;
    return best;
}

KTEST(nodes, each_cpu_gets_frames_of_the_nearest_node_that_has_some)
{
    const struct numa *numa = topology_numa();
    if (numa->nodes < 2)
        ktest_skip("this machine is one node");
    if (!frame_kind.knows_nodes)
        ktest_skip("this frame allocator knows no nodes");
    for (unsigned number = 0; number < smp_count(); number++) {
        smp_call(number, take, NULL);
        unsigned near = 0, node = source_of(numa, numa->cpu_node[percpu_get(number)->apic_id]);
        for (size_t i = 0; i < FRAMES; i++)
            near += numa_node_of(numa, taken[i]) == node;
        put_back();
        KTEST_CHECK(near == FRAMES);
    }
}
