#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Can the end-to-end runner fail? Gives it a memscope that is wrong in one way at a time.

    tests/e2e/selftest.py [--targets DIR]

The stand-in runs the program and reports what the program counted itself; with a fault named in
its own path it then alters one thing. Each fault must turn a passing case into a failing one.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

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
    print(f"{good} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
