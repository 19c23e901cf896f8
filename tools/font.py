#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes kernel/font.c from a console font: takes a PSF1 file with a Unicode table, prints C.

    apt-get install fonts-spleen
    tools/font.py /usr/share/consolefonts/spleen-8x16.psfu.gz >kernel/font.c
"""
import gzip
import struct
import sys

HEAD = """\
/* SPDX-License-Identifier: MIT AND BSD-2-Clause */
/*
 * The font: the printable ASCII characters of Spleen 8x16, and a box for all others. Made by
 * tools/font.py from Debian's package fonts-spleen. The drawings are
 * Copyright (c) 2018-2020 Frederic Cambus, under the BSD 2-clause licence; LICENSE.font has it.
 */
#include "kernel/font.h"

/* clang-format off */
const uint8_t font[FONT_GLYPHS][FONT_HEIGHT] = {
"""
TAIL = """\
};
/* clang-format on */
"""
WIDTH, HEIGHT = 8, 16
MODE_TABLE = 2  # bit of the mode: a Unicode table follows the glyphs
MODE_512 = 1  # bit of the mode: 512 glyphs, not 256
BOX = [0] * 2 + [0x7E] + [0x42] * 10 + [0x7E] + [0] * 2


def read_font(path):
    """The rows of each character's glyph."""
    with gzip.open(path) as file:
        data = file.read()
    magic, mode, size = struct.unpack_from("<2sBB", data)
    if magic != b"\x36\x04" or size != HEIGHT or not mode & MODE_TABLE:
        sys.exit("%s: not a PSF1 font of %dx%d with a Unicode table" % (path, WIDTH, HEIGHT))
    count = 512 if mode & MODE_512 else 256
    table = struct.iter_unpack("<H", data[4 + count * size :])
    glyphs, index = {}, 0
    for (code,) in table:
        if code == 0xFFFF:  # the end of this glyph's characters
            index += 1
        else:
            glyphs[chr(code)] = data[4 + index * size : 4 + (index + 1) * size]
    return glyphs


def line_of(character, rows):
    row = ["0x%02x" % row for row in rows]
    name = "box" if character == "\x7f" else character.replace("\\", "backslash")
    return "    {%s,\n     %s}, /* %s */\n" % (", ".join(row[:8]), ", ".join(row[8:]), name)


def main(path):
    glyphs = read_font(path)
    glyphs["\x7f"] = BOX
    lines = [line_of(chr(code), glyphs[chr(code)]) for code in range(0x20, 0x80)]
    sys.stdout.write(HEAD + "".join(lines) + TAIL)


if __name__ == "__main__":
    main(sys.argv[1])
