# SPDX-License-Identifier: Apache-2.0
"""Hazards C: fork, exec, descriptors and the environment."""

from case import Case, Ground

THREAD = 400




CASES = (
    Case("fork-storm", ("{targets}/fork_storm", "{counts}"), timeout_s=40, processes=200,
         # A fork takes the other threads' calls with it; those are counted, not made twice.
         ground=Ground(extra_n=6, extra_bytes=6 * THREAD, frees=False,
                       oracle=False)),
    Case("fork-inherit", ("{targets}/fork_inherit", "{counts}"), processes=4,
         ground=Ground(frees=False, oracle=False)),
    Case("fork-vfork", ("{targets}/fork_vfork", "{counts}"), recorded=True,
         ground=Ground(extra_n=500, extra_bytes=200000, frees=False, oracle=False)),
    Case("fork-handler", ("{targets}/fork_handler",), timeout_s=30),
    Case("fd-numbers", ("{targets}/fd_numbers",)),
    Case("exec-chain", ("{targets}/exec_chain", "{counts}", "0"),
         env={"PATH": "{targets}:/usr/bin:/bin"},
         ground=Ground(extra_n=30, extra_bytes=30 * THREAD, frees=False, oracle=False)),
    Case("spawn-all", ("{targets}/spawn_all", "{counts}"),
         # The shells of system and popen allocate too.
         ground=Ground(extra_n=4000, extra_bytes=2000000, frees=False, oracle=False)),
    Case("env-print", ("{targets}/env_print",)),
    Case("env-print-user-preload", ("{targets}/env_print",),
         env={"LD_PRELOAD": "{targets}/libuser_preload.so", "ODD": "a=b c\t'\"\\"}),
    Case("ptrace-child", ("{targets}/trace_child", "{counts}"),
         ground=Ground(frees=False, oracle=False)),
)
