# SPDX-License-Identifier: Apache-2.0
"""The files of the tree as the rules see them: what git would commit, and C text without comments.

Rules read names and text through this file only, so that each of them sees the same tree: files
that git tracks or would add, or every file below the root where there is no git (a tarball).
"""

import os
import re
import subprocess

C_SUFFIXES = (".c", ".h")
SOURCE_SUFFIXES = C_SUFFIXES + (
    ".py",
    ".sh",
    ".ts",
    ".tsx",
    ".mjs",
    ".js",
    ".rs",
    ".cc",
    ".cpp",
    ".S",
)


class Skip(Exception):
    """Raised by a rule that cannot run here; the message is the reason that is printed."""


def tree_files(root):
    """Paths relative to root, sorted, of every file that belongs to the tree."""
    if os.path.exists(os.path.join(root, ".git")):
        out = subprocess.run(
            [
                "git",
                "-c",
                "safe.directory=*",
                "-C",
                root,
                "ls-files",
                "-z",
                "-co",
                "--exclude-standard",
            ],
            check=True,
            capture_output=True,
        ).stdout
        names = [os.fsdecode(n) for n in out.split(b"\0") if n]
    else:
        names = [
            os.path.relpath(os.path.join(d, f), root)
            for d, _, files in os.walk(root)
            for f in files
        ]
    return sorted(n for n in set(names) if os.path.isfile(os.path.join(root, n)))


def c_files(root, folders, suffixes=C_SUFFIXES):
    """The C files below any of the given folders."""
    prefixes = tuple(f.rstrip("/") + "/" for f in folders)
    return [n for n in tree_files(root) if n.startswith(prefixes) and n.endswith(suffixes)]


def text_of(root, name):
    """The file's text; bytes that are not UTF-8 are replaced, binary files give ''."""
    with open(os.path.join(root, name), "rb") as f:
        data = f.read()
    return "" if b"\0" in data[:8192] else data.decode("utf-8", "replace")


_TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_of(text):
    """C text with comments and the inside of literals blanked, line numbers kept."""

    def blank(m):
        s = m.group(0)
        if s[0] in "\"'":
            return s[0] + " " * (len(s) - 2) + s[0]
        return re.sub(r"[^\n]", " ", s)

    return _TOKEN.sub(blank, text)


def line_of(text, offset):
    """The 1-based line number of a character offset."""
    return text.count("\n", 0, offset) + 1
