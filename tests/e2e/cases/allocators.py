# SPDX-License-Identifier: Apache-2.0
"""Programs with an allocator of their own choice: what is recorded against its own statistics."""

import json
import re
import subprocess
import time

from case import Case, Ground
from cases.memory import all_of, allocator_is, notices_are
from cases.programs import redis_clean
from compare import between

def redis(work, *words):
    return subprocess.run(["redis-cli", "-p", str(work.port), *words], capture_output=True,
                          check=False, timeout=20)


def redis_drive(running):
    """A load that keeps what it makes; then jemalloc's own statistics, and the end."""
    for _ in range(500):
        if redis(running.work, "ping").returncode == 0:
            break
        time.sleep(0.02)
    subprocess.run(["redis-benchmark", "-p", str(running.work.port), "-q", "-n", "3000", "-c", "5", "-d", "1000",
                    "-r", "2000", "-t", "set,lpush,hset"], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=60, check=True)
    (running.work.run / "statistics").write_bytes(redis(running.work, "memory", "malloc-stats").stdout)
    redis(running.work, "shutdown", "nosave")


def redis_agrees(_bare, _watched, work):
    """jemalloc tells usable bytes, at most a quarter above what was asked for (four size classes
    for each power of two), and requests, of which reallocs in place are none. The server works on
    for a moment between its statistics and its end."""
    line = re.search(rb"^total: +(\d+) +(\d+) +\d+ +\d+ +\d+ +(\d+)",
                     (work.run / "statistics").read_bytes(), re.M)
    if not line:
        return ["the server gave no statistics of jemalloc"]
    allocated, requests = int(line[1]), int(line[3])
    report = json.loads((work.out / "r.json").read_bytes())
    sums = report["totals"]
    plain = report["total_allocations"] - sums["reallocs"]
    return (between("end_live_bytes (oracle: jemalloc, allocated)", sums["end_live_bytes"],
                    int(allocated / 1.25), int(allocated * 1.01)) +
            between("allocations that are no reallocs (oracle: jemalloc, nrequests)", plain, 1,
                    int(requests * 1.01)) +
            between("all allocations (oracle: jemalloc, nrequests)", report["total_allocations"],
                    int(requests * 0.99), report["total_allocations"]) +
            between("unknown frees", sums["unknown_frees"], 0, 0))


LIBRARIES = "/usr/lib/x86_64-linux-gnu/"


def preloaded(name, library):
    """An allocator in LD_PRELOAD is called by our hooks: what the target counts is recorded."""
    return Case("allocator-" + name + "-preloaded", ("{targets}/heap_plain", "{counts}"),
                env={"LD_PRELOAD": LIBRARIES + library}, needs=("file:" + LIBRARIES + library,),
                ground=Ground(oracle=False, extra_n=2, extra_bytes=80 << 10),
                judge=notices_are(without=("unseen-allocator",)))


def linked(name, target):
    return Case("allocator-" + name + "-linked", ("{targets}/" + target, "{counts}"),
                needs=("target:" + target,),
                ground=Ground(oracle=False, extra_n=2, extra_bytes=80 << 10),
                judge=notices_are(without=("unseen-allocator",)))


def unseen(name, target, *names):
    """In the executable itself: said, by name where the recorder has had time to read it."""
    return Case("allocator-" + name + "-static", ("{targets}/" + target, "{counts}", "20000", "5"),
                status=5, needs=("target:" + target,), recorded=False, quiet=False,
                judge=all_of(notices_are("unseen-allocator"),
                             allocator_is("unseen", *names, "an allocator")))


def resident_is_unseen(_bare, _watched, work):
    """The target holds 24 MiB of the allocator's blocks, which are in no figure of the heap, and
    maps 16 MiB, which tcmalloc's own mmap keeps from us."""
    report = json.loads((work.out / "r.json").read_bytes())
    told = [notice["value"] for notice in report["notices"]
            if notice["kind"] == "unseen-allocator"]
    held, most = 40 << 20, 44 << 20
    return (between("unseen blocks that the notice tells of", sum(told), held, most) +
            between("rss.unseen_bytes", report["rss"]["unseen_bytes"], held, most))


CASES = (
    preloaded("jemalloc", "libjemalloc.so.2"),
    preloaded("tcmalloc", "libtcmalloc_minimal.so.4"),
    preloaded("mimalloc", "libmimalloc.so.2"),
    linked("tcmalloc", "heap_tcmalloc_minimal"),
    linked("mimalloc", "heap_mimalloc"),
    unseen("tcmalloc", "heap_tcmalloc_static", "tcmalloc"),
    Case("allocator-tcmalloc-static-held", ("{targets}/resident_tcmalloc_static", "status"),
         needs=("target:resident_tcmalloc_static",), recorded=False, modes=("",), quiet=False,
         judge=all_of(resident_is_unseen, allocator_is("unseen", "tcmalloc"))),
    Case("allocator-redis", ("redis-server", "--port", "{port}", "--save", "", "--loglevel", "warning",
                             "--appendonly", "no"), drive=redis_drive, clean=redis_clean,
         judge=redis_agrees, modes=("",), timeout_s=60,
         needs=("cmd:redis-server", "cmd:redis-benchmark",
                "file:/usr/lib/x86_64-linux-gnu/libjemalloc.so.2")),
)
