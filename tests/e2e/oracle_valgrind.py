# SPDX-License-Identifier: Apache-2.0
"""Asks valgrind how often a program used the heap: `total heap usage`, to the block and the byte.

Some programs copy their environment into the heap, so both runs need one of equal shape.
Valgrind adds one variable, LD_PRELOAD, to what its program sees; `padded` gives the other runs a
variable of the same length in its place.
"""

import dataclasses
import re
import shutil
import subprocess
from functools import lru_cache

import execute

USAGE = re.compile(rb"total heap usage: ([\d,]+) allocs, ([\d,]+) frees, ([\d,]+) bytes allocated")


@dataclasses.dataclass(frozen=True)
class Usage:
    alloc_n: int
    alloc_bytes: int
    free_n: int


class NoAnswer(Exception):
    """Valgrind could not run the program to its end."""


@lru_cache(maxsize=None)
def executable():
    """The program itself: Debian's wrapper around it would add variables of its own."""
    path = shutil.which("valgrind.bin") or shutil.which("valgrind")
    if not path:
        raise NoAnswer("valgrind is not installed")
    return path


@lru_cache(maxsize=None)
def preload_value():
    shown = subprocess.run([executable(), "-q", "/usr/bin/env"], env={"PATH": execute.BASE_PATH},
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    for line in shown.decode().splitlines():
        if line.startswith("LD_PRELOAD="):
            return line.partition("=")[2]
    raise NoAnswer("valgrind's own LD_PRELOAD is not to be seen")


def padded(case):
    return dataclasses.replace(case, env={**case.env, "LX_PRELOAD": preload_value()})


def words_before(work):
    return [executable(), "--leak-check=no", "--undef-value-errors=no",
            "--run-libc-freeres=no", "--run-cxx-freeres=no", "--show-mismatched-frees=no",
            f"--log-file={work.out / 'valgrind.%p'}"]


def logs_clear(work):
    for path in work.out.glob("valgrind.*"):
        path.unlink()


def usage(work):
    """What the first process of the command used; it must have left exactly one summary."""
    found = [match for path in sorted(work.out.glob("valgrind.*"))
             for match in USAGE.findall(path.read_bytes())]
    if len(found) != 1:
        raise NoAnswer(f"{len(found)} summaries from valgrind")
    alloc_n, free_n, alloc_bytes = (int(word.replace(b",", b"")) for word in found[0])
    return Usage(alloc_n, alloc_bytes, free_n)
