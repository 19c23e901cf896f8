#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads TAP, the lines `ok 1 - name`, `not ok 2 - name` and the plan `1..2`, into cases.

As a command it takes a file of Python unit tests, runs them and prints TAP, so that tests/run.py
treats them as it treats every other test program.
"""
import collections
import os
import re
import sys
import unittest

# outcome is "passed", "failed" or "skipped"; notes says why, and may be empty.
Case = collections.namedtuple("Case", "name outcome notes")

PLAN = re.compile(r"1\.\.(\d+)\s*(?:#\s*SKIP\b\s*(.*))?$", re.I)
RESULT = re.compile(r"(not )?ok\b\s*\d*\s*(?:-\s+)?(.*)$")
SKIP = re.compile(r"(.*?)\s*#\s*SKIP\b\s*(.*)$", re.I)


def parse(text):
    """The cases in `text`, and a sentence if they are not what the plan promised, else None.

    One text may hold several plans, as a cmocka program with several groups prints them. Lines
    with # belong to the failed case before them, else to the case after them.
    """
    cases, planned, bailed, notes = [], None, None, []
    for line in text.splitlines():
        plan, result = PLAN.match(line), RESULT.match(line)
        if plan:
            planned = (planned or 0) + int(plan[1])
            if plan[2] is not None:
                cases.append(Case("everything", "skipped", plan[2]))
                planned += 1
        elif result:
            cases.append(case_of(result, notes))
            notes = []
        elif line.startswith("Bail out!"):
            bailed = line
        elif line.startswith("#") and cases and cases[-1].outcome == "failed":
            cases[-1] = cases[-1]._replace(notes=joined([cases[-1].notes, line]))
        elif line.startswith("#"):
            notes.append(line)
    return cases, bailed or complaint(len(cases), planned)


def joined(notes):
    return "\n".join(line[2:] if line.startswith("# ") else line for line in notes).strip()


def case_of(result, notes):
    skip = SKIP.match(result[2])
    if skip:  # cmocka writes `not ok 2 # SKIP name`
        return Case(skip[1] or skip[2], "skipped", skip[2])
    return Case(result[2], "failed", joined(notes)) if result[1] else Case(result[2], "passed", "")


def complaint(reported, planned):
    if planned is None:
        return "no plan: it never printed a line 1..N"
    if planned == 0:
        return "its plan is 1..0: it ran no tests"
    if planned != reported:
        return "%d tests were planned, %d reported" % (planned, reported)
    return None


def print_unittests(path):
    """Runs the unit tests in the file; gives the number of failures."""
    directory, name = os.path.split(os.path.abspath(path))
    tests = list(flatten(unittest.defaultTestLoader.discover(directory, pattern=name)))
    print("1..%d" % len(tests), flush=True)
    failures = 0
    for number, test in enumerate(tests, 1):
        result = unittest.TestResult()
        test.run(result)
        failures += not result.wasSuccessful()
        print_result(number, test.id().split(".")[-1], result)
    return failures


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


def print_result(number, name, result):
    skipped = "".join(" # SKIP " + reason for _, reason in result.skipped)
    word = "ok" if result.wasSuccessful() else "not ok"
    print("%s %d - %s%s" % (word, number, name.replace("_", " "), skipped))
    for _, trace in result.failures + result.errors:
        print("".join("# %s\n" % line for line in trace.splitlines()), end="")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(1 if print_unittests(sys.argv[1]) else 0)
