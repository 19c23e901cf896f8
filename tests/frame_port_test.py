# SPDX-License-Identifier: MIT
"""Tests that lib/alloc/frame can be lifted into another kernel: builds tests/port, freestanding,
with nothing but the core, and runs it."""
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The checker and the statistics stay behind: a kernel need not have them.
LEFT = ("frame_check.c", "frame_stats.c")
SOURCES = ["tests/port/kernel.c"] + [
    str(path.relative_to(ROOT))
    for path in sorted(ROOT.glob("lib/alloc/frame*.c"))
    if path.name not in LEFT
]
FLAGS = "-std=gnu11 -O2 -Wall -Wextra -Werror -ffreestanding -nostdlib -static -fno-pie"
OTHERS = "-fno-stack-protector -mgeneral-regs-only -I. -Itests/port"


class FramePortTest(unittest.TestCase):
    def run_kernel(self, compiler):
        if not shutil.which(compiler):
            self.skipTest(f"{compiler} is not installed")
        with tempfile.TemporaryDirectory(prefix="loam-port-") as directory:
            kernel = directory + "/kernel"
            argv = [compiler, *FLAGS.split(), *OTHERS.split(), *SOURCES, "-o", kernel]
            subprocess.run(argv, cwd=ROOT, check=True)
            return subprocess.run([kernel], stdout=subprocess.PIPE, text=True, timeout=60)

    def check(self, compiler):
        done = self.run_kernel(compiler)
        lines = done.stdout.splitlines()
        self.assertEqual([line.split()[0] for line in lines[:4]], ["ok"] * 4, done.stdout)
        self.assertRegex(lines[4], "is free already")  # a double free
        self.assertEqual((done.returncode, len(lines)), (1, 5))

    def test_it_runs_in_another_kernel_built_by_gcc(self):
        self.check("gcc")

    def test_it_runs_in_another_kernel_built_by_clang(self):
        self.check("clang")


if __name__ == "__main__":
    unittest.main()
