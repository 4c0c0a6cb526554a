# SPDX-License-Identifier: Apache-2.0
"""All cases, by the letters of the hazards; the real programs come last."""

from cases import (allocators, api, command_line, death, forks, heap, limits, loading, memory, performance,
                   places, programs, resident, rust_trees, signals, stacks, start, trees)

PARTS = (start, heap, memory, resident, allocators, forks, trees, rust_trees, signals, stacks, death, limits,
         loading, places, api, performance, command_line, programs)


def everything():
    cases = [case for part in PARTS for case in part.CASES]
    names = [case.name for case in cases]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"two cases of one name: {', '.join(sorted(twice))}")
    return cases
