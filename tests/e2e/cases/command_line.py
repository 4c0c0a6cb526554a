# SPDX-License-Identifier: Apache-2.0
"""Hazards 74, 84, 87, 88: the command's own words, statuses and options; the guide's commands."""

import json
import re

from case import Case, Ground

THREADS = Ground(extra_n=8, extra_bytes=8 * 400)


def one_sentence(*patterns, lines=1):
    """So many lines on stderr, memscope's, with the patterns; nothing on stdout."""
    def judge(_bare, outcome, _work):
        said = outcome.stderr.decode("utf-8", "replace")
        faults = [f"stderr lacks {pattern!r}: {said!r}" for pattern in patterns
                  if not re.search(pattern, said)]
        if len(said.splitlines()) != lines:
            faults.append(f"{len(said.splitlines())} lines on stderr, expected {lines}: {said!r}")
        faults += [f"a line that does not begin with memscope: {line!r}"
                   for line in said.splitlines() if not line.startswith("memscope")]
        return faults + ([f"stdout: {outcome.stdout!r}"] if outcome.stdout else [])
    return judge


def says(*patterns):
    """Watched aloud: the patterns stand in memscope's lines."""
    def judge(_bare, outcome, _work):
        said = outcome.stderr.decode("utf-8", "replace")
        return [f"stderr lacks {pattern!r}: {said!r}" for pattern in patterns
                if not re.search(pattern, said)]
    return judge


def strategy_is(name):
    def judge(_bare, _outcome, work):
        used = json.loads((work.out / "r.json").read_bytes())["strategy_used"]
        return [] if used == name else [f"strategy_used {used}, expected {name}"]
    return judge


def program_in_folder(work):
    (work.run / "app").write_text("#!/bin/sh\necho app\n", encoding="ascii")
    (work.run / "app").chmod(0o755)
    (work.run / "plain.txt").write_text("no program\n", encoding="ascii")


def helps(*patterns):
    def judge(_bare, outcome, _work):
        said = outcome.stdout.decode("utf-8", "replace")
        return [f"stdout lacks {pattern!r}" for pattern in patterns if pattern not in said]
    return judge


def wrong(name, *words, status=125, patterns=()):
    return Case("wrong-" + name, words, alone=True, status=status, timeout_s=10,
                prepare=program_in_folder, judge=one_sentence(*patterns))


def option(name, *words, command=("{targets}/heap_plain", "{counts}", "20000", "3"), status=3,
           ground=Ground(), **more):
    return Case("option-" + name, command, status=status, options=words, ground=ground,
                modes=("",), quiet=False, **more)


WRONG = (
    wrong("option", "run", "--no-such-option", "true", patterns=("--no-such-option",)),
    wrong("verb", "no-such-verb", patterns=("no-such-verb",)),
    wrong("mode", "run", "--mode", "odd", "true", patterns=("odd", "unified")),
    wrong("strategy", "run", "--strategy", "odd", "true", patterns=("odd", "hybrid")),
    wrong("rate", "run", "--sample-rate", "1.5", "true", patterns=("1.5",)),
    wrong("rate-text", "run", "--sample-rate", "x", "true", patterns=("x",)),
    wrong("overhead", "run", "--max-overhead", "-3", "true", patterns=("-3",)),
    wrong("format", "run", "-e", "docx", "true", patterns=("docx", "json")),
    wrong("suffix", "run", "-o", "a.docx", "true", patterns=("docx",)),
    wrong("nothing", "run", patterns=("",)),
    wrong("missing", "run", "./no_such_program", status=127, patterns=("not found",)),
    wrong("missing-in-path", "run", "no_such_program_at_all", status=127,
          patterns=("not found",)),
    wrong("missing-but-here", "run", "app", status=127, patterns=(r"\./app",)),
    wrong("not-executable", "run", "./plain.txt", status=126, patterns=("plain.txt",)),
    wrong("folder", "run", "/tmp", status=126, patterns=("/tmp",)),
    wrong("output-folder", "run", "-o", "no/such/folder/x.mscope", "true",
          patterns=("no/such/folder",)),
    wrong("report-missing", "report", "none.mscope", patterns=("none.mscope",)),
    wrong("report-no-recording", "report", "plain.txt", patterns=("plain.txt",)),
    wrong("legacy-with-strategy", "run", "--mode", "legacy", "--strategy", "async", "true",
          patterns=("legacy",)),
)

OPTIONS = (
    option("track-async", "--track-async"),
    option("detailed", "--detailed-tracking"),
    option("monitoring", "--performance-monitoring", "--max-overhead", "32"),
    option("all-of-run", "--track-async", "--detailed-tracking", "--performance-monitoring"),
    option("strategy-single", "--strategy", "single-thread", judge=strategy_is("SingleThread")),
    option("strategy-single-promoted", "--strategy", "single-thread",
           command=("{targets}/race_reuse", "{counts}"), status=0, ground=THREADS),
    option("strategy-thread-local", "--strategy", "thread-local", status=0, ground=THREADS,
           command=("{targets}/race_reuse", "{counts}"), judge=strategy_is("ThreadLocal")),
    option("strategy-async", "--strategy", "async", status=0, ground=THREADS,
           command=("{targets}/race_reuse", "{counts}"), judge=strategy_is("AsyncOptimized")),
    option("strategy-hybrid", "--strategy", "hybrid", status=0, ground=THREADS,
           command=("{targets}/race_reuse", "{counts}"), judge=strategy_is("Hybrid")),
    option("mode-legacy", "--mode", "legacy", status=0, ground=THREADS,
           command=("{targets}/race_reuse", "{counts}"), judge=strategy_is("Legacy")),
    option("mode-unified", "--mode", "unified"),
    option("rate-1", "--sample-rate", "1.0"),
    option("analyze", "--mode", "auto", verb="analyze"),
    option("small-cap", "--max-overhead", "4", command=("{targets}/race_reuse", "{counts}"),
           status=0, ground=THREADS),
    option("small-cap-threads", "--max-overhead", "16", status=0,
           command=("{targets}/threads_many", "{counts}", "many", "1000"),
           ground=Ground(extra_n=1000, extra_bytes=400000)),
)

ALOUD = (
    Case("said-aloud", ("{targets}/heap_plain", "{counts}", "1000", "3"), status=3, quiet=False),
    Case("said-aloud-stderr", ("sh", "-c", "echo out; echo err >&2; exit 2"), status=2,
         quiet=False),
    Case("says-static", ("{targets}/static_heap", "x"), status=9, quiet=False, recorded=False,
         judge=says("static")),
    Case("says-own-malloc", ("{targets}/own_malloc", "{counts}", "1000", "4"), status=4,
         quiet=False, recorded=False, judge=says("alloc")),
    Case("stdin-through", ("cat",), stdin=b"a line\n" * 100000),
    Case("stdin-line-by-line", ("sh", "-c", "read a; cat; echo \"first: $a\""),
         stdin=b"one\ntwo\nthree"),
    Case("status-125", ("sh", "-c", "exit 125"), status=125),
    Case("status-255", ("sh", "-c", "exit 255"), status=255),
    Case("status-real-time-signal", ("sh", "-c", "kill -35 $$"), status=-35),
    Case("closed-streams", ("sh", "-c", "exec 0<&- 2>&-; exec {targets}/heap_plain {counts} 100")),
)

HELP = tuple(
    Case("help-" + (words[0] if len(words) == 1 else words[1]).strip("-"), words, alone=True,
         judge=helps(*patterns), timeout_s=10)
    for words, patterns in ((("--help",), ("run", "report", "analyze")),
                            (("help", "run"), ("--sample-rate", "--track-async", "--export")),
                            (("help", "analyze"), ("--strategy", "--mode")),
                            (("--version",), ("memscope",))))

GUIDE = (
    # Options end at the command's first word: what follows is the command's own.
    Case("guide-command-options", ("{targets}/arguments", "--jobs", "4", "-q", "-e", "json", "-o"),
         dashes=False),
    Case("guide-analyze", ("{targets}/arguments", "--jobs", "4"), dashes=False, verb="analyze",
         options=("--strategy", "thread-local"), quiet=False, modes=("",)),
    Case("guide-dashes-twice", ("sh", "-c", "echo $0 $1", "--", "-q")),
)

CASES = HELP + GUIDE + WRONG + OPTIONS + ALOUD
