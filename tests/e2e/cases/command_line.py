# SPDX-License-Identifier: Apache-2.0
"""Hazards 87, 88: what the command itself adds to the program's streams: nothing, or its lines."""

from case import Case

CASES = (
    Case("said-aloud", ("{targets}/heap_plain", "{counts}", "1000", "3"), status=3, quiet=False),
    Case("said-aloud-stderr", ("sh", "-c", "echo out; echo err >&2; exit 2"), status=2,
         quiet=False),
    Case("stdin-through", ("cat",), stdin=b"a line\n" * 100000),
    Case("stdin-line-by-line", ("sh", "-c", "read a; cat; echo \"first: $a\""),
         stdin=b"one\ntwo\nthree"),
    Case("closed-streams", ("sh", "-c", "exec 0<&- 2>&-; exec {targets}/heap_plain {counts} 100")),
)
