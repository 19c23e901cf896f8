#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Says which lines and branches of lib/, kernel/mm and kernel/acpi the hosted tests reach.

    coverage.py DIR    runs every *_test in DIR (built with --coverage), then gcov; prints a line a
                       file and the total, and names the lines, the branches and the files that
                       nothing reached; status 1 if any file is below the bars
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

COVERED = re.compile(r"((lib|kernel/mm)/.*|kernel/acpi\w*)\.[ch]$")
LINES_BAR, BRANCHES_BAR = 95, 85  # percent, for each file and for the total


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


def half_reached(lines, branches):
    """The lines that were reached, but not in every direction that leads on from them."""
    return {line for (line, _), count in branches.items() if lines[line] and not count}


def not_hosted(reached):
    """Sources that no hosted program is built from."""
    sources = [*pathlib.Path("lib").rglob("*.c"), *pathlib.Path("kernel").rglob("*.c")]
    names = {str(path) for path in sources if COVERED.match(str(path))}
    return sorted(names - set(reached))


def tell(name, lines, branches):
    """A line of the table; true iff the bars are met."""
    figures = percent(list(lines.values())), percent(list(branches.values()))
    notes = ""
    missed = [number for number, count in lines.items() if not count]
    halves = half_reached(lines, branches)
    if missed:
        notes += f"  not reached: {ranges(missed)}"
    if halves:
        notes += f"  one way only: {ranges(halves)}"
    print("%5.1f%%  %7.1f%%  %s%s" % (*figures, name, notes))
    return figures[0] >= LINES_BAR and figures[1] >= BRANCHES_BAR


def main(folder):
    for left in folder.rglob("*.gcda"):
        left.unlink()  # counts of an earlier run, perhaps of other code
    run_tests(folder)
    lines, branches = collect(folder)
    print(" lines  branches  file")
    low = [name for name in sorted(lines) if not tell(name, lines[name], branches[name])]
    all_lines = {(name, key): count for name in lines for key, count in lines[name].items()}
    all_ways = {(name, key): count for name in branches for key, count in branches[name].items()}
    totals = percent(list(all_lines.values())), percent(list(all_ways.values()))
    print("%5.1f%%  %7.1f%%  total" % totals)
    print("not hosted, tested in the kernel alone: " + " ".join(not_hosted(lines)))
    if low:
        bars = f"{LINES_BAR} % of lines or {BRANCHES_BAR} % of branches"
        sys.exit(f"coverage.py: below {bars}: " + ", ".join(low))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
