# SPDX-License-Identifier: Apache-2.0
"""What the report says of places: functions, lines, stacks and figures of each site."""

import json
import subprocess

import recording
from case import Case

EVIL = ("</script><script>alert(1)</script>", "__proto__",
        "=cmd|' /C calc'!A0;folded;\x1b[31mred")


def document_of(work):
    return json.loads((work.out / "r.json").read_bytes())


def golden(work):
    return json.loads((work.source / "tests" / "golden" / "sites.json").read_bytes())


def marked_lines(work):
    """The line of each `site: NAME` in the target's text."""
    text = (work.source / "tests" / "targets" / "sites.c").read_text(encoding="utf-8")
    return {line.partition("site: ")[2].split()[0]: number
            for number, line in enumerate(text.splitlines(), 1)
            if "site: " in line and "NAME" not in line}


def key_of(stack):
    """The functions from the allocation up to main, and the line of the first."""
    names = [frame.get("function", "") for frame in stack]
    end = names.index("main") + 1 if "main" in names else len(names)
    return tuple(names[:end]), stack[0].get("line", 0) if names else 0


def sites_agree(_bare, _watched, work):
    expected, seen = golden(work), document_of(work)
    stacks = [recording.stack_of(seen, site) for site in seen["sites"]]
    nameless = [stack for stack in stacks if not stack or "line" not in stack[0]]
    if nameless:
        return [f"{len(nameless)} of {len(stacks)} sites have no function and line"]
    faults = [f"totals.{key}: reported {seen['totals'].get(key)}, expected {value}"
              for key, value in expected["totals"].items() if seen["totals"].get(key) != value]
    lines = marked_lines(work)
    found = {key_of(stack): site for stack, site in zip(stacks, seen["sites"])}
    if len(seen["sites"]) != len(expected["sites"]):
        faults.append(f"{len(seen['sites'])} sites, expected {len(expected['sites'])}")
    for site in expected["sites"]:
        key = tuple(site["stack"]), lines[site["mark"]]
        if key not in found:
            faults.append(f"no site {site['mark']} with stack {key}; there are {sorted(found)}")
            continue
        faults += [f"site {site['mark']} of {site['stack'][1]}: {name} {found[key].get(name)}, "
                   f"expected {value}" for name, value in site.items()
                   if name not in ("mark", "stack") and found[key].get(name) != value]
    return faults


def names_whole(_bare, _watched, work):
    """Every name arrives as it is, whatever it looks like."""
    seen = document_of(work)
    # The compiler quotes such names in DWARF.
    names = {frame.get("function", "").strip('"') for frame in seen["frames"]}
    return [f"no function {name!r} in any stack" for name in EVIL if name not in names]


def report_again(_bare, _watched, work):
    """The recording, read later, says what was said at the end of the run."""
    path = work.out / "again.json"
    done = subprocess.run([work.memscope, "report", "-q", "-e", "json", "-o", path,
                           work.out / "r.mscope"], stdin=subprocess.DEVNULL, timeout=30,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode or done.stdout:
        return [f"memscope report: status {done.returncode}, {done.stdout[:300]!r}"]
    first, again = document_of(work), json.loads(path.read_bytes())
    return [f"{key} differs in the report read later" for key in
            ("session_id", "total_allocations", "totals", "loss", "processes", "threads", "sites",
             "functions", "leaks", "frames") if first[key] != again.get(key)]


CASES = (
    Case("report-again", ("{targets}/heap_plain", "{counts}", "20000"), judge=report_again),
    Case("report-again-tree", ("{targets}/fork_inherit", "{counts}"), judge=report_again),
    Case("report-again-threads", ("{targets}/tls_thread_local",), judge=report_again),
    Case("sites", ("{targets}/sites",), judge=sites_agree),
    Case("names", ("{targets}/names",), judge=names_whole),
)
