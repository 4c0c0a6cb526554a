# SPDX-License-Identifier: Apache-2.0
"""Runs a command, whose status it takes on, and writes what the kernel says that all of it used.

Usage: rusage_of.py FILE COMMAND... As a subreaper it waits for those that the command left, too.
"""

import json
import os
import resource
import subprocess
import sys

from execute import become_subreaper

if __name__ == "__main__":
    become_subreaper()
    status = subprocess.call(sys.argv[2:])
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(sys.argv[1], "w", encoding="ascii") as out:
        json.dump({"cpu_s": used.ru_utime + used.ru_stime, "rss_kb": used.ru_maxrss,
                   "faults": used.ru_minflt + used.ru_majflt,
                   "switches": used.ru_nvcsw + used.ru_nivcsw}, out)
    sys.exit(status if status >= 0 else 128 - status)
