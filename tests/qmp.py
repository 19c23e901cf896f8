# SPDX-License-Identifier: MIT
"""Talks to QEMU's machine protocol (QMP) over a socket: presses keys, takes pictures."""
import json
import os
import socket

SHIFTED = dict(zip('!@#$%^&*()_+{}:"~|<>?', "1234567890-=[];'`\\,./"))
NAMES = {
    " ": "spc",
    "\n": "ret",
    "-": "minus",
    "=": "equal",
    "[": "bracket_left",
    "]": "bracket_right",
    ";": "semicolon",
    "'": "apostrophe",
    "`": "grave_accent",
    "\\": "backslash",
    ",": "comma",
    ".": "dot",
    "/": "slash",
}


class QmpError(Exception):
    """QEMU has refused a command, or has gone; the text says why."""


def keys_of(character):
    """The names of the keys that type a character on a US keyboard, the one held first."""
    if character.isupper() or character in SHIFTED:
        return ["shift", keys_of(SHIFTED.get(character, character.lower()))[0]]
    if character not in NAMES and not (character.isascii() and character.isalnum()):
        raise QmpError("no key types %r" % character)
    return [NAMES.get(character, character)]


class Qmp:
    def __init__(self, path, timeout):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(path)
        except OSError as error:
            raise QmpError("QEMU cannot be reached: %s" % error)
        self.lines = self.socket.makefile("r")
        self.lines.readline()  # the greeting
        self.execute("qmp_capabilities")

    def execute(self, command, **arguments):
        """Runs a command; gives what it returns. Events in between are nobody's concern."""
        request = {"execute": command, "arguments": arguments}
        try:
            self.socket.sendall(json.dumps(request).encode())
            for line in self.lines:
                answer = json.loads(line)
                if "error" in answer:
                    raise QmpError(answer["error"]["desc"])
                if "return" in answer:
                    return answer["return"]
        except OSError as error:
            raise QmpError("QEMU does not answer: %s" % error)
        raise QmpError("QEMU has gone")

    def press(self, *keys):
        """Presses keys one after the other, then releases them in reverse order."""
        order = [(key, True) for key in keys] + [(key, False) for key in reversed(keys)]
        events = [
            {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": key}}}
            for key, down in order
        ]
        self.execute("input-send-event", events=events)

    def type(self, character):
        self.press(*keys_of(character))

    def picture(self, path):
        """Writes a PNG of the screen."""
        self.execute("screendump", filename=os.path.abspath(path), format="png")
