# SPDX-License-Identifier: Apache-2.0
"""lengths: files of at most 600 lines; C functions of at most 80 lines and complexity 15.

What fits on two screens can be read whole before it is changed. Complexity is pmccabe's modified
count: a switch counts once, because a flat table of cases is read at a glance.
"""

import shutil
import subprocess

from tree import C_SUFFIXES, SOURCE_SUFFIXES, Skip, c_files, text_of, tree_files

FILE_LINES, FUNCTION_LINES, COMPLEXITY = 600, 80, 15
FOLDERS = ["src", "include", "tests", "fuzz", "bench"]


def check(root):
    bad = []
    for name in tree_files(root):
        if name.endswith(SOURCE_SUFFIXES):
            lines = text_of(root, name).count("\n")
            if lines > FILE_LINES:
                bad.append("%s: %d lines, at most %d" % (name, lines, FILE_LINES))
    if not shutil.which("pmccabe"):
        if bad:
            return bad
        raise Skip("pmccabe is not installed")
    return bad + function_breaches(root, c_files(root, FOLDERS, C_SUFFIXES))


def function_breaches(root, names):
    if not names:
        return []
    out = subprocess.run(["pmccabe"] + names, cwd=root, capture_output=True, text=True)
    bad = []
    for row in out.stdout.splitlines():
        fields = row.split("\t")
        if len(fields) != 6:
            continue
        complexity, length, where = int(fields[0]), int(fields[4]), fields[5]
        if length > FUNCTION_LINES:
            bad.append("%s: %d lines, at most %d" % (where, length, FUNCTION_LINES))
        if complexity > COMPLEXITY:
            bad.append("%s: complexity %d, at most %d" % (where, complexity, COMPLEXITY))
    return bad
