# SPDX-License-Identifier: Apache-2.0
"""Runs one command in its own session with a deadline, and ends whatever it left behind.

Each case runs in a process of its own that is a subreaper: every process that the command leaves
behind becomes its child, whatever group or session it moved to, so all of them can be found and
ended, and none that belongs to somebody else.
"""

import ctypes
import os
import resource
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
BASE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def become_subreaper():
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def processes_below(root):
    """All descendants of root, by /proc; those that ended meanwhile are left out."""
    children = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = Path("/proc", entry, "stat").read_bytes()
        except OSError:
            continue
        fields = stat[stat.rindex(b")") + 2:].split()
        if fields[0] not in (b"Z", b"X"):
            children.setdefault(int(fields[1]), []).append(int(entry))
    found, queue = [], [root]
    while queue:
        below = children.get(queue.pop(), [])
        found.extend(below)
        queue.extend(below)
    return found


def command_of(pid):
    try:
        return Path("/proc", str(pid), "cmdline").read_bytes().replace(b"\0", b" ").decode(
            "utf-8", "replace").strip()
    except OSError:
        return "?"


def free_port():
    """A port that nobody listens on now; the kernel hands them out in turn."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Work:
    """The places of one run: `run` is the working directory, the same for bare and watched."""

    run: Path
    out: Path
    targets: Path
    source: Path
    memscope: str = ""
    port: int = field(default_factory=free_port)  # for a server; the same in every run

    @property
    def counts(self):
        return self.run / "counts"

    def fresh(self):
        shutil.rmtree(self.run, ignore_errors=True)
        self.run.mkdir(parents=True)
        self.out.mkdir(parents=True, exist_ok=True)
        self.counts.write_bytes(bytes(4096))
        os.chmod(self.run, 0o777)
        os.chmod(self.counts, 0o666)

    def words(self, words):
        places = {"targets": self.targets, "work": self.run, "counts": self.counts,
                  "source": self.source, "port": self.port}
        filled = []
        for word in words:
            word = str(word)
            for name, place in places.items():
                word = word.replace("{" + name + "}", str(place))
            filled.append(word)
        return filled


@dataclass
class Running:
    """What a case's drive function may act on."""

    process: subprocess.Popen
    work: Work
    stdout_path: Path
    watched: bool
    deadline: float

    def wait_for(self, text):
        """Waits until the program has printed text; False when it ended or time is up before."""
        while time.monotonic() < self.deadline:
            if text in self.stdout_path.read_bytes():
                return True
            if self.process.poll() is not None:
                return text in self.stdout_path.read_bytes()
            time.sleep(0.005)
        return False

    def tree(self):
        return processes_below(os.getpid())


@dataclass
class Outcome:
    status: int
    stdout: bytes
    stderr: bytes
    seconds: float
    timed_out: bool
    leftovers: list
    counts: bytes
    files: dict = field(default_factory=dict)


def environment(work, extra):
    env = {"PATH": BASE_PATH, "HOME": str(work.run), "LANG": "C.UTF-8", "TZ": "UTC",
           "USER": "e2e", "SHELL": "/bin/sh"}
    env.update({name: work.words([value])[0] for name, value in extra.items()})
    return env


def end_leftovers(grace_s):
    """Gives stragglers a moment, then kills them; returns what had to be killed."""
    deadline = time.monotonic() + grace_s
    left = processes_below(os.getpid())
    while left and time.monotonic() < deadline:
        reap()
        time.sleep(0.01)
        left = processes_below(os.getpid())
    names = [command_of(pid) for pid in left]
    for _ in range(50):
        if not left:
            break
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)
        reap()
        left = processes_below(os.getpid())
    return names


def reap():
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                return
        except ChildProcessError:
            return


def limits_quiet():
    for number in (signal.SIGINT, signal.SIGQUIT):  # a background job of a shell ignores them
        signal.signal(number, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def run(words, work, case, watched_factor):
    """Runs words in work.run; stdout and stderr go to files, so no reader can slow the program.

    watched_factor is how many times longer a watched run may take; 0 says that it runs bare.
    """
    watched = watched_factor > 0
    stdout_path, stderr_path = work.out / "stdout", work.out / "stderr"
    stdin_path = work.out / "stdin"
    stdin_path.write_bytes(case.stdin)
    began = time.monotonic()
    deadline = began + case.timeout_s * max(1, watched_factor)
    with open(stdin_path, "rb") as stdin, open(stdout_path, "wb") as stdout, \
            open(stderr_path, "wb") as stderr:
        process = subprocess.Popen(words, cwd=work.run, env=environment(work, case.env),
                                   stdin=stdin, stdout=stdout, stderr=stderr,
                                   start_new_session=True, restore_signals=True,
                                   preexec_fn=limits_quiet)
    timed_out = False
    try:
        if case.drive:
            case.drive(Running(process, work, stdout_path, watched, deadline))
        status = process.wait(max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        timed_out, status = True, None
    seconds = time.monotonic() - began
    leftovers = end_leftovers(0.0 if timed_out else 3.0 if watched else 0.3)
    if status is None:
        status = process.wait()
    counts = work.counts.read_bytes() if work.counts.exists() else b""
    return Outcome(status, stdout_path.read_bytes(), stderr_path.read_bytes(), seconds,
                   timed_out, leftovers, counts)
