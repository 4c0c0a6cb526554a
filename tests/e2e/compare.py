# SPDX-License-Identifier: Apache-2.0
"""Judges a watched run against the bare one and the report against the ground truth."""

import signal
import struct

import recording

GROUND_FIELDS = ("alloc_n", "alloc_bytes", "free_n", "realloc_n")

# What an open call may leave uncommitted: its event and the stack before it.
SLOTS_PER_CALL = 16


def ground_counts(page):
    return dict(zip(GROUND_FIELDS, struct.unpack_from("<4Q", page)))


def status_name(status):
    if status is not None and status < 0:
        return signal.Signals(-status).name
    return str(status)


def shortened(data):
    text = repr(data)[1:]
    return text if len(text) <= 300 else text[:140] + " … " + text[-140:]


def first_difference(bare, watched):
    bare_lines, watched_lines = bare.split(b"\n"), watched.split(b"\n")
    for number, (left, right) in enumerate(zip(bare_lines, watched_lines), 1):
        if left != right:
            return f"line {number}: bare {shortened(left)}, watched {shortened(right)}"
    return (f"bare has {len(bare_lines)} lines, watched {len(watched_lines)}: "
            f"{shortened((bare_lines + watched_lines)[min(len(bare_lines), len(watched_lines))])}")


def bare_faults(case, bare):
    """The target itself is wrong, or this machine is not what the case expects."""
    if bare.timed_out:
        return [f"bare: no end after {case.timeout_s:g} s"]
    faults = []
    if case.status is not None and bare.status != case.status:
        faults.append(f"bare: status {status_name(bare.status)}, expected "
                      f"{status_name(case.status)}; stdout {shortened(bare.stdout)} stderr "
                      f"{shortened(bare.stderr)}")
    if case.stdout is not None and bare.stdout != case.stdout:
        faults.append(f"bare: stdout {shortened(bare.stdout)}")
    return faults


def own_lines_off(stderr):
    """Without memscope's messages, and without its summary, which is the last thing said."""
    kept = []
    for line in stderr.splitlines(keepends=True):
        if line.startswith(b"memscope  "):
            break
        if not line.startswith(b"memscope: "):
            kept.append(line)
    return b"".join(kept)


def outside_faults(case, bare, watched):
    """Anything that the program's user could have noticed."""
    if watched.timed_out:
        return [f"no end after {case.timeout_s * 2:g} s (bare {bare.seconds:.2f} s); stdout "
                f"{shortened(watched.stdout)} stderr {shortened(watched.stderr)}"]
    clean = case.clean or (lambda data: data)
    faults = []
    if watched.status != bare.status:
        faults.append(f"status {status_name(watched.status)}, bare {status_name(bare.status)}; "
                      f"stderr {shortened(watched.stderr)}")
    if clean(watched.stdout) != clean(bare.stdout):
        faults.append("stdout: " + first_difference(clean(bare.stdout), clean(watched.stdout)))
    stderr = watched.stderr if case.quiet else own_lines_off(watched.stderr)
    if clean(stderr) != clean(bare.stderr):
        faults.append("stderr: " + first_difference(clean(bare.stderr), clean(stderr)))
    if watched.leftovers and not case.leaves:
        faults.append("left running: " + "; ".join(watched.leftovers))
    return faults


def between(name, seen, low, high):
    if low <= seen <= high:
        return []
    expected = str(low) if low == high else f"{low}…{high}"
    return [f"{name}: reported {seen}, expected {expected}"]


def ground_faults(ground, counts, seen):
    """Nothing that the target counted may be missing; beyond it only what libc made."""
    low_n = counts["alloc_n"] + counts["realloc_n"]
    faults = between("allocations", seen.alloc_n, low_n, low_n + ground.extra_n + ground.in_flight)
    if not ground.in_flight:
        faults += between("bytes", seen.alloc_bytes, counts["alloc_bytes"],
                          counts["alloc_bytes"] + ground.extra_bytes)
    if ground.frees:
        low_free = counts["free_n"] + counts["realloc_n"]
        faults += between("frees", seen.free_n, low_free,
                          low_free + ground.extra_n + ground.in_flight)
    return faults


def oracle_faults(usage, seen, within):
    faults = []
    for name in ("alloc_n", "alloc_bytes", "free_n"):
        expected = getattr(usage, name)
        slack = int(expected * within)
        faults += between(f"{name} (oracle: valgrind)", getattr(seen, name), expected - slack,
                          expected + slack)
    return faults


def ground_totals(page):
    """The page as totals: what a target says of itself, to be held against valgrind."""
    counts = ground_counts(page)
    return recording.Totals(counts["alloc_n"] + counts["realloc_n"], counts["alloc_bytes"],
                            counts["free_n"] + counts["realloc_n"], 0, 0, 0, 1, {})


def report_faults(case, counts_page, path, usage=None):
    try:
        document = recording.read(path)
        seen = recording.totals(document)
    except recording.BadReport as error:
        return [str(error)]
    faults = []
    lost = dict(seen.lost)
    in_flight = case.ground.in_flight if case.ground else 0
    if lost.get("abandoned_records", 0) <= in_flight * SLOTS_PER_CALL:
        lost.pop("abandoned_records", None)  # a death in the midst of a call leaves its slots open
    if case.crowded:
        lost.pop("unknown_stacks", None)
    if case.recorded and lost and not case.may_lose:
        faults.append(f"loss: {lost}")
    if case.ground:
        counts = ground_counts(counts_page)
        faults += ground_faults(case.ground, counts, seen)
        if seen.unknown_free_n and not case.may_lose:
            faults.append(f"unknown frees: {seen.unknown_free_n}")
    if usage:
        faults += oracle_faults(usage, seen, case.within)
    for name, value in (case.exact or {}).items():
        faults += between(name, getattr(seen, name), value, value)
    if case.processes is not None and seen.process_n < case.processes:
        faults.append(f"processes: reported {seen.process_n}, expected {case.processes}")
    return faults
