#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the hosted benchmarks of the frame allocator.

    frame_bench.py DIR    DIR holds frame_bench and frame_locked

Prints "bench: NAME VALUE UNIT bar<=VALUE" lines: instructions counted by callgrind while
frame_alloc or frame_free runs, locked operations by a build that counts them, the rest by itself.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

# Name, workload, order, function, bar.
INSTRUCTIONS = [
    ("frame.hosted.alloc.0", "seq", 0, "frame_alloc", 24),
    ("frame.hosted.free_seq.0", "seq", 0, "frame_free", 28),
    ("frame.hosted.free_rand.0", "rand", 0, "frame_free", 76),
    ("frame.hosted.pair.0", "pair", 0, "frame_*", 45),
    ("frame.hosted.alloc.9", "seq", 9, "frame_alloc", 75),
    ("frame.hosted.free.9", "seq", 9, "frame_free", 65),
]
LOCKED = [("seq", 1, 0.1), ("rand", 2, 2.1), ("pair", 1, 0)]  # per operation; rand: per free


def run(argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True)


def operations(output):
    """(operations, locked ones) as a workload tells them."""
    return [int(number) for number in re.findall(r"\d+", output)]


def count_instructions(program, workload, order, function):
    with tempfile.TemporaryDirectory(prefix="loam-bench-") as directory:
        functions = ["frame_alloc", "frame_free"] if function == "frame_*" else [function]
        done = run(["valgrind", "--tool=callgrind", "--collect-atstart=no",
                    f"--callgrind-out-file={directory}/out",
                    *[f"--toggle-collect={name}" for name in functions],
                    program, workload, str(order)])
    collected = int(re.search(r"Collected : (\d+)", done.stderr).group(1))
    return collected / (operations(done.stdout)[0] / 2)


def main(directory):
    directory = pathlib.Path(directory)
    for name, workload, order, function, bar in INSTRUCTIONS:
        value = count_instructions(directory / "frame_bench", workload, order, function)
        print(f"bench: {name} {value:.1f} insn bar<={bar}", flush=True)
    for workload, share, bar in LOCKED:
        total, locked = operations(run([directory / "frame_locked", workload, "0"]).stdout)
        print(f"bench: frame.rmw.{workload} {locked * share / total:.3f} per op bar<={bar}")
    subprocess.run([directory / "frame_bench", "run"], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
