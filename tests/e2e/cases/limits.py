# SPDX-License-Identifier: Apache-2.0
"""Hazards 63 to 69 and 94: little room, forbidden calls, other roots, failing calls."""

from case import Case, Ground

# Threads are made, each with libc's own block.
SOME = Ground(extra_n=60, extra_bytes=60 * 400)

CASES = (
    Case("limit-as", ("{targets}/limits", "{counts}", "as"), recorded=False),
    Case("limit-as-outside", ("prlimit", "--as=40000000", "{targets}/limits", "{counts}", "nofile"),
         recorded=False),
    Case("limit-data", ("{targets}/limits", "{counts}", "data"), ground=SOME),
    Case("limit-memlock", ("{targets}/limits", "{counts}", "memlock"), ground=SOME),
    Case("limit-mlockall", ("{targets}/limits", "{counts}", "mlockall"), ground=SOME),
    Case("limit-nofile", ("{targets}/limits", "{counts}", "nofile"), ground=SOME),
    Case("limit-nofile-outside",
         ("prlimit", "--nofile=13", "{targets}/limits", "{counts}", "nofile"), ground=None),
    Case("limit-fsize", ("{targets}/limits", "{counts}", "fsize"), ground=SOME),
    Case("limit-fsize-outside",
         ("prlimit", "--fsize=1000", "{targets}/limits", "{counts}", "fsize")),
    Case("limit-nproc", ("{targets}/limits", "{counts}", "nproc"), ground=SOME),
    Case("sandbox-strict", ("{targets}/sandbox", "{counts}", "strict"), status=4, ground=Ground()),
    Case("sandbox-filter", ("{targets}/sandbox", "{counts}", "filter"), status=4, ground=Ground()),
    Case("sandbox-errno", ("{targets}/sandbox", "{counts}", "errno"), status=4, ground=Ground()),
    Case("sandbox-tsc", ("{targets}/sandbox", "{counts}", "tsc"), status=4, ground=Ground()),
    Case("sandbox-late", ("{targets}/sandbox", "{counts}", "late"), status=4, may_lose=True),
    Case("sandbox-crowd", ("{targets}/sandbox", "{counts}", "crowd"), status=4,
         options=("--max-overhead", "16"), may_lose=True),
    Case("sandbox-chroot", ("{targets}/sandbox_chroot", "{counts}", "chroot"), needs=("root",),
         ground=Ground(extra_n=1, extra_bytes=400, frees=False)),
    Case("sandbox-userns", ("{targets}/sandbox_chroot", "{counts}", "userns"), needs=("userns",),
         ground=Ground(frees=False, oracle=False)),
    Case("maps-growth", ("{targets}/maps_growth",),
         stdout=b"threads 1, descriptors 4, mappings bounded\n"),
    Case("without-memfd", ("{targets}/heap_plain", "{counts}", "10000", "4"), status=4,
         through=("{targets}/seccomp_wrap", "memfd_create", "38"), recorded=False),
    Case("without-pidfd", ("{targets}/heap_plain", "{counts}", "10000", "4"), status=4,
         through=("{targets}/seccomp_wrap", "pidfd_open", "38"), recorded=False),
    Case("without-clone3", ("{targets}/race_reuse", "{counts}"),
         through=("{targets}/seccomp_wrap", "clone3", "38"), recorded=False),
    Case("without-mremap", ("{targets}/race_reuse", "{counts}"), recorded=False,
         through=("{targets}/seccomp_wrap", "mremap", "1")),
    Case("without-madvise", ("{targets}/fork_storm", "{counts}"), recorded=False,
         through=("{targets}/seccomp_wrap", "madvise", "22")),
    Case("realtime", ("taskset", "-c", "0", "chrt", "-f", "50", "{targets}/heap_plain", "{counts}",
                      "300000", "3"), status=3, needs=("realtime",), may_lose=True),
)
