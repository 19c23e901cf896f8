# SPDX-License-Identifier: MIT
"""Runs programs on libloam.so, for its tests."""
import os
import pathlib
import resource
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIBRARIES = ROOT / "build"
CORNERS = LIBRARIES / "corners"
BUILDS = ("hosted", "hardened")
SECONDS = 120
MIB = 1 << 20


def library(build):
    return str(LIBRARIES / build / "libloam.so")


def is_built():
    return all(os.path.exists(library(build)) for build in BUILDS)


def run(argv, build="hosted", limit=None, env=None, stdin=subprocess.DEVNULL, cwd=None):
    """Runs a program on a build of the library (None: without); limit is of its address space."""
    environ = dict(os.environ, **env or {})
    environ["LD_PRELOAD"] = library(build) if build else ""
    environ["LOAM_LIBRARY"] = library(build or "hosted")
    set_limit = limit and (lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    argv = [str(word) for word in argv]
    return subprocess.run(argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=SECONDS, preexec_fn=set_limit, stdin=stdin, cwd=cwd)


def expect_well(test, done):
    """What a program printed that must have ended well."""
    test.assertEqual(done.returncode, 0, done.stderr.decode(errors="replace")[-2000:])
    return done.stdout.decode(errors="replace")
