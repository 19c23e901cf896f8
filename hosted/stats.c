/* SPDX-License-Identifier: MIT */
/* What the heap did, told at exit: amounts of memory, then classes, then a verdict. */
#include <sys/resource.h>

#include "hosted/hosted.h"
#include "lib/format.h"

static void say_row(const char *name, uint64_t peak, uint64_t total, uint64_t freed,
                    uint64_t current)
{
    char text[4][FORMAT_BYTES_SIZE];
    hosted_say("%10s: %10s %10s %10s %10s", name, format_bytes(text[0], peak),
               format_bytes(text[1], total), format_bytes(text[2], freed),
               format_bytes(text[3], current));
}

static void say_class(const struct heap_class_stats *class)
{
    char text[2][FORMAT_BYTES_SIZE];
    if (class->slabs > 0)
        hosted_say("%8u B: %10llu of %8llu blocks live, %s of %s in %u slabs", class->size,
                   (unsigned long long)class->used, (unsigned long long)class->capacity,
                   format_bytes(text[0], class->used * class->size),
                   format_bytes(text[1], class->capacity * class->size), class->slabs);
}

static void say_process(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return;
    char text[FORMAT_BYTES_SIZE];
    hosted_say("%10s: user %lld.%03d s, system %lld.%03d s, faults %ld, resident at most %s",
               "process", (long long)usage.ru_utime.tv_sec, (int)(usage.ru_utime.tv_usec / 1000),
               (long long)usage.ru_stime.tv_sec, (int)(usage.ru_stime.tv_usec / 1000),
               usage.ru_minflt + usage.ru_majflt,
               format_bytes(text, (uint64_t)usage.ru_maxrss * 1024));
}

static void say_verdict(const struct heap_stats *stats)
{
    uint64_t blocks = stats->runs + stats->huge, bytes = stats->run_bytes + stats->huge_bytes;
    for (unsigned i = 0; i < HEAP_CLASSES; i++) {
        blocks += stats->classes[i].used;
        bytes += stats->classes[i].used * stats->classes[i].size;
    }
    char text[FORMAT_BYTES_SIZE];
    if (blocks == 0)
        hosted_say("%10s: all blocks were freed", "verdict");
    else
        hosted_say("%10s: %llu blocks, %s, were not freed", "verdict", (unsigned long long)blocks,
                   format_bytes(text, bytes));
}

void hosted_stats(void)
{
    struct heap_stats stats;
    heap_stats(&hosted_world, &stats);
    hosted_say("%10s  %10s %10s %10s %10s", "loam", "peak", "total", "freed", "current");
    say_row("memory", stats.taken_max, stats.taken + stats.returned, stats.returned, stats.taken);
    say_row("arena", stats.arena_bytes, stats.arena_bytes, stats.free_bytes,
            stats.arena_bytes - stats.free_bytes);
    hosted_say("%10s: %llu blocks, %llu mappings; %zu heaps; %llu slabs woken", "large",
               (unsigned long long)stats.runs, (unsigned long long)stats.huge, hosted_heaps(),
               (unsigned long long)stats.wakes);
    for (unsigned i = 0; i < HEAP_CLASSES; i++)
        say_class(&stats.classes[i]);
    say_process();
    say_verdict(&stats);
}
