# SPDX-License-Identifier: Apache-2.0
"""Asks strace which processes there were: who forked whom, what each executed, how it ended.

A watched run is made once more under `strace -f -e trace=process`; what memscope reports of that
run is held against the trace, by process numbers. A process has *stages*: the copy that fork made,
then each image that it executed. Every executed image must be reported once, in order, with its
name; the copy as well if it has used the heap, which strace cannot know. The parent of a row is the
nearest stage before it, on the way back to the root, that is reported.
"""

import dataclasses
import json
import re
import signal
from dataclasses import dataclass, field
from pathlib import Path

import execute

LINE = re.compile(r"(\d+) +(.*)")
CALL = re.compile(r"(\w+)\((.*)")
RESUMED = re.compile(r"<\.\.\. (\w+) resumed>(.*)")
RESULT = re.compile(r".*\) += (-?\d+)")
ENDED = re.compile(r"\+\+\+ (exited with|killed by) (\w+)")
SUPERSEDED = re.compile(r"\+\+\+ superseded by execve in pid (\d+)")
OWN_PREFIX = '["sh", "-c", "LD_PRELOAD=\''  # the shell that system and popen start leads to another
PATH = re.compile(r'(?:\w+, )?"((?:[^"\\]|\\.)*)"')
FORKS = ("fork", "vfork", "clone", "clone3")
COMM_BYTES = 15  # a name of the kernel's is cut there


@dataclass
class Process:
    """What the trace tells of one: of each executed image its path, and where it was forked."""

    images: list = field(default_factory=list)
    parent: int = 0
    stage: int = 0  # of the parent, when it forked this one
    end: tuple = ()  # ("exited" | "signaled", status)


@dataclass
class Trace:
    processes: dict = field(default_factory=dict)
    owner: dict = field(default_factory=dict)  # thread -> its process

    def process(self, tid):
        return self.processes.setdefault(self.owner.get(tid, tid), Process())

    def called(self, tid, name, arguments, result):
        if name in FORKS and result > 0:
            if "CLONE_THREAD" in arguments:
                self.owner[result] = self.owner.get(tid, tid)
                self.processes.pop(result, None)
                return
            child = self.process(result)
            child.parent = self.owner.get(tid, tid)
            child.stage = len(self.process(tid).images)
        elif name in ("execve", "execveat") and result == 0 and OWN_PREFIX not in arguments:
            path = PATH.match(arguments)
            self.process(tid).images.append(path.group(1) if path else "")

    def ended(self, tid, how, word):
        if self.owner.get(tid, tid) != tid:
            return
        status = int(word) if how == "exited with" else signal.Signals[word].value
        self.process(tid).end = ("exited" if how == "exited with" else "signaled", status)


def words_before(path):
    return ["strace", "-f", "-e", "trace=process", "-e", "signal=none", "-o", str(path)]


def parsed(text):
    trace, open_calls = Trace(), {}
    for line in text.splitlines():
        found = LINE.match(line)
        if not found:
            continue
        tid, rest = int(found.group(1)), found.group(2)
        ended, resumed = ENDED.match(rest), RESUMED.match(rest)
        if ended:
            trace.ended(tid, *ended.groups())
            continue
        superseded = SUPERSEDED.match(rest)
        if superseded:  # from here on the thread that executes has the process's number
            open_calls[tid] = open_calls.pop(int(superseded.group(1)), "")
            continue
        if resumed:
            name, arguments = resumed.group(1), open_calls.pop(tid, "") + resumed.group(2)
        else:
            call = CALL.match(rest)
            if not call:
                continue
            name, arguments = call.groups()
            if arguments.endswith("<unfinished ...>"):
                open_calls[tid] = arguments[:-len("<unfinished ...>")]
                continue
        result = RESULT.match(arguments)
        if result:
            trace.called(tid, name, arguments, int(result.group(1)))
    return trace


def names_of(path, folder):
    """What an image may be called: as it was executed, what the link leads to, its interpreter."""
    names = {path.rsplit("/", 1)[-1]}
    file = Path(folder, path)
    try:
        names.add(file.resolve().name)
        with open(file, "rb") as opened:
            first = opened.readline(200)
        if first.startswith(b"#!"):
            names.add(Path(first[2:].split()[0].decode()).resolve().name)
    except (OSError, IndexError, UnicodeDecodeError):
        pass
    return names | {name[:COMM_BYTES] for name in names}


@dataclass
class Holding:
    """The report's rows by process, each with the stage that it stands for."""

    trace: Trace
    rows: list
    root: int
    folder: Path
    staged: dict = field(default_factory=dict)  # process -> {stage: index of its row}
    faults: list = field(default_factory=list)

    def below(self, pid):
        """True for the root and what descends from it."""
        while pid and pid != self.root:
            process = self.trace.processes.get(pid)
            pid = process.parent if process else 0
        return pid == self.root

    def stage_rows(self, pid):
        """Gives each row of a process its stage; a root's copy is the launcher's, not a program."""
        process = self.trace.processes[pid]
        rows = [index for index, row in enumerate(self.rows) if row["pid"] == pid]
        images = len(process.images)
        copies = len(rows) - images
        if copies not in ((0,) if pid == self.root else (0, 1)):
            self.faults.append(f"{pid}: {len(rows)} rows, it executed {process.images}: "
                               f"{[self.rows[index]['exe'] for index in rows]}")
            return
        stages = range(1 - copies, images + 1)
        self.staged[pid] = dict(zip(stages, rows))
        for stage, index in self.staged[pid].items():
            seen = self.rows[index]["exe"].rsplit("/", 1)[-1].removesuffix(" (deleted)")
            if stage and process.images[stage - 1] and \
                    seen not in names_of(process.images[stage - 1], self.folder):
                self.faults.append(f"{pid} is called {seen}, it executed "
                                   f"{process.images[stage - 1]}")

    def parent_of(self, pid, stage):
        """Index of the row that comes before this stage on the way to the root; None: the root."""
        while pid:
            before = [one for one in self.staged.get(pid, {}) if one < stage]
            if before:
                return self.staged[pid][max(before)]
            if pid == self.root:
                return None
            # The stage in which the parent forked counts too.
            process = self.trace.processes[pid]
            pid, stage = process.parent, process.stage + 1
        return None

    def hold_row(self, pid, stage, index):
        row, process = self.rows[index], self.trace.processes[pid]
        parent = self.parent_of(pid, stage)
        if row["parent"] != parent:
            self.faults.append(f"row {index} ({row['exe']}, {pid}): parent {row['parent']}, "
                               f"by strace {parent}")
        is_last = stage == len(process.images)
        if (row["end"] == "execed") == is_last and row["end"] != "lost":
            self.faults.append(f"row {index} ({row['exe']}, {pid}): end {row['end']}")
        # strace itself may end before it is told of an end.
        if is_last and process.end and row["end"] in ("exited", "signaled") and \
                (row["end"], row["status"]) != process.end:
            self.faults.append(f"row {index} ({row['exe']}, {pid}): {row['end']} {row['status']}, "
                               f"by strace {process.end}")


def faults_of(report_path, trace_path, folder):
    """How the processes of a report differ from the trace of the same run."""
    rows = json.loads(report_path.read_bytes())["processes"]
    trace = parsed(trace_path.read_text(encoding="utf-8", errors="replace"))
    root = next((row["pid"] for row in rows if row["parent"] is None), 0)
    if root not in trace.processes:
        return [f"strace knows no process {root}"]
    holding = Holding(trace, rows, root, folder)
    tree = [pid for pid in trace.processes if holding.below(pid)]
    for pid in tree:
        holding.stage_rows(pid)
    holding.faults += [f"{row['pid']} ({row['exe']}) is no process of the tree"
                       for row in rows if row["pid"] not in tree]
    for pid, staged in holding.staged.items():
        for stage, index in staged.items():
            holding.hold_row(pid, stage, index)
    return holding.faults


def tree_faults(case, work):
    """Runs the case once more, watched and under strace."""
    trace, report = work.out / "trace", work.out / "traced.json"
    for path in (trace, report):
        path.unlink(missing_ok=True)
    work.fresh()
    if case.prepare:
        case.prepare(work)
    words = work.words(case.through) + words_before(trace) + [
        work.memscope, "run", "-q", "--no-recording", "-e", "json", "-o", str(report),
        *case.options, "--"] + work.words(case.command)
    done = execute.run(words, work, case, 10)
    if done.timed_out:
        return ["under strace: no end"]
    return ["tree: " + fault for fault in faults_of(report, trace, work.run)]


def traced(case):
    """The case, whose process tree must also be the one that strace sees."""
    def judge(bare, watched, work):
        faults = case.judge(bare, watched, work) if case.judge else []
        return faults + tree_faults(case, work)
    return dataclasses.replace(case, judge=judge, needs=case.needs + ("cmd:strace",))
