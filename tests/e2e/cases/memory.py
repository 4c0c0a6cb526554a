# SPDX-License-Identifier: Apache-2.0
"""Memory that is not malloc's: mappings, allocators of the program's own, resident memory, leaks
that are not spoken of."""

import json
import re
import struct
import subprocess

from case import Case, Ground
from compare import between

GROUND_BYTES = 64  # struct ground; the target's own figures lie behind it
PYTHON = ("/usr/bin/python3", "-S", "-s")
# With as much mapped as arenas would be, so that what is mapped alone cannot tell.
SMALL_OBJECTS = ("import mmap, time; own = mmap.mmap(-1, 32 << 20); own.write(bytes(32 << 20)); "
                 "kept = [str(i) for i in range(500000)]; time.sleep(0.5); "
                 "print(len(kept))")
STATUS_KEPT = "open('status', 'w').write(open('/proc/self/status').read())"


def report(work):
    return json.loads((work.out / "r.json").read_bytes())


def mapped_is(peak):
    """The report's `mapped` must be what the target counted; the peak where one thread maps."""
    def judge(_bare, watched, work):
        words = struct.unpack_from("<4Q", watched.counts, GROUND_BYTES)
        counted = dict(zip(("calls", "mapped_bytes", "peak_bytes", "end_bytes"), words))
        seen = report(work)["mapped"]
        faults = ["the target mapped nothing"] if counted["calls"] < 10 else []
        for name, value in counted.items():
            if name != "peak_bytes" or peak:
                faults += between(f"mapped.{name}", seen[name], value, value)
        for name in ("calls", "mapped_bytes", "end_bytes"):
            faults += between(f"sum of mapped.sites[].{name}",
                              sum(site[name] for site in seen["sites"]), seen[name], seen[name])
        return faults
    return judge


def notices_are(*kinds, without=()):
    def judge(_bare, _watched, work):
        seen = [notice["kind"] for notice in report(work)["notices"]]
        return ([f"no notice {kind!r}, only {seen}" for kind in kinds if kind not in seen] +
                [f"a notice {kind!r}" for kind in without if kind in seen])
    return judge


def all_of(*judges):
    def judge(bare, watched, work):
        return [fault for one in judges for fault in one(bare, watched, work)]
    return judge


def allocator_is(how, *names):
    def judge(_bare, _watched, work):
        seen = [(process["allocator"], process["allocator_is"])
                for process in report(work)["processes"]]
        return [] if len(seen) == 1 and seen[0][0] in names and seen[0][1] == how else [
            f"allocator {seen}, expected {how}, one of {names}"]
    return judge


def summary_names(*names, without=()):
    """What the summary calls the sites: the program's functions, none of the allocator's."""
    def judge(_bare, watched, _work):
        said = watched.stderr.decode("utf-8", "replace")
        return ([f"the summary lacks {name!r}" for name in names if name not in said] +
                [f"the summary names {name!r}" for name in without if name in said])
    return judge


def resident_is_explained(*least):
    """Peak and parts against VmHWM of the program's own /proc/self/status; 5 % to either side.

    `least` are pairs: a part, and what the program is known to have touched of it.
    """
    def judge(_bare, _watched, work):
        status = (work.run / "status").read_text(encoding="ascii")
        high = int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) * 1024
        seen = report(work)["rss"]
        parts = sum(value for name, value in seen.items()
                    if name not in ("peak_bytes", "at_ns", "other_bytes"))
        low, top = int(high * 0.95), int(high * 1.05)
        faults = between("rss.peak_bytes (oracle: VmHWM)", seen["peak_bytes"], low, top)
        faults += between("sum of the parts of rss (oracle: VmHWM)", parts, low, top)
        for name, value in least:
            faults += between(f"rss.{name}", seen[name], int(value * 0.95), int(value * 1.05))
        return faults + ([f"all of rss: {seen}"] if faults else [])
    return judge


def suppressed(name, rules, hits, leaked):
    """`report` and `check` with rules: hits are (blocks, bytes) of each, in the file's order."""
    def judge(_bare, _watched, work):
        words = ("--suppressions", str(work.run / "rules"), str(work.out / "r.mscope"))
        again = work.out / "again.json"
        (work.run / "rules").write_text("# rules\n\n" + "".join(
            f"leak:{rule}\n" for rule in rules), encoding="ascii")
        made = subprocess.run([work.memscope, "report", "-q", *words, "-e", "json", "-o", again],
                              capture_output=True, check=False)
        if made.returncode:
            return [f"report: status {made.returncode}, {made.stderr!r}"]
        seen = [(rule["pattern"], rule["blocks"], rule["bytes"])
                for rule in json.loads(again.read_bytes())["suppressions"]]
        expected = [(rule, *hit) for rule, hit in zip(rules, hits)]
        faults = [] if seen == expected else [f"suppressions {seen}, expected {expected}"]
        for limit, status in ((f"leaked=={leaked}", 0), (f"leaked=={leaked + 1}", 1),
                              ("leaked==0", int(leaked > 0))):
            got = subprocess.run([work.memscope, "check", *words, limit], capture_output=True,
                                 check=False)
            if got.returncode != status:
                faults.append(f"check {limit}: status {got.returncode}, expected {status}; "
                              f"{got.stdout!r} {got.stderr!r}")
        return faults
    return Case("suppressions-" + name, ("{targets}/leaks_named", "{counts}"), modes=("",),
                ground=Ground(), judge=judge)


def python_pool(name, env, judge):
    return Case("notice-python-" + name, (*PYTHON, "-c", SMALL_OBJECTS), env=env, judge=judge,
                needs=("file:/usr/bin/python3",), stdout=b"500000\n", modes=("",))


CASES = (
    Case("mapped-each-kind", ("{targets}/mapped", "{counts}"), judge=mapped_is(peak=True),
         ground=Ground(oracle=False), processes=2),
    Case("mapped-threads", ("{targets}/mapped", "{counts}", "threads"),
         judge=mapped_is(peak=False), ground=Ground(extra_n=8, extra_bytes=8 * 400, oracle=False)),
    Case("jemalloc-static", ("{targets}/heap_jemalloc_static", "{counts}", "20000", "5"), status=5,
         needs=("target:heap_jemalloc_static",), ground=Ground(oracle=False), quiet=False,
         judge=all_of(notices_are(without=("unseen-allocator",)),
                      allocator_is("recorded", "jemalloc"),
                      summary_names("ground_malloc", "ground_realloc", without=("rallocx",)))),
    # So short that the recorder may not have looked at it: then the allocator has no name.
    Case("jemalloc-static-stripped", ("{targets}/heap_jemalloc_stripped", "{counts}", "1000", "5"),
         status=5, needs=("target:heap_jemalloc_stripped",), quiet=False, recorded=False,
         exact={"alloc_n": 0}, judge=all_of(notices_are("unseen-allocator"),
                                            allocator_is("unseen", "jemalloc", "an allocator"))),
    python_pool("arenas", {}, notices_are("arenas")),
    python_pool("malloc", {"PYTHONMALLOC": "malloc"}, notices_are(without=("arenas", "pymalloc"))),
    suppressed("none", (), (), 4050),
    suppressed("some", ("lose_alpha", "no_such_place", "^lose_b*$"),
               ((10, 1000), (0, 0), (3, 3000)), 50),
    suppressed("first-counts", ("lose_*", "lose_beta"), ((14, 4050), (0, 0)), 0),
    suppressed("by-file", ("leaks_named.c$",), ((14, 4050),), 0),
    Case("resident-heap-and-mapping", ("{targets}/resident", "status"), modes=("",),
         judge=resident_is_explained(("heap_bytes", 240 * (100 << 10)),
                                     ("mapped_bytes", 16 << 20))),
    Case("resident-python3", (*PYTHON, "-c", SMALL_OBJECTS + "; " + STATUS_KEPT), modes=("",),
         needs=("file:/usr/bin/python3",), judge=resident_is_explained()),
    Case("resident-perl", ("/usr/bin/perl", "-e", "my @kept = map { 'x' x 50 . $_ } 1 .. 200000; "
                           "select(undef, undef, undef, 0.5); open(my $from, '<', "
                           "'/proc/self/status'); open(my $to, '>', 'status'); "
                           "print {$to} <$from>; close $to;"), modes=("",),
         needs=("file:/usr/bin/perl",), judge=resident_is_explained()),
)
