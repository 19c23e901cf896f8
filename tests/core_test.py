#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests that the heap can be lifted: `make core`, and what is in there builds freestanding, as C and
in C++, by both compilers, asks for nothing but its port, and runs in another kernel."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORE = ROOT / "build/core"
PORT = CORE / "lib/alloc/port/port.c"
COMMON = "-O2 -ffreestanding -mgeneral-regs-only -Wall -Wextra -Werror -I. -Ilib/alloc/port".split()
C_FLAGS = COMMON + "-std=gnu11 -fno-pie -fno-stack-protector".split()
PREFIX = re.compile(r"(heap|tree|format|check)_")
MAY_BE_MISSING = re.compile(r"heap_port_\w+|memcpy|memset")


def run(*argv):
    return subprocess.run(argv, cwd=CORE, check=True, stdout=subprocess.PIPE, text=True).stdout


def symbols(which, library):
    """Names of the symbols that `nm` tells of."""
    lines = run("nm", which, library).splitlines()
    return {line.split()[-1] for line in lines if line and not line.endswith(":")}


class CoreTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        clean = {name: text for name, text in os.environ.items() if not name.startswith("MAKE")}
        subprocess.run(["make", "-s", "core"], cwd=ROOT, env=clean, check=True, stdout=subprocess.DEVNULL)

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="loam-core-")
        self.addCleanup(self.directory.cleanup)

    def path(self, name):
        return f"{self.directory.name}/{name}"

    def build(self, compiler):
        """One object of all that is the core, without its port."""
        if not shutil.which(compiler):
            self.skipTest(f"{compiler} is not installed")
        objects = []
        for source in sorted(CORE.glob("lib/**/*.c")):
            if source != PORT:
                objects.append(self.path(source.name + ".o"))
                run(compiler, *C_FLAGS, "-c", str(source.relative_to(CORE)), "-o", objects[-1])
        run("ld", "-r", *objects, "-o", self.path("core.o"))
        return self.path("core.o")

    def check(self, compiler):
        core = self.build(compiler)
        missing = {name for name in symbols("-u", core) if not MAY_BE_MISSING.fullmatch(name)}
        self.assertEqual(missing, set())
        provided = symbols("-g", core) - symbols("-u", core)
        self.assertEqual({name for name in provided if not PREFIX.match(name)}, set())
        kernel = self.path("kernel")
        run(compiler, *C_FLAGS, "-nostdlib", "-static", core, str(PORT), str(ROOT / "tests/port/heap/kernel.c"),
            "-o", kernel)
        done = subprocess.run([kernel], stdout=subprocess.PIPE, text=True, timeout=60)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 6, done.stdout)
        self.assertNotIn("not so:", done.stdout)
        self.assertRegex(lines[5], r"^0x\w+ is already free, a block of 112 bytes, class 112$")
        self.assertEqual(done.returncode, 1)

    def check_headers(self, compiler):
        if not shutil.which(compiler):
            self.skipTest(f"{compiler} is not installed")
        run(compiler, *COMMON, "-c", str(ROOT / "tests/port/heap/heap_cpp.cpp"), "-o", self.path("cpp.o"))
        self.assertLessEqual({name for name in symbols("-u", self.path("cpp.o"))},
                             {"heap_alloc_slow", "heap_slab_alloc", "port_heap", "port_start"})

    def test_it_runs_in_another_kernel_built_by_gcc(self):
        self.check("gcc")

    def test_it_runs_in_another_kernel_built_by_clang(self):
        self.check("clang")

    def test_its_headers_are_cpp_for_gcc(self):
        self.check_headers("g++")

    def test_its_headers_are_cpp_for_clang(self):
        self.check_headers("clang++")

    def test_its_port_is_short(self):
        self.assertLess(len(PORT.read_text(encoding="ascii").splitlines()), 60)


if __name__ == "__main__":
    unittest.main()
