# SPDX-License-Identifier: Apache-2.0
"""Hazards I to K: loaded code, programs out of reach, hostile names, hostile memory."""

import os
import shutil

from case import Case, Ground

EVIL_NAME = "a b\n'\"`$(x)%p=-\x1b[31m\\"


def evil_copy(work):
    shutil.copy(work.targets / "arguments", work.run / EVIL_NAME)


def setuid_copy(work):
    """Owned by another user and setuid: to root it is a program with AT_SECURE set."""
    path = work.run / "setuid"
    shutil.copy(work.targets / "arguments", path)
    os.chown(path, 65534, 65534)
    os.chmod(path, 0o4755)


def not_executable(work):
    (work.run / "plain.txt").write_text("no program\n", encoding="ascii")


CASES = (
    Case("dl-churn", ("{targets}/dl_churn", "{targets}")),
    # The deeply bound plug-in's own calls go straight to libc: their blocks are unknown here.
    Case("dl-namespace", ("{targets}/dl_namespace", "{targets}"), may_lose=True),
    Case("static-bare", ("{targets}/static_bare",), status=5, recorded=False),
    Case("static-heap", ("{targets}/static_heap", "a", "b"), status=9, recorded=False),
    Case("static-child", ("sh", "-c", "{targets}/static_heap x; echo $?")),
    Case("child32", ("{targets}/child32",), status=5, needs=("i386",), recorded=False),
    Case("child32-of-shell", ("sh", "-c", "{targets}/child32; echo $?"), needs=("i386",)),
    Case("script", ("sh", "-c", "printf '#!/bin/sh -e\\necho script $*\\nexit 4\\n' >s; "
                    "chmod +x s; ./s a b; echo $?; exec ./s c"), status=4),
    Case("setuid", ("./setuid",), prepare=setuid_copy, needs=("root",), recorded=False,
         stdin=b"secret"),
    Case("setuid-child", ("sh", "-c", "./setuid </dev/null"), prepare=setuid_copy,
         needs=("root",)),
    Case("arguments", ("{targets}/arguments", "", " ", "-q", "--", "a\nb", "\udcff\udcfe", "%s%n"),
         stdin=bytes(range(256)) * 4000),
    Case("evil-name", ("./" + EVIL_NAME, "x"), prepare=evil_copy),
    Case("scribbler-1", ("{targets}/scribbler", "1"), recorded=False, timeout_s=15),
    Case("scribbler-2", ("{targets}/scribbler", "2"), recorded=False, timeout_s=15),
    # Wrote a start of its own that is yet to come: its process was sought for ever.
    Case("scribbler-21", ("{targets}/scribbler", "21"), recorded=False, timeout_s=15),
    Case("scribbler-3", ("{targets}/scribbler", "3"), recorded=False, timeout_s=15, slow=True),
)
