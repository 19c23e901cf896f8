# SPDX-License-Identifier: MIT
"""The kernel heap, read from its own bookkeeping: classes, slabs, large blocks."""
import collections

import gdb

import guest
import layout
from layout import C

SLICE = C["HEAP_SLICE_SIZE"]
ARENA = C["MEMLAYOUT_BRK_START"]
RECORDS = C["HEAP_CLASSES"]  # the class of the records of large blocks

# An object of a slab, or a large block; live is false for an object that is free.
Block = collections.namedtuple("Block", "start size live kind")
Slab = collections.namedtuple("Slab", "index start kind size capacity used map")


def state():
    """The one struct heap of the kernel."""
    heap = guest.variable("kernel/mm/kmalloc.c", "heap")
    if not int(heap["classes"][0]["size"]):
        raise gdb.GdbError("the heap is not up yet: let the kernel come up")
    return heap


def slab(heap, index):
    """Slice number `index` as a slab, or None if it is free."""
    table = gdb.Value(C["MEMLAYOUT_HEAP_TABLE_START"])
    slice_ = table.cast(gdb.lookup_type("struct heap_slice").pointer())[index]
    if not int(slice_["used"]):
        return None
    kind, bitmap = int(slice_["class"]), slice_["map"]
    size, capacity = (int(heap["classes"][kind][field]) for field in ("size", "capacity"))
    bits = guest.read_bits(int(bitmap.address), bitmap.type.sizeof)
    return Slab(index, ARENA + index * SLICE, kind, size, capacity, int(slice_["used"]), bits)


def slabs(heap):
    found = (slab(heap, index) for index in range(int(heap["slices"])))
    return [each for each in found if each]


def find_small(heap, address):
    """The object that holds an address of the arena; None in a free slice or behind the last."""
    index = (address - ARENA) // SLICE
    home = slab(heap, index) if index < int(heap["slices"]) else None
    if not home:
        return None
    number = (address - home.start) // home.size
    if number >= home.capacity:
        return None
    kind = "record of a large block" if home.kind == RECORDS else "small block"
    return Block(home.start + number * home.size, home.size, home.map >> number & 1 == 1, kind)


def find_large(heap, address):
    node = guest.tree_at_or_below(heap["large"], address)
    record = node and guest.container(node, "heap_record")
    if not record or address - int(node["key"]) >= int(record["bytes"]):
        return None
    return Block(int(node["key"]), int(record["bytes"]), True, "large block")


def find_dma(address):
    """The KM_DMA32 block at an address of the direct map."""
    node = guest.tree_at_or_below(guest.variable("kernel/mm/kmalloc.c", "dma_blocks"), address)
    dma = node and guest.container(node, "dma_block")
    size = dma and layout.PAGE_SIZE << int(dma["order"])
    if not dma or address - int(node["key"]) >= size:
        return None
    return Block(int(node["key"]), size, True, "KM_DMA32 block")


def show_classes(heap):
    blocks = size = 0
    print("  class  slabs       live       room")
    for index in range(RECORDS):
        fields = ("size", "slabs", "live", "capacity")
        each, count, live, capacity = (int(heap["classes"][index][name]) for name in fields)
        blocks, size = blocks + live, size + live * each
        if count:
            print("%7d %6d %10d %10d" % (each, count, live, count * capacity - live))
    arena, free = int(heap["slices"]) * SLICE, int(heap["free_slices"])
    text = "%d small blocks, %s, in an arena of %s (%d slices free)"
    print(text % (blocks, layout.size_of(size), layout.size_of(arena), free))
    large = int(heap["large_bytes"])
    print("%d large blocks, %s" % (int(heap["large_count"]), layout.size_of(large)))


def show():
    heap = state()
    show_classes(heap)
    for each in slabs(heap):
        kind = "records of large blocks" if each.kind == RECORDS else "blocks"
        line = (each.index, each.start, each.used, each.capacity, kind, each.size)
        print("slab %d at 0x%x: %d of %d %s of %d bytes live" % line)
