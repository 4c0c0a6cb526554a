#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs real and provoking programs bare and under memscope: nobody may notice the difference.

Usage: run.py [--memscope PATH] [--quick | --all] [--only NAME...] [--mode MODE] [--jobs N]
Without --memscope each case runs bare, twice, which checks the targets themselves.
"""

import argparse
import dataclasses
import fnmatch
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cases
import compare
import execute
import oracle_valgrind
import requirements

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent.parent


def watched_words(case, mode, work, options):
    recording, report = work.out / "r.mscope", work.out / "r.json"
    for path in (recording, report):
        path.unlink(missing_ok=True)
    words = [options.memscope, case.verb] + (["-q"] if case.quiet else [])
    words += ["-e", "json", "-o", report, "-o", recording]
    words += ["--mode", mode] if mode else []
    return [str(word) for word in words + list(case.options) + options.memscope_option] + (
        ["--"] if case.dashes else [])


def run_once(case, work, before, timeout_factor=2):
    work.fresh()
    if case.prepare:
        case.prepare(work)
    words = work.words(case.through) + before + work.words(case.command)
    return execute.run(words, work, case, timeout_factor if before else 0)


def valgrind_usage(case, work):
    oracle_valgrind.logs_clear(work)
    run_once(case, work, oracle_valgrind.words_before(work), timeout_factor=20)
    return oracle_valgrind.usage(work)


def truth_faults(case, work):
    """Holds what the target counted itself against valgrind: is the ground truth true?"""
    work.out.mkdir(exist_ok=True)
    usage = valgrind_usage(case, work)
    seen = compare.ground_totals(work.counts.read_bytes())
    allowed = case.ground
    return (compare.between("allocations", usage.alloc_n, seen.alloc_n,
                            seen.alloc_n + allowed.extra_n + allowed.in_flight) +
            (compare.between("bytes", usage.alloc_bytes, seen.alloc_bytes,
                             seen.alloc_bytes + allowed.extra_bytes)
             if not allowed.in_flight else []) +
            (compare.between("frees", usage.free_n, seen.free_n,
                             seen.free_n + allowed.extra_n + allowed.in_flight)
             if allowed.frees else []))


def steady_faults(plain, case, work, bare):
    """Is a program that shall be deterministic so, and the same under valgrind as bare?"""
    first, second = valgrind_usage(plain, work), valgrind_usage(plain, work)
    faults = [] if first == second else [f"valgrind counts {first}, then {second}"]
    return faults + compare.outside_faults(case, bare, run_once(case, work, []))


def alone_faults(case, work, options):
    """A command line of memscope itself: its status and words are the case's to judge."""
    outcome = run_once(case, work, [options.memscope])
    return compare.bare_faults(case, outcome) + (
        case.judge(None, outcome, work) if case.judge and not outcome.timed_out else [])


def watched_faults(case, mode, options, work, bare, usage):
    work.out.mkdir(exist_ok=True)
    watched = run_once(case, work, watched_words(case, mode, work, options))
    faults = compare.outside_faults(case, bare, watched)
    if not watched.timed_out and (case.recorded or case.exact):
        faults += compare.report_faults(case, watched.counts, work.out / "r.json", usage)
    if case.judge and not watched.timed_out:
        faults += case.judge(bare, watched, work)
    return faults


def run_case(case, mode, options, directory):
    """The faults of one case in one mode; an empty list is a pass."""
    work = execute.Work(directory / "run", directory / "out", options.targets, SOURCE,
                        options.memscope)
    if case.alone:
        return alone_faults(case, work, options)
    plain, usage = case, None
    if case.oracle:
        case = oracle_valgrind.padded(case)
    bare = run_once(case, work, [])
    faults = compare.bare_faults(case, bare)
    if faults:
        return faults
    if options.oracle:
        return truth_faults(case, work) if case.ground else steady_faults(plain, case, work, bare)
    if not options.memscope:
        return compare.outside_faults(case, bare, run_once(case, work, []))
    if case.oracle:
        usage = valgrind_usage(plain, work)
    for number in range(options.repeat if case.oracle else 1):
        faults = watched_faults(case, mode, options, work, bare, usage)
        if faults:
            return [f"run {number + 1}: {fault}" for fault in faults] if number else faults
    return []


def run_apart(case, mode, options, ret_pipe):
    """Body of the process that a case runs in (execute.py says why): sends verdict and notes."""
    execute.become_subreaper()
    directory = Path(tempfile.mkdtemp(prefix="memscope-e2e-"))
    os.chmod(directory, 0o755)
    try:
        faults = run_case(case, mode, options, directory)
        ret_pipe.send(("FAIL" if faults else "pass", faults))
    except oracle_valgrind.NoAnswer as reason:
        ret_pipe.send(("skip", [str(reason)]))
    except Exception:  # a broken case must not end the suite
        ret_pipe.send(("FAIL", ["the case itself failed: " + traceback.format_exc(limit=4)]))
    finally:
        execute.end_leftovers(0)
        if not options.keep:
            shutil.rmtree(directory, ignore_errors=True)


def judge_case(job):
    """(label, "pass" | "FAIL" | "skip", notes, seconds) of one case in one mode."""
    case, mode, options = job
    label = f"{case.name} [{mode}]" if mode else case.name
    needs = case.needs + (("cmd:valgrind",) if case.oracle else ())
    reasons = [requirements.missing(need, options.targets) for need in needs]
    reasons = [reason for reason in reasons if reason]
    if reasons:
        return label, "skip", reasons[:1], 0.0
    began = time.monotonic()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    apart = multiprocessing.get_context("fork").Process(
        target=run_apart, args=(case, mode, options, sender))
    apart.start()
    sender.close()
    try:
        verdict, notes = receiver.recv()
    except EOFError:
        verdict, notes = "FAIL", ["the case's process died"]
    apart.join()
    return label, verdict, notes, time.monotonic() - began


def chosen(options):
    for case in cases.everything():
        if options.only and not any(fnmatch.fnmatch(case.name, name) for name in options.only):
            continue
        if case.alone and not options.memscope:
            continue
        if options.oracle and not (case.oracle or case.ground and case.ground.oracle):
            continue
        if options.quick and case.slow and not options.only:
            continue
        if options.mode is not None:
            modes = (options.mode,)
        elif options.all and options.memscope:
            modes = case.modes
        else:
            modes = ("",)
        if options.deadline:
            case = dataclasses.replace(case, timeout_s=options.deadline)
        for mode in modes:
            yield case, mode, options


def parsed():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memscope", help="the memscope executable; without it all runs are bare")
    parser.add_argument("--memscope-option", action="append", default=[], metavar="OPTION",
                        help="one more option of memscope run, for every case")
    parser.add_argument("--targets", type=Path, help="folder of the built targets")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="names or patterns")
    parser.add_argument("--mode", help="the --mode of every run")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="leave out the slow cases")
    parser.add_argument("--repeat", type=int, metavar="N",
                        help="runs of the programs with an oracle (10 with --all, else 2)")
    parser.add_argument("--oracle", action="store_true",
                        help="hold what the targets count against valgrind, without memscope")
    parser.add_argument("--all", action="store_true", help="every case in each of its modes")
    parser.add_argument("--deadline", type=float, metavar="S", help="of every case, in seconds")
    parser.add_argument("--keep", action="store_true", help="keep the working directories")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    options = parser.parse_args()
    if options.memscope:
        options.memscope = str(Path(options.memscope).resolve())
    options.repeat = options.repeat or (10 if options.all else 2)
    if not options.targets:
        build = Path(options.memscope).parents[2] if options.memscope else SOURCE / "build"
        options.targets = build / "tests" / "targets"
    options.targets = options.targets.resolve()
    return options


def main():
    options = parsed()
    jobs = list(chosen(options))
    if options.list:
        print("\n".join(case.name for case, _, _ in jobs))
        return 0
    counts = {"pass": 0, "FAIL": 0, "skip": 0}
    with ThreadPoolExecutor(max_workers=options.jobs) as pool:
        for label, verdict, notes, seconds in pool.map(judge_case, jobs):
            counts[verdict] += 1
            print(f"{verdict}  {label}  ({seconds:.1f} s)" + "".join(
                f"\n      {note}" for note in notes), flush=True)
    skipped = f", {counts['skip']} skipped" if counts["skip"] else ""
    print(f"{counts['pass']} passed, {counts['FAIL']} failed{skipped}")
    return 1 if counts["FAIL"] or not counts["pass"] else 0


if __name__ == "__main__":
    sys.exit(main())
