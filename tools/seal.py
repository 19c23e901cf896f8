#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Seals a kernel for the boot volume: copies IN to OUT and appends the 16 bytes by which the loader
(boot/uefi/seal.c) tells a whole file from a damaged one."""

import struct
import sys
import zlib


def seal(data):
    """The 16 bytes that belong behind `data`: a magic, zlib's CRC-32, the length modulo 2^32."""
    return struct.pack("<8sII", b"LoamCRC1", zlib.crc32(data), len(data) % 2**32)


def main(arguments):
    if len(arguments) != 2:
        sys.exit("usage: seal.py IN OUT")
    source, target = arguments
    try:
        with open(source, "rb") as file:
            data = file.read()
        with open(target, "wb") as file:
            file.write(data + seal(data))
    except OSError as error:
        sys.exit(f"seal.py: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
