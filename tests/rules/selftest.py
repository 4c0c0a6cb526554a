# SPDX-License-Identifier: Apache-2.0
"""Proof that the rules can fail: each gets a small tree that breaks it, and one that does not.

A case is (rule, {path: text}, the sentence expected or None). The trees live in a temporary folder.
"""

import importlib
import os
import subprocess
import tempfile

from tree import Skip

OPEN = "/* SPDX-License-Identifier: Apache-2.0 */\n/* What this file is for, in a sentence. */\n"
TABLE = (
    "## Who may include whom\n\n| folder | may include |\n|---|---|\n"
    "| `wire` | |\n| `heap` | `base` |\n"
    "| `capture` | `wire`, `include/memscope` |\n| `base` | |\n"
)
LONG = OPEN + "int f(int a)\n{\n" + "    a += 1;\n" * 90 + "    return a;\n}\n"
BRANCHY = OPEN + "int f(int a)\n{\n" + "    if (a)\n        a++;\n" * 16 + "    return a;\n}\n"

CASES = [
    (
        "layers",
        {"ARCHITECTURE.md": TABLE, "src/wire/a.c": '#include "heap/model.h"\n'},
        "src/wire/a.c:1: `wire` may not include `heap`",
    ),
    (
        "layers",
        {"ARCHITECTURE.md": TABLE, "src/heap/a.c": '#include "base/vec.h"\n#include "a.h"\n'},
        'src/heap/a.c:2: "a.h" is not rooted at src/',
    ),
    ("layers", {"ARCHITECTURE.md": TABLE, "src/tool/a.c": "int x;\n"}, "folder 'tool' has no row"),
    (
        "layers",
        {
            "ARCHITECTURE.md": TABLE.replace("| `base` | |", "| `base` | `heap` |"),
            "src/wire/a.c": "int x;\n",
        },
        "`base` can reach itself",
    ),
    (
        "layers",
        {
            "ARCHITECTURE.md": TABLE,
            "src/capture/a.c": '#include "memscope/memscope.h"\n#include "wire/ring.h"\n',
        },
        None,
    ),
    ("lengths", {"src/base/a.c": "\n" * 601}, "601 lines, at most 600"),
    ("lengths", {"src/base/a.c": LONG}, "f: 94 lines, at most 80"),
    ("lengths", {"src/base/a.c": BRANCHY}, "f: complexity 17, at most 15"),
    (
        "banned",
        {"src/cli/a.c": "void f(char *a)\n{\n    strcpy(a, b);\n}\n"},
        "src/cli/a.c:3: strcpy()",
    ),
    ("banned", {"src/heap/a.c": "void f(void)\n{\n    exit(1);\n}\n"}, "exit() prints or exits"),
    ("banned", {"src/heap/a.c": "void f(void)\n{\n    _exit(1);\n}\n"}, "_exit() prints or exits"),
    ("banned", {"src/launch/spawn.c": "void f(void)\n{\n    _exit(1);\n}\n"}, None),
    (
        "banned",
        {"src/capture/a.c": "void f(void)\n{\n    pthread_mutex_lock(&m);\n}\n"},
        "pthread_mutex_lock() is a libc call in the target",
    ),
    (
        "banned",
        {"src/heap/a.c": '/* never exit(1) */\nint x = w->exit(2);\nchar *s = "printf(";\n'},
        None,
    ),
    ("banned", {"src/capture/a.c": "int pthread_create(void *t)\n{\n    return 0;\n}\n"}, None),
    ("headers", {"src/base/a.h": "size_t a_count(void);\n"}, "src/base/a.h: not on its own"),
    ("headers", {"src/base/a.h": "#include <stddef.h>\nsize_t a_count(void);\n"}, None),
    (
        "headers",
        {"include/memscope/memscope.h": "int memscope_new(int class);\n"},
        "not on its own",
    ),
    ("opening", {"src/base/a.c": "int x;\n"}, "src/base/a.c:1: no 'SPDX"),
    (
        "opening",
        {"src/base/a.c": "/* SPDX-License-Identifier: Apache-2.0 */\nint x;\n"},
        "no sentence",
    ),
    ("opening", {"src/base/a.c": OPEN + "int x;\n"}, None),
    ("leftovers", {"src/base/a.c": "/* TODO: later */\n"}, "src/base/a.c:1: a note for later"),
    ("leftovers", {"README.md": "see /root/notes\n"}, "README.md:1: a path of one machine"),
    (
        "leftovers",
        {"web/package-lock.json": '"https://registry.npmjs.org/x"\n'},
        "host of a package registry",
    ),
    ("leftovers", {"src/base/a.c": 'char name[] = "/tmp/a-XXXXXX";\n'}, None),
    (
        "public_docs",
        {"include/memscope/a.h": "int memscope_new(void);\n"},
        "memscope_new has no comment",
    ),
    ("public_docs", {"include/memscope/a.h": "/* Makes one. */\nint memscope_new(void);\n"}, None),
    (
        "documents",
        {"README.md": "see `src/base/vec.h`\n"},
        "README.md:1: src/base/vec.h is not in the tree",
    ),
    ("documents", {"Makefile": "test:\n", "README.md": "`make tset`\n"}, "has no target tset"),
    (
        "documents",
        {"Makefile": "test:\n", "README.md": "`make test`, `src/base/`\n", "src/base/vec.h": ""},
        None,
    ),
    ("foreign", {"src/base/a.c": "/* Copyright (c) 2011 Somebody */\n"}, "mark of foreign code"),
    ("foreign", {"src/base/a.c": "/* SPDX-License-Identifier: MIT */\n"}, "mark of foreign code"),
    ("foreign", {"vendor/a.c": "int x;\n"}, "folder for foreign code"),
    ("names", {"src/utils/a.c": "int x;\n"}, "'utils' names no idea"),
    ("names", {"src/base/file_manager.c": "int x;\n"}, "'file_manager.c' names no idea"),
    (
        "format",
        {"src/base/a.c": "int f( void ){return 0;}\n"},
        "src/base/a.c:1: `make format` changes it",
    ),
]
NM_BAD = "                 U __tls_get_addr@GLIBC_2.3\n                 U malloc@GLIBC_2.2.5\n"
NM_GOOD = "                 U memcpy@GLIBC_2.14\n                 w __cxa_finalize@GLIBC_2.2.5\n"
C_GLOBALS = (
    "int a_count = 1;\nint a_zero;\n_Thread_local int a_tls;\nstatic int hidden;\n"
    'extern const char *const a_names[];\nconst char *const a_names[] = {"a"};\n'
    "int *f(void);\nint *f(void)\n{\n    return &hidden;\n}\n"
)


def globals_found():
    """How many of the three writable globals above the rule sees in a compiled object."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.o")
        subprocess.run(
            ["cc", "-fPIC", "-xc", "-c", "-", "-o", path], input=C_GLOBALS, text=True, check=True
        )
        out = subprocess.run(
            ["objdump", "-t", path], check=True, capture_output=True, text=True
        ).stdout
    return len(importlib.import_module("globals").breaches(out, "a.o"))


def run_case(rule, files, expected):
    """(passed, what happened)."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as f:
                f.write(text)
        try:
            found = importlib.import_module(rule).check(root)
        except Skip as reason:
            return True, "skipped: %s" % reason
    ok = any(expected in s for s in found) if expected else not found
    return ok, "expected %r, found %r" % (expected, found)


def run():
    """(passed, line to print) of each case."""
    for rule, files, expected in CASES:
        ok, what = run_case(rule, files, expected)
        yield ok, "FAILED  self-test of %s: %s" % (rule, what)
    imports = importlib.import_module("imports")
    yield len(
        imports.breaches(NM_BAD)
    ) == 2, "FAILED  self-test of imports: a bad import was let through"
    yield imports.breaches(NM_GOOD) == [], "FAILED  self-test of imports: a good import was refused"
    seen = globals_found()
    yield seen == 3, "FAILED  self-test of globals: saw %d of 3 writable globals" % seen
