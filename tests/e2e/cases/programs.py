# SPDX-License-Identifier: Apache-2.0
"""Real programs: same output and status bare and watched."""

CASES = ()
