#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the in-kernel benchmarks under exact instruction counting, beside Linux's figures.

    bench.py --build DIR [--only PREFIX]

Prints "bench: NAME VALUE UNIT ref=VALUE bar<=VALUE" lines; refs are those of
tests/linux-reference.tsv.
"""
import argparse
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BARS = {"smp.lock_pair": 20, "smp.irq_entry_exit": 150}  # instructions, at most
LINE = re.compile(r"bench: (\S+) (\d+) ticks")


def references():
    """{name: value} of Linux's figures in instructions."""
    found = {}
    for line in (ROOT / "tests/linux-reference.tsv").read_text(encoding="ascii").splitlines():
        if not line.startswith("#"):
            name, value, unit = line.split("\t")
            if unit == "insn":
                found[name] = value
    return found


def boot(options, cpus, only):
    """Runs the benchmarks whose names begin with `only` on so many CPUs."""
    run = [ROOT / "tests/qemu.py", "--build", options.build, "--boot", "pvh", "--icount", "--cpu",
           "qemu64,+rdrand", "--timeout", "600", "--cpus", str(cpus), "--cmd",
           f"bench {only}".strip()]
    return subprocess.run(run, stdout=subprocess.PIPE, text=True)


def show(name, value, linux):
    ref = f" ref={linux[name]}" if name in linux else ""
    bar = f" bar<={BARS[name]}" if name in BARS else ""
    print(f"bench: {name} {value} insn{ref}{bar}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    only, linux, shown = options.only, references(), set()
    boots = [(1, only)]
    if "smp.".startswith(only) or only.startswith("smp."):
        boots.append((2, only or "smp."))  # those that another CPU takes part in
    for cpus, prefix in boots:
        done = boot(options, cpus, prefix)
        for name, value in LINE.findall(done.stdout):
            if name not in shown:
                show(name, value, linux)
            shown.add(name)
        if done.returncode != 0:
            sys.stdout.write(done.stdout)
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
