# SPDX-License-Identifier: MIT
"""The machine being debugged: its memory, the kernel's variables, what stands in its image."""
import functools

import gdb

from layout import C, DIRECT_MAP


def read(address, size):
    """Bytes at a virtual address."""
    try:
        return bytes(gdb.selected_inferior().read_memory(address, size))
    except gdb.MemoryError as error:
        reason = "0x%x cannot be read; has the kernel come up? `tbreak shell_run`, `continue`"
        raise gdb.GdbError(reason % address) from error


def read_bits(address, size):
    """The same as one number: bit i of a bitmap is bit i of it."""
    return int.from_bytes(read(address, size), "little")


def read_phys(phys, size):
    return read(DIRECT_MAP + phys, size)


def variable(file, name):
    """A static variable of one source file."""
    return gdb.parse_and_eval("'%s'::%s" % (file, name))


def number(expression):
    """What an expression of the person at gdb is as an address, 0 to 2^64 - 1."""
    return int(gdb.parse_and_eval(expression).cast(gdb.lookup_type("unsigned long")))


def container(node, kind):
    """container_of() of a tree node: the struct `kind` whose field `node` is at that address."""
    pointer = gdb.lookup_type("struct " + kind).pointer()
    offset = pointer.target()["node"].bitpos // 8
    return gdb.Value(int(node) - offset).cast(pointer).dereference()


def tree_at_or_below(root, key):
    """tree_at_or_below() of lib/tree.h; None if there is none."""
    found, node = None, root
    while int(node):
        below = int(node["key"]) <= key
        found, node = (node, node["child"][1]) if below else (found, node["child"][0])
    return found


STACK_STEP = C["STACK_GUARD_SIZE"] + C["STACK_SIZE"]


def stacks():
    """(name, lowest address, end) of each kernel stack; its guard lies below the lowest."""
    kinds = variable("kernel/arch/x86_64/stack.c", "names")
    first, last = kinds.type.range()
    names = [kinds[index].string() for index in range(first, last + 1)]
    starts = [(name, "(unsigned long)&stack_memory", i) for i, name in enumerate(names)]
    for cpu in range(1, int(variable("kernel/arch/x86_64/percpu.c", "count"))):
        for i, name in enumerate(["main"] + names[1:]):
            start = (cpu - 1) * len(names) + i
            starts.append(("CPU %d %s" % (cpu, name), str(C["MEMLAYOUT_STACKS_START"]), start))
    lows = [(name, number(at) + i * STACK_STEP + C["STACK_GUARD_SIZE"]) for name, at, i in starts]
    return [(name, low, low + C["STACK_SIZE"]) for name, low in lows]


def stack_of(address):
    """The stack that the address lies in, guard included, or None."""
    for stack in stacks():
        if stack[1] - C["STACK_GUARD_SIZE"] <= address < stack[2]:
            return stack
    return None


@functools.lru_cache(None)
def image_borders():
    names = ("image_start", "image_text_end", "image_rodata_end", "image_sealed_end", "image_end")
    return [number("(unsigned long)&" + name) for name in names]


def image_part(address):
    """What the address is in the kernel image; "" if it lies outside."""
    borders = image_borders()
    for part, name in enumerate(("kernel text", "kernel rodata", "sealed data", "kernel data")):
        if borders[part] <= address < borders[part + 1]:
            return name
    return ""
