# SPDX-License-Identifier: MIT
"""Errors seeded into copies of lib/alloc/X*, one at a time: tests/X_explore_test.c must catch each.
What it does not catch it does not test. An error whose place is gone from the source fails, too:
seed it anew."""
import collections
import concurrent.futures
import functools
import os
import pathlib
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
HOSTED = os.environ.get("LOAM_HOSTED", "build/hosted-gcc")
SECONDS = 120  # for one of them; a few are enough

# What is done to which file: `old`, which is there once, becomes `new`; and the test that is to
# catch it.
Mutant = collections.namedtuple("Mutant", "name file old new test")


def seed(part, mutant, directory):
    """Writes the files that differ, or include one that does. False if the place is not there."""
    source = ROOT / "lib" / "alloc"
    target = directory / "lib" / "alloc"
    target.mkdir(parents=True)
    text = (source / mutant.file).read_text()
    if text.count(mutant.old) != 1:
        return False
    if mutant.file.endswith(".h"):
        for path in source.glob(part + "*.c"):
            shutil.copy(str(path), str(target))
    (target / mutant.file).write_text(text.replace(mutant.old, mutant.new))
    return True


def explore(part, directory, test):
    """Builds the copy in the directory and runs the test over it. Gives its status and output."""
    program = str(directory / (part + "_explore_test"))
    make = ["make", "-s", "H=" + HOSTED, "MUTANT=" + str(directory), program]
    done = run(make, 300)
    if done.returncode != 0:
        return None, done.stdout
    done = run([program, test], SECONDS)
    return done.returncode, done.stdout


def run(argv, seconds):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    environ.pop("MFLAGS", None)
    return subprocess.run(
        argv,
        cwd=str(ROOT),
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        timeout=seconds,
    )


def verdict(part, number, mutant):
    """What is wrong with how this mutant fared; None if it was caught."""
    directory = pathlib.Path("build/mutants") / ("%s-%d" % (part, number))
    shutil.rmtree(str(ROOT / directory), ignore_errors=True)
    if not seed(part, mutant, ROOT / directory):
        return "%s does not have, once:\n%s" % (mutant.file, mutant.old)
    status, output = explore(part, directory, mutant.test)
    if status is None:
        return "it does not build:\n" + output
    if status == 0:
        return "%s passes all the same:\n%s" % (mutant.test, output)
    if "outcomes" not in output and "schedule" not in output:
        return "it fails otherwise than by a schedule:\n" + output
    shutil.rmtree(str(ROOT / directory), ignore_errors=True)
    return None


@functools.lru_cache(maxsize=None)
def verdicts(part, mutants):
    """Begins with all of them, two at once."""
    test = "%s/%s_explore_test" % (HOSTED, part)
    done = run(["make", "-s", "H=" + HOSTED, test], 600)
    if done.returncode != 0:
        raise unittest.SkipTest("%s does not build:\n%s" % (test, done.stdout))
    pool = concurrent.futures.ThreadPoolExecutor(2)
    return [pool.submit(verdict, part, at, mutant) for at, mutant in enumerate(mutants)]


def caught(part, mutants, number):
    def test(self):
        problem = verdicts(part, mutants)[number].result()
        if problem:
            self.fail(problem)

    return test


def test_case(part, mutants):
    """A class with a test for each of the errors seeded into lib/alloc/`part`*."""
    tests = {
        "test_%02d_%s" % (at, mutant.name.replace(" ", "_")): caught(part, tuple(mutants), at)
        for at, mutant in enumerate(mutants)
    }
    return type(part.capitalize() + "Mutants", (unittest.TestCase,), tests)
