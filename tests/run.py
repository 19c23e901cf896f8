#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs every test of Loam, two at once, and counts them.

Takes directories of hosted test programs, of fuzz targets and of kernels; runs the programs, the
Python tests in this directory, each fuzz target for FUZZ_SECONDS, and the boots in the table BOOTS
through tests/qemu.py. The last line is the total; the exit status is 1 if anything failed, 2 if
there is no test of the name asked for.
"""
import argparse
import collections
import concurrent.futures
import contextlib
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as xml

import damage
import qemu
import tap

TESTS = pathlib.Path(__file__).resolve().parent
KERNEL_FILES = ("kernel.elf", "efi/BOOTX64.EFI", "efi/kernel.elf")

# A boot: its name; the runner's options; prompt commands; the verdict expected; patterns that the
# output (stdout and stderr of the runner) must contain; what is done to a copy of the build first
# (damage.py); what is typed at the prompt if there are no commands. A boot whose commands begin
# with `test` and should end well reports its cases in TAP.
BOOT_FIELDS = "name options cmd verdict texts damage typed"
Boot = collections.namedtuple("Boot", BOOT_FIELDS, defaults=((), None, None))

UP, LEFT, RIGHT, HOME = "\x1b[A", "\x1b[D", "\x1bOC", "\x1b[1~"

PAGED, UNPAGED = "more 2\n", r"panic: .*\n(?!-)"  # a panic waits for no key

# What is typed at the prompt in one boot, a line each, and what must come of it.
TYPED = [
    "lloc 100" + HOME + "a",
    "fll $1 9 0x41" + HOME + RIGHT + "i",
    "pe\t$x 16" + 3 * LEFT + "\b1",
    UP + UP + "\x170x42",  # ctrl-W; UP is the line with pe
    UP + UP,
    "more 4; frames",
    "q" + "more",
    300 * "x",
]
TYPED_TEXTS = (
    r"(?m)^\$1 = 0x\w+  100 bytes, usable 1\d\d$",
    r"(?m)^\w+  (41 ){9}(?!41)",
    r"(?m)^\w+  (42 ){9}(?!42)",
    r"--more--(\x08 \x08){8}loam> more\n",
    r"a line has 255 characters at most",
)

# What the churn prints: that it went to the end, and that all is as before.
CHURN_TEXTS = (
    r"(?m)^  600 +\d+\.\d %  [.1-9#]{32,64}$",
    r"(?m)^(\d+) frames are free, as before: \1$",
    r"(?m)^A character is 2 MiB: ",
    r"(?m)^0{12}  [.1-9]",
    r"(?m)^CPU 0 has \d+ frames at hand, .* next from the block at [0-9a-f]+$",
    r"\d+ of \d+ frames are free \(.*\), \d+ of them at hand",
)

# What `heap`, `leaks` and `caches` print, in a debug build.
HEAP_TEXTS = (
    r"(?m)^ +112 +\d+ +\d+ +\d+ +\d+ %$",
    r"CPU 0 has \d+ blocks to send to other heaps",
    r"points 8 bytes into a live block of 200 bytes at 0x\w+, class 208\nallocated by alloc\+0x",
    r"allocated by\n +1 +200 B +0x\w+ +alloc\+0x\w+\n\S",  # and no other
    r"is already free, a block of 100 bytes, class 112\nallocated by alloc\+0x\w+, freed by free_block",
    r"KiB live at most, in \d",
    r"object caches: every invariant holds",
)

# What the simple heaps are asked for: nothing that gives memory back.
HEAP_LIST = "test kmem_cache; test vmalloc; test storm; heap churn; heap; check"
HEAP_LIST_TEXTS = (r"(?m)^ok \d+ - storm:", r"KiB live at most, in \d", r"heap: every invariant holds")
HEAP_BUMP = "alloc 100; free $1; alloc 4096; heap $2; heap churn; heap; check"

# What boots print.
PROMPT = r"\d+ us from kernel entry to prompt"
FOUR_OF_5 = r"4 of 5 page table levels"
NO_SCREEN = r"boot +no framebuffer"
POOR_CPU = r"-1-GiB-pages.*-SMEP -SMAP"
GUARDED = r"protections: (\+[\w^-]+ ?)+\n"
LESS_GUARDED = r"protections: \+NX \+WP -SMEP -SMAP -UMIP (\+[\w^-]+ ?)+\n"
SCREEN = 'mem; walk "0x7ff"'
SHOWN = (
    r"screen\| Loam \d",
    r"screen\| loam> mem; walk \"0x7ff\"\nscreen\| \d+ KiB free \+",
    r"screen\| 0x7ff is not mapped\nscreen\| loam>\n",
)
DEVICE = " --extra '-device %s'"

LONG_LINE = "mem; " * 500

ALL = r"smp +%d of %d CPUs"

# CPUs that memory does not suffice for leave half of it to whoever else needs some.
FEW_CPUS = (r"smp +no memory to start \d+ CPUs", r"smp +1?\d\d of 255 CPUs")

# Two nodes of two CPUs each.
NODES = " --extra '%s'" % " ".join(
    "-object memory-backend-ram,id=m%d,size=128M -numa node,nodeid=%d,cpus=%s,memdev=m%d"
    % (node, node, cpus, node)
    for node, cpus in enumerate(("0-1", "2-3"))
).replace("memdev=m1", "memdev=m1 -numa dist,src=0,dst=1,val=21")
SHOWN_NODES = (
    r"node 0: CPUs 0 1; distances 10 21\n +0x0+ - 0x00000a0000",
    r"node 1: CPUs 2 3; distances 21 10\n +0x0008000000 - 0x0010000000  128 MiB",
)

# CPUs whose node has no memory, two nodes that have no CPUs, and one that has neither: the nearest
# memory is not that of the first node.
FAR_WAYS = ((2, 0, 40), (2, 1, 15), (0, 1, 30), (2, 3, 11), (0, 3, 20), (1, 3, 20))
FAR_NODES = " --extra '%s'" % " ".join(
    [
        "-object memory-backend-ram,id=m%d,size=128M -numa node,nodeid=%d,memdev=m%d" % (n, n, n)
        for n in (0, 1)
    ]
    + ["-numa node,nodeid=2,cpus=0-2 -numa node,nodeid=3"]
    + ["-numa dist,src=%d,dst=%d,val=%d" % way for way in FAR_WAYS]
)
SHOWN_FAR_NODES = (r"node 0: CPUs 0 1 2; distances 10 40 15", r"node 1: CPUs; .*\n +0x0+ -")


# Of the kernel heap: one file in tests/kernel/misuse each, and the sentence that it ends in.
MISUSES = {
    "double_free": r"panic: 0x\w+ is already free, a block of \d+ bytes",
    "double_vfree": r"panic: 0x\w+ is not the start of a live block of vmalloc",
    "foreign_pointer": r"panic: 0x\w+ is not a heap pointer",
    "free_in_handler": r"panic: 0x\w+ is already free, a block of \d+ bytes",
    "inner_pointer": r"panic: 0x\w+ points 4096 bytes into a live block of 200000 bytes at 0x\w+; allocated by inner_pointer",
    "overflow": r"panic: the block of 41 bytes at 0x\w+ was written to behind its end, at 0x\w+",
    "sized_free_mismatch": r"panic: 0x\w+ is a block of 100 bytes, freed as one of 99",
    "write_after_free": r"panic: 0x\w+ was written to while free: byte 100 of the block of \d+ bytes at",
}


def loader(name, damage_kind, text):
    """A boot that the loader refuses with this text."""
    return Boot(name, "--boot uefi --mem 128M", "mem", "loader", (text,), damage_kind)


BOOTS = [
    Boot("uefi 256M", "--boot uefi --mem 256M --timeout 180", "test", "ok"),
    Boot("uefi 64M", "--boot uefi --mem 64M --timeout 180", "test", "ok"),
    Boot("pvh 256M", "--boot pvh --mem 256M --cpu max --timeout 120", "test", "ok"),
    Boot("pvh 8G", "--boot pvh --mem 8G --timeout 120", "test", "ok"),
    Boot("pvh qemu64", "--boot pvh --cpu qemu64 --timeout 120", "test", "ok"),
    Boot("pvh 2 CPUs", "--boot pvh --cpus 2 --timeout 180", "test", "ok"),
    Boot("pvh 4 CPUs", "--boot pvh --cpus 4 --timeout 300", "test", "ok"),
    Boot("uefi 4 CPUs", "--boot uefi --cpus 4 --timeout 300", "test smp", "ok"),
    Boot("pvh 16 CPUs", "--boot pvh --cpus 16 --timeout 300", "test storm", "ok", (ALL % (16, 16),)),
    Boot("pvh 64 CPUs", "--boot pvh --cpus 64 --timeout 300", "test storm", "ok", (ALL % (64, 64),)),
    Boot("pvh 255 CPUs", "--boot pvh --cpus 255 --timeout 300", "test storm", "ok", (ALL % (255, 255),)),
    Boot("pvh 255 CPUs 16M", "--boot pvh --cpus 255 --mem 16M", "alloc 100; check", "ok", FEW_CPUS),
    Boot("uefi 64 CPUs", "--boot uefi --cpus 64 --timeout 300", "cpus", "ok", (ALL % (64, 64),)),
    Boot("pvh nodes", "--boot pvh --cpus 4" + NODES, "nodes; test nodes", "ok", SHOWN_NODES),
    Boot("pvh far nodes", "--boot pvh --cpus 3" + FAR_NODES, "nodes; test nodes", "ok", SHOWN_FAR_NODES),
    Boot("pvh clang", "--boot pvh --timeout 120", "test", "ok"),
    Boot(
        "pvh heap",
        "--boot pvh --cpus 2",
        "alloc 100; leaks mark; alloc 200; heap; heap $2+8; leaks; free $1; heap $1; "
        "heap churn; caches; check",
        "ok",
        HEAP_TEXTS,
    ),
    Boot("HEAP=list", "--boot pvh --cpus 2 --timeout 120", HEAP_LIST, "ok", HEAP_LIST_TEXTS),
    Boot("HEAP=bump", "--boot pvh --timeout 120", HEAP_BUMP, "ok", (r"KiB live at most, in \d",)),
    Boot("FRAMES=list", "--boot pvh --timeout 120", "test", "ok"),
    Boot("FRAMES=buddy", "--boot pvh --timeout 120", "test", "ok"),
    Boot("HARDEN=1", "--boot pvh --cpus 2 --timeout 180", "test", "ok"),
    Boot(
        "several commands",
        "--boot pvh",
        "mem; frames; heap; maps",
        "ok",
        (r"\d+ KiB free \+", r"\d+ frames are free", r"\d+ small blocks", r"\d+ page tables, \d+"),
    ),
    Boot("frames", "--boot pvh --mem 64M", "frames churn 25; frames; check", "ok", CHURN_TEXTS),
    Boot("typed", "--boot pvh", None, "ok", TYPED_TEXTS, None, "\n".join(TYPED)),
    Boot("no APIC", "--boot pvh --cpu max,-apic", "test smp", "ok", (r"irq +by PIC",)),
    Boot("no ACPI", "--boot pvh --machine pc --extra=-no-acpi", "test", "ok", (r"irq +by PIC",)),
    Boot(
        "no ACPI, NMI in panic",
        "--boot pvh --machine pc --extra=-no-acpi",
        "crash nmi",
        "panic",
        (r"panic: an NMI does not keep it",),
    ),
    Boot("typed, no APIC", "--boot pvh --cpu max,-apic", None, "ok", (), None, "mem\nirqs"),
    Boot("command fails", "--boot pvh", "nonsense", "failed", (r"command failed: nonsense",)),
    Boot("panic", "--boot pvh", "panic", "panic", (r"the kernel panicked: \S",)),
    Boot("panic unpaged", "--boot pvh", None, "panic", (UNPAGED,), None, PAGED + "panic x"),
    Boot("fault unpaged", "--boot pvh", None, "panic", (UNPAGED,), None, PAGED + "crash ud"),
    Boot(
        "fault report",
        "--boot pvh",
        "crash null",
        "panic",
        (
            r"page fault writing 0x0: a null pointer",
            r"at 0x\w+ null_pointer\+",
            r"rflags \w+  cr2 0 ",
            r"called from 0x\w+ crash_run\+",
            r"called from 0x\w+ kmain\+",
        ),
    ),
    Boot(
        "stack smashed",
        "--boot pvh",
        "crash smash",
        "panic",
        (r"panic: a variable on the stack has overflowed", r"called from 0x\w+ smash_stack\+"),
    ),
    Boot(
        "NMI in panic",
        "--boot pvh --cpus 2",
        "crash nmi",
        "panic",
        (r"panic: an NMI does not keep it", r"called from 0x\w+ nmi_in_panic\+"),
    ),
    *(
        Boot(name, "--boot pvh", "crash " + name, "panic", (text, r"called from 0x\w+ %s\+" % name))
        for name, text in MISUSES.items()
    ),
    Boot("triple fault", "--boot pvh", "crash triple", "reset"),
    Boot("hang", "--boot pvh --timeout 5", "crash hang", "hang", (r"after 5 s, the kernel hangs",)),
    Boot("uefi 40M", "--boot uefi --mem 40M", "mem", "shell", (r"OVMF needs \d+M",)),
    Boot("pvh 4M", "--boot pvh --mem 4M", "mem", "ok", (r"\d+ KiB free \+",)),
    Boot("pvh 8M", "--boot pvh --mem 8M --timeout 240", "test", "ok"),
    Boot("pvh 2M", "--boot pvh --mem 2M", "mem", "unready", (r"too little memory",)),
    Boot("no boot volume", "--boot uefi", "mem", "shell", (), "no loader"),
    loader("kernel missing", "no sealed kernel", r"is not on the boot volume: copy it"),
    loader("kernel truncated", "truncated", r"does not end in a seal"),
    loader("kernel flipped", "flipped", r"its checksum is wrong"),
    loader("kernel unsealed", "unsealed", r"does not end in a seal"),
    loader("kernel empty", "empty", r"it is almost empty"),
    loader("kernel a folder", "folder", r"kernel\.elf is no readable file"),
    loader("kernel not ELF", "sealed, not ELF", r"is not an ELF file"),
    loader("kernel cut", "sealed, cut", r"ends before its segments do"),
    loader("kernel without headers", "sealed, headers far", r"ends before its program headers"),
    loader("kernel W+X", "sealed, code writable", r"both writable and executable"),
    loader("kernel outside", "sealed, outside", r"outside the addresses meant for it"),
    loader("kernel wraps", "sealed, segment wraps", r"ends before its segments do"),
    loader("kernel too large", "sealed, too large", r"not enough memory .* for the kernel"),
    loader("kernel overlaps", "sealed, overlapping", r"overlap or are out of order"),
    loader("initrd too large", "initrd large", r"not enough memory .* for initrd\.img"),
    loader("initrd a folder", "initrd folder", r"initrd\.img is no readable file"),
    loader("command line binary", "command line binary", r"cmdline\.txt is not one line"),
    Boot("command line too long", "--boot uefi", LONG_LINE, "loader", (r"cmdline\.txt is too",)),
    Boot("pvh line too long", "--boot pvh", LONG_LINE, "panic", (r"longer than \d+ characters",)),
    Boot(
        "pvh initrd too large",
        "--boot pvh --mem 4M",
        "mem",
        "loader",
        (r"initial RAM disk lies over the kernel",),
        "initrd over the kernel",
    ),
    # The commands are typed at the PS/2 keyboard, and what the screen shows is read from a picture.
    Boot("screen std", "--read-screen", SCREEN, "ok", SHOWN),
    Boot("screen virtio", "--read-screen --vga virtio", SCREEN, "ok", SHOWN),
    Boot("screen cirrus", "--read-screen --vga cirrus", SCREEN, "ok", SHOWN),
    Boot("screen bochs", "--read-screen --vga none" + DEVICE % "bochs-display", SCREEN, "ok", SHOWN),
    Boot("screen ramfb", "--read-screen --vga none" + DEVICE % "ramfb", SCREEN, "ok", SHOWN),
    Boot(
        "screen doubled",
        "--read-screen --vga none" + DEVICE % "VGA,edid=on,xres=2560,yres=1440,vgamem_mb=16",
        SCREEN,
        "ok",
        SHOWN + (r"screen\| screen +160x45 characters",),
    ),
    Boot(
        "screen scrolls",
        "--read-screen",
        "help; help; help; " + SCREEN,
        "ok",
        (r"--more--", r"screen\| .*is not mapped\nscreen\| loam>\n(screen\| \n){0,6}poweroff"),
    ),
    Boot("no screen", "--boot pvh --read-screen", SCREEN, "blind", (r"the screen: \S",)),
    Boot("not built", "--boot pvh", "mem", "unready", (r"not built",), "no kernel"),
    # Machines. With less than 42 MiB QEMU's firmware does not start a loader.
    Boot("uefi 48M", "--boot uefi --mem 48M --timeout 120", "test pmm", "ok", (PROMPT,)),
    Boot("uefi pc", "--boot uefi --machine pc --timeout 120", "mem", "ok", (PROMPT,)),
    Boot(
        "uefi 4G",
        "--boot uefi --mem 4G --timeout 120",
        "mem",
        "ok",
        (PROMPT, r"framebuffer \d+x\d+ at 0x[^0]", r"RAM 3\.9 GiB"),
    ),
    Boot("uefi no screen", "--boot uefi --vga none", "mem", "ok", (PROMPT, NO_SCREEN)),
    Boot("uefi 1T", "--boot uefi --mem 1T --timeout 120", "mem", "ok", (PROMPT, r"RAM 1023\.9 G")),
    Boot("uefi 5 levels", "--boot uefi --cpu max --timeout 120", "cpu", "ok", (FOUR_OF_5, GUARDED)),
    Boot("uefi cd", "--boot uefi --medium cd --timeout 120", "mem", "ok", (PROMPT,)),
    Boot("uefi usb", "--boot uefi --medium usb --timeout 120", "mem", "ok", (PROMPT,)),
    Boot("pvh 1G qemu64", "--boot pvh --mem 1G --cpu qemu64", "cpu", "ok", (POOR_CPU, LESS_GUARDED)),
    Boot("pvh 64G", "--boot pvh --mem 64G", "test pmm", "ok", (PROMPT, r"RAM 63\.9 GiB")),
    Boot("pvh 5 levels", "--boot pvh --cpu max", "mem", "ok", (PROMPT, FOUR_OF_5)),
    Boot("pvh no NX", "--boot pvh --cpu qemu64,-nx", "test", "ok", (PROMPT, r"no W\^X")),
]

# Boots of other kernels, and what those are.
OTHER_KERNELS = {
    "pvh clang": "built by clang",
    "FRAMES=list": "with FRAMES=list",
    "FRAMES=buddy": "with FRAMES=buddy",
    "HARDEN=1": "with HARDEN=1",
    "HEAP=list": "with HEAP=list",
    "HEAP=bump": "with HEAP=bump",
}

PROGRAM_SECONDS = 180  # what a hosted program may take
FUZZ_SECONDS = 30  # for each fuzz target, unless the environment says otherwise
LONG_FACTOR = 20  # by which LONG=1 stretches every limit but that of a boot that should hang
RUNNER_SECONDS = 30  # what the runner may take beyond its own timeout
SHOWN_LINES = 100  # of a failed program's output
SANITIZER = r"runtime error: |(ERROR|WARNING): \w+Sanitizer"  # it may let the program go on
COMPLAIN = "import sys; sys.exit(sys.argv[1])"  # a Python program that says its argument and fails

# What is run: a command, and what it should do. skip is a reason or None; texts and status as in
# Boot; group is where --list and --junit put it; damage needs build, the directory to copy; typed
# comes from stdin.
JOB_FIELDS = "group name argv seconds status texts tap skip damage typed"
Job = collections.namedtuple("Job", JOB_FIELDS, defaults=(0, (), True, None, None, None))
Result = collections.namedtuple("Result", "job cases details seconds")


# --- what there is to run ---------------------------------------------------------------------


def is_long():
    return os.environ.get("LONG") == "1"


def stretch(seconds):
    return seconds * (LONG_FACTOR if is_long() else 1)


def hosted_jobs(directories):
    """Every executable X_test; named X, after its directory if there are several of these."""
    for directory in directories:
        programs = sorted(pathlib.Path(directory).glob("*_test"))
        programs = [path for path in programs if path.is_file() and os.access(path, os.X_OK)]
        prefix = pathlib.Path(directory).name + "/" if len(directories) > 1 else ""
        for path in programs:
            name = prefix + path.name[: -len("_test")]
            yield Job("hosted", name, [str(path.absolute())], stretch(PROGRAM_SECONDS))
        if not programs:
            reason = "there is no program *_test in %s: run make" % directory
            yield Job("hosted", directory, [sys.executable, "-c", COMPLAIN, reason], 10)


def script_jobs():
    """Every X_test.py; those that boot find the kernels in the environment, or skip."""
    for path in sorted(TESTS.glob("*_test.py")):
        argv = [sys.executable, str(TESTS / "tap.py"), str(path)]
        yield Job("script", path.name[: -len("_test.py")], argv, stretch(PROGRAM_SECONDS))


def fuzz_jobs(directory):
    """Every fuzz target for a while, on the seeds of its corpus and what it found before."""
    sources = sorted(TESTS.glob("fuzz/*_fuzz.c"))
    for name in [source.stem for source in sources]:
        if directory:
            yield fuzz_job(name, pathlib.Path(directory).absolute())
        else:
            reason = "no fuzz targets were given: they need clang and its libFuzzer"
            yield Job("fuzz", name, [], 0, skip=reason)


def fuzz_job(name, directory):
    part = name[: -len("_fuzz")]
    seconds = stretch(int(os.environ.get("FUZZ_SECONDS") or FUZZ_SECONDS))
    found = directory / "corpus" / part
    found.mkdir(parents=True, exist_ok=True)
    argv = [str(directory / name), "-max_total_time=%d" % seconds, "-timeout=10"]
    argv += ["-artifact_prefix=%s/%s-" % (directory, part)]
    argv += [str(found), str(TESTS / "fuzz" / "corpus" / part)]
    return Job("fuzz", name, argv, seconds + RUNNER_SECONDS, tap=False)


def boot_job(boot, kernel_dir, skip=None):
    is_suite = boot.verdict == "ok" and boot.cmd is not None and boot.cmd.split()[0] == "test"
    cmd = [] if boot.cmd is None else ["--cmd", boot.cmd + " long" * (is_suite and is_long())]
    argv = [sys.executable, str(TESTS / "qemu.py"), "--build", str(kernel_dir)]
    argv += shlex.split(boot.options) + cmd
    options = qemu.parse(argv[2:])
    seconds = options.timeout or qemu.TIMEOUT[options.boot]
    if boot.verdict != "hang":
        seconds = stretch(seconds)
    argv += ["--timeout", str(seconds)]
    status = qemu.VERDICTS[boot.verdict][0]
    limit = seconds + RUNNER_SECONDS
    rest = (boot.texts, is_suite, skip, boot.damage, boot.typed)
    return Job("boot", boot.name, argv, limit, status, *rest)


def boot_jobs(kernel_dir, other_dirs):
    """other_dirs: the kernels of OTHER_KERNELS that are there."""
    for boot in BOOTS:
        if boot.name in OTHER_KERNELS:
            other = other_dirs.get(boot.name)
            skip = None if other else "no kernel %s was given" % OTHER_KERNELS[boot.name]
            yield boot_job(boot, other or kernel_dir, skip)
        else:
            skip = needs_image(boot) and missing("xorriso", "mcopy")
            yield boot_job(boot, kernel_dir, skip)


def needs_image(boot):
    return "--medium" in boot.options


def missing(*commands):
    """Names those that are not installed; None if all are."""
    absent = [command for command in commands if not shutil.which(command)]
    return " and ".join(absent) + " not installed" if absent else None


def suite_job(name, kernel_dir):
    boot = Boot("kernel test " + name, "--boot pvh --timeout 120", "test " + name, "ok")
    return boot_job(boot, kernel_dir)


def kernel_suites(kernel_dir):
    """The names after `# suite` that the kernel's command `test list` prints; None if it fails."""
    job = boot_job(Boot("list", "--boot pvh", "test list", "ok"), kernel_dir)
    status, output, _ = run_process(job.argv, job.seconds)
    return None if status else re.findall(r"^# suite (\S+)", output, re.M)


def choose(jobs, name, kernel_dir):
    """The jobs of that name, and the kernel's suite of that name in one boot."""
    chosen = [job for job in jobs if name in (job.name, job.name.split("/")[-1])]
    suites = kernel_suites(kernel_dir) if kernel_dir else []
    if suites is None or name in suites:
        chosen.append(suite_job(name, kernel_dir))
    return chosen, suites or []


# --- running ----------------------------------------------------------------------------------

live = set()  # processes that must not outlive this program
live_lock = threading.Lock()


def run_process(argv, seconds, typed=None):
    """Exit status (None if it took too long), stdout and stderr; `typed` is its stdin."""
    environ = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
    stdin = subprocess.DEVNULL if typed is None else subprocess.PIPE
    pipes = {"stdin": stdin, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(argv, env=environ, start_new_session=True, **pipes)
    with live_lock:
        live.add(process)
    try:
        output, errors = process.communicate(typed and typed.encode(), seconds)
        status = process.returncode
    except subprocess.TimeoutExpired:
        end_group(process)
        output, errors = process.communicate()
        status = None
    with live_lock:
        live.discard(process)
    return status, output.decode(errors="replace"), errors.decode(errors="replace")


def end_group(process):
    """Ends the process and what it started: it leads a group of its own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(3)


def run_job(job):
    if job.skip:
        return Result(job, [tap.Case(job.name, "skipped", job.skip)], "", 0)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="loam-test-") as directory:
        argv = damaged(job, pathlib.Path(directory)) if job.damage else job.argv
        status, output, errors = run_process(argv, job.seconds, job.typed)
    cases, details = judge(job, status, output, errors)
    return Result(job, cases, details, time.monotonic() - start)


def damaged(job, directory):
    """The job's command, with the build directory replaced by a damaged copy."""
    place = job.argv.index("--build") + 1
    build = pathlib.Path(job.argv[place])
    for name in KERNEL_FILES:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        if (build / name).exists():
            shutil.copyfile(build / name, directory / name)
    with contextlib.suppress(FileNotFoundError):  # not built: the boot itself says so
        damage.KINDS[job.damage](directory)
    return job.argv[:place] + [str(directory)] + job.argv[place + 1 :]


# --- judging ----------------------------------------------------------------------------------


def judge(job, status, output, errors):
    """The job's cases, and what to show of its output: nothing if all is well."""
    cases, problem = tap.parse(output + "\n" + errors) if job.tap else ([], None)
    reported = any(case.outcome == "failed" for case in cases)
    problems = [problem] if problem else []
    if status != job.status and not (reported and status and status > 0):
        problems.append(ending(job, status))
    if job.group == "hosted" and re.search(SANITIZER, errors):
        problems.append("a sanitizer reported an error")
    for text in job.texts:
        if not re.search(text, output + errors):
            problems.append("nothing in its output matches %s" % text)
    if problems:
        cases.append(tap.Case(job.name, "failed", "\n".join(problems)))
    elif not job.tap:
        cases.append(tap.Case(job.name, "passed", ""))
    return cases, excerpt(output, errors) if problems else ""


def ending(job, status):
    """How it ended, where it should have ended with job.status."""
    if status is None:
        return "it was ended after %g s" % job.seconds
    if status < 0:
        return "it died of signal %d (%s)" % (-status, signal.Signals(-status).name)
    return "its exit status is %d, expected %d" % (status, job.status)


def excerpt(output, errors):
    """The end of what a program printed, without the cases that passed."""
    lines = [line for line in output.splitlines() if not re.match(r"ok \d", line)]
    lines += errors.splitlines()
    return "\n".join(lines[-SHOWN_LINES:])


# --- telling ----------------------------------------------------------------------------------


def totals(cases):
    """`3 passed, 0 failed`, and what was skipped if anything was."""
    count = collections.Counter(case.outcome for case in cases)
    text = "%d passed, %d failed" % (count["passed"], count["failed"])
    return text + (", %d skipped" % count["skipped"] if count["skipped"] else "")


def is_failed(result):
    return any(case.outcome == "failed" for case in result.cases)


def indent(text, by=6):
    return "".join("%s%s\n" % (" " * by, line) for line in text.splitlines())


def tell(result):
    """One line of progress, and below it the details of what failed or was skipped as a whole."""
    skipped = all(case.outcome == "skipped" for case in result.cases)
    word = "FAIL" if is_failed(result) else "skip" if skipped else "pass"
    title = "%s %s" % (result.job.group, result.job.name)
    print("%s  %-28s %-36s %6.1f s" % (word, title, totals(result.cases), result.seconds))
    for case in result.cases:
        if case.outcome == "failed":
            print(indent("not ok: " + case.name) + indent(case.notes, 10), end="")
        elif word == "skip":
            print(indent(case.notes), end="")
    if result.details:
        print(indent("its output:") + indent(result.details, 10), end="")
    sys.stdout.flush()


def xml_text(text):
    return re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd]", "?", text)


def write_junit(path, results):
    root = xml.Element("testsuites")
    for result in results:
        name = "%s %s" % (result.job.group, result.job.name)
        suite = xml.SubElement(root, "testsuite", name=name, time="%.3f" % result.seconds)
        suite.set("tests", str(len(result.cases)))
        for outcome, key in (("failed", "failures"), ("skipped", "skipped")):
            suite.set(key, str(sum(case.outcome == outcome for case in result.cases)))
        for case in result.cases:
            element = xml.SubElement(suite, "testcase", classname=name, name=xml_text(case.name))
            if case.outcome != "passed":
                kind = "failure" if case.outcome == "failed" else "skipped"
                child = xml.SubElement(element, kind, message=xml_text(case.notes))
                child.text = xml_text(result.details) if kind == "failure" else None
    xml.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def run_all(jobs, at_once):
    """Runs the jobs and tells of each as it ends; gives their results."""
    results = []
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        futures = [pool.submit(run_job, job) for job in jobs]
        try:
            for future in concurrent.futures.as_completed(futures):
                results.append(future.result())
                tell(results[-1])
        finally:
            for future in futures:
                future.cancel()
            with live_lock:
                left = list(live)
            for process in left:
                end_group(process)
    return results


def conclude(results):
    """Names what failed, then the total, which is the last line; gives the exit status."""
    cases = [case for result in results for case in result.cases]
    failed = [result.job for result in results if is_failed(result)]
    if failed:
        print("failed: " + ", ".join("%s %s" % (job.group, job.name) for job in failed))
    print(totals(cases), flush=True)
    return 1 if failed else 0


# --- the command ------------------------------------------------------------------------------


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(description="Runs every test of Loam and counts them.")
    add = parser.add_argument
    add("--hosted-dir", action="append", default=[], metavar="DIR", help="programs *_test")
    add("--fuzz-dir", metavar="DIR", help="fuzz targets *_fuzz")
    add("--kernel-dir", metavar="DIR", help="kernel.elf and efi/")
    add("--clang-dir", metavar="DIR", help="the same, built by clang")
    add("--list-dir", metavar="DIR", help="the same, with FRAMES=list")
    add("--buddy-dir", metavar="DIR", help="the same, with FRAMES=buddy")
    add("--hardened-dir", metavar="DIR", help="the same, with HARDEN=1")
    add("--heap-list-dir", metavar="DIR", help="the same, with HEAP=list")
    add("--heap-bump-dir", metavar="DIR", help="the same, with HEAP=bump")
    add("--only", metavar="NAME", help="the tests of one source, or one boot")
    add("--list", action="store_true", help="print the names that --only takes")
    add("--jobs", type=int, default=2, metavar="N", help="how many at once (default 2)")
    add("--junit", metavar="FILE", help="write the results there, too")
    return parser.parse_args(arguments)


def names(jobs, suites):
    """The names by group, as --list prints them."""
    groups = collections.defaultdict(list)
    for job in jobs:
        groups[job.group].append(job.name)
    groups["kernel"] += suites
    return "".join("%-7s %s\n" % (group, ", ".join(items)) for group, items in groups.items())


def main(arguments):
    options = parse_arguments(arguments)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    jobs = list(hosted_jobs(options.hosted_dir)) + list(script_jobs())
    jobs += fuzz_jobs(options.fuzz_dir)
    if options.hosted_dir:
        os.environ["LOAM_HOSTED"] = options.hosted_dir[0]
    if options.kernel_dir:
        os.environ["LOAM_BUILD"] = os.path.abspath(options.kernel_dir)
        others = (options.clang_dir, options.list_dir, options.buddy_dir, options.hardened_dir,
                  options.heap_list_dir, options.heap_bump_dir)
        jobs += boot_jobs(options.kernel_dir, dict(zip(OTHER_KERNELS, others)))
    if options.list:
        print(names(jobs, options.kernel_dir and kernel_suites(options.kernel_dir) or []), end="")
        return 0
    if options.only:
        chosen, suites = choose(jobs, options.only, options.kernel_dir)
        if not chosen:
            sys.stderr.write("loam: no test is called %s; there are\n" % options.only)
            sys.stderr.write(names(jobs, suites))
            return 2
        jobs = chosen
    results = run_all(jobs, options.jobs)
    if options.junit:
        write_junit(options.junit, results)
    return conclude(results)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
