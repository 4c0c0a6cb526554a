#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What libmemscope.so exports against its headers and against the loader's rules.

usage: symbols_test.py LIBRARY INCLUDE-FOLDER

The loader does not take a versioned malloc for a reference to libc's: one node with a hook in it
and every preload sees nothing. So only the API is versioned, and the hooks are not.
"""

import glob
import os
import re
import subprocess
import sys

HOOKS = """malloc calloc realloc reallocarray free posix_memalign aligned_alloc memalign valloc
    pvalloc malloc_usable_size""".split()


def exported(library):
    """{name: version or ""} of the defined dynamic symbols."""
    text = subprocess.run(
        ["nm", "-D", "--defined-only", "--with-symbol-versions", library],
        check=True, capture_output=True, text=True,
    ).stdout
    found = {}
    for line in text.splitlines():
        kind, symbol = line.split()[-2:]
        if kind == "A":
            continue  # the version itself
        name, _, version = symbol.partition("@")
        found[name] = version.lstrip("@")
    return found


def declared(include):
    """The functions of the headers, but for optional.h, which has macros only."""
    names = set()
    for path in glob.glob(os.path.join(include, "memscope", "*.h")):
        with open(path, encoding="utf-8") as f:
            code = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
        if not path.endswith("optional.h"):
            names |= set(re.findall(r"MEMSCOPE_API[^;(]*?\b(memscope_\w+)\s*\(", code))
    return names


def main(library, include):
    symbols, functions = exported(library), declared(include)
    api = {name for name in symbols if name.startswith("memscope_")}
    bad = ["%s is declared, not exported" % name for name in sorted(functions - api)]
    bad += ["%s is exported, not declared" % name for name in sorted(api - functions)]
    bad += [
        "%s has version '%s'" % (name, version)
        for name, version in sorted(symbols.items())
        if version != ("MEMSCOPE_0.1" if name in api else "")
    ]
    bad += ["%s is no hook of the library" % name for name in HOOKS if name not in symbols]
    with open(os.path.join(include, "memscope", "optional.h"), encoding="utf-8") as f:
        optional = set(re.findall(r"#define (memscope_\w+)\(", f.read()))
    bad += ["%s is not in optional.h" % name for name in sorted(functions - optional)]
    bad += ["%s is only in optional.h" % name for name in sorted(optional - functions)]
    if len(functions) < 70:
        bad.append("only %d functions were found in the headers" % len(functions))
    print("\n".join(bad) or "%d functions" % len(functions))
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
