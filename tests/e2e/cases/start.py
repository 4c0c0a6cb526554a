# SPDX-License-Identifier: Apache-2.0
"""Hazards A and B: the first and the last moments of a process, and thread-local state."""

from case import Case, Ground

# ld.so allocates a thread's dtv (272 bytes) and libc its stack's bookkeeping: by thread made.
DTV_BYTES = 400

CASES = (
    Case("start-preinit", ("{targets}/start_preinit", "{counts}"), ground=Ground()),
    Case("start-ifunc", ("{targets}/start_ifunc", "{counts}"),
         ground=Ground(extra_n=4, extra_bytes=101120, frees=False)),
    Case("start-constructor", ("{targets}/start_constructor", "{counts}"),
         ground=Ground(extra_n=1, extra_bytes=DTV_BYTES, oracle=False)),
    Case("end-destructor", ("{targets}/end_destructor", "{counts}"), ground=Ground()),
    Case("start-dlerror", ("{targets}/dl_error",)),
    Case("start-loader-lock", ("{targets}/dl_phdr_lock",), timeout_s=20),
    Case("start-no-heap", ("{targets}/no_heap",), status=3,
         exact={"alloc_n": 0, "alloc_bytes": 0, "free_n": 0}),
    Case("start-user-preload", ("{targets}/env_preload",),
         env={"LD_PRELOAD": "{targets}/libuser_preload.so"}),
    Case("start-audit", ("{targets}/heap_plain", "{counts}"),
         env={"LD_AUDIT": "{targets}/libaudit.so"}),
    Case("start-malloc-debug", ("{targets}/heap_plain", "{counts}"), ground=Ground(),
         env={"LD_PRELOAD": "libc_malloc_debug.so.0", "MALLOC_CHECK_": "3"}),
    Case("start-jemalloc", ("{targets}/race_reuse", "{counts}"), timeout_s=40,
         env={"LD_PRELOAD": "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"},
         needs=("file:/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",),
         ground=Ground(extra_n=40, extra_bytes=100000, frees=False)),
    Case("start-bind-now", ("{targets}/start_ifunc", "{counts}"), env={"LD_BIND_NOW": "1"}),
    Case("start-no-randomization", ("{targets}/race_reuse", "{counts}"),
         through=("setarch", "-R"), ground=Ground(extra_n=8, extra_bytes=8 * DTV_BYTES)),
    Case("start-legacy-layout", ("{targets}/race_reuse", "{counts}"),
         through=("setarch", "-L"), ground=Ground(extra_n=8, extra_bytes=8 * DTV_BYTES)),
    Case("start-unlimited-stack", ("{targets}/stack_deep", "{counts}"),
         through=("prlimit", "--stack=unlimited"), ground=Ground()),
    Case("start-address-sanitizer", ("{targets}/heap_address_sanitizer", "{counts}", "1000", "6"),
         status=6, recorded=False, needs=("target:heap_address_sanitizer",),
         env={"ASAN_OPTIONS": "detect_leaks=0"}),
    Case("start-thread-sanitizer", ("{targets}/heap_thread_sanitizer", "{counts}", "1000", "6"),
         status=6, recorded=False, needs=("target:heap_thread_sanitizer",)),
    Case("tls-destructors", ("{targets}/tls_destructors", "{counts}"),
         ground=Ground(extra_n=50, extra_bytes=50 * DTV_BYTES)),
    Case("tls-thread-local", ("{targets}/tls_thread_local",)),
    Case("tls-reserve", ("{targets}/tls_reserve", "{targets}/libstatic_tls_64.so",
                         "{targets}/libstatic_tls_512.so", "{targets}/libstatic_tls_4096.so")),
    Case("tls-reserve-large", ("{targets}/tls_reserve", "{targets}/libstatic_tls_1024.so")),
)
