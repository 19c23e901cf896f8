# SPDX-License-Identifier: MIT
"""Tests that tap.py and run.py count what programs report, and miss no failure."""
import unittest

import damage
import run
import tap


def outcomes(text):
    cases, problem = tap.parse(text)
    return [case.outcome for case in cases], problem


class ParseTest(unittest.TestCase):
    def test_plan_before_or_after(self):
        for text in ("1..2\nok 1 - a\nnot ok 2 - b\n", "ok 1 - a\nnot ok 2 - b\n1..2\n"):
            self.assertEqual(outcomes(text), (["passed", "failed"], None))

    def test_skips_of_the_kernel_and_of_cmocka(self):
        kernel = tap.parse("1..1\nok 1 - smp: x # SKIP one CPU")[0]
        cmocka = tap.parse("1..1\nnot ok 1 # SKIP huge")[0]
        self.assertEqual(kernel, [("smp: x", "skipped", "one CPU")])
        self.assertEqual(cmocka, [("huge", "skipped", "huge")])
        self.assertEqual(outcomes("1..0 # SKIP no clock"), (["skipped"], None))

    def test_several_plans_add_up(self):
        self.assertEqual(outcomes("1..1\nok 1 - a\n1..1\nok 1 - b\n"), (["passed"] * 2, None))

    def test_broken_plans_are_complaints(self):
        short, long = "1..2\nok 1 - a\n", "1..1\nok 1\nok 2\n"
        for text in ("", "ok 1 - a\n", short, long, "1..0\n", "1..1\nok 1\nBail out! x"):
            self.assertIsNotNone(outcomes(text)[1], text)

    def test_notes_stay_with_the_failed_case(self):
        before = tap.parse("1..2\nok 1 - a\n# got 3\nnot ok 2 - b\n")[0]
        after = tap.parse("1..2\nnot ok 1 - b\n# got 3\nok 2 - a\n")[0]
        self.assertEqual(before[1], after[0])
        self.assertEqual(before[1], ("b", "failed", "got 3"))

    def test_other_lines_are_not_cases(self):
        self.assertEqual(outcomes("okay\nLoam 0.1\nnot okay\n1..1\nok 1 - a\n"), (["passed"], None))


class JudgeTest(unittest.TestCase):
    def judge(self, status, output, errors="", **fields):
        job = run.Job("hosted", "x", [], 9)._replace(**fields)
        return run.totals(run.judge(job, status, output, errors)[0])

    def test_reported_failure_is_counted_once(self):
        self.assertEqual(self.judge(1, "1..2\nok 1 - a\nnot ok 2 - b\n"), "1 passed, 1 failed")

    def test_crash_timeout_and_sanitizer_are_failures(self):
        good = "1..1\nok 1 - a\n"
        self.assertEqual(self.judge(0, good), "1 passed, 0 failed")
        self.assertEqual(self.judge(-11, good), "1 passed, 1 failed")
        self.assertEqual(self.judge(None, good), "1 passed, 1 failed")
        self.assertEqual(self.judge(23, good), "1 passed, 1 failed")
        self.assertEqual(self.judge(0, good, "x.c:1: runtime error: shift"), "1 passed, 1 failed")

    def test_crash_after_a_reported_failure_is_one_more(self):
        self.assertEqual(self.judge(-6, "1..1\nnot ok 1 - a\n"), "0 passed, 2 failed")

    def test_expected_verdict_and_text(self):
        job = run.Job("boot", "x", [], 9, 2, ("panic",), False)
        for status, output, expected in (
            (2, "panic: x", "1 passed, 0 failed"),
            (2, "quiet", "0 passed, 1 failed"),
            (0, "panic: x", "0 passed, 1 failed"),
        ):
            self.assertEqual(run.totals(run.judge(job, status, output, "")[0]), expected)

    def test_total_names_skips_only_if_there_are_some(self):
        skipped = self.judge(0, "1..1\nok 1 - a # SKIP b\n")
        self.assertEqual(skipped, "0 passed, 0 failed, 1 skipped")


class BootsTest(unittest.TestCase):
    def test_every_boot_has_a_known_verdict_and_options(self):
        for boot in run.BOOTS:
            run.boot_job(boot, "b")
            self.assertIn(boot.damage, [None, *damage.KINDS])

    def test_names_of_boots_differ(self):
        self.assertEqual(len({boot.name for boot in run.BOOTS}), len(run.BOOTS))


if __name__ == "__main__":
    unittest.main()
