# SPDX-License-Identifier: MIT
"""gdb commands that understand Loam's memory. `make debug` loads them; `help loam` lists them.

They read the kernel's own structures, and change nothing; they work whenever the kernel is halted
after its bring-up, also after a panic.
"""
import os
import sys

import gdb

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import block
import frames
import guest
import heap
import tables


class Command(gdb.Command):
    """A command that calls a function, with an address if it takes one."""

    def __init__(self, name, text, function, takes_address=False):
        self.__doc__ = text
        self.name, self.function, self.takes_address = name, function, takes_address
        super().__init__(name, gdb.COMMAND_DATA)

    def invoke(self, argument, _from_tty):
        if bool(argument) != self.takes_address:
            raise gdb.GdbError("usage: %s%s" % (self.name, " ADDR" * self.takes_address))
        try:
            self.function(*([guest.number(argument)] if argument else []))
        except gdb.error as error:
            raise gdb.GdbError(str(error)) from error


ADDRESS = "ADDR may be any expression: a number, &variable, $rsp."

Command("loam-frames", "Loam: free physical blocks by order.", frames.show)
Command("loam-heap", "Loam: the kernel heap by size class, then every slab.", heap.show)
Command("loam-maps", "Loam: what the tables in CR3 map, in runs of equal pages.", tables.show_runs)
Command(
    "loam-walk",
    "Loam: the page table entries on the way to an address.\nloam-walk ADDR\n" + ADDRESS,
    tables.show_walk,
    takes_address=True,
)
Command(
    "loam-block",
    "Loam: what an address is, as each layer sees it.\nloam-block ADDR\n" + ADDRESS,
    block.show,
    takes_address=True,
)
