#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the in-kernel benchmarks under exact instruction counting, beside Linux's figures.

    bench.py --build DIR [--only PREFIX]

Prints "bench: NAME VALUE UNIT ref=VALUE" lines; refs are those of tests/linux-reference.tsv.
"""
import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINE = re.compile(r"bench: (\S+) (\d+) ticks")


BARS = {
    "frame.batch_alloc.0": 60,
    "frame.batch_free.0": 60,
    "frame.pair.9": 200,
    "frame.zeroed_pair.0": 612,
}


def references():
    """{name: value} of Linux's figures in instructions."""
    found = {}
    for line in (ROOT / "tests/linux-reference.tsv").read_text(encoding="ascii").splitlines():
        if not line.startswith("#"):
            name, value, unit = line.split("\t")
            if unit == "insn":
                found[name] = value
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    command = f"bench {options.only}".strip()
    run = [ROOT / "tests/qemu.py", "--build", options.build, "--boot", "pvh", "--icount", "--cpu",
           "qemu64,+rdrand", "--timeout", "600", "--cmd", command]
    done = subprocess.run(run, stdout=subprocess.PIPE, text=True)
    linux = references()
    for name, value in LINE.findall(done.stdout):
        print(f"bench: {name} {value} insn" + (f" ref={linux[name]}" if name in linux else "")
              + (f" bar<={BARS[name]}" if name in BARS else ""))
    if done.returncode != 0:
        sys.stdout.write(done.stdout)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
