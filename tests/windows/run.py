#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Page and JSON against the log of every event, on real programs.

usage: tests/windows/run.py [--memscope FILE] [--events FILE] [--windows N] [WORD...]

Each program runs under memscope with --detailed-tracking; tests/windows/check.mjs compares all seven
metrics of the page over random windows, and the JSON, with the sums of a model that knows only
blocks and times. Words choose programs. Ends with `N passed, N failed, N skipped`.
"""
import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TIMEOUT_S = 300

PYTHON = "import json; rows = [{'id': i, 'tags': [str(i)] * 5} for i in range(3000)]; " \
         "text = json.dumps(rows); back = json.loads(text); print(len(text), len(back))"
PERL = "my %h; for my $i (1..20000) { $h{$i} = 'x' x ($i % 300); delete $h{$i - 500} } print scalar keys %h"
SOURCE = "#include <map>\n#include <string>\nint main() { std::map<std::string, int> m; return (int)m.size(); }\n"


def programs(work):
    source = work / "a.cc"
    source.write_text(SOURCE)
    gcc = shutil.which("g++")
    cc1plus = gcc and subprocess.run([gcc, "-print-prog-name=cc1plus"], capture_output=True, text=True, check=True).stdout.strip()
    return {
        "python3": ["/usr/bin/python3", "-c", PYTHON],
        "perl": ["/usr/bin/perl", "-e", PERL],
        "cc1plus": [cc1plus or "cc1plus", "-quiet", "-imultiarch", "x86_64-linux-gnu", "-D_GNU_SOURCE", str(source), "-o", "/dev/null"],
        "zstd": ["/usr/bin/zstd", "-q", "-T2", "-f", "/usr/bin/python3", "-o", str(work / "out.zst")],
    }


def run(command):
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)


def check(name, command, arguments, work):
    """None when all agree, else what is wrong."""
    recording, page, report, events = (work / (name + suffix) for suffix in (".mscope", ".html", ".json", ".txt"))
    done = run([arguments.memscope, "run", "-q", "--detailed-tracking", "-o", recording, "--", *command])
    if done.returncode != 0:
        return "ended with %d: %s" % (done.returncode, done.stderr[-300:])
    for form, path in (("html", page), ("json", report)):
        done = run([arguments.memscope, "report", "-q", "-e", form, "-o", path, recording])
        if done.returncode != 0:
            return "no %s: %s" % (form, done.stderr[-300:])
    done = run([arguments.events, recording])
    if done.returncode != 0:
        return done.stderr[-300:]
    events.write_text(done.stdout)
    done = run(["node", HERE / "check.mjs", page, report, events, str(arguments.windows)])
    print("    " + done.stdout.strip(), flush=True)
    return done.stderr[-900:] if done.returncode else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--memscope", default=str(ROOT / "build/src/cli/memscope"))
    parser.add_argument("--events", default=str(ROOT / "build/tests/windows/windows_events"))
    parser.add_argument("--windows", type=int, default=40)
    parser.add_argument("words", nargs="*")
    arguments = parser.parse_args()
    passed, failed, skipped = 0, 0, 0
    with tempfile.TemporaryDirectory(prefix="memscope-windows-") as folder:
        work = pathlib.Path(folder)
        for name, command in programs(work).items():
            if arguments.words and not any(word in name for word in arguments.words):
                continue
            if not shutil.which(command[0]):
                print("skipped  %s: not installed" % name)
                skipped += 1
                continue
            wrong = check(name, command, arguments, work)
            print("%-7s  %s%s" % ("FAIL" if wrong else "passed", name, "\n      " + wrong if wrong else ""), flush=True)
            failed += bool(wrong)
            passed += not wrong
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
