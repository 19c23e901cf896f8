#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads text back from a picture of Loam's screen: takes a PNG file, gives lines.

    screen.py FILE.png

Every cell of the picture must show a character of the kernel's font, pixel by pixel, in one pair of
colours; if one does not, that is an error that says where.
"""
import collections
import pathlib
import re
import struct
import sys
import zlib

FONT = pathlib.Path(__file__).resolve().parent.parent / "kernel" / "font.c"
WIDTH, HEIGHT, FIRST = 8, 16, 0x20
SCALE_MAX = 8
SIGNATURE = b"\x89PNG\r\n\x1a\n"
RGB = 2  # the colour type of PNG that QEMU writes

# rows are bytes objects of width * 3 bytes: red, green, blue.
Picture = collections.namedtuple("Picture", "width height rows")


class Unreadable(Exception):
    """The picture does not show Loam's screen; the text says why."""


# --- PNG ---------------------------------------------------------------------------------------


def chunks(data):
    """The type and the content of each chunk; a damaged one is an error."""
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        check = data[at + 8 + length : at + 12 + length]
        if check != struct.pack(">I", zlib.crc32(kind + content)):
            raise Unreadable("the PNG's chunk %r is damaged" % kind.decode(errors="replace"))
        yield kind, content
        at += 12 + length


def decode_png(data):
    """The picture in a PNG file of 8-bit RGB."""
    if not data.startswith(SIGNATURE):
        raise Unreadable("it is not a PNG file")
    found = collections.defaultdict(bytes)
    for kind, content in chunks(data):
        found[kind] += content
    width, height, *form = struct.unpack(">IIBBBBB", found[b"IHDR"])
    if form != [8, RGB, 0, 0, 0]:
        raise Unreadable("the PNG is not one of 8-bit RGB without interlacing")
    raw, stride = zlib.decompress(found[b"IDAT"]), 1 + 3 * width
    rows, above = [], bytes(3 * width)
    for y in range(height):
        line = raw[y * stride : (y + 1) * stride]
        above = unfilter(line[0], line[1:], above)
        rows.append(above)
    return Picture(width, height, rows)


def paeth(left, up, corner):
    by_left, by_up, by_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    if by_left <= by_up and by_left <= by_corner:
        return left
    return up if by_up <= by_corner else corner


PREDICTORS = {
    1: lambda left, up, corner: left,
    2: lambda left, up, corner: up,
    3: lambda left, up, corner: (left + up) // 2,
    4: paeth,
}


def unfilter(kind, line, above):
    """A row from its differences to what is left of it and above. (PNG specification, 9.2.)"""
    if kind == 0:
        return line
    if kind == 2 and not any(line):
        return above
    predict, row = PREDICTORS[kind], bytearray(3) + line
    above = bytes(3) + above
    for x in range(3, len(row)):
        row[x] = (row[x] + predict(row[x - 3], above[x], above[x - 3])) & 0xFF
    return bytes(row[3:])


# --- text --------------------------------------------------------------------------------------


def read_font(path=FONT):
    """The character of each glyph; a glyph is 16 bytes."""
    table = re.search(r"\[FONT_HEIGHT\] = \{(.*)\};", path.read_text(), re.S)[1]
    values = bytes(int(value, 16) for value in re.findall(r"0x([0-9a-f]{2})\b", table))
    glyphs = [values[at : at + HEIGHT] for at in range(0, len(values), HEIGHT)]
    return {glyph: chr(FIRST + index) for index, glyph in enumerate(glyphs)}


def bits_of(row, paper, width):
    """A row of pixels as a number: a bit is 1 where there is ink, the leftmost the highest."""
    if row == paper * width:
        return 0
    return int("".join("01"[row[x : x + 3] != paper] for x in range(0, 3 * width, 3)), 2)


def sample(picture, scale):
    """One pixel of each scale x scale: the picture as it would be at scale 1."""
    width, height = picture.width // scale, picture.height // scale
    rows = picture.rows[: height * scale : scale]
    if scale > 1:
        picked = range(0, 3 * width * scale, 3 * scale)
        rows = [b"".join(row[x : x + 3] for x in picked) for row in rows]
    return Picture(width, height, [row[: 3 * width] for row in rows])


def read_line(lines, columns, spare, font):
    """The characters of 16 rows of bits; None for a cell that shows none. The cursor's cell has its
    colours exchanged."""
    text = []
    for column in range(columns):
        shift = spare + WIDTH * (columns - 1 - column)
        glyph = bytes(line >> shift & 0xFF for line in lines)
        text.append(font.get(glyph) or font.get(bytes(byte ^ 0xFF for byte in glyph)))
    return text


def read_cells(picture, paper, font):
    columns, spare = divmod(picture.width, WIDTH)
    bits = [bits_of(row, paper, picture.width) for row in picture.rows]
    for top in range(0, picture.height - HEIGHT + 1, HEIGHT):
        yield read_line(bits[top : top + HEIGHT], columns, spare, font)


def read_text(picture, font=None):
    """The lines of text that the picture shows, without the blanks at their ends."""
    font = font or read_font()
    colours = collections.Counter()
    for row, times in collections.Counter(picture.rows).items():
        for x in range(0, len(row), 3):
            colours[row[x : x + 3]] += times
    if len(colours) > 2:
        raise Unreadable("it has %d colours, not ink and paper alone" % len(colours))
    paper = colours.most_common(1)[0][0]
    first = None
    for scale in range(1, SCALE_MAX + 1):
        lines = list(read_cells(sample(picture, scale), paper, font))
        wrong = [(y, x) for y, line in enumerate(lines) for x, c in enumerate(line) if c is None]
        if lines and not wrong:
            return ["".join(line).rstrip() for line in lines]
        first = first or (wrong + [(0, 0)])[0]
    raise Unreadable("row %d, column %d shows no character of the font" % first)


def main(path):
    try:
        with open(path, "rb") as file:
            lines = read_text(decode_png(file.read()))
    except (OSError, Unreadable) as error:
        sys.exit("loam: %s: %s" % (path, error))
    print("\n".join(lines).rstrip("\n"))


if __name__ == "__main__":
    main(*sys.argv[1:])
