# SPDX-License-Identifier: Apache-2.0
"""Hazards F: signals through heap calls, and signals sent to the one who started the program."""

import os
import signal

from case import Case, Ground


def send(number, whole_group):
    """Sends number to the process that the runner started, or to its whole group (Ctrl-C)."""
    def drive(running):
        if not running.wait_for(b"ready\n"):
            return
        if whole_group:
            os.killpg(running.process.pid, number)
        else:
            running.process.send_signal(number)
    return drive


def send_cases():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2,
                   signal.SIGQUIT, signal.SIGWINCH):
        group = number in (signal.SIGINT, signal.SIGQUIT)
        where = "group" if group else "wrapper"
        yield Case(f"signal-{where}-{number.name}", ("{targets}/signal_wait",), status=3,
                   drive=send(number, group), timeout_s=10, modes=("",))
    yield Case("signal-wrapper-dies-SIGTERM", ("{targets}/signal_wait", "die"), timeout_s=10,
               status=-signal.SIGTERM, drive=send(signal.SIGTERM, False), modes=("",))
    yield Case("signal-group-dies-SIGINT", ("{targets}/signal_wait", "die"), timeout_s=10,
               status=-signal.SIGINT, drive=send(signal.SIGINT, True), modes=("",))


CASES = (
    Case("signal-storm", ("{targets}/signal_storm", "{counts}"), timeout_s=40,
         ground=Ground(extra_n=3, extra_bytes=1200)),
    Case("signal-storm-own", ("{targets}/signal_storm_own", "{counts}"), timeout_s=40,
         ground=Ground(extra_n=3, extra_bytes=1200)),
    Case("signal-jump", ("{targets}/signal_jump_own", "{counts}"), timeout_s=40, may_lose=True),
    Case("signal-state", ("{targets}/signal_state",)),
    Case("signal-overflow", ("{targets}/signal_overflow", "{counts}"), status=-signal.SIGSEGV,
         ground=Ground(extra_n=1, extra_bytes=100000)),
    Case("cancel-deferred", ("{targets}/cancel", "deferred", "{counts}"), timeout_s=40,
         ground=Ground(extra_n=200, extra_bytes=200 * 400)),
    Case("cancel-async", ("{targets}/cancel_own", "async", "{counts}"), timeout_s=40,
         may_lose=True),
) + tuple(send_cases())
