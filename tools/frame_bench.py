#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the hosted benchmarks of the frame allocators.

    frame_bench.py DIR [PREFIX]    those whose names begin with PREFIX; DIR holds frame_tree,
                                   frame_list, frame_buddy (tests/bench/frame/bench.c with each
                                   allocator) and frame_locked

Prints "bench: NAME VALUE UNIT bar<=VALUE" lines: instructions counted by callgrind while
frame_alloc or frame_free runs, locked operations by a build that counts them, the rest by the
programs themselves. The figures of list and buddy have that word in their names.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

# What is measured, workload, order, functions that count, bar.
BOTH = ("frame_alloc", "frame_free")
INSTRUCTIONS = [
    ("alloc.0", "seq", 0, ("frame_alloc",), 24),
    ("free_seq.0", "seq", 0, ("frame_free",), 28),
    ("free_rand.0", "rand", 0, ("frame_free",), 76),
    ("pair.0", "pair", 0, BOTH, 45),
    ("alloc.9", "seq", 9, ("frame_alloc",), 75),
    ("free.9", "seq", 9, ("frame_free",), 65),
]
# Workload, which locked operations count, for how many operations on each block, bar.
LOCKED = [
    ("seq", lambda locked, by_alloc: locked, 2, 0.1),
    ("rand", lambda locked, by_alloc: locked - by_alloc, 1, 2.1),
    ("pair", lambda locked, by_alloc: locked, 2, 0),
]
GROUPS = ("whole", "metadata", "init", "needle", "scale2")
SIMPLE = ("list", "buddy")


class Bench:
    def __init__(self, directory, prefix):
        self.directory, self.prefix = pathlib.Path(directory), prefix

    def run(self, *argv):
        """What the program says; argv[0] is its name."""
        argv = (self.directory / argv[0], *map(str, argv[1:]))
        return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout

    def wants(self, name):
        """Whether this name, or one that begins with it, is asked for."""
        return name.startswith(self.prefix) or self.prefix.startswith(name + ".")

    def tell(self, name, value, unit, bar=None):
        suffix = "" if bar is None else f" bar<={bar}"
        print(f"bench: {name} {value} {unit}{suffix}", flush=True)

    def instructions(self, program, workload, order, functions):
        """Of those functions, for each block."""
        with tempfile.TemporaryDirectory(prefix="loam-bench-") as scratch:
            toggles = [f"--toggle-collect={name}" for name in functions]
            argv = ["valgrind", "--tool=callgrind", "--collect-atstart=no", *toggles,
                    f"--callgrind-out-file={scratch}/out", self.directory / program, workload,
                    str(order)]
            done = subprocess.run(argv, check=True, capture_output=True, text=True)
        collected = int(re.search(r"Collected : (\d+)", done.stderr).group(1))
        return collected / numbers(done.stdout)[0]

    def tell_instructions(self):
        for what, workload, order, functions, bar in INSTRUCTIONS:
            name = f"frame.hosted.{what}"
            if self.wants(name):
                value = self.instructions("frame_tree", workload, order, functions)
                self.tell(name, f"{value:.1f}", "insn", bar)

    def tell_simple(self, simple):
        for what, workload, order, functions, _ in INSTRUCTIONS:
            name = f"frame.hosted.{simple}.{what}"
            if order == 0 and self.wants(name):  # the list would take minutes to find larger blocks
                value = self.instructions(f"frame_{simple}", workload, order, functions)
                self.tell(name, f"{value:.1f}", "insn")
        name = f"frame.whole.{simple}"
        if self.wants(name):
            lines = self.run(f"frame_{simple}", "whole").splitlines()
            for line in lines:
                print(line.replace("frame.whole", name).split(" bar")[0], flush=True)

    def tell_locked(self):
        for workload, counted, operations, bar in LOCKED:
            name = f"frame.rmw.{workload}"
            if self.wants(name):
                blocks, *locked = numbers(self.run("frame_locked", workload, 0))
                value = counted(*locked) / blocks / operations
                self.tell(name, f"{value:.3f}", "an_operation", bar)

    def tell_group(self, group):
        if self.wants(f"frame.{group}"):
            for line in self.run("frame_tree", group).splitlines():
                if line.split()[1].startswith(self.prefix):
                    print(line, flush=True)


def numbers(output):
    return [int(number) for number in re.findall(r"\d+", output)]


def main(directory, prefix=""):
    bench = Bench(directory, prefix)
    bench.tell_instructions()
    bench.tell_locked()
    for group in GROUPS:
        bench.tell_group(group)
    for simple in SIMPLE:
        bench.tell_simple(simple)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
