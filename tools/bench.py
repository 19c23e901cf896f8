#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the in-kernel benchmarks under exact instruction counting, beside Linux's figures.

    bench.py --build DIR [--only PREFIX] [--hosted DIR] [--frames NAME=DIR]...

Prints "bench: NAME VALUE UNIT ref=VALUE bar<=VALUE" lines; refs are those of
tests/linux-reference.tsv. --hosted: before them, those of frame_bench.py DIR PREFIX; a name is wrong
if neither has it. --frames: a kernel with the frame allocator NAME, of which the benchmarks
of frames are run, too, as frame.NAME.
"""
import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINE = re.compile(r"bench: (\S+) (\d+) (ticks|KiB)")
BARS = {  # instructions, at most
    "frame.batch_alloc.0": 60,
    "frame.batch_alloc.0.max": 1000,
    "frame.batch_free.0": 60,
    "frame.pair.9": 200,
    "frame.zeroed_pair.0": 612,
    **{f"kmalloc.pair.{size}": 60 for size in (16, 64, 256, 1024, 4096, 8192)},
    "kmalloc.churn.alloc_mean": 80,
    "kmalloc.churn.alloc_max": 1000,
    "kmalloc.churn.free_mean": 50,
    "kmalloc.churn.free_max": 500,
    "kmalloc.hardened_pair.64": 250,
    "kmem_cache.pair": 224,
    "smp.lock_pair": 20,
    "smp.irq_entry_exit": 150,
}


def references():
    """{name: value} of Linux's figures."""
    found = {}
    for line in (ROOT / "tests/linux-reference.tsv").read_text(encoding="ascii").splitlines():
        if not line.startswith("#"):
            name, value, unit = line.split("\t")
            if unit in ("insn", "KiB"):
                found[name] = value
    return found


def run_hosted(directory, prefix):
    """Exit status, and how many there were."""
    argv = [ROOT / "tools/frame_bench.py", directory, prefix]
    count = 0
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as bench:
        for line in bench.stdout:
            count += 1
            print(line, end="", flush=True)
    return bench.returncode, count


def run(build, prefix, cpus=1):
    """Exit status, and (name, value, unit) of each benchmark, of which there may be none; says all
    that a failed run said."""
    command = f"bench {prefix}".strip()
    argv = [ROOT / "tests/qemu.py", "--build", build, "--boot", "pvh", "--icount", "--cpu",
            "qemu64,+rdrand", "--timeout", "600", "--cpus", str(cpus), "--cmd", command]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True)
    if "bench: there are none named" in done.stdout:
        return 0, []
    if done.returncode != 0:
        sys.stdout.write(done.stdout)
    return done.returncode, LINE.findall(done.stdout)


def tell(name, value, unit, linux):
    ref = f" ref={linux[name]}" if name in linux else ""
    bar = f" bar<={BARS[name]}" if name in BARS else ""
    unit = unit.replace("ticks", "insn")
    print(f"bench: {name} {value} {unit}{ref}{bar}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--hosted")
    parser.add_argument("--frames", action="append", default=[])
    parser.add_argument("--hardened", help="the same kernel with the hardened heap")
    options = parser.parse_args()
    linux = references()
    status, count, figures = 0, 0, []
    if options.hosted:
        status, count = run_hosted(options.hosted, options.only)
    if not options.only.startswith("kmalloc.hardened"):
        failed, figures = run(options.build, options.only)
        status = status or failed
    if "smp.".startswith(options.only) or options.only.startswith("smp."):
        failed, more = run(options.build, options.only or "smp.", cpus=2)
        status = status or failed
        known = {figure[0] for figure in figures}
        figures += [figure for figure in more if figure[0] not in known]
    count += len(figures)
    for name, value, unit in figures:
        tell(name, value, unit, linux)
    for name, build in (other.split("=") for other in options.frames):
        failed, figures = run(build, options.only or "frame")
        status = status or failed
        for figure, value, unit in figures:
            tell(figure.replace("frame.", f"frame.{name}."), value, unit, linux)
    if options.hardened:
        failed, figures = run(options.hardened, "kmalloc.pair.64")
        status = status or failed
        for figure, value, unit in figures:
            tell(figure.replace(".pair.", ".hardened_pair."), value, unit, linux)
        count += len(figures)
    if count == 0 and status == 0:
        print(f"bench: there are none named {options.only}", file=sys.stderr)
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
