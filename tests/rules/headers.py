# SPDX-License-Identifier: Apache-2.0
"""headers: each header compiles as a file of its own; the public one as C99 and C++ too.

A header that needs another before it works only by luck of order. The public header is used by
compilers and languages that we do not choose.
"""

import os
import shutil
import subprocess

from tree import Skip, c_files

STRICT = [
    "-fsyntax-only",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-unused-parameter",
    "-Wno-unused-function",
    "-Wno-unused-const-variable",
    "-Iinclude",
]


def complaints(root, command, name):
    """[] or one sentence with the first error of the compiler."""
    text = '#include "%s"\n' % os.path.join(root, name)
    run = subprocess.run(command + ["-"], cwd=root, input=text, capture_output=True, text=True)
    if run.returncode == 0:
        return []
    lines = [s for s in run.stderr.splitlines() if "error" in s] or run.stderr.splitlines() or ["?"]
    return ["%s: not on its own with `%s`: %s" % (name, " ".join(command[:3]), lines[0])]


def check(root):
    cc = os.environ.get("CC", "cc").split()
    if not shutil.which(cc[0]):
        raise Skip("no C compiler")
    bad = []
    for name in c_files(root, ["src", "tests"], (".h",)):
        bad += complaints(
            root, cc + ["-xc", "-std=gnu17", "-D_GNU_SOURCE"] + STRICT + ["-Isrc", "-Itests"], name
        )
    cxx = shutil.which("c++")
    for name in c_files(root, ["include"], (".h",)):
        bad += complaints(
            root, cc + ["-xc", "-std=c99", "-pedantic", "-Wstrict-prototypes"] + STRICT, name
        )
        if cxx:
            bad += complaints(root, [cxx, "-xc++", "-std=c++98", "-pedantic"] + STRICT, name)
    if not cxx and not bad and c_files(root, ["include"], (".h",)):
        raise Skip("no C++ compiler for the public header")
    return bad
