# SPDX-License-Identifier: Apache-2.0
"""Hazards C: fork, exec, descriptors and the environment."""

from case import Case, Ground
from oracle_strace import traced

THREAD = 400
# The program that starts ours has blocks of its own; whether they are recorded is not judged here.
BY_OTHERS = Ground(extra_n=1000, extra_bytes=1000000, frees=False, oracle=False)


CASES = (
    Case("fork-storm", ("{targets}/fork_storm", "{counts}"), timeout_s=40, processes=200,
         # A fork takes the other threads' calls with it; those are counted, not made twice.
         ground=Ground(extra_n=6, extra_bytes=6 * THREAD, frees=False,
                       oracle=False)),
    Case("fork-exec-storm", ("{targets}/fork_storm", "{counts}", "exec"), timeout_s=60,
         crowded=True,
         # The shells allocate too.
         ground=Ground(extra_n=60000, extra_bytes=60000000, frees=False, oracle=False)),
    Case("fork-inherit", ("{targets}/fork_inherit", "{counts}"), processes=4,
         ground=Ground(frees=False, oracle=False)),
    Case("fork-vfork", ("{targets}/fork_vfork", "{counts}"), recorded=True,
         ground=Ground(extra_n=500, extra_bytes=200000, frees=False, oracle=False)),
    Case("fork-handler", ("{targets}/fork_handler",), timeout_s=30),
    Case("fd-numbers", ("{targets}/fd_numbers",)),
    traced(Case("exec-chain", ("{targets}/exec_chain", "{counts}", "0"),
         env={"PATH": "{targets}:/usr/bin:/bin"},
         ground=Ground(extra_n=30, extra_bytes=30 * THREAD, frees=False, oracle=False))),
    traced(Case("spawn-all", ("{targets}/spawn_all", "{counts}"),
         # The shells of system and popen allocate too.
         ground=Ground(extra_n=4000, extra_bytes=2000000, frees=False, oracle=False))),
    Case("env-print", ("{targets}/env_print",)),
    Case("env-print-user-preload", ("{targets}/env_print",),
         env={"LD_PRELOAD": "{targets}/libuser_preload.so", "ODD": "a=b c\t'\"\\"}),
    Case("env-huge", ("{targets}/env_huge",)),
    traced(Case("daemon", ("{targets}/daemon", "{counts}", "300"), status=2, leaves=True,
         options=("--wait",),
         ground=Ground(frees=False, oracle=False), processes=3)),
    Case("daemon-no-wait", ("{targets}/daemon", "{counts}", "300"), status=2, leaves=True,
         recorded=False),
    Case("processes-short", ("sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do for j in 1 2 3 4 5 6 7 "
                             "8 9 10; do {targets}/heap_plain {counts} $i$j >/dev/null; done; "
                             "done"), processes=100, ground=BY_OTHERS),
    Case("under-env", ("env", "-i", "A=b", "{targets}/heap_plain", "{counts}", "1000", "3"),
         status=3, ground=BY_OTHERS),
    Case("under-timeout", ("timeout", "10", "{targets}/heap_plain", "{counts}", "1000", "3"),
         status=3, ground=BY_OTHERS),
    Case("under-setsid", ("setsid", "-w", "{targets}/heap_plain", "{counts}", "1000", "3"),
         status=3, ground=BY_OTHERS),
    Case("under-nice", ("nice", "-n", "5", "{targets}/signal_state",)),
    Case("under-stdbuf", ("stdbuf", "-o0", "{targets}/env_print",)),
    Case("under-nohup", ("nohup", "{targets}/heap_plain", "{counts}", "1000", "3"),
         status=3, ground=BY_OTHERS),
    Case("under-xargs", ("xargs", "-n1", "{targets}/heap_plain", "{counts}"), stdin=b"10\n20\n30\n",
         ground=BY_OTHERS),
    Case("ptrace-child", ("{targets}/trace_child", "{counts}"),
         ground=Ground(frees=False, oracle=False)),
)
