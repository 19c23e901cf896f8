#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks what no compiler checks: layers, licence lines, and the core's independence of its homes.

    lint.py FILE...    says each violation as PATH:LINE: sentence; exit status 1 if there are any
"""
import os
import re
import sys

# The layers, lowest first. A file belongs to the first pattern that matches its path without the
# ending; it may include its own layer and those before it.
LAYERS = [
    ("lib", r"lib/[a-z]+"),
    ("core", r"lib/alloc/((simple|port)/)?\w+|heap_home|frame_home"),
    ("boot_info", r"boot/boot_info|kernel/memlayout"),
    ("arch", r"kernel/arch/x86_64/\w+|machine|lock_home"),
    ("console", r"kernel/(console|font|glyph|terminal|screen|keymap|keyboard|log|symbols|backtrace|fault|panic|lock)"),
    ("pmm", r"kernel/mm/(memmap|frame_port|pmm\w*)"),
    ("paging", r"kernel/mm/paging\w*"),
    ("aspace", r"kernel/mm/(region|aspace\w*|brk|mmap|kspace)"),
    ("kmalloc", r"kernel/mm/(kmalloc\w*|kmem\w*|vmalloc|heap_port|home/\w+)"),
    ("acpi", r"kernel/(acpi\w*|topology)"),
    ("smp", r"kernel/(irq|mail|nmi|smp\w*|shootdown|drain)"),
    ("shell", r"kernel/(command\w*|heap_churn|hog|picture|names|ktest|bench\w*|crash|prompt|shell)"),
    ("main", r"kernel/main"),
    ("hosted", r"hosted/\w+"),
    ("tests", r"tests/.*"),
]

# Files outside the order: the loaders and the heap's other home stand beside the kernel, and see
# only the lowest layers.
OUTSIDE = [
    (r"boot/uefi/\w+", {"lib", "boot_info"}),
    (r"boot/pvh/\w+", {"lib", "boot_info", "arch"}),
    (r"hosted/\w+", {"lib", "core", "hosted"}),
]

SOURCE = re.compile(r"\.(c|h|S|ld|py|sh)$|(^|/)Makefile$|^\.ci/run$")
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
CONDITIONAL = re.compile(r"\s*#\s*(if|ifdef|ifndef|elif)\b")
SYSTEM = {"stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "limits.h"}


def layer_of(path):
    stem = os.path.splitext(path)[0]
    for index, (_, pattern) in enumerate(LAYERS):
        if re.fullmatch(pattern, stem):
            return index
    return None


def allowed_layers(path):
    """The layers that a file may include, or None if it is in no layer."""
    stem = os.path.splitext(path)[0]
    for pattern, layers in OUTSIDE:
        if re.fullmatch(pattern, stem):
            return layers
    index = layer_of(path)
    return None if index is None else {name for name, _ in LAYERS[: index + 1]}


def check_include(path, quote, target):
    """What is wrong with one include, or None."""
    if quote == "<" and target in SYSTEM:
        return None
    allowed = allowed_layers(path)
    if allowed is None:
        return "the file is in no layer; add it to LAYERS in tools/lint.py"
    if path.startswith(("tests/", "boot/uefi/", "hosted/")) and layer_of(target) is None:
        return None  # the host's headers, and the firmware's
    if quote == '"' and "/" not in target:
        target = os.path.join(os.path.dirname(path), target)
    index = layer_of(target)
    if index is None and path.startswith("boot/") and target.startswith("boot/"):
        return None
    if index is None:
        return f"{target} is in no layer"
    if LAYERS[index][0] not in allowed:
        return f"includes {target}, which is in a higher layer ({LAYERS[index][0]})"
    return None


def check_file(path):
    """(line number, sentence) of each violation."""
    with open(path, encoding="utf-8") as text:
        lines = text.read().splitlines()
    if not any("SPDX-License-Identifier: MIT" in line for line in lines[:2]):
        yield 1, "has no SPDX licence line at its head"
    for number, line in enumerate(lines, 1):
        include = INCLUDE.match(line)
        if path.endswith((".c", ".h", ".S")) and include:
            sentence = check_include(path, *include.groups())
            if sentence:
                yield number, sentence
        if re.match(r"lib/.*\.[ch]$", path) and CONDITIONAL.match(line):
            yield number, "the library and the core have no conditionals: they know no home"


def main(paths):
    violations = 0
    for path in paths:
        if SOURCE.search(path):
            for number, sentence in check_file(path):
                print(f"{path}:{number}: {sentence}")
                violations += 1
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
