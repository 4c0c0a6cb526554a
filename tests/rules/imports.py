# SPDX-License-Identifier: Apache-2.0
"""imports: libmemscope.so takes from outside only what imports.txt lists, no new libc, no dynamic TLS.

The library runs inside malloc of programs that nobody here wrote. A call into libc that allocates,
locks or can be cancelled there is a deadlock or a crash in somebody's program; __tls_get_addr
allocates. The list is the proof that none has crept in.
"""

import os
import subprocess

from tree import Skip

# It is loaded into programs in old containers, too: an older libc would refuse to load it.
OLDEST_GLIBC = [2, 17]
LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "imports.txt")


def allowed():
    """{symbol: must it be weak}."""
    with open(LIST, encoding="utf-8") as f:
        words = [line.split() for line in f if line.strip() and not line.startswith("#")]
    return {w[-1]: w[0] == "weak" for w in words}


def breaches(nm_text):
    """The sentences for one output of `nm -D --undefined-only`."""
    table, bad = allowed(), []
    for line in nm_text.splitlines():
        kind, symbol = line.split()[-2:]
        symbol, _, version = symbol.partition("@")
        number = version.strip("@").partition("GLIBC_")[2]
        if number and [int(n) for n in number.split(".")] > OLDEST_GLIBC:
            bad.append("libmemscope.so: %s demands glibc %s" % (symbol, number))
        if symbol not in table:
            bad.append("libmemscope.so: imports %s, which imports.txt does not list" % symbol)
        elif table[symbol] and kind not in "wv":
            bad.append("libmemscope.so: %s must be a weak reference" % symbol)
    return bad


def check(root):
    build = os.environ.get("MEMSCOPE_BUILD", os.path.join(root, "build"))
    library = os.path.join(build, "src", "capture", "libmemscope.so")
    if not os.path.exists(library):
        raise Skip("%s is not built" % os.path.relpath(library, root))
    nm = subprocess.run(
        ["nm", "-D", "--undefined-only", library], check=True, capture_output=True, text=True
    )
    headers = subprocess.run(
        ["readelf", "-lW", library], check=True, capture_output=True, text=True
    )
    bad = breaches(nm.stdout)
    if " RWE " in headers.stdout:
        bad.append("libmemscope.so: has a segment that is both writable and executable")
    return bad
