# SPDX-License-Identifier: Apache-2.0
"""documents: what README, ARCHITECTURE and CONTRIBUTING name in the tree is there.

A document that points at a file that was renamed sends its reader astray. Checked are relative
links, backquoted paths that begin with a folder of the tree, and `make` targets.
"""

import os
import re

from tree import text_of, tree_files

DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
PATH = re.compile(r"`((?:src|tests|include|web|docs|fuzz|bench|bindings|packaging|\.ci)/[\w./-]*)`")
TARGET = re.compile(r"\bmake ([a-z][a-z-]*)")


def check(root):
    bad = []
    makefile = text_of(root, "Makefile") if os.path.exists(os.path.join(root, "Makefile")) else ""
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    names = set(tree_files(root))
    folders = {os.path.dirname(n) for n in names}
    folders |= {"/".join(f.split("/")[:i]) for f in folders for i in range(1, f.count("/") + 1)}
    for name in sorted(names & set(DOCUMENTS)):
        for number, line in enumerate(text_of(root, name).splitlines(), 1):
            for path in LINK.findall(line) + PATH.findall(line):
                if path.rstrip("/") not in names | folders:
                    bad.append("%s:%d: %s is not in the tree" % (name, number, path))
            if line.startswith(("make ", "`make")) or "`make " in line:
                bad += [
                    "%s:%d: the Makefile has no target %s" % (name, number, t)
                    for t in TARGET.findall(line)
                    if t not in targets
                ]
    return bad
