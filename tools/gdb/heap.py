# SPDX-License-Identifier: MIT
"""The kernel heap, read from its own bookkeeping: size classes, slabs, large blocks, mappings;
lib/alloc/heap_slice.h draws it."""
import collections

import gdb

import guest
import layout
from layout import C

SLICE = C["HEAP_SLICE_SIZE"]
ARENA = C["MEMLAYOUT_BRK_START"]
MARKS_BYTES = SLICE // C["HEAP_MIN_ALIGN"] // 8  # of one slice
WAKE_ME = 1  # the flag among the bits of `remote`

# An object of a slab, or a large block; live is false for an object that is free.
Block = collections.namedtuple("Block", "start size live kind")


def state():
    """The one struct heap_world of the kernel."""
    world = guest.variable("kernel/mm/kmalloc.c", "world")
    if not int(world["table"]):
        raise gdb.GdbError("the heap is not up yet: let the kernel come up")
    return world


def is_kind(slice_, name):
    return int(slice_["kind"]) == int(gdb.parse_and_eval(name))


class Slab:
    """A slice of the arena that holds objects of one size."""

    def __init__(self, world, slice_, base):
        self.world, self.slice, self.base = world, slice_, base
        self.index = int(slice_["size_class"])
        self.start = int(slice_["start"])
        self.size = int(gdb.parse_and_eval("heap_class_sizes")[self.index])
        self.capacity = SLICE // self.size

    def used(self):
        """Objects with callers, on their way back, or ready to be given out."""
        asleep = int(self.slice["place"]) == int(gdb.parse_and_eval("HEAP_ASLEEP"))
        return int(self.slice["linked" if asleep else "used"])

    def find(self, address):
        """The object that holds an address; None before the first."""
        if address < self.start:
            return None
        start = address - (address - self.start) % self.size
        return Block(start, self.size, self.is_live(start), "small block")

    def is_live(self, start):
        """By the marks that debug builds keep; else whatever is not known to be free is live."""
        number = (self.base >> 16) & (int(self.world["mask"]) >> 6)
        try:
            marks = guest.read_bits(int(self.world["marks"]) + number * MARKS_BYTES, MARKS_BYTES)
        except gdb.GdbError:
            return start not in self.listed() and not self.is_unlinked(start)
        return marks >> (start - self.base) // C["HEAP_MIN_ALIGN"] & 1 == 1

    def listed(self):
        """The objects in the lists of the slab and of its owner."""
        owner = self.slice["owner"]
        firsts = [int(self.slice["free"]), int(self.slice["remote"]) & ~WAKE_ME]
        if self.is_current():
            firsts.append(int(owner["list"][self.index]))
        return {each for first in firsts for each in self.follow(first)}

    def follow(self, start):
        """A list; each object's first word is the XOR of its address and the next one's."""
        seen = set()
        while self.base <= start < self.base + SLICE and start not in seen:
            seen.add(start)
            start ^= guest.read_bits(start, 8) ^ int(self.world["secret"])
        return seen

    def is_current(self):
        return self.slice["owner"]["current"][self.index] == self.slice.address

    def is_unlinked(self, start):
        """Is it one that has never been linked into a list, or not since its page was given back?"""
        pages = {at // layout.PAGE_SIZE for at in (start - self.base, start - self.base + self.size - 1)}
        if any(int(self.slice["uncarved"]) >> page & 1 for page in pages):
            return True
        bump, end = (int(self.slice["owner"][name][self.index]) for name in ("bump", "bump_end"))
        return self.is_current() and bump <= start < end


def slice_at(world, address):
    """The descriptor of the slice that holds an address; None beside the arena."""
    if not ARENA <= address < int(world["end"]):
        return None
    return world["table"][(address >> 16) & (int(world["mask"]) >> 6)]


def slice_of_descriptor(world, number):
    """The address of the slice that a descriptor of the table stands for."""
    slices = (int(world["mask"]) >> 6) + 1
    return ARENA + (number - int(world["first"])) % slices * SLICE


def slabs(world):
    for base in range(ARENA, int(world["end"]), SLICE):
        slice_ = slice_at(world, base)
        if is_kind(slice_, "HEAP_SLAB"):
            yield Slab(world, slice_, base)


def runs(world):
    """The sizes of the large blocks in the arena."""
    slices = (slice_at(world, base) for base in range(ARENA, int(world["end"]), SLICE))
    return [int(each["bytes"]) for each in slices if is_kind(each, "HEAP_RUN")]


def find_run(world, slice_, address):
    if is_kind(slice_, "HEAP_RUN_REST"):
        slice_ = world["table"][int(slice_["next"])]
    if not is_kind(slice_, "HEAP_RUN"):
        return None
    start = slice_of_descriptor(world, int(slice_.address - world["table"]))
    size = int(slice_["bytes"])
    return Block(start, size, True, "large block") if address - start < size else None


def find_in_arena(world, address):
    """The block that holds an address of the arena, or None."""
    slice_ = slice_at(world, address)
    if is_kind(slice_, "HEAP_SLAB"):
        return Slab(world, slice_, address - address % SLICE).find(address)
    return find_run(world, slice_, address)


def find_in_tree(root, kind, address, size_of, name):
    """The block that holds an address, of a tree of records whose keys are starts; or None."""
    node = guest.tree_at_or_below(root, address)
    record = node and guest.container(node, kind)
    if not record or address - int(node["key"]) >= size_of(record):
        return None
    return Block(int(node["key"]), size_of(record), True, name)


def find_mapping(world, address):
    return find_in_tree(
        world["huge"], "heap_huge", address, lambda record: int(record["bytes"]), "large block"
    )


def find_dma(address):
    """The KM_DMA32 block at an address of the direct map."""
    return find_in_tree(
        guest.variable("kernel/mm/kmalloc_dma.c", "blocks"),
        "dma_block",
        address,
        lambda record: layout.PAGE_SIZE << int(record["order"]),
        "KM_DMA32 block",
    )


def find_virtual(address):
    """The block of vmalloc at an address of its window."""
    return find_in_tree(
        guest.variable("kernel/mm/vmalloc.c", "blocks"),
        "vmalloc_block",
        address,
        lambda record: int(record["bytes"]),
        "block of vmalloc",
    )


def show_classes(found):
    blocks = size = 0
    print("  class  slabs       used       room  full")
    for index in sorted({each.index for each in found}):
        same = [each for each in found if each.index == index]
        used = sum(each.used() for each in same)
        room, each = len(same) * same[0].capacity, same[0].size
        blocks, size = blocks + used, size + used * each
        line = (each, len(same), used, room - used, used * 100 // room)
        print("%7d %6d %10d %10d %3d %%" % line)
    print("%d small blocks live or at hand, %s" % (blocks, layout.size_of(size)))


def show():
    world = state()
    found, large = list(slabs(world)), runs(world)
    show_classes(found)
    count = len(large) + int(world["huge_count"])
    size = sum(large) + int(world["huge_bytes"])
    print("%d large blocks, %s" % (count, layout.size_of(size)))
    for each in found:
        line = (each.base, each.used(), each.capacity, each.size)
        print("slab at 0x%x: %d of %d blocks of %d bytes used" % line)
