#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What looking for task tables costs at the start of a program of 100 MB.

usage: bench/tasks/start.py --memscope FILE [--rounds N]

The program ends at once. It has 95 MB of code and 5.2 MB of relocated constants, tables of virtual
functions throughout (Rust programs have 1.6 to 4.6 % of their size, cargo 2.7 %). Shown are medians
over rounds of milliseconds of the program's own CPU time, bare, without the search (thread-local)
and with it (async); the ways alternate.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import tempfile

SOURCE = """
.globl big_start
.text
.fill 95000000, 1, 0x90
big_start: ret
.section .data.rel.ro, "aw"
.rept 93000
.quad big_start, 24, 8, big_start, big_start, big_start, big_start
.endr
.section .note.GNU-stack, "", @progbits
"""
MAIN = """
#include <stdio.h>
#include <sys/resource.h>
#include <stdlib.h>
int main(void)
{
    struct rusage used;
    free(malloc(10));
    getrusage(RUSAGE_SELF, &used);
    printf("%.3f\\n", (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3 +
                      (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3);
    return 0;
}
"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--memscope", required=True)
    parser.add_argument("--rounds", type=int, default=25)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="memscope-bench-") as folder:
        place = pathlib.Path(folder)
        (place / "big.S").write_text(SOURCE)
        (place / "main.c").write_text(MAIN)
        program = place / "big"
        subprocess.run(["cc", "-O2", "-fPIE", "-pie", "-Wl,-z,relro,-z,now", place / "main.c",
                        place / "big.S", "-o", program], check=True)
        print(f"{os.path.getsize(program) / 1e6:.0f} MB")
        watched = [arguments.memscope, "run", "-q", "-o", place / "r.mscope", "--strategy"]
        ways = {"bare": [], "thread-local": [*watched, "thread-local", "--"],
                "async": [*watched, "async", "--"]}
        figures = {way: [] for way in ways}
        for _ in range(arguments.rounds):
            for way, words in ways.items():
                done = subprocess.run([*words, program], check=True, capture_output=True, text=True)
                figures[way].append(float(done.stdout))
    for way, all_ms in figures.items():
        print(f"{way:14}{statistics.median(all_ms):8.2f} ms   least {min(all_ms):.2f}")
    found = statistics.median(figures["async"]) - statistics.median(figures["thread-local"])
    print(f"the search costs {found:.2f} ms")


if __name__ == "__main__":
    main()
