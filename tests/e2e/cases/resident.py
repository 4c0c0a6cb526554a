# SPDX-License-Identifier: Apache-2.0
"""Resident memory at its peak, and its parts, against what the kernel says at each program's end.

The oracle is `high_water`, which traces the run and reads /proc's VmHWM of every process as it
begins to exit: it sees what the program itself could not write down.
"""

import json
import struct

import material
from case import Case
from cases.allocators import redis_drive
from cases.programs import redis_clean
from compare import between

# The last pages of code are read in behind the program's own last word, 64 KiB at a time. What the
# kernel notes when memory is unmapped may besides be short by what its processors have not yet
# summed up, some 256 KiB: the programs whose peak is unmapped again are large ones.
LATE_BYTES = 96 << 10
WITHIN = 0.02
PARTS = ("heap_bytes", "mapped_bytes", "held_bytes", "unseen_bytes", "file_bytes", "stack_bytes",
         "memscope_bytes", "other_bytes")


def high_water(work):
    """The highest VmHWM of each process, in bytes."""
    peaks = {}
    for line in (work.run / "high").read_text(encoding="utf-8").splitlines():
        pid, kilobytes, _ = line.split(" ", 2)
        peaks[int(pid)] = max(peaks.get(int(pid), 0), int(kilobytes) * 1024)
    return peaks


def resident_agrees(late):
    """Of one process: the peak is the kernel's, and the parts sum up to it. How much a look divides
    depends on when there is time for it: the cases resident-* wait for one."""
    def judge(_bare, _watched, work):
        report = json.loads((work.out / "r.json").read_bytes())
        seen, peaks = report["rss"], high_water(work)
        known = [peaks[process["pid"]] for process in report["processes"]
                 if process["pid"] in peaks]
        if not known:
            return ["the oracle has seen no recorded process"]
        slack = max(int(max(known) * WITHIN), late)
        faults = between("rss.peak_bytes (oracle: VmHWM)", seen["peak_bytes"], max(known) - slack,
                         max(known) + slack)
        parts = sum(seen[part] for part in PARTS)
        faults += between("sum of the parts of rss", parts, seen["peak_bytes"], seen["peak_bytes"])
        faults += between("rss.file_bytes", seen["file_bytes"], 64 << 10, seen["peak_bytes"])
        return faults
    return judge


def more_files(work):
    material.repository(work)
    words = (work.run / "words.txt").read_bytes()
    (work.run / "long.txt").write_bytes(b"".join(
        b"%d %s" % (number, words[:60000]) for number in range(400)))
    (work.run / "long.json").write_text(json.dumps(
        [{"n": i, "text": f"x{i * 7}"} for i in range(30000)]), encoding="ascii")


PAGE, LOAD, OWN_HEADERS, NOTE = 4096, 1, 6, 4
SEGMENT = struct.Struct("<IIQQQQQQ")


def headers_at_the_end(work):
    """A copy of the program whose program headers lie in its last page, as they do after patchelf
    has made them longer. A note's header becomes that of the segment which they need."""
    data = bytearray((work.targets / "resident_bss").read_bytes())
    at, = struct.unpack_from("<Q", data, 32)
    count, = struct.unpack_from("<H", data, 56)
    all_ = [SEGMENT.unpack_from(data, at + i * SEGMENT.size) for i in range(count)]
    all_.remove(next(segment for segment in all_ if segment[0] == NOTE))
    loads = [segment for segment in all_ if segment[0] == LOAD]
    place = -(-len(data) // PAGE) * PAGE
    address = max(segment[3] + segment[6] for segment in loads) + (1 << 20) & -PAGE
    size = count * SEGMENT.size
    for i, segment in enumerate(all_):
        if segment[0] == OWN_HEADERS:
            all_[i] = (OWN_HEADERS, 4, place, address, address, size, size, 8)
    all_.insert(all_.index(loads[-1]) + 1, (LOAD, 4, place, address, address, size, size, PAGE))
    data += bytes(place - len(data)) + b"".join(SEGMENT.pack(*segment) for segment in all_)
    struct.pack_into("<Q", data, 32, place)
    program = work.run / "moved"
    program.write_bytes(data)
    program.chmod(0o755)


def uninitialised_is_code_and_data(bare, watched, work):
    """The 24 MiB that the program's headers ask for are no part of the heap."""
    seen = json.loads((work.out / "r.json").read_bytes())["rss"]
    return resident_agrees(LATE_BYTES)(bare, watched, work) + between(
        "rss.file_bytes", seen["file_bytes"], 24 << 20, 28 << 20)


def executable_is_the_programs(bare, watched, work):
    """The 24 MiB that no hook has seen being mapped are not malloc's, which never asks for such."""
    seen = json.loads((work.out / "r.json").read_bytes())["rss"]
    return (resident_agrees(LATE_BYTES)(bare, watched, work)
            + between("rss.mapped_bytes", seen["mapped_bytes"], 24 << 20, 24 << 20)
            + between("rss.held_bytes", seen["held_bytes"], 0, 1 << 20))


def executable_tells_nothing(bare, watched, work):
    """All memory may be executed: what malloc holds free is found all the same."""
    seen = json.loads((work.out / "r.json").read_bytes())["rss"]
    return (resident_agrees(LATE_BYTES)(bare, watched, work)
            + between("rss.mapped_bytes", seen["mapped_bytes"], 0, 1 << 20)
            + between("heap and held", seen["heap_bytes"] + seen["held_bytes"], 24 << 20, 25 << 20))


def resident(name, *words, late=LATE_BYTES, **more):
    return Case("rss-" + name, words, prepare=more.pop("prepare", more_files), modes=("",),
                through=("{targets}/high_water", "high"), timeout_s=more.pop("timeout_s", 60),
                needs=("ptrace",) + more.pop("needs", ("cmd:" + words[0],)),
                judge=more.pop("judge", resident_agrees(late)), **more)


SPENDER = "import os, signal, time; kept = bytes(range(256)) * 150000; "

CASES = (
    resident("true", "/bin/true"),
    resident("ls", "/bin/ls", "/usr/bin", slow=True),
    resident("sed", "/bin/sed", "-n", "$=", "long.txt", slow=True),
    resident("sort", "/usr/bin/sort", "-S", "30M", "long.txt", "-o", "sorted"),
    resident("jq", "/usr/bin/jq", "-c", "group_by(.n % 7) | length", "long.json"),
    resident("sqlite3", "/usr/bin/sqlite3", ":memory:", ".read script.sql"),
    resident("python3", "/usr/bin/python3", "-I", "-S", "script.py",
             env={"PYTHONHASHSEED": "0"}),
    resident("perl", "/usr/bin/perl", "script.pl", env={"PERL_HASH_SEED": "0"}, slow=True),
    resident("cc1plus", "/usr/lib/gcc/x86_64-linux-gnu/12/cc1plus", "-quiet", "-fsyntax-only",
             "-imultiarch", "x86_64-linux-gnu", "-D_GNU_SOURCE", "main.cc",
             slow=True, timeout_s=120),
    resident("git", "/usr/bin/git", "-C", "repo", "log", "-p", "--stat",
             env={"GIT_CONFIG_NOSYSTEM": "1", "GIT_PAGER": "cat"}),
    resident("node", "node", "script.js", status=3, timeout_s=90),
    resident("xmllint", "/usr/bin/xmllint", "--format", "data.xml", slow=True),
    resident("xz", "/usr/bin/xz", "-T1", "-c", "words.txt", slow=True),
    resident("bash", "/bin/bash", "--norc", "alone.sh", status=4, slow=True),
    resident("openssl", "/usr/bin/openssl", "dgst", "-sha256", "words.txt", slow=True),
    resident("redis", "redis-server", "--port", "{port}", "--save", "", "--loglevel", "warning",
             "--appendonly", "no", drive=redis_drive, clean=redis_clean,
             needs=("cmd:redis-server", "cmd:redis-benchmark")),
    resident("fast-exit", "/usr/bin/python3", "-I", "-S", "-c", SPENDER + "os._exit(7)", status=7),
    resident("killed", "/usr/bin/python3", "-I", "-S", "-c",
             SPENDER + "time.sleep(1); os.kill(os.getpid(), signal.SIGKILL)", status=-9),
    resident("bss", "{targets}/resident_bss", needs=(), prepare=None,
             judge=uninitialised_is_code_and_data),
    resident("code", "{targets}/resident_code", needs=(), prepare=None,
             judge=executable_is_the_programs),
    resident("code-everywhere", "{targets}/resident_code", "all", needs=(), prepare=None,
             judge=executable_tells_nothing),
    resident("bss-headers-moved", "./moved", needs=(), prepare=headers_at_the_end,
             judge=uninitialised_is_code_and_data),
)
