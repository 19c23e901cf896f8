#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the kernel's symbol table: reads `nm -n` of a linked kernel, writes assembly.

    symbols.py                     an empty table, for the first link
    symbols.py KERNEL.nm           the table of that kernel's functions, for the second
    symbols.py KERNEL.nm OTHER.nm  compares: exit status 1 if a function moved between the two
"""
import sys


def functions(path):
    """(offset from image_start, name) of each function, sorted, one name an address."""
    symbols = {}
    base = None
    with open(path, encoding="ascii") as lines:
        for line in lines:
            address, kind, name = line.split()
            if name == "image_start":
                base = int(address, 16)
            if kind in "Tt" and not name.startswith("image_"):
                symbols.setdefault(int(address, 16), name)
    if base is None:
        sys.exit(f"symbols.py: {path} has no image_start")
    return sorted((address - base, name) for address, name in symbols.items())


def table(symbols):
    print("        .section .symbols, \"a\", @progbits")
    print("        .balign 8")
    print("        .globl symbols_count, symbols_table, symbols_names")
    print(f"symbols_count: .quad {len(symbols)}")
    print("symbols_table:")
    name_offset = 0
    for offset, name in symbols:
        print(f"        .long {offset:#x}, {name_offset}")
        name_offset += len(name) + 1
    print("symbols_names:")
    for _, name in symbols:
        print(f"        .asciz \"{name}\"")
    print("        .section .note.GNU-stack, \"\", @progbits")


def main(paths):
    if len(paths) == 2:
        if functions(paths[0]) != functions(paths[1]):
            sys.exit("symbols.py: functions moved when the symbol table was filled in")
    else:
        table(functions(paths[0]) if paths else [])


if __name__ == "__main__":
    main(sys.argv[1:])
