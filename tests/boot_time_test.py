# SPDX-License-Identifier: MIT
"""Tests that booting takes no longer where there is more memory, in exact instructions."""
import os
import pathlib
import re
import subprocess
import sys
import unittest

RUNNER = pathlib.Path(__file__).resolve().parent / "qemu.py"
BUILD = os.environ.get("LOAM_BUILD")
LINE = re.compile(r"^time +\d+ us from kernel entry to prompt \((\d+) ticks at (\d+) MHz\)$", re.M)


def boot(memory):
    """Ticks and MHz of the kernel's time stamp counter, which counts instructions here."""
    argv = [sys.executable, str(RUNNER), "--build", BUILD, "--boot", "pvh", "--icount"]
    argv += ["--mem", memory, "--timeout", "60", "--cmd", "log"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=90)
    match = LINE.search(done.stdout.decode(errors="replace"))
    assert match, done.stdout
    return int(match[1]), int(match[2])


@unittest.skipUnless(BUILD, "no kernel was given")
class BootTimeTest(unittest.TestCase):
    def test_256_times_the_memory_take_less_than_twice_the_instructions(self):
        small, large = boot("256M")[0], boot("64G")[0]
        self.assertLess(large, 2 * small)
        self.assertGreater(small, 100000)  # it is not just anything that was counted

    def test_the_rate_of_the_counter_is_found(self):
        self.assertIn(boot("256M")[1], (999, 1000))  # an instruction takes 1 ns here


if __name__ == "__main__":
    unittest.main()
