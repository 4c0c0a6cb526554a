# SPDX-License-Identifier: Apache-2.0
"""Hazards D and E: the allocating functions, and the order of events over threads."""

import subprocess

from case import Case, Ground

# libstdc++ makes a pool and the exceptions, and rounds sizes up to the alignment asked for.
OF_LIBSTDCXX = Ground(extra_n=60, extra_bytes=120000, frees=False)


def replayed(_bare, _watched, work):
    """The events of the recording, replayed, must make the model that was built from them."""
    check = subprocess.run([work.targets / "replay_check", work.out / "r.mscope"],
                           capture_output=True, check=False)
    return [line.decode() for line in check.stdout.splitlines()] if check.returncode else []


def races():
    """400 000 events of malloc, realloc and free over 2 to 16 threads: none unmatched."""
    for seed in range(1, 6):
        for threads in (2, 4, 8, 16):
            yield Case(f"race-replay-{threads}-{seed}",
                       ("{targets}/race_reuse", "{counts}", str(threads), str(seed)),
                       timeout_s=40, slow=seed > 2,
                       options=("--detailed-tracking",), judge=replayed,
                       ground=Ground(extra_n=threads, extra_bytes=threads * 400))


CASES = tuple(races()) + (
    Case("heap-plain", ("{targets}/heap_plain", "{counts}", "100000", "17"), status=17,
         ground=Ground()),
    Case("heap-plain-million", ("{targets}/heap_plain", "{counts}", "3000000"), slow=True,
         ground=Ground(), timeout_s=60),
    Case("heap-family", ("{targets}/heap_family", "{counts}"), ground=Ground()),
    Case("heap-realloc", ("{targets}/heap_realloc", "{counts}"),
         ground=Ground(oracle=False)),
    Case("heap-introspect", ("{targets}/heap_introspect",)),
    Case("heap-libc-made", ("{targets}/heap_libc_made",)),
    Case("heap-new", ("{targets}/heap_new", "{counts}"), ground=OF_LIBSTDCXX),
    Case("heap-new-replaced", ("{targets}/heap_new_replaced", "{counts}"), ground=OF_LIBSTDCXX),
    Case("heap-own-malloc", ("{targets}/own_malloc", "{counts}", "10000", "4"), status=4,
         recorded=False),
    Case("heap-own-library", ("{targets}/heap_plain_own", "{counts}", "10000", "4"), status=4,
         ground=Ground()),
    Case("heap-bug-double-free", ("{targets}/heap_bugs", "double"), status=-6),
    Case("heap-bug-wild-free", ("{targets}/heap_bugs", "wild"), status=-6),
    Case("heap-bug-overflow", ("{targets}/heap_bugs", "overflow"), status=-6),
    Case("heap-bug-stack-free", ("{targets}/heap_bugs", "stack"), status=-6),
    *(Case(f"heap-bug-{bug}-sampled", ("{targets}/heap_bugs", bug), status=-6,
           options=("--sample-rate", "0.01")) for bug in ("double", "wild", "overflow", "stack")),
    Case("race-reuse", ("{targets}/race_reuse", "{counts}"), timeout_s=40,
         ground=Ground(extra_n=8, extra_bytes=8 * 400)),
    # Its threads have numbers there that /proc does not know here.
    Case("race-pid-namespace", ("unshare", "-pf", "{targets}/race_reuse", "{counts}"),
         timeout_s=40, needs=("cmd:unshare", "pidns"),
         ground=Ground(extra_n=8 + 500, extra_bytes=8 * 400 + (64 << 10), oracle=False)),
)
