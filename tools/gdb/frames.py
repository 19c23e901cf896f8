# SPDX-License-Identifier: MIT
"""The frame allocator, read from its own tree of bitmaps; lib/alloc/frame_tree.h draws it."""
import gdb

import guest
import layout
from layout import C

LINE_SHIFT = C["LINE_SHIFT"]
LINE_BYTES = C["LINE_BITS"] // 8
SPAN_SHIFT = C["SPAN_SHIFT"]
ORDERS = C["FRAME_ORDERS"]


def state():
    """The one struct frames of the kernel."""
    if not guest.variable("kernel/mm/pmm.c", "grown_up"):
        raise gdb.GdbError("the frame allocator is not up yet: let the kernel come up")
    return guest.variable("kernel/mm/pmm.c", "frames")


def bit(bits, index):
    return bits >> index & 1


def runs(bits, k):
    """The bits at which an aligned run of 2^k set bits of a line starts."""
    for step in range(k):
        bits &= bits >> (1 << step)
    return bits & sum(1 << at for at in range(0, C["LINE_BITS"], 1 << k))


def count_line(bits, order, count):
    """Counts the maximal aligned runs; `order` is that of one bit."""
    for k in reversed(range(LINE_SHIFT)):
        starts = runs(bits, k)
        count[order + k] += bin(starts).count("1")
        for step in range(k):
            starts |= starts << (1 << step)
        bits &= ~starts


class Span:
    """The bitmaps of one GiB that is partly free."""

    def __init__(self, frames, gib):
        self.span = frames["spans"][int(frames["slots"][gib]) - 1]
        self.whole = self.bits("whole")
        self.split = self.bits("split")

    def bits(self, field):
        return guest.read_bits(int(self.span[field].address), LINE_BYTES)

    def line(self, block):
        return guest.read_bits(int(self.span["line"][block].address), LINE_BYTES)

    def count(self, count):
        count_line(self.whole, LINE_SHIFT, count)
        for block in range(C["SPAN_BLOCKS"]):
            if bit(self.split, block):
                count_line(self.line(block), 0, count)


def root(frames):
    """(whole, split): a bit for each GiB."""
    size = (int(frames["gibs"]) + 63) // 64 * 8
    return [guest.read_bits(int(frames[name]), size) for name in ("whole", "split")]


def count_blocks():
    """Free blocks of each order, as frame_count_blocks() counts them."""
    frames, count = state(), [0] * ORDERS
    whole, split = root(frames)
    count[SPAN_SHIFT] = bin(whole).count("1")
    for gib in range(int(frames["gibs"])):
        if bit(split, gib):
            Span(frames, gib).count(count)
    return count


def free_run(bits, index):
    """The order of the largest aligned run of set bits that holds bit `index`, or -1."""
    orders = [k for k in range(LINE_SHIFT) if bit(runs(bits, k), index >> k << k)]
    return max(orders, default=-1)


def find_free(frame):
    """(first frame, order) of the free block that holds a frame, or None if it is in use."""
    frames = state()
    gib, block = frame >> SPAN_SHIFT, frame >> LINE_SHIFT
    whole, split = root(frames)
    order = SPAN_SHIFT if bit(whole, gib) else -1
    if bit(split, gib):
        span = Span(frames, gib)
        order = free_run(span.whole, block % C["SPAN_BLOCKS"])
        if order >= 0:
            order += LINE_SHIFT
        elif bit(span.split, block % C["SPAN_BLOCKS"]):
            order = free_run(span.line(block % C["SPAN_BLOCKS"]), frame % C["LINE_BITS"])
    return (frame >> order << order, order) if order >= 0 else None


def is_managed(frame):
    frames = state()
    ranges = [frames["ranges"][index] for index in range(int(frames["range_count"]))]
    return any(int(r["start"]["number"]) <= frame < int(r["end"]["number"]) for r in ranges)


def is_metadata(frame):
    """True iff it holds the frame allocator's own bookkeeping, which begins with the ranges."""
    first = (int(state()["ranges"]) - layout.DIRECT_MAP) // layout.PAGE_SIZE
    return first <= frame < first + int(guest.variable("kernel/mm/pmm.c", "metadata_frames"))


def memory_kind(frame):
    """What the firmware said of the frame's memory; None if it said nothing."""
    memmap = guest.variable("kernel/mm/pmm.c", "map")
    for index in range(int(memmap["count"])):
        entry = memmap["range"][index]
        if int(entry["start"]["number"]) <= frame < int(entry["end"]["number"]):
            return str(entry["kind"]).replace("BOOT_", "").lower()
    return None


def show():
    count = count_blocks()
    print("order      block  free blocks       free")
    for order, blocks in enumerate(count):
        size = layout.PAGE_SIZE << order
        line = (order, layout.size_of(size), blocks, layout.size_of(blocks * size))
        print("%5d %10s %12d %10s" % line)
    free = sum(blocks << order for order, blocks in enumerate(count))
    size = layout.size_of(free * layout.PAGE_SIZE)
    print("%d of %d frames are free (%s)" % (free, int(state()["total"]), size))
