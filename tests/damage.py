# SPDX-License-Identifier: MIT
"""What can be wrong with what is booted. KINDS names functions that take a copy of a build
directory (kernel.elf, efi/) and damage it; `sealed` damage passes the loader's checksum, as a
kernel does that was built wrong or by somebody hostile."""
import pathlib
import struct
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import seal  # noqa: E402

SEAL_BYTES = len(seal.seal(b""))
PROGRAM_BYTES = 56  # of an ELF64 program header
QEMU_INITRD_END = (4 << 20) - (128 << 10)  # of a machine of 4 MiB
LARGE_INITRD = 200 << 20  # more than the machine has that is to refuse it


def truncate(path):
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size // 2)


def flip_bit(path):
    """Flips one bit in the middle of the file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


def unseal(path):
    path.write_bytes(path.read_bytes()[:-SEAL_BYTES])


def make_folder(path):
    path.unlink(missing_ok=True)
    path.mkdir()


def reseal(path, change):
    """Lets change() edit the bytes of a sealed file, and seals what it gives."""
    content = bytes(change(bytearray(path.read_bytes()[:-SEAL_BYTES])))
    path.write_bytes(content + seal.seal(content))


def poke(path, segment, field, value):
    """Writes a field of a program header; a field is an offset and a format, as struct has it."""

    def change(content):
        (headers,) = struct.unpack_from("<Q", content, 32)
        place = headers + segment * PROGRAM_BYTES + field[0]
        struct.pack_into(field[1], content, place, value)
        return content

    reseal(path, change)


FLAGS, OFFSET, VIRT, MEMORY_BYTES = (4, "<I"), (8, "<Q"), (16, "<Q"), (40, "<Q")


def far_headers(content):
    """The program headers, behind the end of the file."""
    struct.pack_into("<Q", content, 32, 2**64 - PROGRAM_BYTES)
    return content


def enlarge(path, size):
    with open(path, "wb") as file:
        file.truncate(size)


def lay_initrd_over_kernel(build):
    """An initrd that QEMU, which puts it at the end of 4 MiB, lays over the image's last pages.
    Those are not in the file, so that QEMU does not notice."""
    content = (build / "kernel.elf").read_bytes()
    (headers,) = struct.unpack_from("<Q", content, 32)
    place = headers + 2 * PROGRAM_BYTES
    start, _, bytes_in_memory = struct.unpack_from("<3Q", content, place + 24)
    enlarge(build / "efi/initrd.img", QEMU_INITRD_END - (start + bytes_in_memory) + 8192)


def on(name, action, *arguments):
    return lambda build: action(build / name, *arguments)


SEALED = "efi/kernel.elf"
KINDS = {
    "no loader": on("efi/BOOTX64.EFI", enlarge, 0),
    "no kernel": on("kernel.elf", pathlib.Path.unlink),
    "no sealed kernel": on(SEALED, pathlib.Path.unlink),
    "truncated": on(SEALED, truncate),
    "flipped": on(SEALED, flip_bit),
    "unsealed": on(SEALED, unseal),
    "empty": on(SEALED, enlarge, 0),
    "folder": on(SEALED, make_folder),
    "sealed, not ELF": on(SEALED, reseal, lambda content: b"#!" + content),
    "sealed, cut": on(SEALED, reseal, lambda content: content[:4096]),
    "sealed, headers far": on(SEALED, reseal, far_headers),
    "sealed, code writable": on(SEALED, poke, 0, FLAGS, 7),
    "sealed, outside": on(SEALED, poke, 0, VIRT, 0x200000),
    "sealed, segment wraps": on(SEALED, poke, 1, OFFSET, 2**64 - 4096),
    "sealed, overlapping": on(SEALED, poke, 0, MEMORY_BYTES, 0x20000000),
    "sealed, too large": on(SEALED, poke, 2, MEMORY_BYTES, 0x20000000),
    "initrd large": on("efi/initrd.img", enlarge, LARGE_INITRD),
    "initrd over the kernel": lay_initrd_over_kernel,
    "initrd folder": on("efi/initrd.img", make_folder),
    "command line binary": on("efi/cmdline.txt", pathlib.Path.write_bytes, b"run=mem\nrun=maps\n"),
}
