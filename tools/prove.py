#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves the contracts of the pure functions with Frama-C's WP; docs/prove.md tells what and how.

    prove.py [--root DIR] [--build DIR] [--timeout SECONDS] [--only FUNCTION,...]

Takes DIR/tests/prove, writes to the build folder only. The last line says how many goals of
how many are proved; status 1 if one is not, 2 if Frama-C does not come so far. Where the tools are
missing that is said as skipped, with status 0.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

TOOLS = "frama-c why3 z3 cvc4".split()

# Every function needs a contract and must be free of run-time errors.
FRAMA_C = """frama-c -c11 -cpp-extra-args=-I. -kernel-warn-key typing=error
    -wp -wp-rte -wp-warn-key pedantic-assigns=error -wp-cache none -wp-par 2""".split()

# The provers cannot compute with bits of constants: WP's own simplifier goes through the values of
# a variable one by one.
BY_VALUES = "-wp-prover tip -wp-auto wp:range -wp-auto-width 64".split()
BY_PROVERS = "-wp-prover z3,cvc4".split()

# The functions that each file in tests/prove proves.
FILES = {
    "words": """bits_min bits_max bits_lowest bits_highest bits_mask bits_test bits_set bits_clear
        word_mask word_clip word_aligned word_runs word_take""".split(),
    "rounding": ["bits_round_down"],
    "alignment": ["bits_round_up", "bits_is_aligned"],
    "orders": ["bits_log2_up"],
}

PROVED = re.compile(r"^\[wp\] \[(?:Qed|Script|Z3|CVC4)[^]]*\] Goal typed_(\w+) : Valid", re.M)
FAILED = re.compile(r"^\[wp\] \[[^]]*\] Goal typed_(\w+)(?: : (?!Valid).*)?$", re.M)
TOTAL = re.compile(r"^\[wp\] Proved goals: +(\d+) / (\d+)", re.M)


class ProofError(Exception):
    """Frama-C did not come so far as to try the proofs."""


class Prover:
    """Runs Frama-C over the sources below `root`, and writes to `build` only."""

    def __init__(self, root, build, timeout):
        self.root, self.build, self.timeout = root, build, timeout
        self.runs = 0
        shutil.rmtree(build, ignore_errors=True)
        build.mkdir(parents=True)
        self.run("why3 config detect".split())

    def run(self, command):
        """What the command prints, which is added to a log."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env=dict(os.environ, PWD=str(self.root), WHY3CONFIG=str(self.build / "why3.conf")),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
        )
        with open(self.build / "log.txt", "a", encoding="utf-8") as log:
            log.write("$ %s\n%s" % (" ".join(command), done.stdout))
        if done.returncode != 0:
            raise ProofError("%s failed:\n%s" % (command[0], done.stdout))
        return done.stdout

    def prove(self, name, *options):
        """The names of the goals of a file that are proved, and of those that are not."""
        self.runs += 1
        session = self.build / ("session%d" % self.runs)
        limits = ["-wp-session", str(session), "-wp-timeout", str(self.timeout)]
        output = self.run([*FRAMA_C, "tests/prove/%s.c" % name, *limits, *options])
        if "No goal generated" in output:
            return [], []
        proved, failed = PROVED.findall(output), FAILED.findall(output)
        total = TOTAL.search(output)
        if not total or [len(proved), len(proved + failed)] != [int(n) for n in total.groups()]:
            raise ProofError("what Frama-C says is not understood:\n" + output)
        return proved, failed

    def prove_lemmas(self, name):
        values, _ = self.prove(name, "-wp-prop", "@lemma", *BY_VALUES)
        rest = ["@lemma", *("-" + goal[len("lemma_") :] for goal in values)]
        proved, failed = self.prove(name, "-wp-prop", ",".join(rest), *BY_PROVERS)
        return values + proved, failed

    def prove_functions(self, name, functions):
        return self.prove(name, "-wp-fct", ",".join(functions), *BY_PROVERS)


def prove_all(prover, only):
    """The same for all functions and lemmas, or for the functions in `only`."""
    proved, failed = [], []
    for name, functions in FILES.items():
        chosen = [function for function in functions if not only or function in only]
        results = [prover.prove_functions(name, chosen)] if chosen else []
        results += [] if only else [prover.prove_lemmas(name)]
        for good, bad in results:
            proved += good
            failed += bad
    return proved, failed


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description="Proves the contracts of the pure functions.")
    add = parser.add_argument
    add("--root", type=pathlib.Path, default=pathlib.Path(), metavar="DIR", help="the sources")
    build = pathlib.Path("build/prove")
    add("--build", type=pathlib.Path, default=build, metavar="DIR", help="what is written")
    add("--timeout", type=int, default=60, metavar="SECONDS", help="for a goal and a prover")
    add("--only", type=lambda names: names.split(","), metavar="NAMES", help="these functions")
    return parser.parse_args(arguments)


def main(arguments):
    options = parse_arguments(arguments)
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        print("prove: skipped, there is no " + ", no ".join(missing))
        return 0
    try:
        prover = Prover(options.root.resolve(), options.build.resolve(), options.timeout)
        proved, failed = prove_all(prover, options.only)
    except ProofError as error:
        sys.stderr.write("prove.py: %s\n" % error)
        return 2
    for name in failed:
        print("not proved: " + name)
    print("prove: %d of %d goals proved" % (len(proved), len(proved + failed)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
