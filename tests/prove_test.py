# SPDX-License-Identifier: MIT
"""Tests tools/prove.py: it says so when a function does not do what its contract says."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import prove  # noqa: E402

MISSING = [tool for tool in prove.TOOLS if not shutil.which(tool)]
WORD, BITS = "lib/alloc/frame_word.h", "lib/bits.h"

# A function, its file, what is written there, what is written instead, and whether that is proved.
# Each is wrong for few values only.
MUTANTS = [
    ("word_clip", WORD, "if (limit <= start)", "if (limit < start)", True),
    ("word_clip", WORD, "if (limit <= start)", "if (limit == start)", False),
    ("word_mask", WORD, "to - from)", "to)", False),
    ("word_take", WORD, "*word & window", "*word", False),
    ("bits_round_up", BITS, "value + (unit - 1)", "value + unit", False),
]

CONTRACT = re.compile(r"/\*@ (?:requires|assigns)(?:[^*]|\*(?!/))*\*/\nstatic inline [^(]*?(\w+)\(")


class ContractsTest(unittest.TestCase):
    def test_every_contract_is_under_proof(self):
        texts = [(ROOT / path).read_text() for path in (WORD, BITS)]
        written = [name for text in texts for name in CONTRACT.findall(text)]
        self.assertEqual(sorted(written), sorted(sum(prove.FILES.values(), [])))


@unittest.skipIf(MISSING, "there is no " + ", no ".join(MISSING))
class MutantTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        for part in ("lib", "tests/prove"):
            shutil.copytree(ROOT / part, self.root / part)

    def prove(self, function, *options):
        command = [sys.executable, str(ROOT / "tools/prove.py"), "--root", str(self.root)]
        command += ["--build", str(self.root / "build"), "--only", function, *options]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
            timeout=300,
        )
        return done.returncode, done.stdout

    def test_proves_what_is_right_and_nothing_else(self):
        for function, name, right, other, expected in MUTANTS:
            path = self.root / name
            text = path.read_text()
            self.assertEqual(text.count(right), 1, right)
            path.write_text(text.replace(right, other))
            with self.subTest(other):
                hurry = [] if expected else ["--timeout", "3"]
                status, output = self.prove(function, *hurry)
                self.assertEqual(status, 0 if expected else 1, output)
                self.assertEqual("not proved: %s" % function in output, not expected, output)
            path.write_text(text)


if __name__ == "__main__":
    unittest.main()
