# SPDX-License-Identifier: Apache-2.0
"""Hazards H: sudden deaths; all that the program had counted must be in the report."""

import contextlib
import os
import random
import signal
import struct
import time

from case import Case, Ground

WAYS = (("_exit", 1), ("quick_exit", 2), ("exit_group", 3), ("thread_exit", 4), ("return", 5),
        ("abort", -signal.SIGABRT), ("kill", -signal.SIGKILL), ("term", -signal.SIGTERM),
        ("segv", -signal.SIGSEGV), ("trap", -signal.SIGILL))
KILLS = 300


def kill_at_random(running):
    """SIGKILL to the program itself, wherever it is just now."""
    if not running.wait_for(b"ready\n"):
        return
    time.sleep(random.uniform(0.0, 0.3))
    pid = struct.unpack_from("<5Q", running.work.counts.read_bytes())[4]
    os.kill(pid, signal.SIGKILL)


def recorder_of(running):
    """The collector: the process under memscope that is neither the launcher nor the program."""
    program = struct.unpack_from("<5Q", running.work.counts.read_bytes())[4]
    launcher = running.process.pid
    return [pid for pid in running.tree() if pid not in (program, launcher)]


def signal_all(pids, number):
    """The recorder's helpers end with it: one that is gone already needs no signal."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def collector_signal(number, pause_s=None):
    """number to the recorder while the program is busy; after pause_s SIGCONT; then the end."""
    def drive(running):
        if not running.wait_for(b"ready\n"):
            return
        time.sleep(0.1)
        others = recorder_of(running) if running.watched else []
        signal_all(others, number)
        time.sleep(pause_s or 0.5)
        if pause_s:
            signal_all(others, signal.SIGCONT)
            time.sleep(0.5)
        before = struct.unpack_from("<Q", running.work.counts.read_bytes())[0]
        time.sleep(1.0)
        after = struct.unpack_from("<Q", running.work.counts.read_bytes())[0]
        running.work.out.joinpath("progress").write_text(str(after - before), encoding="ascii")
        pid = struct.unpack_from("<5Q", running.work.counts.read_bytes())[4]
        os.kill(pid, signal.SIGTERM)
    return drive


def went_on(_bare, _watched, work):
    made = int(work.out.joinpath("progress").read_text(encoding="ascii"))
    return [] if made > 1000 else [f"the program stood still: {made} calls in a second"]


def core_grown(bare, watched, work):
    """A core file must hold none of our memory: it may grow by 1 MiB of bookkeeping at most."""
    del bare, watched
    sizes = [int(line) for line in work.out.joinpath("cores").read_text().split()]
    if len(sizes) != 2 or 0 in sizes:
        return [f"core files: {sizes}"]
    return [] if sizes[1] <= sizes[0] + (1 << 20) else [f"core grew from {sizes[0]} to {sizes[1]}"]


def core_note(running):
    running.process.wait()
    size = sum(path.stat().st_blocks * 512 for path in running.work.run.glob("core*"))
    with open(running.work.out / "cores", "a", encoding="ascii") as list_:
        list_.write(f"{size}\n")


def cases():
    for how, status in WAYS:
        yield Case(f"death-{how}", ("{targets}/death", "{counts}", how), status=status,
                   ground=Ground())
    yield Case("death-main-gone", ("{targets}/death", "{counts}", "main_gone"), status=6,
               # pthread_exit loads libgcc_s.
               ground=Ground(extra_n=20, extra_bytes=20000))
    yield Case("death-busy-exit", ("{targets}/death", "{counts}", "busy_exit"), status=7,
               ground=Ground(extra_n=4, extra_bytes=4000, in_flight=4))
    yield Case("death-alarm", ("{targets}/death", "{counts}", "alarm"), status=-signal.SIGALRM,
               ground=Ground(in_flight=1))
    yield Case("death-cpu-limit", ("{targets}/death", "{counts}", "cpu_limit"), slow=True,
               status=-signal.SIGXCPU, ground=Ground(in_flight=1))
    yield Case("death-core", ("sh", "-c", "ulimit -c unlimited; exec \"$0\" \"$@\"",
                              "{targets}/death", "{counts}", "abort"), status=-signal.SIGABRT,
               needs=("core",), drive=core_note, judge=core_grown)
    for number in range(1, KILLS + 1):
        threads = str(1 + number % 4)
        yield Case(f"kill-{number:03}", ("{targets}/death_random", "{counts}", threads),
                   status=None, drive=kill_at_random, slow=number > 4, timeout_s=15,
                   modes=("",) if number % 5 else ("", "legacy"),
                   ground=Ground(extra_n=int(threads), in_flight=int(threads),
                                 oracle=False))
    yield Case("collector-killed", ("{targets}/death_random", "{counts}", "2"),
               status=-signal.SIGTERM, drive=collector_signal(signal.SIGKILL), recorded=False,
               judge=went_on, timeout_s=20, modes=("",))
    yield Case("collector-paused", ("{targets}/death_random", "{counts}", "2"),
               status=-signal.SIGTERM, drive=collector_signal(signal.SIGSTOP, 0.2), timeout_s=20,
               judge=went_on, ground=Ground(extra_n=2, in_flight=2, oracle=False))
    yield Case("collector-paused-jail", ("{targets}/death_random", "{counts}", "2", "jail"),
               status=-signal.SIGTERM, drive=collector_signal(signal.SIGSTOP, 0.2), timeout_s=20,
               judge=went_on, ground=Ground(extra_n=2, in_flight=2, oracle=False),
               needs=("root",))
    yield Case("collector-stopped", ("{targets}/death_random", "{counts}", "2"), slow=True,
               status=-signal.SIGTERM, drive=collector_signal(signal.SIGSTOP, 10.0), timeout_s=40,
               judge=went_on, may_lose=True, modes=("",))


def room_of_64_kb(name):
    """The outputs' folder on a file system that is full at once."""
    return ("unshare", "-m", "sh", "-c",
            "mkdir -p ../out && mount -t tmpfs -o size=64k none ../out && "
            "head -c 60000 /dev/zero >../out/filler; \"$@\"", name)


CASES = tuple(cases()) + (
    Case("disk-full", ("{targets}/race_reuse", "{counts}"), through=room_of_64_kb("sh"),
         recorded=False, quiet=False, needs=("mountns",)),
    Case("disk-full-alloc-many", ("{targets}/heap_plain", "{counts}", "1000000", "3"), status=3,
         through=room_of_64_kb("sh"), recorded=False, quiet=False, needs=("mountns",)),
)
