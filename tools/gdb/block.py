# SPDX-License-Identifier: MIT
"""What is this address? The answer of each layer that knows something about it."""
import gdb

import frames
import guest
import heap
import layout
import tables
from layout import C


def inside(address, start):
    """How an address lies to the start of what holds it."""
    return "the start of" if address == start else "%d bytes into" % (address - start)


def tell_block(address, block):
    state = "live" if block.live else "free"
    text = "%s a %s %s of %d bytes at 0x%x"
    return text % (inside(address, block.start), state, block.kind, block.size, block.start)


def tell_symbol(address):
    """The function or variable that gdb finds there, and the line of a function."""
    text = gdb.execute("info symbol 0x%x" % address, to_string=True).split(" in section")[0]
    if text.startswith("No symbol"):
        return []
    sal = gdb.find_pc_line(address)
    place = " (%s:%d)" % (sal.symtab.filename, sal.line) if sal.symtab and sal.line else ""
    return [text.strip() + place]


def tell_stack(address):
    stack = guest.stack_of(address)
    if not stack:
        return ["no stack of a CPU that is there"]
    if address < stack[1]:
        return ["the guard page of the %s stack, which ends at 0x%x" % (stack[0], stack[1])]
    return ["the %s stack, %d bytes below its start" % (stack[0], stack[2] - address)]


def tell_image(address):
    if guest.stack_of(address):
        return tell_stack(address)
    part = guest.image_part(address)
    return [part] + tell_symbol(address) if part else ["beside the kernel image"]


def tell_frame(phys):
    """What the frame allocator says, and the firmware's memory map."""
    frame = phys // layout.PAGE_SIZE
    if not frames.is_managed(frame):
        kind = frames.memory_kind(frame) or "no"
        return "frame 0x%x, which is not managed: %s memory" % (frame, kind)
    free = frames.find_free(frame)
    if free:
        return "frame 0x%x, free: in the free block at frame 0x%x of order %d" % (frame, *free)
    user = "the frame allocator's metadata" if frames.is_metadata(frame) else None
    user = user or tables.user_of(frame * layout.PAGE_SIZE) or "seen through the direct map alone"
    return "frame 0x%x, in use: %s" % (frame, user)


def tell_arena(address):
    world = heap.state()
    if address >= int(world["end"]):
        return ["behind the heap's arena, which ends at the break"]
    block = heap.find_in_arena(world, address)
    return [tell_block(address, block) if block else "in the heap's arena, in no block"]


def tell_region(address):
    """The region of the kernel's address space."""
    node = guest.tree_at_or_below(guest.variable("kernel/mm/kspace.c", "space")["regions"], address)
    region = node and guest.container(node, "region")
    if not region or address >= int(region["end"]):
        return ["in no region: nothing is mapped there"]
    return ["in the region 0x%x-0x%x" % (int(node["key"]), int(region["end"]))]


def tell_mapping(address):
    block = heap.find_mapping(heap.state(), address)
    return tell_region(address) + ([tell_block(address, block)] if block else [])


def tell_vmalloc(address):
    block = heap.find_virtual(address)
    return [tell_block(address, block) if block else "in no block: a guard, or never used"]


def tell_direct_map(address):
    phys = address - layout.DIRECT_MAP
    block = heap.find_dma(address)
    lines = ["physical 0x%x" % phys, tell_frame(phys)]
    return lines + ([tell_block(address, block)] if block else [])


def tell_descriptor(address):
    size = gdb.lookup_type("struct heap_slice").sizeof
    number = (address - C["MEMLAYOUT_HEAP_TABLE_START"]) // size
    world = heap.state()
    if number * size > int(world["mask"]):
        return ["behind the descriptors in use"]
    return ["the descriptor of the slice at 0x%x" % heap.slice_of_descriptor(world, number)]


TELL = {
    "direct map": tell_direct_map,
    "brk": tell_arena,
    "mmap": tell_mapping,
    "vmalloc": tell_vmalloc,
    "heap table": tell_descriptor,
    "kernel stacks": tell_stack,
}


def tell_page(address):
    page = tables.find(address)
    if not page:
        return "not mapped"
    phys = page.phys + address - page.virt
    size = layout.size_of(tables.span(page.level))
    return "mapped: %s page of %s -> physical 0x%x" % (tables.flags(page.entry), size, phys)


def describe(address):
    """Sentences about an address, from the most to the least specific layer."""
    if layout.canonical(address) != address:
        return ["not canonical: no such address exists"]
    window = layout.window_of(address)
    if address < layout.PAGE_SIZE:
        lines = ["a null pointer, or a field of one"]
    elif address >> 63 == 0:
        lines = ["the lower half: nothing of the kernel's"]
    elif window:
        lines = [window] + TELL.get(window, lambda _: [])(address)
    elif address >= layout.IMAGE:
        lines = tell_image(address)
    else:
        lines = ["between the windows of the kernel's memory map"]
    return lines + [tell_page(address)]


def show(address):
    print("0x%x" % address)
    for line in describe(address):
        print("  " + line)
