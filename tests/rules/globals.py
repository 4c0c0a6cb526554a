# SPDX-License-Identifier: Apache-2.0
"""globals: the tool side has no writable variable that other files can see.

State that any file may change is state that no file can reason about: it is handed over in
arguments instead. Read from the built objects, so that no spelling escapes. src/capture is apart:
one process has one capture, and its state must be found from a bare malloc().
"""

import glob
import os
import re
import subprocess

from tree import Skip

WRITABLE = re.compile(
    r"^[0-9a-f]+ g[^\t]* (\.t?data|\.t?bss|\*COM\*)(?!\.rel\.ro)[^\t]*\t\S+\s+" r"(?:\.\w+ )?(\S+)$"
)


def breaches(objdump_text, name):
    """The sentences for the output of `objdump -t` of one object."""
    found = (WRITABLE.match(line) for line in objdump_text.splitlines())
    return ["%s: %s is writable from everywhere (%s)" % (name, m[2], m[1]) for m in found if m]


def check(root):
    build = os.environ.get("MEMSCOPE_BUILD", os.path.join(root, "build"))
    objects = [
        p
        for p in sorted(glob.glob(os.path.join(build, "src", "*", "*.p", "*.o")))
        if os.path.join("src", "capture") not in p
    ]
    if not objects:
        raise Skip("nothing is built")
    bad = []
    for path in objects:
        out = subprocess.run(["objdump", "-t", path], check=True, capture_output=True, text=True)
        bad += breaches(out.stdout, os.path.relpath(path, build))
    return bad
