# SPDX-License-Identifier: Apache-2.0
"""Reads what memscope reports (-e json) into the few figures that the cases compare.

The only file of the suite that knows the names of the report's keys.
"""

import json
from dataclasses import dataclass

TOP_KEYS = ("session_id", "duration_ms", "strategy_used", "total_allocations", "peak_memory_mb",
            "data_size_bytes")
STRATEGIES = ("SingleThread", "ThreadLocal", "AsyncOptimized", "Hybrid", "Legacy")
# Of the report's "loss": what takes away from the figures. The others say how they came about.
LOSSES = ("events", "gap_ns", "abandoned_records", "unknown_stacks", "unmatched_reallocs")


class BadReport(Exception):
    """The report is missing, is no JSON, or lacks a promised key."""


@dataclass(frozen=True)
class Totals:
    alloc_n: int  # successful malloc-like calls and reallocs to a non-zero size
    alloc_bytes: int  # requested; a realloc counts its full new size
    free_n: int  # frees of live blocks, a realloc's old block included
    live_n: int
    unknown_free_n: int
    inherited_free_n: int
    process_n: int
    lost: dict


def counted(tree, path=""):
    """All numbers above zero below tree, by their dotted path."""
    found = {}
    if isinstance(tree, dict):
        for key, value in tree.items():
            found.update(counted(value, f"{path}.{key}" if path else key))
    elif isinstance(tree, list):
        for value in tree:
            found.update(counted(value, path))
    elif isinstance(tree, (int, float)) and not isinstance(tree, bool) and tree > 0:
        found[path] = found.get(path, 0) + tree
    return found


def read(path):
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise BadReport("no JSON report was written") from None
    except ValueError as error:
        raise BadReport(f"the JSON report does not parse: {error}") from None
    missing = [key for key in TOP_KEYS if key not in document]
    if missing:
        raise BadReport(f"the JSON report lacks {', '.join(missing)}")
    if document["strategy_used"] not in STRATEGIES:
        raise BadReport(f"strategy_used is {document['strategy_used']!r}")
    return document


def stack_of(document, site):
    """The site's frames, innermost first; sites name them by their place in one table."""
    return [document["frames"][index] for index in site["stack"]]


def totals(document):
    """Canonical totals: valgrind's way of counting, whatever the report calls its keys."""
    try:
        sums = document["totals"]
        return Totals(
            alloc_n=document["total_allocations"],
            alloc_bytes=sums["allocated_bytes"],
            free_n=sums["frees"],
            live_n=sums["end_live_blocks"],
            unknown_free_n=sums["unknown_frees"],
            inherited_free_n=sums["inherited_frees"],
            process_n=len(document["processes"]),
            lost={name: n for name, n in counted(document["loss"]).items() if name in LOSSES})
    except (KeyError, TypeError) as error:
        raise BadReport(f"the JSON report lacks {error}") from None
