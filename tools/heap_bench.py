#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures libloam.so beside the allocators that Debian packages, under LD_PRELOAD.

    heap_bench.py --loam LIBRARY --programs DIR --out DIR [--only NAME] [--rounds N]

Runs every workload of tests/bench/heap and the real programs of tests/programs.py under each
allocator, in random order, round after round; takes CPU time (user + system) and peak resident
memory of each run. Prints tables of medians with their spread, then lines

    bench: NAME VALUE UNIT [ref=VALUE] [bar<=VALUE]

in which a ratio is ours over the peer's, ref is the peer that did best. Writes heap.csv, every
single run, and heap-cpu.svg and heap-rss.svg, where gnuplot is installed, to the folder --out.
A peer or program that cannot be had is said to be skipped.
"""
import argparse
import collections
import concurrent.futures
import csv
import math
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import programs  # noqa: E402

# Name; the packages that may hold it, newest first; its file.
PEERS = [
    ("mimalloc", "libmimalloc3 libmimalloc2.1 libmimalloc2.0", "libmimalloc.so.?"),
    ("jemalloc", "libjemalloc2", "libjemalloc.so.2"),
    ("tcmalloc", "libtcmalloc-minimal4t64 libtcmalloc-minimal4", "libtcmalloc_minimal.so.4"),
]
WORKLOADS = (
    "small fifo trees replace medium aligned grow strings large churn pipeline threads remote64"
).split()
PROGRAMS = "compiler python perl sqlite".split()
SERVER = "redis"
HAS_OWN_BAR = {"grow"}  # would swamp the means: it is left out of them

CPU_BAR, RSS_BAR, WORST_BAR = 0.90, 1.00, 1.10
GIVEBACK_BAR = {"all": 10, "twentieth": 35}
START_BAR = 20000
RUN_SECONDS = 60  # more than any run takes

Allocator = collections.namedtuple("Allocator", "name library version")
Run = collections.namedtuple("Run", "workload allocator round cpu rss figures")


# --- what is compared -------------------------------------------------------------------------


def find_allocators(loam):
    found = [Allocator("loam", str(loam), "")]
    glibc = subprocess.run(["ldd", "--version"], stdout=subprocess.PIPE, text=True).stdout
    glibc = re.search(r"[\d.]+$", glibc.splitlines()[0]) if glibc else None
    # By its name, so that it also replaces an allocator that the program is linked with.
    found.append(Allocator("glibc", "libc.so.6", glibc[0] if glibc else ""))
    for name, packages, pattern in PEERS:
        version = programs.unpack(*packages.split())
        files = sorted(programs.UNPACKED.glob("usr/lib/*/" + pattern))
        if version and files:
            found.append(Allocator(name, str(files[0].resolve()), version))
        else:
            print("skipped: %s cannot be had here" % name)
    return found


# --- one run ----------------------------------------------------------------------------------


class Bench:
    """Runs commands under allocators, each in a folder of its own, and measures them."""

    def __init__(self, options, scratch):
        self.launcher = options.programs / "launch"
        self.workloads = options.programs / "workload"
        self.scratch = scratch

    def launch(self, allocator, argv, name, **how):
        """Starts it; the process, and the file that will say what it cost."""
        report = pathlib.Path(tempfile.mkdtemp(dir=self.scratch)) / "report"
        command = [self.launcher, report, allocator.library, *argv]
        errors = open(self.scratch / (name + ".err"), "wb")
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, **how)
        return process, report

    def finish(self, process, report, name):
        """CPU seconds, peak MiB, and the figures that the program printed."""
        output = process.communicate(timeout=RUN_SECONDS)[0].decode(errors="replace")
        if process.returncode != 0:
            errors = (self.scratch / (name + ".err")).read_text(errors="replace")
            sys.exit("loam: %s ended with status %d\n%s" % (name, process.returncode, errors))
        user, system, peak, _ = map(int, report.read_text().split())
        figures = dict(re.findall(r"^(\w+) ([\d.e+-]+)$", output, re.M))
        return (user + system) / 1e6, peak / 1024, {key: float(figures[key]) for key in figures}

    def run(self, name, allocator):
        if name == SERVER:
            return self.run_server(allocator)
        argv, how = [self.workloads, name], {"stdin": subprocess.DEVNULL}
        if name in PROGRAMS:
            directory = pathlib.Path(tempfile.mkdtemp(dir=self.scratch))
            program = programs.PROGRAMS[name](directory, 1)
            argv, how["cwd"] = program.argv, directory
            how["env"] = dict(os.environ, **program.env)
            if program.stdin:
                how["stdin"] = open(program.stdin, "rb")
        return self.finish(*self.launch(allocator, argv, name, **how), name)

    def run_server(self, allocator):
        """What the server costs; its client does not count."""
        directory = pathlib.Path(tempfile.mkdtemp(dir=self.scratch))
        server = programs.Redis(directory)
        process, report = self.launch(allocator, server.argv, SERVER, env=server.environ)
        try:
            server.wait()
            server.load()
            server.shut_down()
        except BaseException:
            process.terminate()
            raise
        return self.finish(process, report, SERVER)

    def instructions(self, allocator):
        """Instructions from exec to exit of a program that allocates one block."""
        library = {"LD_PRELOAD": allocator.library} if allocator else {}
        command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
        done = subprocess.run(command + [self.workloads, "start"], stderr=subprocess.PIPE,
                              env=dict(os.environ, **library), text=True, timeout=RUN_SECONDS)
        collected = re.search(r"Collected : (\d+)", done.stderr)
        return int(collected[1]) if collected else None


def choose_workloads(options):
    """The names to run; says what is left out because it is not installed."""
    chosen = []
    for name in WORKLOADS + PROGRAMS + [SERVER]:
        if not options.only or name in options.only:
            chosen.append(name)
    with tempfile.TemporaryDirectory() as scratch:
        for name in [name for name in PROGRAMS if name in chosen]:
            if not programs.PROGRAMS[name](pathlib.Path(scratch), 1):
                print("skipped: %s is not installed" % name)
                chosen.remove(name)
    if SERVER in chosen and not programs.unpack("redis-server"):
        print("skipped: redis-server cannot be had here")
        chosen.remove(SERVER)
    return chosen


def measure(bench, names, allocators, rounds):
    """Every workload under every allocator; in each round in a new random order."""
    runs, order = [], random.Random(1)
    for number in range(rounds):
        pairs = [(name, allocator) for name in names for allocator in allocators]
        order.shuffle(pairs)
        for name, allocator in pairs:
            runs.append(Run(name, allocator.name, number, *bench.run(name, allocator)))
        print("round %d of %d" % (number + 1, rounds), file=sys.stderr, flush=True)
    return runs


def measure_idle(bench, allocators):
    """{(what, allocator): percent of memory left}; they sleep most of the time, so two at once."""
    jobs = [(what, allocator) for what in GIVEBACK_BAR for allocator in allocators]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda job: bench.run("idle-" + job[0], job[1]), jobs))
    return {(what, allocator.name): result[2]["percent"]
            for (what, allocator), result in zip(jobs, done)}


# --- what comes of it -------------------------------------------------------------------------


class Results:
    """Medians and spreads of many runs."""

    def __init__(self, runs, names, allocators):
        self.names, self.allocators = names, [allocator.name for allocator in allocators]
        self.peers = self.allocators[1:]
        self.cells = collections.defaultdict(list)
        for run in runs:
            self.cells[run.workload, run.allocator].append(run)

    def median(self, field, workload, allocator):
        return statistics.median(getattr(run, field) for run in self.cells[workload, allocator])

    def spread(self, field, workload, allocator):
        """Half the distance between the quartiles (of few runs: the outermost), over the median."""
        values = sorted(getattr(run, field) for run in self.cells[workload, allocator])
        cut = len(values) // 4
        inner = values[cut : len(values) - cut]
        return (inner[-1] - inner[0]) / 2 / (statistics.median(values) or 1)

    def ratio(self, field, workload, peer):
        return self.median(field, workload, "loam") / (self.median(field, workload, peer) or 1e-6)

    def mean(self, field, peer):
        """The geometric mean of the ratios to a peer; None if there is nothing to take it of."""
        counted = [name for name in self.names if name not in HAS_OWN_BAR]
        logs = [math.log(max(self.ratio(field, name, peer), 1e-6)) for name in counted]
        return math.exp(statistics.fmean(logs)) if logs else None

    def best(self, field, workload):
        return min(self.peers, key=lambda peer: self.median(field, workload, peer))

    def figure(self, workload, name, allocator):
        runs = self.cells[workload, allocator]
        return statistics.median(run.figures[name] for run in runs) if runs else None


def print_table(results, field, title, scale, digits):
    print("\n%s, median and spread (half the quartile distance)" % title)
    print("%-9s" % "" + "".join("%16s" % name for name in results.allocators) + "  ours/best")
    for workload in results.names:
        cells = "".join(
            "%10.*f +-%2.0f%%" % (digits, results.median(field, workload, name) * scale,
                                 min(results.spread(field, workload, name), 0.99) * 100)
            for name in results.allocators)
        print("%-9s%s%11.2f" % (workload, cells,
                                results.ratio(field, workload, results.best(field, workload))))


def say(name, value, unit, ref=None, bar=None):
    extra = (" ref=%.4g" % ref if ref is not None else "") + (" bar<=%g" % bar if bar else "")
    print("bench: heap.%s %s %s%s" % (name, value, unit, extra))


def say_ratios(results):
    for workload in results.names:
        for peer in results.peers:
            say("cpu.%s.%s" % (workload, peer), "%.3f" % results.ratio("cpu", workload, peer), "ratio")
    for field, bar in (("cpu", CPU_BAR), ("rss", RSS_BAR)):
        for peer in results.peers:
            mean = results.mean(field, peer)
            if mean is not None:
                only_glibc = bar if field == "cpu" or peer == "glibc" else None
                say("%s.geomean.%s" % (field, peer), "%.3f" % mean, "ratio", bar=only_glibc)
    counted = [name for name in results.names if name not in HAS_OWN_BAR]
    behind = {name: results.ratio("cpu", name, results.best("cpu", name)) for name in counted}
    if behind:
        worst = max(behind, key=behind.get)
        say("cpu.worst." + worst, "%.3f" % behind[worst], "ratio", bar=WORST_BAR)


def say_own_bars(results):
    for peer in results.peers:
        if "remote64" in results.names:
            ours, theirs = (results.figure("remote64", "nanoseconds", name) for name in ("loam", peer))
            bar = 0.5 if peer == "mimalloc" else None
            say("remote64." + peer, "%.3f" % (ours / theirs), "ratio", bar=bar)
        if "grow" in results.names:
            bar = 1.2 if peer == "glibc" else None
            say("grow." + peer, "%.3f" % results.ratio("cpu", "grow", peer), "ratio", bar=bar)


def say_idle(bench, allocators):
    left = measure_idle(bench, allocators)
    for what, bar in GIVEBACK_BAR.items():
        best = min(left[what, allocator.name] for allocator in allocators[1:])
        say("giveback." + what, "%.1f" % left[what, "loam"], "percent", best, bar)
        for allocator in allocators[1:]:
            say("giveback.%s.%s" % (what, allocator.name),
                "%.1f" % left[what, allocator.name], "percent")


def say_start(bench, allocators):
    if not shutil.which("valgrind"):
        print("skipped: heap.startup.insn needs valgrind")
        return
    without = bench.instructions(None)
    more = {a.name: bench.instructions(a) - without for a in allocators if a.name != "glibc"}
    peers = [more[name] for name in more if name != "loam"]
    say("startup.insn", more["loam"], "insn", min(peers) if peers else None, START_BAR)


def write_csv(path, runs):
    with open(path, "w", newline="", encoding="ascii") as file:
        writer = csv.writer(file)
        writer.writerow(["workload", "allocator", "round", "cpu_seconds", "peak_mib"])
        for run in runs:
            writer.writerow([run.workload, run.allocator, run.round, "%.6f" % run.cpu,
                             "%.3f" % run.rss])


PLOT = """
set terminal svg size 1100,420 font "sans,12" background "white"
set output "{out}"
set title "{title}, over that of glibc (less is better)"
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.8 noborder
set boxwidth 0.9
set yrange [0:2]
set grid ytics
set key top right horizontal
set xtics rotate by -35
plot {columns}, 1 with lines linecolor "black" notitle
"""


def plot(results, field, title, out):
    """Bars by workload: each allocator's median over glibc's."""
    names = [name for name in results.allocators if name != "glibc"]
    table = "$data << END\nworkload " + " ".join(names) + "\n"
    for workload in results.names:
        base = results.median(field, workload, "glibc") or 1e-6
        values = [results.median(field, workload, name) / base for name in names]
        table += workload + "".join(" %.4f" % value for value in values) + "\n"
    columns = ", ".join('$data using %d:xtic(1) title columnheader' % (at + 2)
                        for at in range(len(names)))
    script = table + "END\n" + PLOT.format(out=out, title=title, columns=columns)
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def report(options, results, runs):
    options.out.mkdir(parents=True, exist_ok=True)
    write_csv(options.out / "heap.csv", runs)
    print_table(results, "cpu", "CPU time (user + system) in ms", 1e3, 0)
    print_table(results, "rss", "Peak resident memory in MiB", 1, 1)
    print()
    if shutil.which("gnuplot"):
        plot(results, "cpu", "CPU time", options.out / "heap-cpu.svg")
        plot(results, "rss", "Peak memory", options.out / "heap-rss.svg")
    else:
        print("skipped: plots need gnuplot")


# --- the command ------------------------------------------------------------------------------


def absolute(path):
    return pathlib.Path(path).resolve()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--loam", type=absolute, required=True, metavar="LIBRARY")
    add("--programs", type=absolute, required=True, metavar="DIR", help="workload, launch")
    add("--out", type=absolute, required=True, metavar="DIR", help="for the CSV and plots")
    add("--only", nargs="*", default=[], metavar="NAME", help="workloads, idle, start")
    add("--rounds", type=int, default=int(os.environ.get("ROUNDS") or 5))
    return parser.parse_args()


def main():
    options = parse_arguments()
    allocators = find_allocators(options.loam)
    for allocator in allocators:
        print("%-9s %s" % (allocator.name, allocator.version))
    names = choose_workloads(options)
    with tempfile.TemporaryDirectory(prefix="loam-bench-") as scratch:
        bench = Bench(options, pathlib.Path(scratch))
        if names:
            runs = measure(bench, names, allocators, options.rounds)
            results = Results(runs, names, allocators)
            report(options, results, runs)
            say_ratios(results)
            say_own_bars(results)
        if not options.only or "idle" in options.only:
            say_idle(bench, allocators)
        if not options.only or "start" in options.only:
            say_start(bench, allocators)
    return 0


if __name__ == "__main__":
    sys.exit(main())
