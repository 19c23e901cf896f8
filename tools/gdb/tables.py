# SPDX-License-Identifier: MIT
"""The page tables that the CPU uses, from CR3 down: every page, the runs they form, one walk."""
import collections

import guest
import layout
from layout import C

TABLE = ["PT", "PD", "PDPT", "PML4"]
ENTRIES = C["TABLE_ENTRIES"]
PAGE = ["4K", "2M", "1G"]

Step = collections.namedtuple("Step", "level index entry")
Page = collections.namedtuple("Page", "virt phys level entry")
Run = collections.namedtuple("Run", "start end phys flags level region scattered")


def span(level):
    """Bytes that one entry maps."""
    return layout.PAGE_SIZE << 9 * level


def frame_of(entry):
    return entry & C["ENTRY_FRAME"]


def is_page(entry, level):
    return level == 0 or entry & C["ENTRY_LARGE"] != 0


def flags(entry):
    """rwxug, as the prompt writes them."""
    names = [("r", "PRESENT"), ("w", "WRITE"), ("x", "NX"), ("u", "USER"), ("g", "GLOBAL")]
    return "".join(
        letter if (entry & C["ENTRY_" + name] != 0) != (letter == "x") else "-"
        for letter, name in names
    )


def read_table(phys):
    data = guest.read_phys(phys, 8 * ENTRIES)
    return [int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data), 8)]


def root():
    return frame_of(guest.number("$cr3"))


def entries(table=None, level=C["PAGING_LEVELS"] - 1, start=0):
    """(address, level, entry) of every entry that is not 0, a table's before those in it."""
    for index, entry in enumerate(read_table(root() if table is None else table)):
        virt = layout.canonical(start + index * span(level))
        if entry:
            yield virt, level, entry
        if entry and not is_page(entry, level):
            yield from entries(frame_of(entry), level - 1, virt)


def pages():
    """Every page that is mapped, in address order."""
    for virt, level, entry in entries():
        if is_page(entry, level):
            yield Page(virt, frame_of(entry), level, entry)


def user_of(phys):
    """Who uses a physical page, besides the direct map: a table, or a page that is mapped."""
    if root() == phys:
        return "the root of the page tables"
    for virt, level, entry in entries():
        if frame_of(entry) == phys and not is_page(entry, level):
            return "the %s for 0x%x" % (TABLE[level - 1], virt)
        if layout.window_of(virt) != "direct map" and is_page(entry, level):
            if frame_of(entry) <= phys < frame_of(entry) + span(level):
                return "mapped at 0x%x, %s" % (virt + phys - frame_of(entry), region_name(virt))
    return None


def walk(virt):
    """The entries on the way to an address; the last is a page or 0."""
    table, steps = root(), []
    for level in reversed(range(C["PAGING_LEVELS"])):
        index = virt // span(level) % ENTRIES
        entry = int.from_bytes(guest.read_phys(table + 8 * index, 8), "little")
        steps.append(Step(level, index, entry))
        if not entry or is_page(entry, level):
            break
        table = frame_of(entry)
    return steps


def find(virt):
    """The page that holds an address, or None."""
    last = walk(virt)[-1]
    if not last.entry:
        return None
    return Page(virt - virt % span(last.level), frame_of(last.entry), last.level, last.entry)


def region_name(virt):
    window = layout.window_of(virt)
    if window:
        return window
    return "kernel stack" if guest.stack_of(virt) else guest.image_part(virt)


def runs():
    """Pages that continue each other with equal flags, as the prompt's `maps` joins them."""
    run = None
    for page in pages():
        same = (flags(page.entry), page.level, region_name(page.virt))
        if run and run.end == page.virt and (run.flags, run.level, run.region) == same:
            scattered = run.scattered or page.phys != run.phys + run.end - run.start
            run = run._replace(end=run.end + span(page.level), scattered=scattered)
            continue
        if run:
            yield run
        run = Run(page.virt, page.virt + span(page.level), page.phys, *same, False)
    if run:
        yield run


def show_runs():
    for run in runs():
        size = layout.size_of(run.end - run.start)
        place = "" if run.scattered else " -> %x" % run.phys
        line = (run.start, run.end, run.flags, PAGE[run.level], size, run.region, place)
        print("%016x-%016x %s %s %10s  %s%s" % line)


def show_walk(virt):
    steps = walk(virt)
    for step in steps[:-1]:
        used = (step.entry & C["ENTRY_COUNT"]) // C["ENTRY_ONE"]
        print("%-4s [%3d] %016x  table of %d entries" % (TABLE[step.level], *step[1:], used))
    last = steps[-1]
    kind = "nothing"
    if last.entry:
        kind = "%s page of %d KiB" % (flags(last.entry), span(last.level) // 1024)
    print("%-4s [%3d] %016x  %s" % (TABLE[last.level], *last[1:], kind))
    if last.entry & C["ENTRY_PRESENT"]:
        phys = frame_of(last.entry) + virt % span(last.level)
        print("0x%x -> physical 0x%x  %s" % (virt, phys, region_name(virt)))
    else:
        print("0x%x is not mapped" % virt)
