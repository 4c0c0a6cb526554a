# SPDX-License-Identifier: Apache-2.0
"""With what the programs are run: bare, memscope in its forms, and the other heap profilers.

A tool is a name and a function that gives the words and the environment for one run of a program,
or None where it is not made for that program. Output files go to a folder that is emptied after
each run; a profiler that left nothing there has not profiled.
"""

import ctypes.util
import os
import shutil
import subprocess
from collections import namedtuple

Tool = namedtuple("Tool", "name wrap slow missing leaves")

STRATEGIES = ("single-thread", "thread-local", "async", "hybrid")
RATES = ("0.5", "0.2", "0.01")


def library(name):
    """The file name of a shared library as ld.so finds it, None when it is not installed."""
    return ctypes.util.find_library(name)


def memscope_tools(memscope):
    forms = [("memscope", []), ("legacy", ["--mode", "legacy"])]
    forms += [(s, ["--strategy", s]) for s in STRATEGIES]
    forms += [("rate " + r, ["--sample-rate", r]) for r in RATES]
    missing = None if os.path.exists(memscope) else memscope + " is not built"
    for name, options in forms:

        def wrap(words, out, options=options):
            own = [memscope, "run", "-q", "-o", os.path.join(out, "m.mscope")]
            return own + options + ["--"] + words, {}

        yield Tool(name, wrap, False, missing, True)


def preload_tool(name, lib, env):
    def wrap(words, out):
        return words, dict(
            {k: v.replace("{out}", out) for k, v in env.items()}, LD_PRELOAD=lib or ""
        )

    leaves = any("{out}" in value for value in env.values())
    return Tool(name, wrap, False, None if lib else "its library is not installed", leaves)


def command_tool(name, words_before, slow):
    def wrap(words, out):
        return [w.replace("{out}", out) for w in words_before] + words, {}

    missing = None if shutil.which(words_before[0]) else words_before[0] + " is not installed"
    return Tool(name, wrap, slow, missing, True)


def counting_tool(folder, here):
    """A preload that counts and does nothing else: the floor of them all."""
    lib = os.path.join(folder, "count.so")
    source = os.path.join(here, "count.c")
    words = ["cc", "-O2", "-shared", "-fPIC", "-o", lib, source, "-ldl"]
    made = subprocess.run(words, check=False, capture_output=True).returncode == 0
    return preload_tool("counting", lib if made else None, {})


def memray_tool(cache):
    """memray from PyPI, in a venv that later runs find again; it watches Python programs only."""
    memray = os.path.join(cache, "memray", "bin", "memray")
    missing = None
    if not os.path.exists(memray):
        for words in (
            ["python3", "-m", "venv", os.path.join(cache, "memray")],
            [os.path.join(cache, "memray", "bin", "pip"), "install", "-q", "memray"],
        ):
            try:
                made = subprocess.run(words, check=False, capture_output=True, timeout=300)
            except (OSError, subprocess.TimeoutExpired):
                made = None
            if not made or made.returncode != 0:
                missing = "memray cannot be installed in a venv (no network?)"
                break

    def wrap(words, out):
        if not os.path.basename(words[0]).startswith("python3"):
            return None
        own = [memray, "run", "-q", "--native", "-f", "-o", os.path.join(out, "memray")]
        return own + words[1:], {}

    return Tool("memray", wrap, False, missing, True)


def all_tools(memscope, folder, here, cache):
    yield Tool("bare", lambda words, out: (words, {}), False, None, False)
    yield from memscope_tools(memscope)
    yield counting_tool(folder, here)
    yield command_tool("heaptrack", ["heaptrack", "-o", "{out}/h"], False)
    yield command_tool("heaptrack -r", ["heaptrack", "-r", "-o", "{out}/h"], False)
    jemalloc = library("jemalloc")
    yield preload_tool("jemalloc", jemalloc, {})
    for sample in ("19", "0"):
        options = "prof:true,lg_prof_sample:%s,prof_final:true,prof_prefix:{out}/j" % sample
        yield preload_tool("jeprof 2^" + sample, jemalloc, {"MALLOC_CONF": options})
    yield preload_tool("gperftools", library("tcmalloc"), {"HEAPPROFILE": "{out}/g"})
    yield memray_tool(cache)
    for name, tool in (("massif", "massif"), ("dhat", "dhat")):
        file = "--%s-out-file={out}/v" % tool
        yield command_tool(name, ["valgrind", "-q", "--tool=" + tool, file], True)
