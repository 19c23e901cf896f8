#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Says which lines and branches of lib/ and kernel/mm the hosted tests reach.

    coverage.py DIR    runs every *_test in DIR (built with --coverage), then gcov; prints a line a
                       file and the total, and names the lines that nothing reached
"""
import collections
import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

COVERED = re.compile(r"(lib|kernel/mm)/.*\.[ch]$")


def run_tests(folder):
    for program in sorted(folder.glob("*_test")):
        done = subprocess.run([program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
        if done.returncode != 0:
            sys.stdout.buffer.write(done.stdout)
            sys.exit(f"coverage.py: {program} failed")


def gcov_reports(folder):
    """The parsed JSON of each object's gcov run."""
    notes = [str(path.resolve()) for path in folder.rglob("*.gcda")]
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["gcov", "--json-format", "--branch-probabilities", *notes], cwd=scratch,
                       stdout=subprocess.DEVNULL, check=True)
        for path in pathlib.Path(scratch).glob("*.gcov.json.gz"):
            with gzip.open(path) as text:
                yield json.load(text)


def collect(folder):
    """{file: {line: count}} and {file: {(line, branch): count}}, added up over all programs."""
    lines = collections.defaultdict(collections.Counter)
    branches = collections.defaultdict(collections.Counter)
    for report in gcov_reports(folder):
        for entry in report["files"]:
            name = os.path.relpath(entry["file"])
            if not COVERED.match(name):
                continue
            for line in entry["lines"]:
                number = line["line_number"]
                lines[name][number] += line["count"]
                for index, branch in enumerate(line["branches"]):
                    branches[name][number, index] += branch["count"]
    return lines, branches


def ranges(numbers):
    """[1, 2, 3, 7] as "1-3 7"."""
    runs = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return " ".join(f"{a}-{b}" if a != b else str(a) for a, b in runs)


def percent(counts):
    reached = sum(1 for count in counts if count)
    return 100 * reached / len(counts) if counts else 100.0


def main(folder):
    run_tests(folder)
    lines, branches = collect(folder)
    print("lines  branches  file")
    for name in sorted(lines):
        missed = [number for number, count in lines[name].items() if not count]
        print(f"{percent(list(lines[name].values())):4.0f}%  {percent(list(branches[name].values())):7.0f}%"
              f"  {name}" + (f"  not reached: {ranges(missed)}" if missed else ""))
    all_lines = [count for counts in lines.values() for count in counts.values()]
    all_branches = [count for counts in branches.values() for count in counts.values()]
    print(f"{percent(all_lines):4.1f}%  {percent(all_branches):6.1f}%  total")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
