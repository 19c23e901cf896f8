# SPDX-License-Identifier: MIT
"""Tests tools/need.sh with a PATH of its own, where apt-get only writes down how it was called."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import qemu

NEED = pathlib.Path(__file__).resolve().parent.parent / "tools" / "need.sh"
BASICS = "sh bash dash cat cp grep cut sort tr sed head uname env flock gcc".split()

# A fake apt-get that installs a command only when the lists were fetched before.
APT_GET = """#!/bin/sh
echo "$@" >> {log}
for last in "$@"; do :; done
[ "$1" != update ] || {{ : > {bin}/lists; exit 0; }}
[ -e {bin}/lists ] || exit 100
cp /bin/true {bin}/"$last"
"""


class NeedTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.bin = pathlib.Path(directory.name)
        self.log = self.bin / "log"
        for name in BASICS:
            if shutil.which(name):
                (self.bin / name).symlink_to(shutil.which(name))
        self.script("id", "#!/bin/sh\necho 0\n")
        self.script("apt-get", APT_GET.format(log=self.log, bin=self.bin))
        self.release("debian")

    def script(self, name, text):
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def release(self, name, like=""):
        (self.bin / "os-release").write_text('ID=%s\nID_LIKE="%s"\n' % (name, like))

    def need(self, *names, **environ):
        known = {"PATH": str(self.bin), "LOAM_OS_RELEASE": str(self.bin / "os-release")}
        environ = dict(known, TMPDIR=str(self.bin), **environ)
        done = subprocess.run(
            [shutil.which("sh"), str(NEED), *names],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
            timeout=60,
        )
        return done.returncode, done.stdout, done.stderr

    def test_silent_when_all_is_there(self):
        self.script("gdb", "#!/bin/sh\n")
        self.assertEqual(self.need("gdb"), (0, "", ""))
        self.assertFalse(self.log.exists())

    def test_installs_and_fetches_the_lists_only_after_a_failure(self):
        status, output, errors = self.need("gdb", "clang-format")
        self.assertEqual((status, output), (0, ""), errors)
        self.assertIn("loam: installing gdb (for debugging)\n", errors)
        calls = [line.split()[0] for line in self.log.read_text().splitlines()]
        self.assertEqual(calls, ["install", "update", "install", "install"])
        self.assertIn("-y --no-install-recommends", self.log.read_text())

    def test_fails_when_the_installation_does_not_bring_it(self):
        self.script("apt-get", "#!/bin/sh\nexit 100\n")
        status, _, errors = self.need("gdb")
        self.assertEqual(status, 1)
        self.assertIn("missing: gdb", errors)

    def test_no_install_prints_the_command_only(self):
        status, _, errors = self.need("gdb", "clang-tidy", NO_INSTALL="1")
        self.assertEqual(status, 1)
        self.assertIn("apt-get install -y --no-install-recommends clang-tidy gdb\n", errors)
        self.assertNotIn("sudo", errors)
        self.assertFalse(self.log.exists())

    def test_user_without_sudo_is_told_the_command(self):
        self.script("id", "#!/bin/sh\necho 1000\n")
        status, _, errors = self.need("gdb")
        self.assertEqual(status, 1)
        self.assertIn("install with: sudo apt-get install", errors)
        self.assertFalse(self.log.exists())

    def test_user_with_sudo_installs_through_it(self):
        self.script("id", "#!/bin/sh\necho 1000\n")
        self.script("sudo", '#!/bin/sh\n[ "$1" = -n ] && shift\n[ "$1" = true ] || exec "$@"\n')
        status, _, errors = self.need("gdb")
        self.assertEqual(status, 0, errors)

    def test_other_systems_get_their_own_line(self):
        lines = {
            ("fedora", ""): "dnf install -y gdb",
            ("rocky", "rhel centos fedora"): "dnf install -y gdb",
            ("arch", ""): "pacman -S --needed gdb",
            ("opensuse-tumbleweed", "opensuse suse"): "zypper install gdb",
            ("alpine", ""): "apk add gdb",
        }
        for (name, like), line in lines.items():
            self.release(name, like)
            status, _, errors = self.need("gdb")
            self.assertEqual(status, 1)
            self.assertIn("install with: %s\n" % line, errors)
        self.assertFalse(self.log.exists())

    def test_macos_and_unknown_systems(self):
        self.release("plan9")
        self.assertIn("Debian's packages are: gdb", self.need("gdb")[2])
        (self.bin / "uname").unlink()
        self.script("uname", "#!/bin/sh\necho Darwin\n")
        self.assertIn("install with: brew install gdb\n", self.need("gdb")[2])

    def test_cc_is_the_compiler_in_CC(self):
        self.assertEqual(self.need("cc", CC="gcc")[0], 0)
        self.assertIn("missing: clang", self.need("cc", CC="clang", NO_INSTALL="1")[2])

    def test_unknown_name_is_refused(self):
        status, _, errors = self.need("emacs")
        self.assertEqual(status, 2)
        self.assertIn("emacs is not one of", errors)

    def test_doctor_lists_everything_and_how_to_get_it(self):
        status, output, _ = self.need("--doctor")
        self.assertEqual(status, 1)
        self.assertRegex(output, r"(?m)^gdb +missing +for debugging: apt-get install .* gdb$")
        self.assertRegex(output, r"(?m)^gcc +\d+\.\d+")
        self.assertEqual(len(output.splitlines()), 17)

    def test_knows_the_firmware_that_the_runner_knows(self):
        lines = NEED.read_text().split("OVMF='\n")[1].split("'")[0].split()
        self.assertEqual([tuple(line.split(":")) for line in lines], qemu.OVMF)


if __name__ == "__main__":
    unittest.main()
