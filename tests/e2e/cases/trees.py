# SPDX-License-Identifier: Apache-2.0
"""Process trees: what was started, what of it is recorded, and why the rest is not."""

import json
import os
import re
import shutil

from case import Case, Ground
from compare import between

NOT = "not recorded: "


def report(work):
    return json.loads((work.out / "r.json").read_bytes())


def base(path):
    return path.rsplit("/", 1)[-1]


def unrecorded_are(expected):
    """{(name, reason): n} of the images that are listed as not recorded, and their sum."""
    def judge(_bare, _watched, work):
        document = report(work)
        seen = {}
        for process in document["processes"]:
            if process["strategy"].startswith(NOT):
                key = (base(process["exe"]), process["strategy"][len(NOT):])
                seen[key] = seen.get(key, 0) + 1
        wanted = sum(expected.values())
        return ([] if seen == expected else [f"not recorded: {seen}, expected {expected}"]) + \
            between("loss.unrecorded_processes", document["loss"]["unrecorded_processes"], wanted,
                    wanted)
    return judge


def says(*patterns):
    def judge(_bare, watched, _work):
        # The summary wraps its lines.
        said = " ".join(watched.stderr.decode("utf-8", "replace").split())
        return [f"stderr lacks {pattern!r}: {said!r}" for pattern in patterns
                if not re.search(pattern, said)]
    return judge


def last_is(name, end, status):
    """The image that the command's process was last: its name, and how it ended."""
    def judge(_bare, _watched, work):
        processes = report(work)["processes"]
        root = next(process for process in processes if process["parent"] is None)
        last = [process for process in processes if process["pid"] == root["pid"]][-1]
        seen = (base(last["exe"]), last["end"], last["status"])
        return [] if seen == (name, end, status) else [f"last image {seen}, expected {name}, "
                                                       f"{end}, {status}"]
    return judge


def all_of(*judges):
    def judge(bare, watched, work):
        return [fault for one in judges for fault in one(bare, watched, work)]
    return judge


def program_of_another_user(work):
    path = work.run / "privileged"
    shutil.copyfile(work.targets / "heap_plain", path)
    os.chown(path, 65534, 65534)
    path.chmod(0o4755)


STATIC = "statically linked"
FOREIGN = "built for another architecture"
SET_ID = "changes its privileges at start"
NO_ACCESS = "no access to the session, or it ended before it got there"

UNRECORDED = (
    Case("unrecorded-static", ("{targets}/exec_unfit", "{counts}", "{targets}/static_heap",
                               "{targets}/heap_plain"), quiet=False,
         # fork copies what the child has on its stdio.
         ground=Ground(extra_n=4, extra_bytes=10000, frees=False, oracle=False),
         judge=all_of(unrecorded_are({("static_heap", STATIC): 15}),
                      says(r"15 programs of the tree could not be recorded: static_heap "
                           r"\(statically linked\)\."))),
    Case("unrecorded-32-bit", ("sh", "-c", "{targets}/child32; ls / >/dev/null; {targets}/child32"),
         status=5, needs=("i386",), modes=("",),
         judge=unrecorded_are({("child32", FOREIGN): 2})),
    Case("unrecorded-privileged", ("sh", "-c", "./privileged '' 1000; echo $?"), modes=("",),
         needs=("root",), prepare=program_of_another_user,
         judge=unrecorded_are({("privileged", SET_ID): 1})),
    Case("unrecorded-other-user", ("runuser", "-u", "nobody", "--", "{targets}/heap_plain", "",
                                   "1000", "4"), status=4, modes=("",), needs=("root",),
         judge=unrecorded_are({("heap_plain", NO_ACCESS): 1})),
    Case("unrecorded-exec", ("sh", "-c", "ls / >/dev/null; exec {targets}/static_heap x"), status=9,
         modes=("",), judge=all_of(unrecorded_are({("static_heap", STATIC): 1}),
                                   last_is("static_heap", "exited", 9))),
    Case("unrecorded-not-there", ("sh", "-c", "./none; /etc/passwd; exec ./none"), status=127,
         modes=("",), judge=unrecorded_are({})),
    Case("unrecorded-all", ("sh", "-c", "{targets}/static_heap x; exit 3"), status=3, modes=("",),
         quiet=False, exact={"alloc_n": 0},
         judge=says(r"nothing was recorded: 2 programs ran; passed over: (sh|dash|bash) \(--include "
                    r"NAME records them too\); cannot be recorded: static_heap \(statically "
                    r"linked\)")),
)

CASES = UNRECORDED
