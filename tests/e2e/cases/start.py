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
    Case("tls-destructors", ("{targets}/tls_destructors", "{counts}"),
         ground=Ground(extra_n=50, extra_bytes=50 * DTV_BYTES)),
    Case("tls-thread-local", ("{targets}/tls_thread_local",)),
    Case("tls-reserve", ("{targets}/tls_reserve", "{targets}/libstatic_tls_64.so",
                         "{targets}/libstatic_tls_512.so", "{targets}/libstatic_tls_4096.so")),
    Case("tls-reserve-large", ("{targets}/tls_reserve", "{targets}/libstatic_tls_1024.so")),
)
