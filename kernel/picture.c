/* SPDX-License-Identifier: MIT */
/* See picture.h. */
#include "kernel/picture.h"

#define BLOCK_ORDER 9 /* 2 MiB: what fullness is told of */

char picture_character(struct frame_fullness fullness)
{
    if (fullness.managed == 0)
        return ' ';
    if (fullness.free >= fullness.managed)
        return '.';
    if (fullness.free == 0)
        return '#';
    uint64_t tenths = (fullness.managed - fullness.free) * 10 / fullness.managed;
    return (char)('0' + (tenths == 0 ? 1 : tenths));
}

unsigned picture_order(struct frame_range range, unsigned rows)
{
    unsigned order = BLOCK_ORDER;
    uint64_t room = (uint64_t)rows * PICTURE_COLUMNS;
    while (((range.end.number - 1) >> order) - (range.start.number >> order) >= room)
        order++;
    return order;
}

bool picture_row(const struct frames *frames, struct frame_range range, unsigned order,
                 char row[PICTURE_COLUMNS + 1])
{
    uint64_t first = range.start.number >> order, end = (range.end.number - 1) >> order;
    bool any = false;
    unsigned column = 0;
    for (; column < PICTURE_COLUMNS && first + column <= end; column++) {
        uint64_t at = (first + column) << order;
        struct frame_fullness piece = frame_fullness(frames, at, at + ((uint64_t)1 << order));
        any = any || piece.managed > 0;
        row[column] = picture_character(piece);
    }
    row[column] = '\0';
    return any;
}
