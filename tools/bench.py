#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the in-kernel benchmarks under exact instruction counting, beside Linux's figures.

    bench.py --build DIR [--only PREFIX] [--frames NAME=DIR]...

Prints "bench: NAME VALUE UNIT ref=VALUE bar<=VALUE" lines; refs are those of
tests/linux-reference.tsv. --frames: a kernel with the frame allocator NAME, of which the benchmarks
of frames are run, too, as frame.NAME.
"""
import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINE = re.compile(r"bench: (\S+) (\d+) ticks")
BARS = {  # instructions, at most
    "frame.batch_alloc.0": 60,
    "frame.batch_alloc.0.max": 1000,
    "frame.batch_free.0": 60,
    "frame.pair.9": 200,
    "frame.zeroed_pair.0": 612,
    "smp.lock_pair": 20,
    "smp.irq_entry_exit": 150,
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


def run(build, prefix, cpus=1):
    """Exit status, and (name, value) of each benchmark; says all that a failed run said."""
    command = f"bench {prefix}".strip()
    argv = [ROOT / "tests/qemu.py", "--build", build, "--boot", "pvh", "--icount", "--cpu",
            "qemu64,+rdrand", "--timeout", "600", "--cpus", str(cpus), "--cmd", command]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.stdout.write(done.stdout)
    return done.returncode, LINE.findall(done.stdout)


def tell(name, value, linux):
    ref = f" ref={linux[name]}" if name in linux else ""
    bar = f" bar<={BARS[name]}" if name in BARS else ""
    print(f"bench: {name} {value} insn{ref}{bar}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--frames", action="append", default=[])
    options = parser.parse_args()
    linux = references()
    status, figures = run(options.build, options.only)
    if "smp.".startswith(options.only) or options.only.startswith("smp."):
        failed, more = run(options.build, options.only or "smp.", cpus=2)
        status = status or failed
        figures += [figure for figure in more if figure[0] not in dict(figures)]
    for name, value in figures:
        tell(name, value, linux)
    for name, build in (other.split("=") for other in options.frames):
        failed, figures = run(build, "frame")
        status = status or failed
        for figure, value in figures:
            tell(figure.replace("frame.", f"frame.{name}."), value, linux)
    return status


if __name__ == "__main__":
    sys.exit(main())
