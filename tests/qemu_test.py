# SPDX-License-Identifier: MIT
"""Tests the parts of qemu.py that need no QEMU: arguments, the console filter, the verdict."""
import os
import pathlib
import subprocess
import sys
import tempfile
import types
import unittest
from unittest import mock

import qemu

RUNNER = pathlib.Path(qemu.__file__)


def options(*arguments):
    return qemu.parse(["--build", "b", *arguments])


def value(argv, option):
    return argv[argv.index(option) + 1]


def seen(status=None, output=b"", firmware=b"", errors=b""):
    """What `watch` would have seen of a console that says this."""
    state = types.SimpleNamespace(kernel=False, loader=None, shell=None, crash=None, blind=None)
    state.firmware = state.output = b""
    state.status, state.errors = status, errors
    qemu.take(state, firmware)
    if output:
        qemu.take(state, b"\r\nLoam 0.1\r\n" + output)
    return state


class ArgumentsTest(unittest.TestCase):
    def test_pvh_passes_the_commands_as_they_are(self):
        argv = qemu.qemu_arguments(options("--boot", "pvh", "--cmd", "a, b; c"))
        self.assertEqual(value(argv, "-append"), 'run="a, b; c"')
        self.assertEqual(value(argv, "-kernel"), os.path.join("b", "kernel.elf"))
        self.assertIn("-no-reboot", argv)

    def test_quotes_in_commands(self):
        self.assertEqual(qemu.command_line("a"), 'run="a"')
        self.assertEqual(qemu.command_line("it's"), "run=\"it's\"")
        self.assertEqual(qemu.command_line('say "x"'), "run='say \"x\"'")
        self.assertEqual(qemu.command_line(None), "")
        for bad in ("'\"", "a\nb"):
            self.assertRaises(qemu.Refusal, qemu.command_line, bad)

    def test_blank_commands_mean_the_prompt(self):
        self.assertIsNone(options("--cmd", "  ").cmd)

    def test_terminal_keeps_reboots_and_the_monitor(self):
        argv = qemu.qemu_arguments(options("--boot", "pvh"), terminal=True)
        self.assertEqual(value(argv, "-serial"), "mon:stdio")
        self.assertNotIn("-no-reboot", argv)

    def test_what_is_looked_at_is_typed_not_put_in_the_command_line(self):
        for option in (("--read-screen",), ("--screenshot", "f.png")):
            typing = options(*option, "--cmd", "mem")
            self.assertEqual((typing.typed, typing.cmd), ("mem", None))
            self.assertEqual(options(*option).typed, "")
        self.assertIsNone(options("--cmd", "mem").typed)

    def test_display_adapter(self):
        argv = qemu.qemu_arguments(options("--vga", "virtio"), False, [], "esp")
        self.assertEqual(value(argv, "-vga"), "virtio")

    def test_memory_sizes(self):
        self.assertEqual(qemu.bytes_of("64"), 64 << 20)
        self.assertEqual(qemu.bytes_of("1g"), 1 << 30)
        for bad in ("", "0", "x", "1.5G", "-1", "64MM"):
            self.assertRaises(qemu.Refusal, qemu.bytes_of, bad)

    def test_numbers_of_cpus_and_seconds(self):
        self.assertEqual(options("--cpus", "255").cpus, 255)
        self.assertEqual(options("--timeout", "0.5").timeout, 0.5)
        for bad in ("0", "256", "-1", "two", "1.5"):
            self.assertRaisesRegex(qemu.Refusal, "CPUs from 1 to 255", options, "--cpus=" + bad)
        for bad in ("0", "-1", "soon", "inf", "nan"):
            self.assertRaisesRegex(qemu.Refusal, "seconds above 0", options, "--timeout=" + bad)

    def test_large_memory_is_not_reserved_on_the_host(self):
        argv = qemu.machine_arguments(options("--mem", "64G"))
        self.assertIn("size=%d,reserve=off" % (64 << 30), value(argv, "-object"))
        self.assertIn("memory-backend=ram", value(argv, "-machine"))
        self.assertEqual(value(argv, "-cpu"), "max")
        self.assertNotIn("-object", qemu.machine_arguments(options("--mem", "2G")))

    def test_terabytes_get_address_bits(self):
        self.assertEqual(
            value(qemu.machine_arguments(options("--mem", "1T")), "-cpu"), "max,phys-bits=46"
        )
        own = options("--mem", "1T", "--cpu", "max,phys-bits=48")
        self.assertEqual(value(qemu.machine_arguments(own), "-cpu"), "max,phys-bits=48")

    def test_uefi_volume_is_read_only_and_commas_are_doubled(self):
        argv = qemu.qemu_arguments(options(), False, ["-bios", "f"], "/t,1/esp")
        self.assertTrue(value(argv, "-drive").endswith("file=fat:/t,,1/esp"))
        self.assertIn("readonly=on", value(argv, "-drive"))

    def test_cd_and_stick_hold_the_image_itself(self):
        for medium, device in (("cd", "ide-cd"), ("usb", "usb-storage")):
            argv = qemu.qemu_arguments(options("--medium", medium), False, [], "/t/loam.iso")
            self.assertTrue(value(argv, "-drive").endswith(",file=/t/loam.iso"))
            self.assertIn(device + ",drive=esp,bootindex=0", argv)
        self.assertRaises(qemu.Refusal, options, "--medium", "tape")

    def test_display_adapter(self):
        self.assertEqual(value(qemu.qemu_arguments(options(), False, [], "e"), "-vga"), "std")
        argv = qemu.qemu_arguments(options("--vga", "none"), False, [], "e")
        self.assertEqual(value(argv, "-vga"), "none")

    def test_icount_shift_depends_on_the_entry(self):
        for boot, shift in (("pvh", "shift=0,"), ("uefi", "shift=5,")):
            argv = qemu.machine_arguments(options("--icount", "--boot", boot))
            self.assertTrue(value(argv, "-icount").startswith(shift))

    def test_extra_arguments_are_split_as_a_shell_does(self):
        argv = qemu.qemu_arguments(options("--boot", "pvh", "--extra", "-d int -D 'a b'"))
        self.assertEqual(argv[-4:], ["-d", "int", "-D", "a b"])

    def test_bad_usage_is_refused(self):
        self.assertRaises(qemu.Refusal, options, "--boot", "bios")
        self.assertRaises(qemu.Refusal, options, "--cpus", "many")


class FilesTest(unittest.TestCase):
    def test_firmware_image_goes_before_pairs(self):
        self.assertEqual(qemu.find_ovmf({}, lambda path: True), qemu.OVMF[0])
        pair = next(files for files in qemu.OVMF if len(files) == 2)
        self.assertEqual(qemu.find_ovmf({}, lambda path: path in pair), pair)
        self.assertRaises(qemu.Refusal, qemu.find_ovmf, {}, lambda path: False)

    def test_firmware_from_the_environment(self):
        self.assertEqual(qemu.find_ovmf({"LOAM_OVMF": "a:b"}, lambda path: True), ("a", "b"))
        self.assertRaises(qemu.Refusal, qemu.find_ovmf, {"LOAM_OVMF": "a"}, lambda path: False)

    def test_volume_holds_loader_kernel_and_command_line(self):
        with tempfile.TemporaryDirectory() as name:
            build = pathlib.Path(name) / "build"
            (build / "efi").mkdir(parents=True)
            (build / "efi/BOOTX64.EFI").write_text("loader")
            (build / "efi/kernel.elf").write_text("sealed")
            (build / "ramdisk").write_text("files")
            chosen = ["--build", str(build), "--cmd", "mem", "--initrd", str(build / "ramdisk")]
            volume = pathlib.Path(qemu.make_volume(qemu.parse(chosen), name))
            files = {str(path.relative_to(volume)): path for path in volume.rglob("*.*")}
            texts = {name: path.read_text() for name, path in files.items()}
        self.assertEqual(texts.pop("EFI/BOOT/BOOTX64.EFI"), "loader")
        self.assertEqual(texts.pop("kernel.elf"), "sealed")
        self.assertEqual(texts, {"cmdline.txt": 'run="mem"', "initrd.img": "files"})


    def test_image_needs_a_built_loader_and_its_tools(self):
        with tempfile.TemporaryDirectory() as name:
            chosen, image = qemu.parse(["--build", name]), os.path.join(name, "loam.iso")
            self.assertRaisesRegex(qemu.Refusal, "not built", qemu.make_image, chosen, image)
            (pathlib.Path(name) / "efi").mkdir()
            for file in ("BOOTX64.EFI", "kernel.elf"):
                (pathlib.Path(name) / "efi" / file).touch()
            with mock.patch.dict(os.environ, PATH="/nowhere"):
                self.assertRaisesRegex(qemu.Refusal, "need.sh", qemu.make_image, chosen, image)


class ConsoleTest(unittest.TestCase):
    def take_all(self, *chunks):
        state = seen()
        return b"".join(qemu.take(state, chunk) for chunk in chunks), state

    def test_kernel_output_begins_at_its_first_line(self):
        firmware = b"\x1b[2J\x1b[01;01HBdsDxe: x\r\n"
        said, state = self.take_all(firmware, b"\r\nLo", b"am 1.20 a\r\nb\r\n")
        self.assertEqual(said, b"Loam 1.20 a\nb\n")
        self.assertIn(b"BdsDxe", state.firmware)

    def test_the_name_within_a_line_is_not_the_first_line(self):
        self.assertEqual(self.take_all(b"starting Loam 0.1\r\nLoam is not it\r\n")[0], b"")

    def test_every_way_to_cut_the_console_gives_the_same(self):
        text = b"\x1b[0mfw\r\n\r\nLoam 0.1\r\n\x1b[1mx\r\n"
        for cut in range(len(text)):
            self.assertEqual(self.take_all(text[:cut], text[cut:])[0], b"Loam 0.1\n\x1b[1mx\n")

    def test_firmware_escapes_do_not_hide_a_loader_error(self):
        state = seen(firmware=b"\x1b[01;01H\x1b[=3hloam: error: no kernel.elf\r\n")
        self.assertEqual(qemu.classify(state), "loader")
        self.assertEqual(qemu.detail("loader", state), "no kernel.elf")


class VerdictTest(unittest.TestCase):
    def verdict(self, *arguments, **words):
        return qemu.classify(seen(*arguments, **words))

    def test_kernel_statuses(self):
        self.assertEqual(self.verdict(33, b"x"), "ok")
        self.assertEqual(self.verdict(35, b"x"), "failed")
        self.assertEqual(self.verdict(37, b"x"), "panic")

    def test_success_without_a_word_from_the_kernel_is_none(self):
        self.assertEqual(self.verdict(33), "mute")

    def test_status_0_is_a_reset(self):
        self.assertEqual(self.verdict(0, b"x"), "reset")
        self.assertEqual(self.verdict(0, b"x", errors=b"q: terminating on signal 15"), "qemu")

    def test_no_status_is_a_hang(self):
        self.assertEqual(self.verdict(None, b"x"), "hang")
        self.assertEqual(self.verdict(None), "hang")

    def test_firmware_shell(self):
        self.assertEqual(self.verdict(firmware=b"UEFI Interactive Shell v2.2"), "shell")
        self.assertEqual(self.verdict(33, b"Shell> is my prompt\n"), "ok")

    def test_loader_error_goes_before_the_shell_that_follows(self):
        self.assertEqual(self.verdict(firmware=b"loam: error: x\r\nShell>"), "loader")

    def test_exception_before_the_kernel(self):
        text = b"!!!! X64 Exception Type - 06(#UD)  CPU Apic ID - 00000000 !!!!\r\nRIP"
        self.assertEqual(self.verdict(firmware=text), "crash")
        self.assertIn("06(#UD)", qemu.detail("crash", seen(firmware=text)))
        self.assertEqual(self.verdict(33, text), "ok")

    def test_other_statuses_are_QEMU_itself(self):
        self.assertEqual(self.verdict(1), "qemu")
        self.assertEqual(self.verdict(-6, b"x"), "qemu")

    def test_unreadable_screen_counts_unless_the_kernel_gave_a_verdict_itself(self):
        for status, verdict in ((0, "blind"), (None, "blind"), (37, "panic")):
            state = seen(status, b"x", errors=b"q: terminating on signal 15")
            state.blind = "QEMU has gone"
            self.assertEqual(qemu.classify(state), verdict)
        self.assertEqual(qemu.detail("blind", state), "QEMU has gone")

    def test_details(self):
        failed = seen(35, b"loam: command failed: a b\r\nx\r\nloam: command failed: c\r\n")
        self.assertEqual(qemu.detail("failed", failed), "a b; c")
        self.assertEqual(qemu.detail("panic", seen(37, b"panic: page 7\r\n")), "page 7")

    def test_exit_statuses_are_distinct_but_for_the_two_of_a_kind(self):
        statuses = [status for status, _ in qemu.VERDICTS.values()]
        self.assertEqual(statuses, [0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 7, 7])


class CommandTest(unittest.TestCase):
    def run_it(self, *arguments, **environ):
        return subprocess.run(
            [sys.executable, str(RUNNER), *arguments],
            env=dict(os.environ, **environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
            timeout=60,
        )

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.build = directory.name
        (pathlib.Path(self.build) / "kernel.elf").write_text("not an ELF file")

    def boot(self, path):
        return self.run_it("--build", self.build, "--boot", "pvh", "--cmd", "x", PATH=path)

    def fake_qemu(self, script):
        """Puts a script in QEMU's place; gives the PATH to find it."""
        fake = pathlib.Path(self.build) / qemu.QEMU
        fake.write_text("#!/bin/sh\n" + script)
        fake.chmod(0o755)
        return "%s:%s" % (self.build, os.environ["PATH"])

    def test_bad_usage_ends_with_7_and_says_so(self):
        done = self.run_it("--no-such-option")
        self.assertEqual(done.returncode, 7)
        self.assertIn("--help", done.stderr)

    def test_missing_qemu_ends_with_7_and_says_what_to_do(self):
        done = self.boot("/nowhere")
        self.assertEqual((done.returncode, done.stdout), (7, ""))
        self.assertIn("tools/need.sh qemu", done.stderr)

    def test_what_qemu_says_when_it_refuses_is_shown(self):
        done = self.boot(self.fake_qemu("echo 'bad machine' >&2\nexit 1\n"))
        self.assertEqual(done.returncode, 7)
        self.assertIn("status 1: bad machine", done.stderr)

    def test_an_accelerator_that_hangs_is_refused(self):
        path = self.fake_qemu("echo 'KVM internal error' >&2\nexec sleep 60\n")
        kvm = options("--build", self.build, "--boot", "pvh", "--accel", "kvm")
        with mock.patch.dict(os.environ, PATH=path), mock.patch.object(qemu, "PROBE_SECONDS", 0.5):
            reason = r"kvm does not work .*\(KVM internal error\)"
            self.assertRaisesRegex(qemu.Refusal, reason, qemu.demand_ready, kvm)


if __name__ == "__main__":
    unittest.main()
