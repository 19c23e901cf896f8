# SPDX-License-Identifier: MIT
"""Runs real programs on libloam.so, and compares what they do with a run without it."""
import pathlib
import subprocess
import tempfile
import unittest

import preload
import programs
from preload import BUILDS, SECONDS, expect_well, library, run


@unittest.skipUnless(preload.is_built(), "libloam.so was not built")
class LibloamProgramsTest(unittest.TestCase):
    def outcome(self, make, build):
        """What the program printed and produced; None if it is not installed."""
        with tempfile.TemporaryDirectory() as directory:
            program = make(pathlib.Path(directory), 0.3)
            if not program:
                return None
            how = {"env": program.env, "cwd": directory}
            if program.stdin:
                how["stdin"] = open(program.stdin, "rb")
            done = run(program.argv, build, **how)
            if program.stdin:
                how["stdin"].close()
            expect_well(self, done)
            made = pathlib.Path(directory, program.produces) if program.produces else None
            return done.stdout, done.stderr, made and made.read_bytes()

    def compare_program(self, name):
        make = programs.PROGRAMS[name]
        expected = self.outcome(make, None)
        if expected is None:
            self.skipTest(name + " is not installed")
        for build in BUILDS:
            self.assertEqual(self.outcome(make, build), expected, build)

    def test_redis(self):
        if not programs.unpack("redis-server"):
            self.skipTest("redis-server cannot be had here")
        digests = {self.redis_digest(build) for build in (None, *BUILDS)}
        self.assertEqual(len(digests), 1, digests)

    def redis_digest(self, build):
        with tempfile.TemporaryDirectory() as directory:
            server = programs.Redis(pathlib.Path(directory))
            environ = dict(server.environ, LD_PRELOAD=library(build) if build else "libc.so.6")
            process = subprocess.Popen(server.argv, env=environ, stdout=subprocess.DEVNULL)
            try:
                server.wait()
                server.load()
                server.client("redis-cli", "flushall")
                server.fill()
                digest = server.client("redis-cli", "debug", "digest")
                server.shut_down()
                self.assertEqual(process.wait(SECONDS), 0)
            finally:
                process.kill()
                process.wait()
            return digest


def program_test(name):
    return lambda self: self.compare_program(name)


for program_name in programs.PROGRAMS:
    setattr(LibloamProgramsTest, "test_" + program_name, program_test(program_name))
