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
HAND_BITS = 64  # of the masks that a CPU has at hand


def state():
    """The one struct frames of the kernel."""
    pmm = guest.variable("kernel/mm/pmm.c", "pmm")
    if not pmm["grown_up"]:
        raise gdb.GdbError("the frame allocator is not up yet: let the kernel come up")
    frames = pmm["frames"]
    if not int(frames["cpu"]):
        raise gdb.GdbError("this kernel's frames are not kept by the tree (FRAMES=)")
    return frames


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
    """The bitmaps of one GiB that has been in use."""

    def __init__(self, address):
        self.span = address.dereference()
        self.whole = self.bits(self.span["list"][C["LIST_BLOCKS"]])

    @staticmethod
    def bits(line):
        return guest.read_bits(int(line.address), LINE_BYTES)

    def line(self, block):
        """What of a block is free: nothing of one that is whole or was never used."""
        odd = int(self.span["desc"][block]) & (C["DESC_WHOLE"] | C["DESC_RAW"])
        return 0 if odd else self.bits(self.span["line"][block])

    def count(self, count):
        count_line(self.whole, LINE_SHIFT, count)
        for block in range(C["SPAN_BLOCKS"]):
            count_line(self.line(block), 0, count)


def whole_gibs(frames):
    """A bit for each GiB that is free as a whole."""
    lines = int(frames["lines"])
    first = int(frames["lists"]) + C["LIST_GIBS"] * lines * LINE_BYTES
    return guest.read_bits(first, (lines - 1) * LINE_BYTES)


def span_of(frames, gib):
    """The Span of a GiB, or None if it has none."""
    address = frames["span"][gib] if gib < int(frames["gibs"]) else 0
    return Span(address) if int(address) else None


def count_blocks():
    """Free blocks of each order, as frame_count_blocks() counts them."""
    frames, count = state(), [0] * ORDERS
    whole = whole_gibs(frames)
    count[SPAN_SHIFT] = bin(whole).count("1")
    for gib in range(int(frames["gibs"])):
        span = None if bit(whole, gib) else span_of(frames, gib)
        if span:
            span.count(count)
    return count


def hands(frames):
    """(first frame, mask) of what CPUs have at hand: free, but not in the tree."""
    for number in range(int(frames["cpus"])):
        cpu = frames["cpu"][number]
        yield int(cpu["first"]), int(cpu["mask"])
        yield int(cpu["freed_word"]) * HAND_BITS, int(cpu["freed"])


def free_run(bits, index):
    """The order of the largest aligned run of set bits that holds bit `index`, or -1."""
    orders = [k for k in range(LINE_SHIFT) if bit(runs(bits, k), index >> k << k)]
    return max(orders, default=-1)


def is_at_hand(frames, frame):
    return any(0 <= frame - first < HAND_BITS and bit(mask, frame - first)
               for first, mask in hands(frames))


def find_free(frame):
    """(first frame, order) of the free block that holds a frame, or None if it is in use."""
    frames = state()
    gib, block = frame >> SPAN_SHIFT, (frame >> LINE_SHIFT) % C["SPAN_BLOCKS"]
    order = SPAN_SHIFT if bit(whole_gibs(frames), gib) else -1
    span = None if order >= 0 else span_of(frames, gib)
    if span and bit(span.whole, block):
        order = LINE_SHIFT + free_run(span.whole, block)
    elif span:
        order = free_run(span.line(block), frame % C["LINE_BITS"])
    if order < 0 and is_at_hand(frames, frame):
        order = 0
    return (frame >> order << order, order) if order >= 0 else None


def is_managed(frame):
    frames = state()
    ranges = [frames["ranges"][index] for index in range(int(frames["range_count"]))]
    return any(int(r["start"]["number"]) <= frame < int(r["end"]["number"]) for r in ranges)


def is_metadata(frame):
    """True iff it holds the frame allocator's own bookkeeping, which begins with the CPUs."""
    first = (int(state()["cpu"]) - layout.DIRECT_MAP) // layout.PAGE_SIZE
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
    frames = state()
    at_hand = sum(bin(mask).count("1") for _, mask in hands(frames))
    free = at_hand + sum(blocks << order for order, blocks in enumerate(count))
    size = layout.size_of(free * layout.PAGE_SIZE)
    text = "%d of %d frames are free (%s), %d of them at hand of CPUs"
    print(text % (free, int(frames["total"]), size, at_hand))
