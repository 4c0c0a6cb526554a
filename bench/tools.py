# SPDX-License-Identifier: Apache-2.0
"""With what the programs are run: bare, memscope in its forms, and the other heap profilers.

A tool is a name and a function that gives the words and the environment for one run of a program.
Output files go to a folder that is emptied after each run.
"""

import ctypes.util
import os
import shutil
from collections import namedtuple

Tool = namedtuple("Tool", "name wrap slow missing")


def library(name):
    """The file name of a shared library as ld.so finds it, None when it is not installed."""
    return ctypes.util.find_library(name)


def memscope_tools(memscope):
    forms = (
        ("memscope", []),
        ("legacy", ["--mode", "legacy"]),
        ("rate 0.01", ["--sample-rate", "0.01"]),
    )
    for name, options in forms:

        def wrap(words, out, options=options):
            return [memscope, "run", "-q", "-o", os.path.join(out, "m.mscope")] + options + [
                "--"
            ] + words, {}

        yield Tool(
            name, wrap, False, None if os.path.exists(memscope) else memscope + " is not built"
        )


def preload_tool(name, lib, env):
    def wrap(words, out):
        return words, dict(
            {k: v.replace("{out}", out) for k, v in env.items()}, LD_PRELOAD=lib or ""
        )

    return Tool(name, wrap, False, None if lib else "its library is not installed")


def command_tool(name, words_before, slow):
    def wrap(words, out):
        return [w.replace("{out}", out) for w in words_before] + words, {}

    missing = None if shutil.which(words_before[0]) else words_before[0] + " is not installed"
    return Tool(name, wrap, slow, missing)


def all_tools(memscope):
    yield Tool("bare", lambda words, out: (words, {}), False, None)
    yield from memscope_tools(memscope)
    yield command_tool("heaptrack", ["heaptrack", "-o", "{out}/h"], False)
    yield command_tool("heaptrack -r", ["heaptrack", "-r", "-o", "{out}/h"], False)
    jemalloc = library("jemalloc")
    yield preload_tool("jemalloc", jemalloc, {})
    yield preload_tool(
        "jeprof 2^19",
        jemalloc,
        {"MALLOC_CONF": "prof:true,lg_prof_sample:19,prof_final:true,prof_prefix:{out}/j"},
    )
    yield preload_tool("gperftools", library("tcmalloc"), {"HEAPPROFILE": "{out}/g"})
    yield command_tool(
        "massif", ["valgrind", "-q", "--tool=massif", "--massif-out-file={out}/v"], True
    )
    yield command_tool("dhat", ["valgrind", "-q", "--tool=dhat", "--dhat-out-file={out}/v"], True)
