# SPDX-License-Identifier: Apache-2.0
"""One run of a command with all that it starts: what it took, and its end when it takes too long.

A profiler may leave a process of its own behind, in a session of its own. This process adopts what
is orphaned, so that its CPU time is seen and that nothing outlives the run.
"""

import ctypes
import os
import signal
import subprocess
import time

PR_SET_CHILD_SUBREAPER = 36


def adopt():
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(pid):
    """Every process below pid."""
    found = []
    try:
        for thread in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, thread), encoding="ascii") as f:
                found += [int(word) for word in f.read().split()]
    except OSError:
        pass
    return found + [below for child in found for below in children(child)]


def end_all():
    """Kills all that was started from here and adopted since, until there is nothing left."""
    while True:
        family = children(os.getpid())
        for pid in family:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            os.wait4(-1, 0)
        except ChildProcessError:
            return


def run(words, env, limit_s):
    """(wall seconds, CPU seconds of the whole family), or the word "fails" or "too long"."""
    until = time.monotonic() + limit_s
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            words,
            env=dict(os.environ, **env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return "fails"
    wall, cpu, status = None, 0.0, None
    signal.setitimer(signal.ITIMER_REAL, max(until - time.monotonic(), 0.001), 0.1)
    try:
        while True:
            pid, ended, usage = os.wait4(-1, 0)
            cpu += usage.ru_utime + usage.ru_stime
            if pid == process.pid:
                wall, status = time.monotonic() - started, ended
    except ChildProcessError:
        pass
    except TimeoutError:
        signal.setitimer(signal.ITIMER_REAL, 0)
        end_all()
        return "too long"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        process.returncode = 0
    return (wall, cpu) if status == 0 else "fails"


def on_alarm(_signal, _frame):
    raise TimeoutError


signal.signal(signal.SIGALRM, on_alarm)
