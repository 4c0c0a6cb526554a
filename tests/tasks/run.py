#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Attribution of allocations to tasks, against programs that know what each of their tasks made.

usage: tests/tasks/run.py [--memscope FILE] [--dump FILE] [--work DIR] [--quick | --all] [WORD...]

Each case is a program, built as its name says, run bare and then under memscope; bare and watched
output must be equal but for the numbers, and the recording exact. Words choose cases by their names.
Ends with `N passed, N failed, N skipped`.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import programs
import servers
import suites
from check import Expected, Recorded, check

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT_S = 120
MANY_BYTES = 80 << 20  # 60 bytes for each task above what the recorder takes anyway


def run(command, **options):
    return subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, **options)


def run_refused(arguments, work):
    """A table whose functions are called with no task: put back, and said. None when it holds."""
    program = programs.build_c(work, "../../bench/tasks/polls.c", "gcc",
                               ["-O2", "-fPIE", "-pie", "-Wl,-z,relro,-z,now"])
    watched = run([arguments.memscope, "run", "--strategy", "async", "-o", work / "wrong.mscope",
                   "--", program, "wrong", "1000"])
    if watched.returncode != 0 or watched.stdout != b"1000 polls\n":
        return f"ended with {watched.returncode}: {watched.stdout.decode(errors='replace')}"
    report = run([arguments.memscope, "report", "-e", "json", "-o", "-", work / "wrong.mscope"])
    kinds = [notice["kind"] for notice in json.loads(report.stdout)["notices"]]
    return None if "tasks-unverified" in kinds else f"nothing is said of it: {kinds}"


def run_hollow(arguments, work):
    """An interpreter whose types are not found: that is said in one sentence. None when it holds."""
    program = programs.build_c(work, "hollow.c", "gcc", ["-O2", "-rdynamic"])
    watched = run([arguments.memscope, "run", "--strategy", "async", "-o", work / "hollow.mscope",
                   "--", program])
    report = run([arguments.memscope, "report", "-e", "json", "-o", "-", work / "hollow.mscope"])
    told = [notice["text"] for notice in json.loads(report.stdout)["notices"]
            if notice["kind"] == "tasks-missing"]
    if watched.returncode != 0 or len(told) != 1 or "_asyncio" not in told[0]:
        return f"ended with {watched.returncode} and told {told}"
    return None if b"_asyncio" in watched.stderr else "the summary does not say it"


def many_peak(arguments, work, program, n):
    """The recorder's peak in bytes. What waits to be read on a busy machine counts: the least."""
    peaks = []
    for _ in range(3):
        run([arguments.memscope, "run", "-q", "--strategy", "async", "-o", work / "many.mscope", "--",
             program, str(n)], check=True)
        report = run([arguments.memscope, "report", "-e", "json", "-o", "-", work / "many.mscope"])
        told = json.loads(report.stdout)
        assert told["tasks_total"] == n, told["tasks_total"]
        facts = {fact["key"]: fact["value"] for fact in told["environment"]["facts"]}
        peaks.append(int(facts["recorder_peak_bytes"]))
        if peaks[-1] < MANY_BYTES:
            break
    return min(peaks)


def run_many(arguments, work):
    """A million short tasks leave nothing behind in the recorder. None when it holds."""
    program = programs.build_c(work, "many.c", "gcc", ["-O2"])
    peak = many_peak(arguments, work, program, 1_000_000)
    print(f"    the recorder's peak after a million tasks: {peak >> 20} MiB")
    return None if peak < MANY_BYTES else f"it grew to {peak} bytes"


def run_replayed(arguments, work):
    """The events of a recording with tasks, replayed, make the model that was built from them."""
    case = programs.tokio("newest", "release", "mt")
    try:
        command = case.build(work)
    except programs.Missing:
        command = programs.explicit_cases(True)[0].build(work)
    recording = work / "replayed.mscope"
    watched = run([arguments.memscope, "run", "-q", "--strategy", "async", "--detailed-tracking",
                   "-o", recording, "--", *command])
    if watched.returncode != 0:
        return f"ended with {watched.returncode}"
    expected, recorded = Expected(watched.stdout.decode()), Recorded(arguments.dump, recording)
    if len([task for task in recorded.tasks.values() if task["ended"]]) < len(expected.tasks) // 2:
        return "the recording has too few tasks"
    replay = pathlib.Path(arguments.dump).parents[1] / "targets" / "replay_check"
    told = run([replay, recording])
    recording.unlink()
    return None if told.returncode == 0 else told.stdout.decode(errors="replace").strip()


def run_told(arguments, work):
    """What the outputs say of tasks: groups add up, folded stacks and the tree have them."""
    case = programs.tokio("newest", "release", "ct")
    try:
        command = case.build(work)
    except programs.Missing as missing:
        print(f"    left out: {missing}")
        return None
    recording = work / "told.mscope"
    run([arguments.memscope, "run", "-q", "--strategy", "async", "-o", recording, "--", *command],
        check=True)

    def report(*words):
        return run([arguments.memscope, "report", *words, recording], check=True).stdout.decode()

    told = json.loads(report("-e", "json", "-o", "-"))
    wrong = servers.check_sums(told)
    if sum(group["tasks"] for group in told["task_groups"]) != told["tasks_total"]:
        wrong.append("groups do not have all tasks")
    if not any(group["parent"] for group in told["task_groups"]):
        wrong.append("no group has a parent")
    lines = report("-e", "folded", "-o", "-").splitlines()
    if sum(int(line.rpartition(" ")[2]) for line in lines) != told["totals"]["peak_bytes"]:
        wrong.append("folded stacks are not the peak")
    if not any(line.startswith("[task ") and "main.rs" in line for line in lines):
        wrong.append("no folded stack begins with a task")
    tree = report("--summary", "full").partition("Tasks, by who spawned them")[2]
    if not any(line.startswith("       ") for line in tree.splitlines()[1:6]):
        wrong.append("the summary has no tree of tasks")
    recording.unlink()
    return "; ".join(wrong) or None


def detected(arguments, *words):
    told = run([arguments.memscope, "detect", "--json", *words])
    return json.loads(told.stdout) if told.returncode == 0 else {"environment": "", "runtime": ""}


def run_detected(arguments, work):
    """What is detected in the programs of this folder, whose kinds are known."""
    async_ones, wrong = ("async", "hybrid"), []
    known = [(programs.explicit_cases(True)[0], ("multi-threaded",), ""),
             (programs.coroutine_cases(True)[0], async_ones, "c++20 coroutines"),
             (programs.tokio("newest", "release", "ct"), async_ones, "tokio")]
    if arguments.all:
        known += [(programs.tokio(version, profile, "mt"), async_ones, "tokio")
                  for version in ("1.23.0", "1.36.0") for profile in ("strip", "fat-abort")]
        known += [(programs.smol(profile, "local"), async_ones, "async-task")
                  for profile in ("release", "strip")]
    for case, environments, runtime in known:
        try:
            command = case.build(work)
        except programs.Missing as missing:
            print(f"    {case.name} is left out: {missing}")
            continue
        for words in ([command[0]], ["--run", "--timeout", "20", *command]):
            found = detected(arguments, *words)
            if found["environment"] not in environments or found["runtime"] != runtime:
                wrong.append(f"{case.name}: {found['environment']}, {found['runtime']}")
        if not any(piece["seen_running"] for piece in found.get("evidence", [])):
            wrong.append(f"{case.name}: it was not seen running")
    return "; ".join(wrong) or None


def run_case(case, arguments, work):
    """None when it holds, else what is wrong. Raises programs.Missing when it cannot be built."""
    command = case.build(work)
    bare = run(command)
    if bare.returncode != case.status:
        raise programs.Missing(f"the bare program ended with {bare.returncode}")
    recording = work / f"{case.name}.mscope"
    watched = run([arguments.memscope, "run", "-q", "--strategy", case.strategy, "-o", recording,
                   "--", *command])
    if watched.returncode != case.status:
        return f"ended with {watched.returncode}: {watched.stderr.decode(errors='replace')[-400:]}"
    expected = Expected(watched.stdout.decode())
    if len(expected.tasks) < case.least_tasks:
        return "the program printed too little"
    recorded = Recorded(arguments.dump, recording)
    recording.unlink()
    wrong, count = check(expected, recorded, case.runtime, case.parents)
    if wrong:
        return f"{len(wrong)} wrong, such as: " + "; ".join(wrong[:3])
    print(f"    {len(expected.tasks)} tasks, {count} allocations: exact")
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--memscope", default="build/src/cli/memscope")
    parser.add_argument("--dump", default="build/tests/tasks/tasks_dump")
    parser.add_argument("--work", help="where programs are built and kept (default: a new folder)")
    parser.add_argument("--quick", action="store_true", help="one case of each kind")
    parser.add_argument("--all", action="store_true", help="every case")
    parser.add_argument("words", nargs="*")
    arguments = parser.parse_args()
    arguments.memscope = os.path.abspath(arguments.memscope)
    arguments.dump = os.path.abspath(arguments.dump)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with tempfile.TemporaryDirectory(prefix="memscope-tasks-") as temporary:
        work = pathlib.Path(arguments.work or temporary).resolve()
        work.mkdir(parents=True, exist_ok=True)
        for name, test in (("refused", run_refused), ("hollow", run_hollow), ("many", run_many),
                           ("replayed", run_replayed), ("detected", run_detected),
                           ("told", run_told)):
            if not all(word in name for word in arguments.words):
                continue
            wrong = test(arguments, work)
            counts["failed" if wrong else "passed"] += 1
            print(f"{'failed' if wrong else 'passed':8}{name}" + (f": {wrong}" if wrong else ""))
        cases = [(case.name, case, run_case) for case in programs.cases(quick=not arguments.all)]
        cases += [(f"server-{server.name}", server, servers.check_server)
                  for server in servers.SERVERS if arguments.all]
        if arguments.all:
            cases.append(("suite-tokio", None, suites.check_tokio))
        for name, case, test in cases:
            if not all(word in name for word in arguments.words):
                continue
            try:
                wrong = test(case, arguments, work)
                outcome = "failed" if wrong else "passed"
            except programs.Missing as missing:
                wrong, outcome = str(missing), "skipped"
            except subprocess.TimeoutExpired:
                wrong, outcome = f"no end after {TIMEOUT_S} s", "failed"
            counts[outcome] += 1
            print(f"{outcome:8}{name}" + (f": {wrong}" if wrong else ""), flush=True)
    print(", ".join(f"{n} {word}" for word, n in counts.items()))
    return 1 if counts["failed"] or not counts["passed"] + counts["skipped"] else 0


if __name__ == "__main__":
    sys.exit(main())
