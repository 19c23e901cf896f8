#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the instructions of malloc and free, with the loop and the PLT, by callgrind.

    heap_insn.py PROGRAM LIBRARY

PROGRAM is heap_insn.c's, LIBRARY is preloaded. Prints "bench: heap.insn.NAME VALUE insn" lines.
"""
import os
import re
import shutil
import subprocess
import sys

ROUNDS = 50
CASES = [("fifo48", "fifo", 48, 46), ("pair48", "pair", 48, None), ("pair3000", "pair", 3000, 80),
         ("pair20000", "pair", 20000, 80), ("fresh48", "fresh", 48, None)]


def count(program, library, loop, size, rounds):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, loop,
               str(size), str(rounds)]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "LD_PRELOAD": os.path.abspath(library)})
    counted = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or counted is None:
        sys.exit(f"heap_insn: {' '.join(command)} failed:\n{done.stderr}")
    return int(counted[1])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    if shutil.which("valgrind") is None:
        print("heap_insn: skipped, valgrind is not installed", file=sys.stderr)
        return
    for name, loop, size, bar in CASES:
        more = count(*sys.argv[1:], loop, size, ROUNDS) - count(*sys.argv[1:], loop, size, 0)
        limit = f" bar<={bar}" if bar is not None else ""
        print(f"bench: heap.insn.{name} {more / (ROUNDS * 1000):.1f} insn{limit}")


if __name__ == "__main__":
    main()
