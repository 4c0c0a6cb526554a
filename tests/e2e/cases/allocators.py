# SPDX-License-Identifier: Apache-2.0
"""Programs with an allocator of their own choice: what is recorded against its own statistics."""

import json
import re
import subprocess
import time

from case import Case
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


CASES = (
    Case("allocator-redis", ("redis-server", "--port", "{port}", "--save", "", "--loglevel", "warning",
                             "--appendonly", "no"), drive=redis_drive, clean=redis_clean,
         judge=redis_agrees, modes=("",), timeout_s=60,
         needs=("cmd:redis-server", "cmd:redis-benchmark",
                "file:/usr/lib/x86_64-linux-gnu/libjemalloc.so.2")),
)
