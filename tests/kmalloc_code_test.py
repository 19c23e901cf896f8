# SPDX-License-Identifier: MIT
"""Tests what the compilers made of the kernel heap: how much stack each path takes at most, and that
the fast paths contain no locked instruction and leave interrupts alone."""
import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = os.environ.get("LOAM_BUILD")

# Bytes of stack at most, from the call on; docs/kmalloc.md states them. A stack has 16384.
TASK = 5632
HANDLER = 3072
PATHS = ("kmalloc", "kcalloc", "kmalloc_aligned", "krealloc", "kfree", "kfree_sized", "ksize")
TASK_PATHS = PATHS + ("kmalloc_idle", "vmalloc", "vzalloc", "vfree")

# What an interrupt's heap has no part in: it never asks the port for memory.
NOT_IN_HANDLERS = re.compile(r"heap_(run_take|world_\w+|large_alloc|large_resize|huge_\w+|trim\w*|"
                             r"large_free_left|home_attach|port_(extend\w*|commit|purge|\w*map))$|"
                             r"kmalloc_shrink$")
NEVER = re.compile(r"(?!)")

# Functions that call themselves, and how deep they go: page tables have 4 levels.
DEEPEST = 4

# The end of the kernel, which has its own reserve (guarded stacks): not part of a path.
ENDS = re.compile(r"panic|heap_misuse|heap_astray|overflowed|fault_|__stack_chk_fail|lock_complain")

FUNCTION = re.compile(r"^([0-9a-f]+) <(\S+)>:$")
CALL = re.compile(r"\s(call|jmp)\s+([0-9a-f]+) <([^+>]+)>$")
PUSH = re.compile(r"\spush\s")
SUB = re.compile(r"\ssub\s+\$0x([0-9a-f]+),%rsp$")
INDIRECT = re.compile(r"\scall\s+\*")


class Function:
    """What a function takes of the stack itself, and which it calls."""

    def __init__(self, name):
        self.name, self.bytes, self.calls, self.is_indirect = name, 8, set(), False


def disassemble(path):
    """The functions of a program, by address."""
    argv = ["objdump", "-d", "--no-show-raw-insn", str(path)]
    text = subprocess.run(argv, stdout=subprocess.PIPE, check=True, text=True).stdout
    functions, now = {}, None
    for line in text.splitlines():
        start = FUNCTION.match(line)
        if start:
            now = functions[int(start[1], 16)] = Function(start[2])
        elif now:
            read(now, line)
    return functions


def read(function, line):
    call, sub = CALL.search(line), SUB.search(line)
    function.bytes += 8 * bool(PUSH.search(line)) + (int(sub[1], 16) if sub else 0)
    function.is_indirect |= bool(INDIRECT.search(line))
    if call and call[3] != function.name:
        function.calls.add(int(call[2], 16))
    elif call and call[1] == "call":
        function.calls.add(None)  # itself


def depth(functions, address, left_out, known):
    """Bytes of stack from here down, and the names of the deepest path. `known` is filled on the way;
    who calls somebody above is not counted again."""
    function = functions[address]
    if ENDS.search(function.name) or left_out.match(function.name):
        return 0, []
    if address not in known:
        known[address] = 0, []
        below = [depth(functions, callee, left_out, known)
                 for callee in function.calls - {None} if callee in functions]
        times = DEEPEST if None in function.calls else 1
        best = max(below, default=(0, []))
        known[address] = best[0] + times * function.bytes, [function.name] + best[1]
    return known[address]


@unittest.skipUnless(BUILD, "no kernel was given")
class StackTest(unittest.TestCase):
    def check(self, paths, bound, left_out):
        functions = disassemble(pathlib.Path(BUILD) / "kernel.elf")
        address = {function.name: at for at, function in functions.items()}
        for name in paths:
            taken, path = depth(functions, address[name], left_out, {})
            print("# %s takes %d bytes of stack at most" % (name, taken))
            self.assertLessEqual(taken, bound, " ".join(path))

    def test_no_path_takes_more_than_its_bound(self):
        self.check(TASK_PATHS, TASK, NEVER)

    def test_no_path_takes_more_than_its_bound_in_handlers(self):
        self.check(PATHS, HANDLER, NOT_IN_HANDLERS)


class FastPathTest(unittest.TestCase):
    ATOMIC = re.compile(r"\slock\s|\sxchg\s[^,]*\(|\s(cli|sti|pushf\w*|popf\w*|[lms]fence)\b")

    def check(self, compiler):
        made = pathlib.Path("build/kernel-release-%s/kernel/mm/kmalloc.c.o" % compiler)
        env = {key: value for key, value in os.environ.items() if "MAKE" not in key}
        argv = ["make", "-s", "CC=" + compiler, "BUILD=release", str(made)]
        subprocess.run(argv, cwd=ROOT, env=env, check=True, stderr=subprocess.DEVNULL)
        argv = ["objdump", "-d", "--no-show-raw-insn", str(ROOT / made)]
        text = subprocess.run(argv, stdout=subprocess.PIPE, check=True, text=True).stdout
        for name in ("kmalloc", "kfree", "ksize"):
            body = re.search(r"^[0-9a-f]+ <%s>:\n((?:.+\n)+)" % name, text, re.M)[1]
            self.assertIn("%gs:", body)  # the inlined path is really there
            self.assertIsNone(self.ATOMIC.search(body), body)

    def test_gcc_uses_no_locked_instruction_and_leaves_interrupts_on(self):
        self.check("gcc")

    def test_clang_uses_no_locked_instruction_and_leaves_interrupts_on(self):
        self.check("clang")


if __name__ == "__main__":
    unittest.main()
