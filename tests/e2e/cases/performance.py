# SPDX-License-Identifier: Apache-2.0
"""--performance-monitoring: each figure against something that it did not come from.

The target says what it used by its own clock, counts and getrusage (tests/targets/perf_known.c);
rusage_of.py what the kernel says of program, recorder and launcher together. Times may be off by
ten: the machine is not ours alone. Counts may not.
"""

import json
import re
import signal
import time

import compare
from case import Case, Ground
from cases.death import recorder_of, signal_all
from compare import between

SLOT_BYTES = 32
# The budget is BUDGET_MB, of which the segment takes five eighths.
BUDGET_MB = 16
SEGMENT_BYTES = BUDGET_MB * 1000000 / 8 * 5
PAUSE_S = 0.3
# Beyond what the target counted: stdio's, what libc makes before main.
EXTRA = 16


def known(outcome):
    """The target's words of itself, as numbers by their names."""
    lines = re.findall(rb"known: (.*)", outcome.stdout)
    words = b" ".join(lines).decode("ascii").split()
    return {name: float(value) for name, value in zip(words[::2], words[1::2])}


def without_known(data):
    return re.sub(rb"known: .*", b"known", data)


def times(name, seen, expected, factor=10.0, slack=0.0):
    return between(name, seen, expected / factor - slack, expected * factor + slack)


def event_faults(report, figures, ground, own):
    """Rates: by the target's counts, over a time that is a little longer than its own."""
    allocs = ground["alloc_n"] + ground["realloc_n"]
    events = allocs + ground["free_n"] + ground["realloc_n"]
    seconds = allocs / figures["allocations_per_s"]
    exact = figures["events_per_s"] / figures["allocations_per_s"] * allocs
    return (between("events, by the ratio of the rates", exact, events - EXTRA, events + EXTRA) +
            between("duration by the rate, s", seconds, own["wall_ns"] / 1e9 * 0.99,
                    own["wall_ns"] / 1e9 * 3 + 0.5) +
            between("duration by the rate, ms", seconds * 1000,
                    report["duration_ms"] * (1 - 0.1) - 2, report["duration_ms"] * 1.1 + 2))


def hook_faults(figures, own, bare, events):
    """What a hook takes is what a pair takes longer than bare, halved."""
    added_ns = max(own["pair_ns"] - bare["pair_ns"], 1) / 2
    # A loop's batches before the quickest one, waits, and hooks in main are in the sums.
    added_s = max(own["pairs_cpu_ns"] - bare["pairs_cpu_ns"], 1) / 1e9
    # Half of the hooks free, which is short: the median may be one of those.
    return (between("hook_ns_p50", figures["hook_ns_p50"], min(added_ns, 30) / 10, added_ns * 10) +
            between("hook_ns_p99", figures["hook_ns_p99"], figures["hook_ns_p50"],
                    figures["hook_ns_p50"] * 1000) +
            times("hook_ns_mean", figures["hook_ns_mean"], added_ns) +
            times("hooks_cpu_s", figures["hooks_cpu_s"], added_s) +
            times("event_cpu_ns", figures["event_cpu_ns"] * events / 1e9,
                  figures["hooks_cpu_s"] + figures["recorder_cpu_s"], 1.001))


def program_faults(figures, own):
    """The kernel's figures of the program, which asked for its own just before its end."""
    return (between("program_cpu_s", figures["program_cpu_s"], own["cpu_us"] / 1e6 * 0.9 - 0.01,
                    own["cpu_us"] / 1e6 * 1.5 + 0.1) +
            between("program_faults", figures["program_faults"], own["faults"],
                    own["faults"] * 1.1 + 500) +
            between("program_switches", figures["program_switches"], own["switches"],
                    own["switches"] * 1.5 + 100) +
            between("program_rss_peak_bytes", figures["program_rss_peak_bytes"],
                    own["rss_kb"] * 1024, own["rss_kb"] * 1024 * 1.1 + 2e6))


def recorder_faults(figures, own, everybody):
    """The recorder: what all together used less what the program says of itself."""
    rest_s = everybody["cpu_s"] - own["cpu_us"] / 1e6
    return (between("recorder_cpu_s", figures["recorder_cpu_s"], rest_s / 10,
                    rest_s * 1.5 + 0.02) +
            between("recorder_faults", figures["recorder_faults"], 50,
                    everybody["faults"] - own["faults"]) +
            between("recorder_rss_peak_bytes", figures["recorder_rss_peak_bytes"], 1e6,
                    everybody["rss_kb"] * 1024))


def ring_faults(figures, own, events):
    """Rings lie in memfds that the target has mapped, in the budget; an event is a slot or a few."""
    most, mean = figures["ring_slots_most"], figures["ring_slots_mean"]
    room = most * 100 / figures["ring_full_most_percent"]
    return (between("ring_slots_most, bytes", most * SLOT_BYTES, SLOT_BYTES, own["shared_bytes"]) +
            between("ring_slots_mean", mean, 1, most) +
            between("ring_full_most_percent", figures["ring_full_most_percent"], 0, 100) +
            between("room of the rings, bytes", room * SLOT_BYTES, most * SLOT_BYTES,
                    SEGMENT_BYTES) +
            between("ring_slots_most", most, 1, events * 4 + 1000))


def stall_faults(figures, own, slow):
    if slow:
        return between("stalls", figures["stalls"], 0, 0) + between("stall_s", figures["stall_s"],
                                                                   0, 0)
    return (between("stall_s", figures["stall_s"], 0, own["wall_ns"] / 1e9) +
            between("stalls without time", int((figures["stalls"] > 0) !=
                                               (figures["stall_s"] > 0)), 0, 0))


def unwind_faults(figures, own, how):
    """From one place each stack is as the one before. From two in turn it is not, but remembered,
    unless it is too long for that: then each frame of the path is new."""
    if how == "deep":
        return (between("frames_changed_mean", figures["frames_changed_mean"], own["depth"],
                        own["depth"] + 6) +
                between("stacks_unchanged_percent", figures["stacks_unchanged_percent"], 0, 1))
    return (between("frames_changed_mean", figures["frames_changed_mean"], 0,
                    1 if how == "steady" else own["depth"] / 4) +
            between("stacks_unchanged_percent", figures["stacks_unchanged_percent"], 95, 100))


def judge(how):
    def judged(bare_outcome, outcome, work):
        report = json.loads((work.out / "r.json").read_bytes())
        everybody = json.loads((work.run / "rusage").read_bytes())
        figures, own, bare = report["performance"], known(outcome), known(bare_outcome)
        ground = compare.ground_counts(outcome.counts)
        events = report["total_allocations"] + report["totals"]["frees"]
        slow, timed = how == "slow", report["strategy_used"] != "Legacy"
        faults = (event_faults(report, figures, ground, own) + program_faults(figures, own) +
                  recorder_faults(figures, own, everybody) + ring_faults(figures, own, events) +
                  stall_faults(figures, own, slow))
        if not timed:
            # Hooks of the common lane are not timed, and 0 would be a lie.
            return faults + [f"{key} in legacy mode" for key in figures
                             if key.startswith(("hook", "event_cpu", "overhead"))]
        if not slow:
            faults += hook_faults(figures, own, bare, events)
            faults += unwind_faults(figures, own, how)
            faults += between("event_bytes", figures["event_bytes"], SLOT_BYTES / 2, SLOT_BYTES * 4)
        strategies = [key for key in figures if key.startswith("event_cpu_ns_")]
        if [figures[key] for key in strategies] != [figures["event_cpu_ns"]]:
            faults.append(f"event_cpu_ns of {strategies}, expected one, of the strategy's")
        if "overhead_cpu_percent" in figures:
            share = ((figures["hooks_cpu_s"] + figures["recorder_cpu_s"]) /
                     (figures["program_cpu_s"] - figures["hooks_cpu_s"]))
            faults += times("overhead_cpu_percent", figures["overhead_cpu_percent"], 100 * share,
                            1.001)
        return [f"{fault}; {figures} {own} {bare} {everybody}" for fault in faults]
    return judged


def case(how):
    return Case("perf-" + how, ("{targets}/perf_known", "{counts}", how),
                through=("python3", "{source}/tests/e2e/rusage_of.py", "{work}/rusage"),
                options=("--performance-monitoring", "--max-overhead", str(BUDGET_MB)),
                ground=Ground(extra_n=EXTRA,
                                                                     extra_bytes=EXTRA * 4096),
                clean=without_known, judge=judge(how), timeout_s=60)


def recorder_pauses(running):
    """The recorder stands still for PAUSE_S while the program allocates: its rings fill up."""
    if not running.wait_for(b"ready\n") or not running.watched:
        return
    recorder = recorder_of(running)
    signal_all(recorder, signal.SIGSTOP)
    time.sleep(PAUSE_S)
    signal_all(recorder, signal.SIGCONT)


def judge_stall(_bare, outcome, work):
    """The call that met the full ring took as long as the recorder stood still, near enough."""
    figures, own = json.loads((work.out / "r.json").read_bytes())["performance"], known(outcome)
    longest_s, wall_s = own["longest_ns"] / 1e9, own["wall_ns"] / 1e9
    faults = (between("longest call, s", longest_s, PAUSE_S / 3, wall_s) +
              between("stall_s", figures["stall_s"], longest_s / 2, wall_s) +
              between("stalls", figures["stalls"], 1, 1e6) +
              # Who waits is not on a processor: neither in the hooks' time nor in their mean.
              between("hooks_cpu_s", figures["hooks_cpu_s"], 0, wall_s - longest_s / 2) +
              between("hook_ns_mean", figures.get("hook_ns_mean", 0), 0, 20000))
    return [f"{fault}; {figures} {own}" for fault in faults]


STALL = Case("perf-stall", ("{targets}/perf_known", "{counts}", "stall"), drive=recorder_pauses,
             options=("--performance-monitoring", "--max-overhead", str(BUDGET_MB)),
             ground=Ground(extra_n=EXTRA, extra_bytes=EXTRA * 4096), clean=without_known,
             judge=judge_stall, timeout_s=60, modes=("",))
CASES = (STALL,) + tuple(case(how) for how in ("steady", "again", "deep", "slow"))
