# SPDX-License-Identifier: Apache-2.0
"""Hazards G: stacks of any size and shape, and threads in any number."""

from case import Case, Ground

CASES = (
    Case("stack-garbage", ("{targets}/stack_garbage", "{counts}"), ground=Ground()),
    Case("stack-small", ("{targets}/stack_small", "{counts}"),
         ground=Ground(extra_n=200, extra_bytes=200 * 400)),
    Case("stack-coroutine", ("{targets}/stack_coroutine", "{counts}"), ground=Ground()),
    Case("stack-exception", ("{targets}/stack_exception",)),
    Case("stack-deep", ("{targets}/stack_deep", "{counts}"), ground=Ground()),
    Case("stack-jit", ("{targets}/stack_jit", "{counts}"), ground=Ground()),
    Case("threads-raw", ("{targets}/clone_raw", "{counts}"),
         ground=Ground(extra_n=30, extra_bytes=20000)),
    Case("threads-2000-at-once", ("{targets}/threads_many", "{counts}", "many", "2000"),
         timeout_s=40, ground=Ground(extra_n=2000, extra_bytes=2000 * 400)),
    Case("threads-4000-short", ("{targets}/threads_many", "{counts}", "churn", "4000"),
         timeout_s=40, ground=Ground(extra_n=4000, extra_bytes=4000 * 400)),
)
