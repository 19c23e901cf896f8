# SPDX-License-Identifier: MIT
"""Tests debugging: tools/debug.sh, backtraces through exceptions, and the commands of tools/gdb.

What a command reads from the kernel's memory is compared with what the kernel itself has printed.
"""
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = os.environ.get("LOAM_BUILD")
SECONDS = 90


def why_not():
    """Why nothing can be tested here; None if it can."""
    if not BUILD:
        return "no kernel was given"
    if not shutil.which("gdb"):
        return "gdb is not installed"
    probe = ["gdb", "-nx", "-batch", "-ex", "python print(6 * 7)"]
    done = subprocess.run(probe, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=SECONDS)
    return None if done.stdout.strip() == b"42" else "this gdb has no Python"


REASON = why_not()


def start(commands, *options):
    """The runner, booting a kernel that runs these prompt commands."""
    argv = [sys.executable, str(ROOT / "tests/qemu.py"), "--build", BUILD, "--boot", "pvh"]
    argv += ["--timeout", str(SECONDS), "--cmd", commands, *options]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(argv, **pipes)


def output_of(process):
    return process.communicate(timeout=SECONDS)[0].decode(errors="replace")


def debug(prompt, commands):
    """Boots a kernel that runs `prompt`, under gdb, which runs `commands`: what gdb said at each of
    them, and all that the kernel printed."""
    with tempfile.TemporaryDirectory(prefix="loam-") as directory:
        socket = os.path.join(directory, "gdb")
        runner = start(prompt, "--gdb", socket)
        try:
            wait_for(socket)
            return ask_gdb(socket, commands), output_of(runner)
        finally:
            runner.terminate()
            runner.communicate()


def wait_for(path):
    end = time.monotonic() + SECONDS
    while not os.path.exists(path) and time.monotonic() < end:
        time.sleep(0.05)


def ask_gdb(socket, commands):
    mark = "@@@"
    argv = ["gdb", "-nx", "-q", "-batch", "-ex", "set width 0", "-ex", "target remote " + socket]
    argv += ["-x", str(ROOT / "tools/gdb/loam.py")]
    for command in commands:
        argv += ["-ex", "echo " + mark, "-ex", command]
    argv += ["-ex", "echo " + mark, "-ex", "delete", "-ex", "continue"]
    gdb = subprocess.Popen(
        argv + [os.path.join(BUILD, "kernel.elf")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said = output_of(gdb).split(mark)
    assert len(said) == len(commands) + 2, said
    return said[1:-1]


# What loam-block says of an address. SMALL, LARGE and HUGE stand for the blocks that ALLOC makes.
ALLOC = "alloc 100; alloc 100000; alloc 8000000"
LOOK = "mem; frames; heap; maps; walk SMALL"
BLOCKS = {
    "SMALL": r"the start of a live small block of 112 bytes at SMALL\n",
    "SMALL + 8": r"8 bytes into a live small block of 112 bytes at SMALL\n",
    "SMALL + 112 + 5": r"5 bytes into a free small block of 112 bytes at 0x",
    "SMALL + 0x10000000": r"brk\n  behind the heap's arena.*\n  not mapped",
    "LARGE + 4096": r"4096 bytes into a live large block of 102400 bytes at LARGE\n",
    "HUGE + 4096": r"4096 bytes into a live large block of 8003584 bytes at HUGE\n",
    "HUGE + 0x10000000": r"mmap\n  in no region.*\n  not mapped",
    "0xffffea0000000000": r"vmalloc\n  in no block",
    "power_off": r"kernel text\n  power_off .*/power\.c:\d+",
    "&pmm": r"kernel data\n  pmm",
    "$rsp": r"the boot stack, \d+ bytes below its start\n  mapped: rw--g page of 4 KiB",
    "stack_memory": r"the guard page of the boot stack.*\n  not mapped",
    "0xffff800000200000": r"frame 0x200, which is not managed: kernel memory\n  not mapped",
    "0xffff800004000000": r"free: in the free block at frame 0x4000 of order 14\n",
    "0xffff800000000000 + $cr3": r"in use: the root of the page tables",
    "pmm.frames.spans": r"in use: the frame allocator's metadata",
    "0xfffff00000000000": r"the descriptor of the slice at 0x\w+\n",
    "0": r"a null pointer.*\n  not mapped",
    "0x800000000000": r"not canonical",
}


@functools.lru_cache(None)
def session():
    """Boots once to learn where the blocks are, and once more to look at them with gdb: what it
    said too early, what it said at the end, what the kernel printed, and place()."""
    small, large, huge = re.findall(r"^\$\d+ = (0x\w+)  \d+ bytes, us", output_of(start(ALLOC)), re.M)
    early = ["tbreak kmain", "continue", "loam-heap", "loam-frames"]
    late = ["tbreak power_off", "continue", "loam-frames", "loam-heap", "loam-maps"]
    late += ["loam-walk SMALL", "loam-walk 8 * 8", "loam-walk", "loam-block nonsense"]
    late += ["loam-block " + address for address in BLOCKS]

    def place(text):
        return text.replace("SMALL", small).replace("LARGE", large).replace("HUGE", huge)

    said, printed = debug(place(ALLOC + "; " + LOOK), [place(text) for text in early + late])
    return dict(zip(early, said)), dict(zip(late, said[len(early) :])), printed, place


@unittest.skipIf(REASON, REASON)
class CommandsTest(unittest.TestCase):
    def setUp(self):
        self.early, self.said, self.printed, self.place = session()

    def test_frames_are_those_that_the_prompt_shows(self):
        self.assertIn(self.said["loam-frames"], self.printed)
        free = re.search(r"(\d+) of \d+ frames are free", self.said["loam-frames"])
        self.assertIn("\n%d KiB free + " % (4 * int(free[1])), self.printed)

    def test_heap_is_the_one_that_the_prompt_shows(self):
        classes, slabs = re.fullmatch(r"(.*?\n)(slab .*)", self.said["loam-heap"], re.S).groups()
        self.assertIn(classes, self.printed)
        live = re.findall(r"^slab at 0x\w+: (\d+) of \d+ ", slabs, re.M)
        counts = re.findall(r"^(\d+) small blocks", classes, re.M)
        self.assertEqual(sum(map(int, live)), sum(map(int, counts)))

    def test_maps_are_those_that_the_prompt_shows(self):
        self.assertIn("kernel text", self.said["loam-maps"])
        self.assertIn(self.said["loam-maps"], self.printed)

    def test_walk_is_that_of_the_prompt(self):
        self.assertIn(self.place("SMALL -> physical"), self.said["loam-walk SMALL"])
        self.assertIn(self.said["loam-walk SMALL"], self.printed)
        self.assertIn("0x40 is not mapped", self.said["loam-walk 8 * 8"])

    def test_every_kind_of_address_is_named(self):
        for address, pattern in BLOCKS.items():
            with self.subTest(address):
                self.assertRegex(self.said["loam-block " + address], self.place(pattern))

    def test_misuse_is_a_sentence(self):
        self.assertEqual(self.said["loam-walk"], "usage: loam-walk ADDR\n")
        self.assertRegex(self.said["loam-block nonsense"], r'^No symbol "nonsense"')
        self.assertIn("the heap is not up yet", self.early["loam-heap"])
        self.assertIn("the frame allocator is not up yet", self.early["loam-frames"])

    def test_the_kernel_goes_on_afterwards(self):
        self.assertRegex(self.printed, self.place(r"\nSMALL -> physical 0x\w+  brk\n$"))


@unittest.skipIf(REASON, REASON)
class BacktraceTest(unittest.TestCase):
    def functions(self, kind):
        """Who called whom when `crash KIND` reached the kernel's handler, innermost first."""
        said, _ = debug("crash " + kind, ["break kernel/fault.c:fault_handle", "continue", "bt"])
        return re.findall(r"^#\d+ .*?(\w+) \(", said[2], re.M)

    def check(self, functions, *expected):
        places = [functions.index(name) for name in expected]
        self.assertEqual(places, sorted(places), functions)

    def test_through_a_page_fault(self):
        path = ["fault_handle", "trap_dispatch", "null_pointer", "crash_run", "kmain", "kernel_entry"]
        functions = self.functions("null")
        self.check(functions, *path)
        self.assertEqual(functions[-1], "kernel_entry")

    def test_through_an_exception_without_an_error_code(self):
        self.check(self.functions("ud"), "trap_dispatch", "invalid_opcode", "crash_run", "kmain")

    def test_from_the_stack_of_the_double_fault_to_the_one_that_overflowed(self):
        self.check(self.functions("stack"), "trap_dispatch", "recurse", "crash_run", "kmain")


@unittest.skipIf(REASON, REASON)
class DebugTest(unittest.TestCase):
    def test_make_debug_stops_at_kmain_with_symbols_and_commands(self):
        environ = dict(os.environ, GDB_ARGUMENTS="-nx -batch -ex continue -ex bt -ex loam-maps")
        argv = ["tools/debug.sh", BUILD, "--boot", "pvh", "--cmd", "mem"]
        with subprocess.Popen(
            argv, cwd=str(ROOT), env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        ) as debugger:
            said = output_of(debugger)
        self.assertRegex(said, r"#0  kmain \(.*\) at kernel/main\.c:\d+\n#1 .* kernel_entry")
        self.assertIn("direct map -> 0\n", said)


if __name__ == "__main__":
    unittest.main()
