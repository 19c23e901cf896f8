# SPDX-License-Identifier: MIT
"""The numbers that Loam's headers define, and the words that its prompt has for sizes.

Structures need no table here: they stand in the kernel's debug information.
"""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HEADERS = [
    "lib/addr.h",
    "boot/boot_info.h",
    "kernel/memlayout.h",
    "kernel/arch/x86_64/stack.h",
    "kernel/mm/paging.h",
    "kernel/mm/paging_entry.h",
    "lib/alloc/frame.h",
    "lib/alloc/frame_line.h",
    "lib/alloc/frame_tree.h",
    "lib/alloc/heap_slice.h",
]
DEFINE = re.compile(r"^#define (\w+)[ \t]+([^\n]+?)[ \t]*(?:/\*.*)?$", re.M)
CAST = re.compile(r"\((uint64_t|size_t)\)")


def read_headers():
    """{name: value} of every macro that is a number."""
    found = {}
    for header in HEADERS:
        text = (ROOT / header).read_text(encoding="ascii")
        for name, expression in DEFINE.findall(text):
            try:
                found[name] = eval(CAST.sub("", expression), {"__builtins__": {}}, dict(found))
            except (SyntaxError, NameError):
                continue  # a macro for something else
    return found


C = read_headers()
DIRECT_MAP = C["MEMLAYOUT_DIRECT_MAP_START"]
IMAGE = C["MEMLAYOUT_IMAGE_START"]
PAGE_SIZE = C["PAGE_SIZE"]
WINDOWS = [
    (DIRECT_MAP, DIRECT_MAP + C["MEMLAYOUT_DIRECT_MAP_SIZE"], "direct map"),
    (C["MEMLAYOUT_BRK_START"], C["MEMLAYOUT_BRK_END"], "brk"),
    (C["MEMLAYOUT_MMAP_START"], C["MEMLAYOUT_MMAP_END"], "mmap"),
    (C["MEMLAYOUT_VMALLOC_START"], C["MEMLAYOUT_VMALLOC_END"], "vmalloc"),
    (C["MEMLAYOUT_HEAP_TABLE_START"], C["MEMLAYOUT_HEAP_TABLE_END"], "heap table"),
    (C["MEMLAYOUT_DEVICES_START"], C["MEMLAYOUT_DEVICES_END"], "devices"),
    (C["MEMLAYOUT_ACPI_START"], C["MEMLAYOUT_ACPI_END"], "ACPI tables"),
    (C["MEMLAYOUT_STACKS_START"], C["MEMLAYOUT_STACKS_END"], "kernel stacks"),
]


def window_of(address):
    """The name of the window that the address lies in; "" if it lies in none."""
    names = [name for start, end, name in WINDOWS if start <= address < end]
    return names[0] if names else ""


def canonical(address):
    """Bit 47 copied to the bits above it: the only addresses that exist."""
    low = address % (1 << 48)
    return low | 0xFFFF << 48 if low >> 47 else low


def size_of(count):
    """Bytes for people, as format_bytes() in lib/format.c writes them."""
    units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    unit = (count.bit_length() - 1) // 10 if count else 0
    rest = count % (1 << 10 * unit)
    tenth = ".%d" % (rest * 10 >> 10 * unit) if rest else ""
    return "%d%s %s" % (count >> 10 * unit, tenth, units[unit])
