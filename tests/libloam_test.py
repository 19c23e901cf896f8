# SPDX-License-Identifier: MIT
"""Runs small programs at the edge of what malloc must bear on libloam.so: tests/libloam."""
import os
import pathlib
import re
import shutil
import signal
import tempfile
import unittest

import preload
from preload import BUILDS, CORNERS, LIBRARIES, MIB, ROOT, expect_well, library, run

CORNER = CORNERS / "corner"
FAMILY = (
    "aligned_alloc calloc free free_aligned_sized free_sized malloc malloc_trim malloc_usable_size"
    " memalign posix_memalign pvalloc realloc reallocarray valloc"
).split()


def listed():
    """The names of all corners, or none if they were not built."""
    if not CORNER.exists() or not preload.is_built():
        return []
    return run([CORNER, "--list"], None).stdout.decode().split()


ALL = listed()
MISUSES = [name for name in ALL if re.match("double_free|free_of|free_inside|realloc_of", name)]
STATIC = (
    "calloc_that_overflows_fails objects_outlive_their_thread destructors_may_allocate"
    " main_thread_may_leave_first fork_while_others_allocate"
).split()
LIMITED = ["exhaust_and_go_on", "use_40_mib"]  # need a limit, or more than one run


@unittest.skipUnless(ALL, "libloam.so and its corners were not built")
class LibloamTest(unittest.TestCase):
    def corner(self, name, *arguments, **how):
        return expect_well(self, run([CORNER, name, *arguments], **how))

    def expect_abort(self, name, build):
        done = run([CORNER, name], build)
        self.assertEqual(done.returncode, -signal.SIGABRT, done.stderr)
        pointer = done.stdout.decode().split()[-1]
        self.assertRegex(done.stderr.decode(), "^loam: .*" + pointer)

    # --- little memory ---

    def least_had(self, **how):
        """The least MiB that could be had, in blocks of any size."""
        output = self.corner("exhaust_and_go_on", **how)
        return min(int(amount) for amount in re.findall(r"(\d+) MiB", output))

    def test_address_space_of_1_gib_can_be_used(self):
        self.assertGreater(self.least_had(limit=1024 * MIB), 700)

    def test_address_space_of_64_mib_can_be_used(self):
        self.assertGreater(self.least_had(limit=64 * MIB), 40)

    def test_address_space_of_64_mib_can_be_used_hardened(self):
        self.assertGreater(self.least_had(build="hardened", limit=64 * MIB), 25)

    def refused(self, call, above, name):
        """Runs a corner whose calls of mmap or mprotect fail for more than so many MiB."""
        done = run([CORNERS / "refuse", call, above * MIB, CORNER, name])
        if done.returncode == 77:
            self.skipTest("no filters for system calls here")
        expect_well(self, done)

    def test_no_reservation_above_10_gib(self):
        self.refused("mmap", 10240, "use_40_mib")

    def test_no_reservation_above_1_gib(self):
        self.refused("mmap", 1024, "use_40_mib")

    def test_no_reservation_above_64_mib(self):
        self.refused("mmap", 64, "use_40_mib")
        self.refused("mmap", 64, "threads_trade_blocks")

    def test_no_mapping_above_4_mib(self):
        self.refused("mmap", 4, "use_40_mib")

    def test_no_access_to_more_than_64_mib_at_once(self):
        self.refused("mprotect", 64, "use_40_mib")
        self.refused("mprotect", 64, "threads_trade_blocks")

    def test_no_memory_at_all(self):
        done = run([CORNER, "use_40_mib"], env={"LOAM_CAP": "1"})
        self.assertEqual(done.returncode, 1, done.stderr)

    def test_cap_is_kept(self):
        output = self.corner("exhaust_and_go_on", env={"LOAM_CAP": "64M"})
        amounts = [int(amount) for amount in re.findall(r"(\d+) MiB", output)]
        self.assertTrue(all(40 <= amount <= 64 for amount in amounts), amounts)

    def test_cap_that_is_no_number_is_told(self):
        done = run([CORNER, "use_40_mib"], env={"LOAM_CAP": "lots"})
        self.assertEqual(done.stderr, b"loam: LOAM_CAP=lots is not a number of bytes\n")

    # --- programs of other kinds ---

    def test_static_programs(self):
        for build in BUILDS:
            for name in STATIC:
                with self.subTest(name, build=build):
                    expect_well(self, run([CORNERS / ("static-" + build), name], None))

    def test_cxx_operators(self):
        program = CORNERS / "operators"
        if not program.exists():
            self.skipTest("no compiler of C++")
        for build in BUILDS:
            self.assertEqual(expect_well(self, run([program], build)), "well\n")

    def test_valgrind_runs_it(self):
        """With valgrind's malloc in place of ours, as it does by itself, and with ours."""
        if not shutil.which("valgrind"):
            self.skipTest("valgrind is not installed")
        argv = ["valgrind", "-q", "--error-exitcode=9"]
        ours = "--soname-synonyms=somalloc=nouserintercepts"
        expect_well(self, run([*argv, CORNER, "objects_outlive_their_thread"]))
        expect_well(self, run([*argv, ours, CORNER, "objects_outlive_their_thread"]))
        expect_well(self, run([*argv, ours, CORNER, "libraries_come_and_go"]))

    def test_statistics_are_told_at_exit(self):
        done = run([CORNER, "leave_three_blocks"], env={"LOAM_STATS": "1"})
        text = done.stderr.decode()
        self.assertRegex(text, r"peak +total +freed +current")
        self.assertRegex(text, r"verdict: \d+ blocks, .* were not freed")
        self.assertRegex(text, r"large: 3 blocks")
        self.assertEqual(run([CORNER, "leave_three_blocks"], env={"LOAM_STATS": "0"}).stderr, b"")

    def test_statistics_are_told_by_a_last_thread_without_a_heap(self):
        done = run([CORNER, "main_thread_may_leave_first"], env={"LOAM_STATS": "1"})
        self.assertRegex(done.stderr.decode(), "verdict: ")

    def test_only_the_family_is_exported(self):
        if not shutil.which("nm"):
            self.skipTest("nm is not installed")
        for build in BUILDS:
            shared = self.symbols(["nm", "-D", "--defined-only", library(build)])
            archive = self.symbols(["nm", "-g", "--defined-only", LIBRARIES / build / "libloam.a"])
            self.assertEqual(shared, FAMILY)
            self.assertEqual(archive, FAMILY)

    def symbols(self, argv):
        lines = expect_well(self, run(argv, None)).splitlines()
        return sorted(line.split()[2] for line in lines if len(line.split()) == 3)

    def install(self, directory, *settings):
        where = ["DESTDIR=%s" % directory, "PREFIX=/opt/loam"]
        expect_well(self, run(["make", "-C", ROOT, "install", *where, *settings], None))
        return pathlib.Path(directory) / "opt/loam"

    def test_install_can_be_linked_with(self):
        if not shutil.which("make") or not shutil.which("pkg-config"):
            self.skipTest("make or pkg-config is not installed")
        with tempfile.TemporaryDirectory() as directory:
            prefix = self.install(directory)
            description = {"PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig"),
                           "PKG_CONFIG_SYSROOT_DIR": directory}
            argv = ["pkg-config", "--libs", "libloam"]
            flags = expect_well(self, run(argv, None, env=description)).split()
            self.assertEqual(flags, ["-L%s/lib" % prefix, "-lloam"])
            program, source = prefix / "program", prefix / "program.c"
            source.write_text("#include <stdlib.h>\nint main(void) { free(malloc(7)); }\n")
            environ = {"LD_LIBRARY_PATH": str(prefix / "lib"), "LOAM_STATS": "1"}
            # A static program's start leaves blocks of its own.
            for kind, verdict in (([], b"all blocks were freed"), (["-static"], b"not freed")):
                expect_well(self, run(["cc", source, *kind, "-o", program, *flags], None))
                done = run([program], None, env=environ)
                self.assertRegex(done.stderr, b"verdict: .*" + verdict)
            self.assertTrue((prefix / "share/man/man3/libloam.3").exists())

    def test_hardened_build_is_installed_on_request(self):
        if not shutil.which("make"):
            self.skipTest("make is not installed")
        with tempfile.TemporaryDirectory() as directory:
            prefix = self.install(directory, "HARDEN=1")
            installed = (prefix / "lib/libloam.so").read_bytes()
            self.assertEqual(installed, pathlib.Path(library("hardened")).read_bytes())


def corner_test(name):
    def test(self):
        for build in BUILDS:
            with self.subTest(build):
                self.corner(name, build=build)
    return test


def misuse_test(name):
    def test(self):
        for build in BUILDS:
            with self.subTest(build):
                self.expect_abort(name, build)
    return test


for corner in ALL:
    if corner not in LIMITED:
        made = misuse_test(corner) if corner in MISUSES else corner_test(corner)
        setattr(LibloamTest, "test_" + corner, made)
