# SPDX-License-Identifier: Apache-2.0
"""layers: a folder of src/ includes only the folders that its row in ARCHITECTURE.md names.

The layout shows the data flow only while no include runs against it. The table in ARCHITECTURE.md
is the single statement of who may include whom; this rule reads it there, so the text and the
check cannot drift apart. A folder without a row is a breach too.
"""

import re

from tree import c_files, text_of

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)
ROW = re.compile(r"^\|\s*`([a-z]+)`\s*\|([^|]*)\|", re.M)
HEADING = "## Who may include whom"


def layer_table(root):
    """{folder: set of folders it may include}, from the table below the heading."""
    text = text_of(root, "ARCHITECTURE.md")
    part = text.split(HEADING, 1)[1].split("\n## ", 1)[0] if HEADING in text else ""
    return {m[1]: set(re.findall(r"`([a-z/]+)`", m[2])) for m in ROW.finditer(part)}


def check(root):
    table = layer_table(root)
    if not table:
        return ["ARCHITECTURE.md: no table under '%s'" % HEADING]
    bad = []
    for name in c_files(root, ["src"]):
        parts = name.split("/")
        folder = parts[1] if len(parts) > 2 else ""
        if folder not in table:
            bad.append("%s: folder '%s' has no row in ARCHITECTURE.md" % (name, folder))
            continue
        text = text_of(root, name)
        for m in INCLUDE.finditer(text):
            line = text.count("\n", 0, m.start(1)) + 1
            target = m[1].split("/")
            if len(target) < 2:
                bad.append('%s:%d: "%s" is not rooted at src/' % (name, line, m[1]))
                continue
            other = "include/memscope" if target[0] == "memscope" else target[0]
            if other != folder and other not in table[folder]:
                bad.append("%s:%d: `%s` may not include `%s`" % (name, line, folder, other))
    return bad + cycles(table)


def cycles(table):
    """Rows that can reach themselves."""
    bad = []
    for start in table:
        seen, todo = set(), list(table[start])
        while todo:
            f = todo.pop()
            if f not in seen:
                seen.add(f)
                todo += table.get(f, ())
        if start in seen:
            bad.append("ARCHITECTURE.md: `%s` can reach itself" % start)
    return bad
