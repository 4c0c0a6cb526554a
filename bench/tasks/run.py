#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What attribution to tasks costs: a poll, and an allocation in a task.

usage: bench/tasks/run.py --memscope FILE [--rounds N] [--polls N]

In each round every way runs once, so that a disturbance meets all of them alike. Shown are medians
over rounds of nanoseconds of the thread's own CPU time, and of instructions for each poll: bare, under memscope without tasks
(thread-local), and with tasks. The difference of the last two is what tasks cost.
"""
import argparse
import pathlib
import statistics
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
MODES = {"empty": "a poll that does nothing", "alloc": "a poll with malloc and free",
         "many": "a poll with 16 of them",
         "plain": "malloc and free outside of tasks"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--memscope", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--polls", type=int, default=2_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="memscope-bench-") as folder:
        program = pathlib.Path(folder) / "polls"
        subprocess.run(["cc", "-O2", "-fPIE", "-pie", "-Wl,-z,relro,-z,now", HERE / "polls.c",
                        "-o", program], check=True)
        watched = [arguments.memscope, "run", "-q", "-o", f"{folder}/r.mscope"]
        ways = {"bare": [],
                "thread-local": [*watched, "--strategy", "thread-local", "--"],
                "async": [*watched, "--strategy", "async", "--"]}
        figures = {(mode, way): [] for mode in MODES for way in ways}
        for _ in range(arguments.rounds):
            for mode in MODES:
                for way, words in ways.items():
                    done = subprocess.run([*words, program, mode, str(arguments.polls)],
                                          check=True, capture_output=True, text=True)
                    figures[mode, way].append([float(x) for x in done.stdout.split()])
    print(f"{'':34}{'bare':>16}{'thread-local':>16}{'async':>16}{'tasks cost':>16}")
    for mode, what in MODES.items():
        shown = []
        for way in ways:
            ns, instructions = (statistics.median(x) for x in zip(*figures[mode, way]))
            shown.append((ns, instructions))
        shown.append((shown[2][0] - shown[1][0], shown[2][1] - shown[1][1]))
        print(f"{what:34}" + "".join(f"{ns:7.1f} ns {n:4.0f} i" for ns, n in shown))


if __name__ == "__main__":
    main()
