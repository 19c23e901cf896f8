# SPDX-License-Identifier: MIT
"""Real programs that allocate: a compiler, interpreters, a database, a version control system.

Each is a command that does much work and prints the same every time. The tests run them with and
without libloam.so and compare; the heap benchmark measures them.
"""
import collections
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent / "programs"
UNPACKED = HERE.parent.parent / "build/unpacked"


def unpack(*packages):
    """Unpacks the first of these packages of Debian that there is; its version, or None."""
    command = [HERE.parent.parent / "tools/unpack.sh", UNPACKED, *packages]
    if subprocess.run(command, stdin=subprocess.DEVNULL).returncode != 0:
        return None
    versions = dict(line.split() for line in (UNPACKED / "versions").read_text().splitlines())
    return next(versions[package] for package in packages if package in versions)


def unpacked_environ():
    """For programs that were unpacked: where their libraries are."""
    folders = (str(path) for path in UNPACKED.glob("usr/lib/*/"))
    return {"LD_LIBRARY_PATH": ":".join(folders)}


# argv; stdin, a file or None; env, added to the environment; produces, a file that is a result.
Program = collections.namedtuple("Program", "argv stdin env produces", defaults=(None, {}, None))

FUNCTION = """
static {type} f{n}(const struct s{t} *p, {type} x)
{{
    {type} sum = x {op1} {k}, table[{size}] = {{0}};
    for (int i = 0; i < {size}; i++) {{
        table[i] = ({type})(p->a{a} * i {op2} sum) ^ p->b[i % 8];
        if (table[i] {cmp} {k})
            sum += table[i] << (i % 3);
        else
            sum = ({type})f{m}((const struct s{u} *)p, ({otype})(sum >> 1)) + table[i / 2];
        switch (sum & 7) {{
{cases}        default:
            sum ^= ({type})(long)"string {k} of function {n}";
        }}
    }}
    return sum;
}}
"""
TYPES = ("int", "long", "unsigned", "unsigned long")


def c_source(functions):
    """A C file of that many functions, each different."""
    chosen = random.Random(1)
    text, types = [], [chosen.choice(TYPES) for _ in range(functions + 1)]
    for number in range(8):
        fields = "".join("    %s a%d;\n" % (chosen.choice(TYPES), field) for field in range(8))
        text.append("struct s%d {\n%s    long b[8];\n};\n" % (number, fields))
    structs = [chosen.randrange(8) for _ in range(functions + 1)]
    text.append("static int f0(const struct s%d *p, int x) { return x + p->a1; }\n" % structs[0])
    types[0] = "int"
    for number in range(1, functions + 1):
        callee = chosen.randrange(number)
        cases = "".join(
            "        case %d:\n            sum = sum %s %d;\n            break;\n"
            % (case, chosen.choice("+-*^|&"), chosen.randrange(1, 999))
            for case in range(4)
        )
        text.append(FUNCTION.format(
            n=number, m=callee, t=structs[number], u=structs[callee], type=types[number],
            otype=types[callee], op1=chosen.choice("+-*"), op2=chosen.choice("+-|^"),
            cmp=chosen.choice(("<", ">", "==", "!=")), k=chosen.randrange(1, 9999),
            size=chosen.choice((4, 8, 16, 31)), a=chosen.randrange(8), cases=cases))
    text.append("long last(const struct s%d *p) { return (long)f%d(p, 1); }\n"
                % (structs[functions], functions))
    return "".join(text)


def compiler(directory, scale):
    compiler_path = shutil.which("gcc")
    if not compiler_path:
        return None
    (directory / "large.c").write_text(c_source(int(600 * scale)), encoding="ascii")
    argv = [compiler_path, "-O1", "-w", "-c", "large.c", "-o", "large.o"]
    return Program(argv, produces="large.o")


def python(directory, scale):
    """With every object from malloc; otherwise only those above 512 bytes are."""
    argv = [sys.executable, "-I", str(HERE / "churn.py"), str(int(100000 * scale))]
    return Program(argv, env={"PYTHONMALLOC": "malloc"})


def perl(directory, scale):
    return script("perl", "churn.pl", 40000 * scale)


def node(directory, scale):
    return script("node", "churn.js", 6000 * scale)


def script(interpreter, name, count):
    path = shutil.which(interpreter)
    return path and Program([path, str(HERE / name), str(int(count))])


def sqlite(directory, scale):
    path, env = shutil.which("sqlite3"), {}
    if not path and unpack("sqlite3"):
        path, env = str(UNPACKED / "usr/bin/sqlite3"), unpacked_environ()
    return path and Program([path, "-batch", ":memory:"], stdin=HERE / "tables.sql", env=env)


def git(directory, scale):
    return shutil.which("git") and Program(["/bin/sh", str(HERE / "repository.sh")])


# Each takes an empty directory, to run in, and a factor of how much to do; gives a Program, or None
# if it is not installed.
PROGRAMS = {
    "compiler": compiler,
    "python": python,
    "perl": perl,
    "sqlite": sqlite,
    "git": git,
    "node": node,
}


class Redis:
    """A server on a socket in `directory`, and its client; both unpacked."""

    SETTINGS = ["--port", "0", "--save", "", "--appendonly", "no", "--enable-debug-command", "yes"]
    LOADS = [
        "-n 30000 -r 20000 -d 150 -P 16 -t set,get,lpush,hset,sadd,zadd,lpop",
        "-n 4000 -r 2000 -d 3000 -P 8 -t set,get",
    ]

    def __init__(self, directory):
        self.socket = directory / "socket"
        self.commands = UNPACKED / "usr/bin"
        self.environ = dict(os.environ, **unpacked_environ())
        server = str(self.commands / "redis-server")
        self.argv = [server, "--unixsocket", str(self.socket), "--dir", str(directory)]
        self.argv += self.SETTINGS

    def client(self, command, *arguments, **how):
        """Runs redis-cli or redis-benchmark to its end; what it printed."""
        argv = [self.commands / command, "-s", self.socket, *arguments]
        done = subprocess.run(argv, env=self.environ, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60, text=True, **how)
        return done.stdout

    def wait(self):
        """Until it answers."""
        for _ in range(100):
            if self.socket.exists() and "PONG" in self.client("redis-cli", "ping"):
                return
            time.sleep(0.05)
        raise RuntimeError("redis-server does not answer")

    def load(self):
        for options in self.LOADS:
            self.client("redis-benchmark", "-q", *options.split())

    def fill(self):
        """With what depends on nothing but this."""
        lines = []
        for number in range(20000):
            key, value = number * 7919 % 3001, "value %d " % number * (number % 30)
            lines.append('set key:%d "%s"' % (key, value))
            lines.append('rpush list:%d "%s"' % (key % 100, value[:50]))
            lines.append("zadd set:%d %d member:%d" % (key % 50, number, key))
            lines.append("del key:%d" % (key // 2))
        self.client("redis-cli", input="\n".join(lines) + "\n")

    def shut_down(self):
        self.client("redis-cli", "shutdown", "nosave")
