# SPDX-License-Identifier: Apache-2.0
"""What some cases need from the machine; a case without it is skipped with the reason."""

import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path


# Words for setpriv: a user without privileges.
NOBODY = ("--reuid=65534", "--regid=65534", "--clear-groups")


@lru_cache(maxsize=None)
def works(*words, status=0):
    try:
        return subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              stdin=subprocess.DEVNULL, timeout=20,
                              check=False).returncode == status
    except (OSError, subprocess.TimeoutExpired):
        return False


def missing(need, targets):
    """Why need is not met, or None. `cmd:NAME` is a program, `target:NAME` a built target."""
    kind, _, name = need.partition(":")
    if kind == "cmd":
        return None if shutil.which(name) else f"{name} is not installed"
    if kind == "file":
        return None if Path(name).exists() else f"{name} is not there"
    if kind == "target":
        return None if Path(targets, name).exists() else f"target {name} was not built here"
    if need == "root":
        return None if os.geteuid() == 0 else "needs root"
    if need == "nobody":
        return None if works("setpriv", *NOBODY, "test", "-r", str(Path(targets, "heap_plain"))) \
            else "another user cannot read the build, or we are not root"
    if need == "userns":
        return None if works("unshare", "-Ur", "true") else "no user namespaces here"
    if need == "mountns":
        return None if works("unshare", "-m", "true") else "cannot make a mount namespace here"
    if need == "pidns":
        return None if works("unshare", "-pf", "true") else "cannot make a pid namespace here"
    if need == "i386":
        return None if works(str(Path(targets, "child32")), status=5) \
            else "no 32-bit programs here (gcc -m32 or the kernel cannot)"
    if need == "ptrace":
        return None if works(str(Path(targets, "high_water")), "/dev/null", "true") \
            else "no process may be traced here"
    if need == "core":
        pattern = Path("/proc/sys/kernel/core_pattern").read_text(encoding="ascii").strip()
        return None if pattern == "core" else f"core_pattern is {pattern!r}, cores go elsewhere"
    if need == "realtime":
        return None if works("chrt", "-f", "50", "true") else "no real-time scheduling here"
    raise ValueError(f"unknown requirement {need!r}")
