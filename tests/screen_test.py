# SPDX-License-Identifier: MIT
"""Tests that screen.py decodes PNG and reads back what is on the screen, or says why it cannot."""
import random
import struct
import unittest
import zlib

import qmp
import screen

INK, PAPER = b"\xd0\xd0\xd0", b"\x10\x14\x1c"


def draw(lines, scale=1, margin=(0, 0), cursor=None, ink=INK):
    """A picture of the lines, which are of equal length, with spare pixels right and below."""
    glyphs = {character: glyph for glyph, character in screen.read_font().items()}
    rows = []
    for y, line in enumerate(lines):
        for part in range(screen.HEIGHT):
            bits = [glyphs[c][part] ^ (0xFF if (x, y) == cursor else 0) for x, c in enumerate(line)]
            shifts = range(screen.WIDTH - 1, -1, -1)
            row = b"".join((ink if b >> s & 1 else PAPER) * scale for b in bits for s in shifts)
            rows += [row + PAPER * margin[0]] * scale
    width = len(rows[0]) // 3
    rows += [PAPER * width] * margin[1]
    return screen.Picture(width, len(rows), rows)


def chunk(kind, content):
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def encode(picture, filters, form=(8, 2, 0, 0, 0)):
    """A PNG of the picture; row y has filter filters[y % len(filters)]."""
    raw, above = b"", bytes(3 * picture.width)
    for y, row in enumerate(picture.rows):
        kind = filters[y % len(filters)]
        raw += bytes([kind]) + differences(kind, row, above)
        above = row
    data = zlib.compress(raw)
    head = struct.pack(">IIBBBBB", picture.width, picture.height, *form)
    parts = [(b"IHDR", head), (b"IDAT", data[:99]), (b"IDAT", data[99:]), (b"IEND", b"")]
    return screen.SIGNATURE + b"".join(chunk(*part) for part in parts)


def differences(kind, row, above):
    if kind == 0:
        return row
    left, corner = bytes(3) + row, bytes(3) + above
    predict = screen.PREDICTORS[kind]
    return bytes((row[x] - predict(left[x], above[x], corner[x])) & 0xFF for x in range(len(row)))


class PngTest(unittest.TestCase):
    def test_every_filter_is_undone(self):
        noise = random.Random(1)
        rows = [noise.randbytes(3 * 17) for _ in range(23)]
        picture = screen.Picture(17, 23, rows)
        for filters in ([0], [1], [2], [3], [4], [4, 0, 3, 1, 2]):
            self.assertEqual(screen.decode_png(encode(picture, filters)), picture)

    def test_paeth_predicts_as_the_specification_says(self):
        for left, up, corner, best in ((10, 20, 10, 20), (20, 10, 10, 20), (9, 9, 9, 9), (1, 9, 5, 5)):
            self.assertEqual(screen.paeth(left, up, corner), best)
        self.assertEqual(screen.paeth(10, 20, 15), 15)
        self.assertEqual(screen.paeth(5, 5, 6), 5)

    def test_damaged_and_foreign_files_are_refused(self):
        good = encode(draw(["a"]), [0])
        damaged = good.replace(b"IDAT", b"IDAX", 1)
        grey = encode(draw(["a"]), [0], (8, 0, 0, 0, 0))
        for data in (b"", b"P6 1 1 255 abc", damaged, grey):
            self.assertRaises(screen.Unreadable, screen.decode_png, data)


class TextTest(unittest.TestCase):
    def test_every_character_is_read_back(self):
        line = "".join(chr(code) for code in range(0x20, 0x7F))
        self.assertEqual(screen.read_text(draw([line, line[::-1]])), [line, line[::-1].rstrip()])

    def test_every_scale_is_read_back_with_margins(self):
        for scale in range(1, screen.SCALE_MAX + 1):
            picture = draw(["loam> mem", "a.b`c'd,e"], scale, (3, 5))
            self.assertEqual(screen.read_text(picture)[:2], ["loam> mem", "a.b`c'd,e"])

    def test_cursor_is_seen_through(self):
        self.assertEqual(screen.read_text(draw(["ab  "], cursor=(2, 0))), ["ab"])
        self.assertEqual(screen.read_text(draw(["ab  "], cursor=(0, 0))), ["ab"])

    def test_one_wrong_pixel_is_found(self):
        picture = draw(["abc", "def"])
        row = bytearray(picture.rows[20])
        row[3 * 9 : 3 * 10] = PAPER if bytes(row[3 * 9 : 3 * 10]) == INK else INK
        picture.rows[20] = bytes(row)
        with self.assertRaisesRegex(screen.Unreadable, "row 1, column 1 "):
            screen.read_text(picture)

    def test_more_than_two_colours_are_not_a_text_screen(self):
        picture = draw(["ab"])
        picture.rows[0] = b"\x01\x02\x03" + picture.rows[0][3:]
        self.assertRaisesRegex(screen.Unreadable, "3 colours", screen.read_text, picture)

    def test_too_small_a_picture_is_refused(self):
        self.assertRaises(screen.Unreadable, screen.read_text, screen.Picture(1, 1, [PAPER]))


class KeysTest(unittest.TestCase):
    def test_characters_have_keys(self):
        self.assertEqual(qmp.keys_of("a"), ["a"])
        self.assertEqual(qmp.keys_of("A"), ["shift", "a"])
        self.assertEqual(qmp.keys_of("\n"), ["ret"])
        self.assertEqual(qmp.keys_of("_"), ["shift", "minus"])
        self.assertEqual(qmp.keys_of('"'), ["shift", "apostrophe"])
        self.assertEqual(qmp.keys_of("|"), ["shift", "backslash"])
        for code in range(0x20, 0x7F):
            self.assertTrue(qmp.keys_of(chr(code)))
        for strange in "\t\x7f\xe9":
            self.assertRaises(qmp.QmpError, qmp.keys_of, strange)


if __name__ == "__main__":
    unittest.main()
