# SPDX-License-Identifier: Apache-2.0
"""leftovers: no note to do something later, no path of a machine, no host of a package registry.

Work that is left belongs in an issue; a path or a host of the place where somebody worked breaks
on every other place.
"""

import re

from tree import text_of, tree_files

SELF = ("tests/rules/leftovers.py", "tests/rules/selftest.py")
LATER = re.compile(
    r"\b(TODO|FIXME|XXX|HACK|TBD|WIP)\b|\bcoming soon\b|\b(not yet|un)implemented\b"
    r"|\bnot implemented\b|\blorem ipsum\b"
)
FILLER = re.compile(r"\bplaceholder\b", re.I)
MACHINE = re.compile(r"(?<![\w.])/(work|root)/[\w.]|/tmp/ms\b|(?<![\w.])/home/[a-z]\w*/")
HOST = re.compile(
    r"\b(deb\.debian\.org|security\.debian\.org|archive\.ubuntu\.com|"
    r"registry\.npmjs\.org|(index|static)\.crates\.io|pypi\.org|files\.pythonhosted\.org|"
    r"proxy\.golang\.org|-npm\.pkg\.dev|-docker\.pkg\.dev|artifactregistry)\b"
)
# HTML and CSS have an attribute and a selector of that name; the guide's words are quoted in docs.
FILLER_OK = (".ts", ".tsx", ".css", ".html")


def check(root):
    bad = []
    for name in tree_files(root):
        if name in SELF or "/corpus" in name:
            continue
        for number, line in enumerate(text_of(root, name).splitlines(), 1):
            if LATER.search(line) or (FILLER.search(line) and not name.endswith(FILLER_OK)):
                bad.append("%s:%d: a note for later" % (name, number))
            if MACHINE.search(line):
                bad.append("%s:%d: a path of one machine" % (name, number))
            if HOST.search(line):
                bad.append("%s:%d: the host of a package registry" % (name, number))
    return bad
