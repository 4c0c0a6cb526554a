#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Modules whose files are no longer where they were loaded from: right names, never wrong ones.

    places.py MEMSCOPE LIBRARY SOURCES_DIR

A program loads a module and allocates in it: while it is loaded, before it is closed and another
takes its place, after its file was deleted, after another file took its name, and in a chroot.
Last line: `N passed, N failed, N skipped`.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

MEMSCOPE, LIBRARY, SOURCES = map(os.path.abspath, sys.argv[1:4])
MADE, OTHER = ("made_first", 4321), ("made_second", 8765)
WAYS = ("loaded", "closed", "deleted", "replaced", "chrooted")


def run(*command, cwd):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, errors="replace",
                          timeout=120, check=False,
                          env={**os.environ, "MEMSCOPE_LIBRARY": LIBRARY,
                               "XDG_CACHE_HOME": os.path.join(cwd, "cache")})


def build(work):
    source = os.path.join(SOURCES, "plug.c")
    for name, (function, size) in (("first.so", MADE), ("second.so", OTHER)):
        # The other's function lies elsewhere: a wrong file cannot give the right name.
        pad = [] if name == "first.so" else ["-Wl,-Ttext-segment=0x200000"]
        done = run("gcc", "-O1", "-g", "-shared", "-fPIC", "-Wl,--build-id", f"-DNAME={function}",
                   f"-DBYTES={size}", *pad, source, "-o", name, cwd=work)
        assert done.returncode == 0, done.stderr
    done = run("gcc", "-O1", "-g", os.path.join(SOURCES, "places.c"), "-o", "places", "-ldl",
               cwd=work)
    assert done.returncode == 0, done.stderr


def sites(work, recording):
    """{size of its blocks: [(function, file) from the inside]} of the sites of our sizes."""
    done = run(MEMSCOPE, "report", "-q", "-e", "json", "-o", "out.json", recording, cwd=work)
    assert done.returncode == 0, done.stderr
    with open(os.path.join(work, "out.json"), encoding="utf-8") as file:
        data = json.load(file)
    found = {}
    for site in data["sites"]:
        frames = [data["frames"][i] for i in site["stack"]]
        found[site["allocated_bytes"]] = [(frame.get("function"), frame.get("file"))
                                          for frame in frames]
    return {size: found[size] for _, size in (MADE, OTHER) if size in found}


def check(work, how):
    """(what, passed or None: skipped)"""
    build(work)
    root = os.path.join(work, "root")
    os.makedirs(root)
    first, second = os.path.join(work, "first.so"), os.path.join(work, "second.so")
    cwd = work
    if how == "chrooted":
        shutil.copy(first, os.path.join(root, "module-of-root.so"))
        first, cwd = "/module-of-root.so", root
    done = run(MEMSCOPE, "run", "-q", "-o", os.path.join(work, "out.mscope"), "--",
               os.path.join(work, "places"), how, first, MADE[0], second, OTHER[0], cwd=cwd)
    if done.returncode == 77:
        return f"{how}: needs root", None
    assert done.returncode == 0, (how, done.returncode, done.stderr)
    found = sites(work, "out.mscope")
    wanted = [MADE, OTHER] if how == "closed" else [MADE]
    right = all(any(function == name and str(file).endswith("plug.c")
                    for function, file in found.get(size, [])) for name, size in wanted)
    if os.geteuid() != 0 and how in ("deleted", "replaced"):
        # The kernel leads only the privileged to a file without a name: no name, but no wrong one.
        right = OTHER[0] not in str(found) and "places_call" in str(found)
    main = all(any(function == "main" for function, _ in found.get(size, [])) for _, size in wanted)
    return f"{how}: {found}", right and main


def main():
    if not shutil.which("gcc"):
        print("0 passed, 0 failed, 1 skipped")
        return 77
    counts = {True: 0, False: 0, None: 0}
    for how in WAYS:
        with tempfile.TemporaryDirectory(prefix="memscope-places-", ignore_cleanup_errors=True) as work:
            what, passed = check(work, how)
        counts[passed] += 1
        print({True: "passed", False: "FAILED", None: "skipped"}[passed], what, flush=True)
    print("%d passed, %d failed, %d skipped" % (counts[True], counts[False], counts[None]))
    return 1 if counts[False] else 0


if __name__ == "__main__":
    sys.exit(main())
