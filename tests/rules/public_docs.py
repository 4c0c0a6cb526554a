# SPDX-License-Identifier: Apache-2.0
"""public_docs: each function, type and enum of include/memscope/*.h has a comment just above it.

The header is the manual: units, errors, ownership and threads are told there or nowhere.
"""

import re

from tree import c_files, code_of, line_of, text_of

ITEM = re.compile(
    r"^(?!\s*(#|\}|return\b|else\b|if\b))[A-Za-z_][\w\s*]*?\b(memscope_\w+)\s*\("
    r"|^(typedef\s+)?(struct|enum|union)\s+(memscope_\w+)\s*\{",
    re.M,
)


def check(root):
    bad = []
    for name in c_files(root, ["include"], (".h",)):
        text = text_of(root, name)
        code = code_of(text)
        raw = text.splitlines()
        for m in ITEM.finditer(code):
            line = line_of(code, m.start())
            above = raw[line - 2].rstrip() if line > 1 else ""
            if not above.endswith("*/"):
                bad.append("%s:%d: %s has no comment above it" % (name, line, m[2] or m[5]))
    return bad
