# SPDX-License-Identifier: Apache-2.0
"""names: no file or folder is called after nothing: utils, common, core, misc, manager.

A drawer without a name fills with everything. Each idea has one noun, and the noun is the name.
"""

import os
import re

from tree import tree_files

EMPTY = set(
    "util utils utility utilities common core misc helpers manager managers stuff general generic"
    " shared lib new old temp".split()
)
WORDS = re.compile(r"[^a-zA-Z0-9]+")
# The Rust crate's public path `memscope_rs::core` is part of the documented interface.
ALLOWED = {"bindings/rust/src/core.rs", "bindings/rust/src/lib.rs"}


def check(root):
    bad = []
    for name in tree_files(root):
        if name in ALLOWED or name.startswith(("bindings/rust/src/core/", "fuzz/corpus/")):
            continue
        for part in name.split("/"):
            stem = os.path.splitext(part)[0].lower()
            if stem in EMPTY or (
                set(WORDS.split(stem)) & {"utils", "util", "misc", "manager", "common"}
            ):
                bad.append("%s: '%s' names no idea" % (name, part))
    return bad
