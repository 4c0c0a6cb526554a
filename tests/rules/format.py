# SPDX-License-Identifier: Apache-2.0
"""format: clang-format has nothing to change in any C file.

Layout is decided once, in .clang-format. Versions of the tool differ in details, so the rule
holds for Debian 12's, version 14, and is skipped with others.
"""

import re
import shutil
import subprocess

from tree import C_SUFFIXES, Skip, c_files

FOLDERS = ["src", "include", "tests", "fuzz", "bench"]
VERSION = "14"


def check(root):
    tool = shutil.which("clang-format-" + VERSION) or shutil.which("clang-format")
    if not tool:
        raise Skip("clang-format is not installed")
    version = subprocess.run([tool, "--version"], capture_output=True, text=True).stdout
    if not re.search(r"version %s\." % VERSION, version):
        raise Skip("clang-format is not version %s" % VERSION)
    names = c_files(root, FOLDERS, C_SUFFIXES)
    if not names:
        return []
    out = subprocess.run([tool, "--dry-run"] + names, cwd=root, capture_output=True, text=True)
    found = re.findall(
        r"^(\S+?:\d+):\d+: warning: code should be clang-formatted", out.stderr, re.M
    )
    files = sorted({where.rsplit(":", 1)[0]: where for where in reversed(found)}.values())
    return ["%s: `make format` changes it" % where for where in files]
