# SPDX-License-Identifier: Apache-2.0
"""foreign: nothing in the tree was written elsewhere.

What others wrote is taken from packages, with its own licence and updates, never copied in. The
marks of a copy are another licence, somebody's copyright line, a folder for vendored code, a
minified file, or a large binary.
"""

import os
import re

from tree import text_of, tree_files

FOLDERS = {
    "third_party",
    "third-party",
    "vendor",
    "vendored",
    "node_modules",
    "external",
    "contrib",
    "subprojects",
}
COPYRIGHT = re.compile(r"copyright\s*(\(c\)|©|\d{4})", re.I)
OTHER_LICENCE = re.compile(
    r"SPDX-License-Identifier:\s*(?!Apache-2\.0\b)[A-Z]"
    r"|GNU (Lesser )?General Public License|Redistribution and use in source"
)
SELF = ("LICENSE", "tests/rules/foreign.py", "tests/rules/selftest.py")
BINARY_MAX_BYTES = 1 << 20


def check(root):
    bad = []
    for name in tree_files(root):
        if FOLDERS & set(name.split("/")[:-1]):
            bad.append("%s: lies in a folder for foreign code" % name)
        if re.search(r"\.min\.(js|css)$", name):
            bad.append("%s: is minified" % name)
        if os.path.getsize(os.path.join(root, name)) > BINARY_MAX_BYTES:
            bad.append("%s: is larger than %d bytes" % (name, BINARY_MAX_BYTES))
        if name in SELF:
            continue
        for number, line in enumerate(text_of(root, name).splitlines(), 1):
            if COPYRIGHT.search(line) or OTHER_LICENCE.search(line):
                bad.append("%s:%d: the mark of foreign code" % (name, number))
    return bad
