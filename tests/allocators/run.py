#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tokio servers that bring their allocator along: what is recorded against their own counts.

usage: tests/allocators/run.py [--quick] --memscope FILE [--cache DIR] [WORD...]

tests/allocators/src/main.rs is built with the allocators of crates.io and asked to keep and drop
blocks by several clients at once. It counts what it asks of the allocator, and jemalloc says what
is allocated. With jemalloc every figure must be those; where the allocator cannot be seen, that
must be said, with its name and with how much it holds. A quick run has one server of each kind
that builds fast. Ends with `N passed, N failed, N skipped`.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import verdicts  # noqa: E402  (found by the line above)

CLIENTS, REQUESTS, BLOCK_MOST = 4, 300, 100000
BUILD_S, RUN_S = 1500, 120
# What libc allocates of its own accord, for threads and names.
LIBC_N, LIBC_BYTES = 60, 1 << 20
RSS_WITHIN = 0.02
RSS_PARTS = ("heap_bytes", "mapped_bytes", "held_bytes", "unseen_bytes", "file_bytes",
             "stack_bytes", "memscope_bytes", "other_bytes")
DEPENDENCIES = {
    "jemalloc": 'tikv-jemallocator = "0.6"\ntikv-jemalloc-ctl = { version = "0.6", features = '
                '["stats"] }\n',
    "mimalloc": 'mimalloc = "0.1"\n',
}


class Skip(Exception):
    """What is missing."""


@dataclasses.dataclass
class Server:
    allocator: str
    profile: str  # keys of [profile.release]
    seen: bool

    @property
    def __name__(self):
        return f"tokio-{self.allocator}" + ("-stripped" if "strip" in self.profile else
                                            "-debug" if "debug" in self.profile else "")

    def build(self, cache):
        cargo = shutil.which("cargo")
        if not cargo:
            raise Skip("cargo is not installed")
        place = cache / self.__name__
        place.mkdir(parents=True, exist_ok=True)
        (place / "Cargo.toml").write_text(
            f'[package]\nname = "server"\nversion = "0.0.0"\nedition = "2021"\n'
            f'[[bin]]\nname = "server"\npath = "{HERE}/src/main.rs"\n'
            f"[features]\n{self.allocator} = []\n[dependencies]\n"
            'tokio = { version = "1", features = ["rt-multi-thread", "macros", "net", "io-util", '
            '"sync", "time"] }\n' + DEPENDENCIES[self.allocator] +
            f"[profile.release]\n{self.profile}\n[workspace]\n")
        target = cache / f"target-{self.allocator}"
        built = subprocess.run([cargo, "build", "-q", "-j2", "--release", "--features",
                                self.allocator], cwd=place, capture_output=True, text=True,
                               errors="replace", timeout=BUILD_S, check=False,
                               env={**os.environ, "CARGO_TARGET_DIR": str(target)})
        if built.returncode:
            raise Skip(f"it cannot be built here: {built.stderr[-300:]}")
        shutil.copy(target / "release" / "server", place / "server")
        return place / "server"


def ask(port, client, asked):
    """One client's requests; each keeps some of what it asked for."""
    dice = random.Random(client)
    with socket.create_connection(("127.0.0.1", port), timeout=RUN_S) as link:
        answers = link.makefile("rb")
        for i in range(REQUESTS):
            key = client * REQUESTS + dice.randint(0, i)
            line = f"drop {key}" if dice.random() < 0.3 else \
                f"keep {key} {dice.randint(1, BLOCK_MOST)}"
            link.sendall(line.encode() + b"\n")
            assert answers.readline() == b"done\n", line
            asked.append(line)


def drive(words, folder):
    """Runs the server under load; its six figures."""
    with open(folder / "stderr", "wb") as errors, subprocess.Popen(
            [str(word) for word in words], cwd=folder, stdout=subprocess.PIPE, stderr=errors) as run:
        try:
            port, asked = int(run.stdout.readline()), []
            clients = [threading.Thread(target=ask, args=(port, i, asked)) for i in range(CLIENTS)]
            for client in clients:
                client.start()
            for client in clients:
                client.join()
            assert len(asked) == CLIENTS * REQUESTS, f"{len(asked)} requests were answered"
            with socket.create_connection(("127.0.0.1", port), timeout=RUN_S) as link:
                link.sendall(b"stop\n")
            figures = [int(word) for word in run.stdout.readline().split()]
            status = run.wait(RUN_S)
        finally:
            run.kill()
    assert status == 0, (status, (folder / "stderr").read_text(errors="replace")[-600:])
    return dict(zip(("calls", "reallocs", "bytes", "frees", "live", "allocated"), figures))


def between(name, seen, low, high):
    assert low <= seen <= high, f"{name}: reported {seen}, expected {low} to {high}"


def recorded_is_counted(report, counted):
    """To the call and the byte, but for what libc allocates itself; what is allocated by jemalloc's
    own word lies between what was asked for and its size classes, a quarter above at the most."""
    sums = report["totals"]
    calls = counted["calls"] + counted["reallocs"]
    between("allocations", report["total_allocations"], calls, calls + LIBC_N)
    between("bytes", sums["allocated_bytes"], counted["bytes"], counted["bytes"] + LIBC_BYTES)
    between("frees", sums["frees"], counted["frees"] + counted["reallocs"],
            counted["frees"] + counted["reallocs"] + LIBC_N)
    between("live at the end", sums["end_live_bytes"], counted["live"],
            counted["live"] + LIBC_BYTES)
    between("live at the end (oracle: jemalloc, stats.allocated)", sums["end_live_bytes"],
            int(counted["allocated"] / 1.25), int(counted["allocated"] * 1.02) + LIBC_BYTES)
    between("unknown frees", sums["unknown_frees"], 0, 0)
    kinds = [notice["kind"] for notice in report["notices"]]
    assert "unseen-allocator" not in kinds, kinds


def unseen_is_said(report, counted, allocator):
    """The notice names the allocator and how much of the resident memory is its; no figure of the
    heap pretends to hold it."""
    told = [notice for notice in report["notices"] if notice["kind"] == "unseen-allocator"]
    assert len(told) == 1 and allocator in told[0]["text"], report["notices"]
    between("what the notice says is unseen", told[0]["value"], int(counted["live"] * 0.8),
            int(counted["live"] * 3) + (32 << 20))
    assert report["totals"]["peak_bytes"] < counted["live"] / 4, report["totals"]
    assert any(finding["id"] == "rss-above-heap" for finding in report["findings"]), \
        report["findings"]


def resident_is_the_kernels(report, high):
    """`high` has a line `pid VmHWM-in-kB name` of each process at its end."""
    pid = report["processes"][0]["pid"]
    peak = max(int(line.split()[1]) * 1024 for line in high.splitlines()
               if int(line.split()[0]) == pid)
    seen = report["rss"]
    between("rss.peak_bytes (oracle: VmHWM)", seen["peak_bytes"], int(peak * (1 - RSS_WITHIN)),
            int(peak * (1 + RSS_WITHIN)))
    between("sum of the parts of rss", sum(seen[part] for part in RSS_PARTS), seen["peak_bytes"],
            seen["peak_bytes"])


def judge(server, memscope, cache):
    """What is missing for it, or None: it holds."""
    try:
        program = server.build(cache)
    except Skip as missing:
        return str(missing)
    with tempfile.TemporaryDirectory(prefix="memscope-allocators-") as name:
        folder = pathlib.Path(name)
        out = folder / "out.json"
        tracer = memscope.parents[2] / "tests" / "targets" / "high_water"
        traced = subprocess.run([tracer, folder / "high", "true"], check=False).returncode == 0
        counted = drive([*([tracer, folder / "high"] if traced else []), memscope, "run", "-q",
                         "--no-recording", "-e", "json", "-o", out, "--", program], folder)
        report = json.loads(out.read_text())
        if traced:
            resident_is_the_kernels(report, (folder / "high").read_text())
    assert counted["live"] > 10 << 20, counted
    process = report["processes"][0]
    if server.seen:
        assert process["allocator_is"] == "recorded", process
        return recorded_is_counted(report, counted)
    assert process["allocator_is"] == "unseen", process
    return unseen_is_said(report, counted, server.allocator)


QUICK = [Server("mimalloc", "", False)]
ALL = QUICK + [
    Server("jemalloc", "", True),
    Server("jemalloc", "opt-level = 0\ndebug = true", True),
    Server("jemalloc", "strip = true", False),
    Server("mimalloc", "strip = true", False),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memscope", type=pathlib.Path,
                        default=HERE.parents[1] / "build" / "src" / "cli" / "memscope")
    parser.add_argument("--cache", type=pathlib.Path, default=None)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("words", nargs="*")
    arguments = parser.parse_args()
    memscope = arguments.memscope.resolve()
    cache = (arguments.cache or memscope.parents[2] / "allocators-cache").resolve()
    wanted = [server for server in (QUICK if arguments.quick else ALL)
              if not arguments.words or any(word in server.__name__ for word in arguments.words)]
    counts = verdicts.tell((server.__name__, *verdicts.judge(judge, server, memscope, cache))
                           for server in wanted)
    return counts["FAIL"] != 0


if __name__ == "__main__":
    sys.exit(main())
