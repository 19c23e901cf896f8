#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots Loam in QEMU and says how it went.

Takes a build directory with kernel.elf and efi/ in it. With --cmd the kernel runs those prompt
commands and powers off: its own output goes to stdout as it comes, everything else to stderr, and
the exit status is the verdict (VERDICTS). Without --cmd the prompt is on the terminal; if stdin is
not a terminal, it is typed at the prompt, and its end powers off. With --screenshot or --read-screen
the commands are typed at the machine's keyboard, and the screen is looked at before it powers off.
"""
import argparse
import contextlib
import ctypes
import fcntl
import functools
import os
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import time
import types

import qmp
import screen

QEMU = "qemu-system-x86_64"
ROOT = os.path.join(os.path.dirname(__file__), os.pardir)
IMAGE_TOOL = os.path.join(ROOT, "tools", "image.sh")
LICENCES = ("LICENSE", "LICENSE.font")  # the latter must go with every copy of the font

SOCKET = "unix:%s,server=on,wait=off"

# Verdict: exit status, sentence. {detail} is what the kernel, the loader or QEMU said about it.
VERDICTS = {
    "ok": (0, "every command succeeded"),
    "failed": (1, "a command failed: {detail}"),
    "panic": (2, "the kernel panicked: {detail}"),
    "reset": (3, "the machine reset or powered off without a verdict (a triple fault does that)"),
    "mute": (3, "QEMU ended with the code of success, but the kernel's first line never came"),
    "hang": (4, "no verdict after {seconds:g} s, {detail} hangs; the last lines seen:"),
    "shell": (5, "the firmware found nothing to boot and went to its own shell or menu"),
    "loader": (6, "the loader gave up: {detail}"),
    "crash": (6, "the loader or the firmware crashed: {detail}"),
    "blind": (7, "the screen: {detail}"),
    "unready": (7, "{detail}"),
    "qemu": (7, "QEMU ended by itself with status {status}: {detail}"),
}

# What the kernel writes to port 0xf4 arrives as QEMU's exit status 2 * value + 1.
KERNEL_STATUS = {33: "ok", 35: "failed", 37: "panic"}

FIRST_LINE = re.compile(rb"^(\x1b\[[0-?]*[ -/]*[@-~])*(?=Loam \d+\.\d+)", re.M)
LOADER_ERROR = re.compile(rb"^loam: error:[ \t]*(.*)\n", re.M)
EXCEPTION = re.compile(rb"!!!! (X64 Exception.*?) *!!!!")  # as OVMF reports it before it stops
FAILED_COMMAND = re.compile(rb"^loam: command failed: *(.*)$", re.M)
PANIC = re.compile(rb"^panic: *(.*)$", re.M)
PROMPT, PAUSE = b"loam> ", b"--more--"
SHELL = re.compile(rb"Shell>|UEFI Interactive Shell|No bootable option or device was found")
ESCAPE = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|[()].|[^\[()])")

# UEFI firmware: single images first, then pairs of code and variables. tools/need.sh has the same.
OVMF = [
    ("/usr/share/ovmf/OVMF.fd",),  # Debian, Ubuntu
    ("/usr/share/OVMF/OVMF.fd",),  # Alpine
    ("/usr/share/edk2/x64/OVMF.4m.fd",),  # Arch
    ("/usr/share/edk2-ovmf/x64/OVMF.fd",),  # Arch until 2024
    ("/usr/share/qemu/OVMF.fd",),
    ("/usr/share/qemu/ovmf-x86_64.bin",),  # openSUSE
    ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
    ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
    ("/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),  # Fedora
    ("/usr/share/edk2-ovmf/OVMF_CODE.fd", "/usr/share/edk2-ovmf/OVMF_VARS.fd"),  # Gentoo
    ("/opt/homebrew/share/qemu/edk2-x86_64-code.fd", "/opt/homebrew/share/qemu/edk2-i386-vars.fd"),
    ("/usr/local/share/qemu/edk2-x86_64-code.fd", "/usr/local/share/qemu/edk2-i386-vars.fd"),
    ("/usr/share/qemu/edk2-x86_64-code.fd", "/usr/share/qemu/edk2-i386-vars.fd"),
]

# What UEFI boots from: how QEMU reads the file or folder, and the devices that it is plugged into.
MEDIA = {
    "folder": ("fat:", ["virtio-blk-pci,drive=esp,bootindex=0"]),
    "cd": ("", ["ide-cd,drive=esp,bootindex=0"]),
    "usb": ("", ["qemu-xhci", "usb-storage,drive=esp,bootindex=0"]),
}

LEAST_MEMORY = {"uefi": 42, "pvh": 4}  # MiB: their own needs; SeaBIOS keeps the last half
TIMEOUT = {"uefi": 60, "pvh": 30}  # seconds for --cmd; half a second to three are usual
PROBE_SECONDS = 10  # for an accelerator to show that it works; it does in 0.2
KEY_SECONDS = 20  # for a typed character to be echoed
LOADER_GRACE = 1  # seconds that loader or firmware may go on talking after an error
ICOUNT_SHIFT = {"uefi": 5, "pvh": 0}  # one instruction is 2^shift ns; OVMF at 0 takes 50 s
LAZY_MEMORY = 4 << 30  # more than this is not reserved on the host, only touched
WIDE_MEMORY = 512 << 30  # more than this needs more than QEMU's 40 physical address bits
MOST_CPUS = 255
KEPT = 64 << 10  # bytes of firmware text and of kernel output that are remembered
TAIL_LINES = 24


class Refusal(Exception):
    """Nothing can be booted as asked; the text says why and what to do."""


# --- the machine: from options to QEMU's command line -----------------------------------------


def bytes_of(size):
    """The number of bytes that QEMU means by -m SIZE."""
    match = re.fullmatch(r"(\d+)([MGT]?)", size.upper())
    if not match or not int(match[1]):
        raise Refusal("--mem %s: not a memory size; write for example 256M or 8G" % size)
    return int(match[1]) << {"": 20, "M": 20, "G": 30, "T": 40}[match[2]]


def command_line(cmd):
    """The kernel command line that makes it run the prompt commands `cmd` and power off."""
    if cmd is None:
        return ""
    if any(ord(character) < 32 for character in cmd):
        raise Refusal("the command has a control character in it; separate commands by ;")
    for quote in "\"'":
        if quote not in cmd:
            return "run=" + quote + cmd + quote
    raise Refusal("the command has both kinds of quotes in it; use only one: %s" % cmd)


def machine_arguments(options):
    """The machine itself: board, CPUs, memory, clock."""
    size = bytes_of(options.mem)
    lazy = size > LAZY_MEMORY
    wide = size > WIDE_MEMORY and "phys-bits" not in options.cpu
    argv = ["-nodefaults", "-no-user-config", "-display", "none", "-accel", options.accel]
    argv += ["-machine", options.machine + (",memory-backend=ram" if lazy else "")]
    argv += ["-cpu", options.cpu + (",phys-bits=46" if wide else "")]
    argv += ["-smp", str(options.cpus), "-m", "%dM" % (size >> 20)]
    if lazy:
        argv += ["-object", "memory-backend-ram,id=ram,size=%d,reserve=off" % size]
    if options.icount:
        argv += ["-icount", "shift=%d,sleep=off" % ICOUNT_SHIFT[options.boot]]
        argv += ["-rtc", "base=2026-01-01T00:00:00,clock=vm"]
    return argv + ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]


def boot_arguments(options, firmware, volume):
    """What it boots: firmware and a read-only medium, or the kernel itself."""
    if options.boot == "uefi":
        prefix, devices = MEDIA[options.medium]
        drive = "if=none,id=esp,readonly=on,format=raw,file=" + prefix + volume.replace(",", ",,")
        medium = ["-drive", drive]
        for device in devices:
            medium += ["-device", device]
        return ["-vga", options.vga] + firmware + medium
    argv = ["-kernel", os.path.join(options.build, "kernel.elf")]
    line = command_line(options.cmd)
    argv += ["-append", line] if line else []
    on_volume = os.path.join(options.build, "efi", "initrd.img")
    initrd = options.initrd or (on_volume if os.path.exists(on_volume) else None)
    return argv + (["-initrd", initrd] if initrd else [])


def console_arguments(options, terminal):
    """The serial line: QEMU's own terminal with its monitor, or a pipe to this program."""
    argv = ["-serial", "mon:stdio"] if terminal else ["-serial", "stdio", "-no-reboot"]
    if options.gdb:
        argv += ["-gdb", SOCKET % options.gdb.replace(",", ",,"), "-S"]
    if options.qmp:
        argv += ["-qmp", SOCKET % options.qmp.replace(",", ",,")]
    return argv + shlex.split(options.extra)


def qemu_arguments(options, terminal=False, firmware=(), volume=None):
    machine = machine_arguments(options)
    boot = boot_arguments(options, list(firmware), volume)
    return [QEMU] + machine + boot + console_arguments(options, terminal)


# --- what is booted: files --------------------------------------------------------------------


def find_ovmf(environ=os.environ, exists=os.path.exists):
    """The firmware's files: (image,) or (code, variables)."""
    chosen = environ.get("LOAM_OVMF")
    candidates = [tuple(chosen.split(":"))] if chosen else OVMF
    for files in candidates:
        if len(files) <= 2 and all(exists(file) for file in files):
            return files
    if chosen:
        raise Refusal("LOAM_OVMF=%s: no such firmware; it is FILE, or CODE:VARS" % chosen)
    raise Refusal("no UEFI firmware found: run tools/need.sh uefi, set LOAM_OVMF=FILE or BOOT=pvh")


def firmware_arguments(files, directory):
    """QEMU's arguments for the firmware; its variables are a copy in `directory`."""
    if len(files) == 1:
        return ["-bios", files[0]]
    variables = os.path.join(directory, "vars.fd")
    shutil.copyfile(files[1], variables)
    flash = "if=pflash,format=raw,unit=%d,%sfile=%s"
    code = flash % (0, "readonly=on,", files[0].replace(",", ",,"))
    return ["-drive", code, "-drive", flash % (1, "", variables.replace(",", ",,"))]


def make_volume(options, directory):
    """Lays out a boot volume as the firmware and the loader expect it; gives its path."""
    volume = os.path.join(directory, "esp")
    os.makedirs(os.path.join(volume, "EFI", "BOOT"))
    efi = os.path.join(options.build, "efi")
    with open(os.path.join(volume, "cmdline.txt"), "w", errors="surrogateescape") as file:
        file.write(command_line(options.cmd))
    for name in os.listdir(efi):
        place = os.path.join("EFI", "BOOT", name) if name.endswith(".EFI") else name
        copy = shutil.copytree if os.path.isdir(os.path.join(efi, name)) else shutil.copyfile
        copy(os.path.join(efi, name), os.path.join(volume, place))
    if options.initrd:
        shutil.copyfile(options.initrd, os.path.join(volume, "initrd.img"))
    return volume


def make_image(options, image):
    """Makes an image of the boot volume, for a CD or a USB stick."""
    for name in ("efi/BOOTX64.EFI", "efi/kernel.elf"):
        demand_built(options, name)
    for tool, package in (("xorriso", "xorriso"), ("mcopy", "mtools")):
        if not shutil.which(tool):
            raise Refusal("%s is not installed: run tools/need.sh %s" % (tool, package))
    with tempfile.TemporaryDirectory(prefix="loam-") as directory:
        volume = make_volume(options, directory)
        for name in LICENCES:
            shutil.copyfile(os.path.join(ROOT, name), os.path.join(volume, name))
        argv = [IMAGE_TOOL, volume, image]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise Refusal("no image could be made: %s" % said)


def demand_built(options, name):
    if not os.path.isfile(os.path.join(options.build, name)):
        raise Refusal("%s is not built: run make" % os.path.join(options.build, name))


def demand_ready(options):
    """Refuses with a way out if something is not built or not installed."""
    needed = ["kernel.elf"] + (["efi/BOOTX64.EFI"] if options.boot == "uefi" else [])
    for name in needed:
        demand_built(options, name)
    if options.boot == "pvh" and bytes_of(options.mem) < LEAST_MEMORY["pvh"] << 20:
        least = LEAST_MEMORY[options.boot]
        raise Refusal("--mem %s is too little memory: %dM are needed" % (options.mem, least))
    if options.initrd and not os.path.isfile(options.initrd):
        raise Refusal("%s: no such initial RAM disk" % options.initrd)
    if not shutil.which(QEMU):
        raise Refusal("%s is not installed: run tools/need.sh qemu" % QEMU)
    if options.accel.split(",")[0] != "tcg":
        probe(options)


def probe(options):
    """Refuses an accelerator that cannot bring the kernel to its first line in a moment."""
    trial = ["--build", options.build, "--boot", "pvh", "--accel", options.accel]
    argv = qemu_arguments(parse(trial + ["--cmd", "poweroff"]))
    seen = watch(argv, PROBE_SECONDS, lambda text: None, stop_at_kernel=True)
    if not seen.kernel:
        said = plain(seen.errors).decode(errors="replace").strip().splitlines()
        reason = said[-1] if said else "the kernel's first line never came"
        raise Refusal(
            "the accelerator %s does not work on this machine (%s); leave ACCEL out to use tcg"
            % (options.accel, reason)
        )


# --- QEMU at work -----------------------------------------------------------------------------


def plain(text):
    """Console text without terminal escapes and carriage returns."""
    return ESCAPE.sub(b"", text).replace(b"\r", b"")


def die_with_parent():
    """In the child: be killed if the runner is killed in a way that it cannot answer."""
    if LIBC is not None:
        LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@contextlib.contextmanager
def running(argv, **pipes):
    """QEMU as a process that is ended, whatever happens, when the block is left."""
    process = subprocess.Popen(argv, preexec_fn=die_with_parent, **pipes)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)
        if process.poll() is None:
            process.kill()
        process.wait()


def take(seen, data):
    """Adds console data to what was seen; gives the part that the kernel said."""
    data = data.replace(b"\r", b"")
    if not seen.kernel:
        seen.firmware = (seen.firmware + data)[-KEPT:]
        start = FIRST_LINE.search(seen.firmware)
        if not start:
            text = plain(seen.firmware)
            seen.loader = seen.loader or LOADER_ERROR.search(text)
            seen.shell = seen.shell or SHELL.search(text)
            seen.crash = seen.crash or EXCEPTION.search(text)
            return b""
        seen.kernel = True
        seen.firmware, data = seen.firmware[: start.start()], seen.firmware[start.end() :]
    seen.output = (seen.output + data)[-KEPT:]
    return data


def lookout(seen, stop_at_kernel):
    """Shortens the deadline once nothing better can come."""
    if stop_at_kernel if seen.kernel else seen.shell:
        seen.deadline = 0
    elif (seen.loader or seen.crash) and not seen.kernel:
        seen.deadline = min(seen.deadline, time.monotonic() + LOADER_GRACE)


def watch(argv, timeout, emit, feed=None, stop_at_kernel=False):
    """Runs QEMU to its end, or to the reason to end it; gives what was seen and its status."""
    seen = types.SimpleNamespace(kernel=False, loader=None, shell=None, crash=None, blind=None)
    seen.firmware = seen.output = seen.errors = b""
    seen.deadline = time.monotonic() + timeout if timeout else float("inf")
    stdin = subprocess.PIPE if feed else subprocess.DEVNULL
    pipe = subprocess.PIPE
    with running(argv, stdin=stdin, stdout=pipe, stderr=pipe) as process:
        if feed:
            threading.Thread(target=feed, args=(seen, process), daemon=True).start()
        for source, data in chunks(process, seen):
            if source == "errors":
                seen.errors = (seen.errors + data)[-KEPT:]
                continue
            emit(take(seen, data))
            lookout(seen, stop_at_kernel)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5 if time.monotonic() < seen.deadline else 0)
        seen.status = process.poll()
    return seen


def chunks(process, seen):
    """What comes out of QEMU, as it comes, until both its pipes end or the deadline passes."""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, "console")
        selector.register(process.stderr, selectors.EVENT_READ, "errors")
        while selector.get_map():
            left = seen.deadline - time.monotonic()
            if left <= 0:
                return
            for key, _ in selector.select(min(left, 60)):
                data = os.read(key.fd, 1 << 16)
                if not data:
                    selector.unregister(key.fileobj)
                yield key.data, data


def type_stdin(seen, process):
    """Types stdin at the prompt once the kernel is there to read it, then powers off."""
    while not seen.kernel:
        time.sleep(0.05)
    with contextlib.suppress(OSError):
        last, data = b"\n", os.read(0, 4096)
        while data:
            os.write(process.stdin.fileno(), data.replace(b"\n", b"\r"))
            last, data = data[-1:], os.read(0, 4096)
        os.write(process.stdin.fileno(), (b"" if last == b"\n" else b"\r") + b"poweroff\r")


# --- the screen and the keyboard --------------------------------------------------------------


def wait_until(condition, process, timeout=float("inf")):
    """True once the condition holds; False if QEMU ends first, or after `timeout` seconds."""
    end = time.monotonic() + timeout
    while not condition() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


def at(seen, *ends):
    return plain(seen.output[-64:]).endswith(ends)


def type_key(keyboard, seen, process, character):
    """Types a character at the machine's keyboard and waits for what comes of it."""
    before = seen.output
    keyboard.type(character)
    if not wait_until(lambda: seen.output != before, process, KEY_SECONDS):
        raise qmp.QmpError("the key for %r is not echoed" % character)


def type_line(keyboard, seen, process, line):
    """Types a line and waits until it is done, asking for more where output pauses. False if QEMU
    ends meanwhile."""
    for character in line + "\n":
        type_key(keyboard, seen, process, character)
    while wait_until(lambda: at(seen, PROMPT, PAUSE), process):
        if at(seen, PROMPT):
            return True
        type_key(keyboard, seen, process, " ")
    return False


def look(options, machine):
    """Saves and reads the picture of the screen, as asked."""
    picture = options.screenshot or options.qmp + ".png"
    machine.picture(picture)
    if options.read_screen:
        with open(picture, "rb") as file:
            lines = screen.read_text(screen.decode_png(file.read()))
        emit_stdout("".join("screen| %s\n" % line for line in lines).encode())


def visit(options, seen, process):
    """Types the commands, looks at the screen when they are done, and powers off."""
    try:
        if not wait_until(lambda: seen.kernel and at(seen, PROMPT), process):
            return
        machine = qmp.Qmp(options.qmp, KEY_SECONDS)
        if options.typed and not type_line(machine, seen, process, options.typed):
            return
        look(options, machine)
        os.write(process.stdin.fileno(), b"poweroff\r")
    except (qmp.QmpError, screen.Unreadable, OSError) as error:
        seen.blind = str(error)
        process.terminate()


# --- the verdict ------------------------------------------------------------------------------


def classify(seen):
    """The verdict's name; seen.status is None if QEMU had to be ended."""
    if seen.blind and seen.status not in KERNEL_STATUS:
        return "blind"
    if seen.loader and not seen.kernel:
        return "loader"
    if seen.crash and not seen.kernel:
        return "crash"
    if seen.shell and not seen.kernel:
        return "shell"
    if seen.status is None:
        return "hang"
    if seen.status == 33 and not seen.kernel:
        return "mute"
    if seen.status == 0 and b"terminating on signal" not in seen.errors:
        return "reset"
    return KERNEL_STATUS.get(seen.status, "qemu")


def detail(verdict, seen):
    """What the guest or QEMU itself said about it, for the verdict's sentence."""
    if verdict == "failed":
        return b"; ".join(FAILED_COMMAND.findall(seen.output)).decode(errors="replace")
    if verdict == "panic":
        reason = PANIC.search(seen.output) or PANIC.search(plain(seen.firmware))
        return reason[1].decode(errors="replace") if reason else "it gave no reason"
    if verdict == "loader":
        return seen.loader[1].decode(errors="replace").strip()
    if verdict == "blind":
        return seen.blind
    if verdict == "crash":
        return seen.crash[1].decode(errors="replace")
    if verdict == "qemu":
        return plain(seen.errors).decode(errors="replace").strip() or "it said nothing"
    return "the kernel" if seen.kernel else "the firmware or the loader"


def tail(text):
    lines = [line for line in plain(text).decode(errors="replace").splitlines() if line.strip()]
    return "".join("    %s\n" % line for line in lines[-TAIL_LINES:])


def report(verdict, seen, timeout):
    """The verdict's sentence; with it, if the kernel never spoke or hangs, what was seen last."""
    status, sentence = VERDICTS[verdict]
    sentence = sentence.format(
        detail=detail(verdict, seen), seconds=timeout or 0, status=seen.status
    )
    say(sentence)
    if verdict == "hang" or not seen.kernel:
        sys.stderr.write(tail(seen.output if seen.kernel else seen.firmware))
    return status


def say(sentence):
    sys.stderr.write("loam: %s\n" % sentence)
    sys.stderr.flush()


# --- the two ways to run it -------------------------------------------------------------------


def emit_stdout(text):
    if text:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()


def run_headless(options, argv):
    """Runs QEMU behind pipes; gives the exit status."""
    timeout = options.timeout
    batch = options.cmd is not None or options.typed is not None
    if timeout is None and batch and not options.gdb:
        timeout = TIMEOUT[options.boot]
    feed = None if options.cmd is not None or options.gdb else type_stdin
    if options.typed is not None:
        feed = functools.partial(visit, options)
    seen = watch(argv, timeout, emit_stdout, feed)
    verdict = classify(seen)
    if verdict == "ok":
        return 0
    status = report(verdict, seen, timeout)
    if not seen.kernel and bytes_of(options.mem) < LEAST_MEMORY[options.boot] << 20:
        say("OVMF needs %dM or more to start Loam" % LEAST_MEMORY[options.boot])
    return status


@contextlib.contextmanager
def sane_terminal():
    """Gives the terminal back as it was: QEMU and the firmware leave traces on it."""
    settings = termios.tcgetattr(0)
    flags = [fcntl.fcntl(fd, fcntl.F_GETFL) for fd in (0, 1, 2)]
    try:
        yield
    finally:
        for fd, flag in enumerate(flags):
            fcntl.fcntl(fd, fcntl.F_SETFL, flag)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        termios.tcsetattr(0, termios.TCSADRAIN, settings)
        if os.isatty(1):
            os.write(1, b"\x1b[0m\x1b[?25h\x1b[?7h\r\n")  # colours off, cursor on, wrap on


def run_interactive(options, argv):
    """Gives QEMU the terminal until it ends; gives the exit status."""
    say("`poweroff` or Ctrl-A x ends it")
    with sane_terminal(), running(argv) as process:
        try:
            status = process.wait(options.timeout)
        except subprocess.TimeoutExpired:
            status = None
    verdict = "ok" if status == 0 else KERNEL_STATUS.get(status, "qemu" if status else "hang")
    if verdict in ("ok", "failed"):
        return 0
    sentences = {"panic": "the kernel panicked", "qemu": "QEMU ended with status %s" % status}
    say(sentences.get(verdict, "ended after %g s, as asked" % (options.timeout or 0)))
    return VERDICTS[verdict][0]


def lay_out(options, directory):
    """The file or folder that the medium holds."""
    if options.medium == "folder":
        return make_volume(options, directory)
    image = os.path.join(directory, "loam.iso")
    make_image(options, image)
    return image


def boot(options):
    """Boots as `options` say; gives the exit status."""
    demand_ready(options)
    command_line(options.cmd)
    terminal = options.cmd is None and options.typed is None and not options.gdb
    terminal = terminal and sys.stdin is not None and sys.stdin.isatty()
    with tempfile.TemporaryDirectory(prefix="loam-") as directory:
        firmware, volume = [], None
        options.qmp = os.path.join(directory, "qmp") if options.typed is not None else None
        if options.boot == "uefi":
            firmware = firmware_arguments(find_ovmf(), directory)
            volume = lay_out(options, directory)
        argv = qemu_arguments(options, terminal, firmware, volume)
        return (run_interactive if terminal else run_headless)(options, argv)


# --- the command ------------------------------------------------------------------------------


def cpu_count(text):
    """What --cpus takes: as many CPUs as this QEMU can start without x2APIC."""
    if not text.isdigit() or not 1 <= int(text) <= MOST_CPUS:
        raise argparse.ArgumentTypeError("%s is not a number of CPUs from 1 to %d" % (text, MOST_CPUS))
    return int(text)


def seconds(text):
    """What --timeout takes: seconds, more than none."""
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("%s is not a number of seconds above 0" % text)
    return value


def parse(arguments):
    parser = argparse.ArgumentParser(description="Boots Loam in QEMU and says how it went.")
    add = parser.add_argument
    add("--build", required=True, metavar="DIR", help="directory of kernel.elf and efi/")
    add("--boot", default="uefi", choices=["uefi", "pvh"], help="which entry (default uefi)")
    add("--cpus", default=1, type=cpu_count, metavar="N", help="number of CPUs (default 1)")
    add("--mem", default="256M", metavar="SIZE", help="memory (default 256M)")
    add("--cpu", default="max", metavar="MODEL", help="CPU model (default max)")
    add("--machine", default="q35", help="QEMU's board (default q35)")
    add("--accel", default="tcg", help="QEMU's accelerator (default tcg)")
    add("--timeout", type=seconds, metavar="SECONDS", help="with --cmd 60, under pvh 30; else none")
    add("--cmd", metavar="COMMANDS", help="run these at the prompt, separated by ;, and power off")
    add("--medium", default="folder", choices=MEDIA, help="what UEFI boots from (default folder)")
    add("--vga", default="std", help="QEMU's display adapter under UEFI; none: no framebuffer")
    add("--image", metavar="FILE", help="boot nothing, but write an image for CD or USB stick")
    add("--screenshot", metavar="FILE", help="type the commands, save the screen as PNG, power off")
    add("--read-screen", action="store_true", help="the same, but print the text on the screen")
    add("--initrd", metavar="FILE", help="initial RAM disk")
    add("--icount", action="store_true", help="count instructions: the TSC is exact, runs repeat")
    add("--extra", default="", metavar="ARGUMENTS", help="further arguments for QEMU")
    add("--gdb", metavar="SOCKET", help="halt at the start; gdb connects to this socket")
    parser.error = refuse
    options = parser.parse_args(arguments)
    options.cmd = (options.cmd or "").strip() or None
    options.qmp = options.typed = None
    if options.screenshot or options.read_screen:  # commands in the command line end by power-off
        options.typed, options.cmd = options.cmd or "", None
    return options


def refuse(reason):
    raise Refusal("%s; see tests/qemu.py --help" % reason)


def on_signal(number, _frame):
    sys.exit(128 + number)


def main(arguments):
    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGHUP, on_signal)
    try:
        options = parse(arguments)
        if options.gdb:
            with contextlib.suppress(OSError):
                os.setsid()  # so that Ctrl-C in gdb interrupts the guest, not this program
        if options.image:
            make_image(options, options.image)
            return 0
        return boot(options)
    except Refusal as refusal:
        say(str(refusal))
        return VERDICTS["unready"][0]
    except BrokenPipeError:  # nobody reads the output any more: | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
