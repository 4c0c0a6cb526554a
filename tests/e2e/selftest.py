#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Can the end-to-end runner fail? Gives it a memscope that is wrong in one way at a time.

    tests/e2e/selftest.py [--targets DIR]

The stand-in runs the program and reports what the program counted itself; with a fault named in
its own path it then alters one thing. Each fault must turn a passing case into a failing one.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import oracle_strace

HERE = Path(__file__).resolve().parent

STAND_IN = """#!{python}
import json, os, struct, subprocess, sys
fault = os.path.basename(sys.argv[0]).partition("-")[2]
options, command = sys.argv[:sys.argv.index("--")], sys.argv[sys.argv.index("--") + 1:]
report = [options[i + 1] for i, word in enumerate(options) if word == "-o"][0]
if fault == "stdout": print("memscope was here", flush=True)
if fault == "stderr": print("oops", file=sys.stderr, flush=True)
if fault == "prefixed": print("memscope: not silent", file=sys.stderr, flush=True)
if fault == "leftover": subprocess.Popen(["sleep", "30"], start_new_session=True)
if fault == "hang": subprocess.run(["sleep", "60"])
status = subprocess.run(command).returncode
with open(command[1], "rb") as page:
    made, size, freed, resized = struct.unpack_from("<4Q", page.read())
made += resized - (fault == "one-less") + (fault == "one-more")
freed += resized - (fault == "free-less")
document = dict(session_id="session_1", duration_ms=1, strategy_used="SingleThread",
                total_allocations=made, peak_memory_mb=1, data_size_bytes=1,
                totals=dict(allocated_bytes=size + (fault == "byte"), frees=freed,
                            end_live_blocks=made - freed, inherited_frees=0,
                            unknown_frees=int(fault == "unknown")),
                loss=dict(events=int(fault == "loss")), processes=[dict()])
if fault == "key": del document["session_id"]
if fault == "strategy": document["strategy_used"] = "Best"
if fault != "silence":
    with open(report, "w") as out: out.write(json.dumps(document)[:40 if fault == "cut" else None])
if fault == "status": status += 1
if fault == "signal": status = -9
os.kill(os.getpid(), -status) if status < 0 else sys.exit(status)
"""

FAULTS = ("stdout", "stderr", "prefixed", "leftover", "hang", "one-less", "one-more", "free-less",
          "byte", "unknown", "loss", "key", "strategy", "silence", "cut", "status", "signal")


def verdict(folder, fault, targets):
    """True when the runner lets the stand-in with this fault pass."""
    path = folder / ("memscope-" + fault if fault else "memscope")
    path.write_text(STAND_IN.replace("{python}", sys.executable), encoding="ascii")
    path.chmod(0o755)
    words = [sys.executable, HERE / "run.py", "--memscope", path, "--targets", targets, "--only",
             "heap-plain"]
    if fault == "hang":
        words += ["--deadline", "1"]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if b"case itself failed" in done.stdout:
        sys.stdout.write(done.stdout.decode("utf-8", "replace"))
    return done.returncode == 0


TRACE = """10 execve("/bin/bash", ["bash"], 0x1 /* 1 var */) = 0
10 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD <unfinished ...>
11 execve("/bin/none", ["ls"], 0x1 /* 1 var */) = -1 ENOENT (No such file or directory)
10 <... clone resumed>, child_tidptr=0x1) = 11
11 execve("/bin/ls", ["ls"], 0x1 /* 1 var */ <unfinished ...>
11 <... execve resumed>) = 0
11 clone3({flags=CLONE_VM|CLONE_THREAD}, 88) = 12
12 +++ exited with 0 +++
11 +++ exited with 3 +++
10 +++ killed by SIGTERM +++
"""


def row(pid, parent, exe, end, status=0):
    return dict(pid=pid, parent=parent, exe=exe, end=end, status=status)


ROWS = (row(10, None, "/bin/bash", "signaled", 15), row(11, 0, "bash", "execed"),
        row(11, 1, "/usr/bin/ls", "exited", 3))
# What a report may say that the trace does not.
TREES = {"": ROWS, "the copy has used no heap": (ROWS[0], row(11, 0, "ls", "lost")),
         "-missing": ROWS[:2], "-parent": ROWS[:2] + (row(11, 0, "ls", "exited", 3),),
         "-name": ROWS[:2] + (row(11, 1, "cat", "exited", 3),),
         "-status": ROWS[:2] + (row(11, 1, "ls", "exited"),),
         "-end": ROWS[:1] + (row(11, 0, "bash", "exited"),) + ROWS[2:],
         "-invented": ROWS + (row(13, 0, "bash", "exited"),),
         "-thread": ROWS + (row(12, 2, "ls", "exited"),)}


def trees_right(folder):
    """How many reports are judged rightly by the trace, and the names of the others."""
    report, trace = folder / "report.json", folder / "trace"
    trace.write_text(TRACE, encoding="ascii")
    wrong = []
    for name, rows in TREES.items():
        report.write_text(json.dumps({"processes": rows}), encoding="ascii")
        if bool(oracle_strace.faults_of(report, trace, folder)) != name.startswith("-"):
            wrong.append(name)
    return len(TREES) - len(wrong), wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--targets", type=Path, help="folder of the built targets",
                        default=Path(os.environ.get("MEMSCOPE_BUILD", HERE.parent.parent / "build"))
                        / "tests" / "targets")
    targets = parser.parse_args().targets.resolve()
    good = bad = 0
    with tempfile.TemporaryDirectory(prefix="memscope-e2e-") as name:
        for fault in ("",) + FAULTS:
            passes = verdict(Path(name), fault, targets)
            right = passes == (fault == "")
            good, bad = good + right, bad + (not right)
            if not right:
                print(f"FAIL  {'a sound memscope fails' if not fault else fault + ': not noticed'}")
        right, wrong = trees_right(Path(name))
        good, bad = good + right, bad + len(wrong)
        for fault in wrong:
            print(f"FAIL  process tree {fault or 'that is right'}: judged wrongly")
    print(f"{good} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
