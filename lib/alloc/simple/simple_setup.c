/* SPDX-License-Identifier: MIT */
/* Brings a simple frame allocator up: its array, what may be added, and what is. */
#include "lib/alloc/frame_port.h"
#include "lib/alloc/simple/simple.h"

/* From the GiB that holds the first frame to the last frame. */
static struct frame_range extent(const struct frame_range *ranges, size_t count)
{
    uint64_t first = ranges[0].start.number >> FRAME_ORDER_MAX << FRAME_ORDER_MAX;
    return (struct frame_range){{first}, ranges[count - 1].end};
}

size_t frame_metadata_size(const struct frame_range *ranges, size_t count, unsigned cpus)
{
    (void)cpus;
    struct frame_range all = extent(ranges, count);
    uint64_t frames = all.end.number - all.start.number;
    return sizeof(struct simple) + frames * (sizeof(struct simple_link) + sizeof(uint8_t));
}

void frame_init(struct frames *frames, const struct frame_range *ranges, size_t count,
                unsigned cpus, void *metadata)
{
    (void)cpus;
    struct frame_range all = extent(ranges, count);
    struct simple *simple = metadata;
    if (all.end.number - all.start.number >= SIMPLE_NONE)
        frame_port_panic("frame_init: frames 0x%llx to 0x%llx are more than fit 32 bits",
                         (unsigned long long)all.start.number,
                         (unsigned long long)all.end.number - 1);
    *frames = (struct frames){.ranges = metadata};
    *simple = (struct simple){.first = all.start.number};
    simple->count = simple_index(simple, all.end);
    simple->link = (struct simple_link *)(simple + 1);
    simple->state = (uint8_t *)(simple->link + simple->count);
    for (unsigned order = 0; order < FRAME_ORDERS; order++)
        simple->head[order] = SIMPLE_NONE;
    for (uint32_t index = 0; index < simple->count; index++)
        simple->state[index] = SIMPLE_OUTSIDE;
    for (size_t i = 0; i < count; i++)
        for (uint64_t at = ranges[i].start.number; at < ranges[i].end.number; at++)
            simple->state[at - simple->first] = SIMPLE_ABSENT;
}

void frame_add(struct frames *frames, frame_t start, frame_t end)
{
    struct simple *simple = simple_of(frames);
    if (!simple_is_there(simple, start, end.number - start.number, SIMPLE_ABSENT))
        frame_port_panic("frame_add: frames 0x%llx to 0x%llx are not all memory that is managed",
                         (unsigned long long)start.number, (unsigned long long)end.number - 1);
    bool were_on = simple_lock(simple);
    for (; start.number < end.number; start.number++) {
        uint32_t index = simple_index(simple, start);
        if (simple->state[index] != SIMPLE_ABSENT) {
            simple_unlock(simple, were_on);
            frame_port_panic("frame_add: frame 0x%llx was added already",
                             (unsigned long long)start.number);
        }
        simple->state[index] = SIMPLE_PLAIN;
        simple_put(simple, index, 0);
        simple->free++;
        frames->total++;
    }
    simple_unlock(simple, were_on);
}

/* All memory is equally near here. */
void frame_set_nodes(struct frames *frames, const struct frame_node *nodes, size_t count,
                     const uint8_t *distance)
{
    (void)distance;
    frames->node = nodes;
    frames->nodes = count;
}

void frame_set_cpu_node(struct frames *frames, unsigned cpu, uint16_t node)
{
    (void)frames, (void)cpu, (void)node;
}

void frame_set_reserve(struct frames *frames, uint64_t count)
{
    simple_of(frames)->reserve = count;
}
