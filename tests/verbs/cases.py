# SPDX-License-Identifier: Apache-2.0
"""One function for each thing that must hold of a verb at the command line; it asserts, or returns
why it was skipped. What is expected comes from the sizes that program.c allocates."""

import html.parser
import json
import os
import pathlib
import re
import signal
import stat
import struct
import subprocess
import xml.etree.ElementTree

from bench import columns

USED_N, USED_BYTES, LEAKED_BYTES = 400, 250, 1000
FEW, MANY = 100, 160
MORE_BYTES = (MANY - FEW) * LEAKED_BYTES
LEAKER = "verbs_forget"


def peak(leaked):
    return leaked * LEAKED_BYTES + USED_N * USED_BYTES


class Outline(html.parser.HTMLParser):
    """Fails where elements are not closed in their order; keeps the cells of each table row."""

    VOID = {"meta", "link", "br", "hr", "img", "input", "col"}

    def __init__(self, text):
        super().__init__()
        self.open, self.rows = [], []
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append([dict(attrs).get("title"), ""])

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th") and self.rows:
            self.rows[-1][-1][1] += data


def is_report_page(path):
    page = path.read_text()
    assert page.lower().startswith("<!doctype html>") and page.rstrip().endswith("</html>"), page[:99]
    assert "@@ms:" not in page, "a mark of the template was left"
    assert LEAKER in columns(page)["str"], "the leaking function is not in the page's data"


def view_writes_beside_the_recording(bench):
    folder = bench.folder()
    copy = folder / "one.mscope"
    copy.write_bytes(bench.recording("leak", FEW).read_bytes())
    status, out, err = bench.call("view", copy)
    assert status == 0 and out.strip() == str(folder / "one.html"), (status, out, err)
    is_report_page(folder / "one.html")
    assert sorted(file.name for file in folder.iterdir()) == ["one.html", "one.mscope"]


def view_writes_where_told(bench):
    recording, folder = bench.recording("leak", FEW), bench.folder()
    status, out, err = bench.call("view", "-o", folder / "page", recording)
    assert status == 0 and out.strip() == str(folder / "page"), (status, out, err)
    is_report_page(folder / "page")
    assert not recording.with_suffix(".html").exists(), "a second page was written"
    status, out, _ = bench.call("view", "-q", "-o", folder / "quiet.html", recording)
    assert status == 0 and out == "", out
    status, out, _ = bench.call("view", "-o", "-", recording)
    assert status == 0 and out == (folder / "quiet.html").read_text()


def view_opens_on_a_desktop_only(bench):
    """The opener is a script of ours that notes its words; it stands first in PATH."""
    recording, folder = bench.recording("leak", FEW), bench.folder()
    opener, page = folder / "xdg-open", folder / "page.html"
    opener.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{folder}/opened\n')
    opener.chmod(0o755)
    path = {"PATH": f"{folder}:{bench.env['PATH']}"}
    assert bench.call("view", "-o", page, recording, env=path)[0] == 0
    desktop = {**path, "DISPLAY": ":99"}
    assert bench.call("view", "--no-open", "-o", page, recording, env=desktop)[0] == 0
    assert not (folder / "opened").exists(), "opened without a desktop, or against --no-open"
    assert bench.call("view", "-o", page, recording, env=desktop)[0] == 0
    assert (folder / "opened").read_text() == f"{page}\n"


def view_says_what_is_missing(bench):
    folder = bench.folder()
    assert "absent.mscope" in bench.fails("view", folder / "absent.mscope")
    assert not list(folder.iterdir()), "a page of nothing was written"
    (folder / "text.mscope").write_text("this is no recording\n")
    assert "text.mscope" in bench.fails("view", folder / "text.mscope")
    bench.fails("view", "-o", folder / "none" / "page.html", bench.recording("leak", FEW))


def pair(bench):
    return bench.recording("leak", FEW), bench.recording("leak", MANY)


def compare_names_the_leaker(bench):
    for verb in ("compare", "diff"):
        status, out, err = bench.call(verb, *pair(bench), env={"LC_ALL": "C"})
        assert status == 0, err
        totals = [line for line in out.splitlines() if line.strip().startswith("never freed")]
        change = f"+{MORE_BYTES / 1024:.1f} KiB"
        assert len(totals) == 1 and change in totals[0] and "+60.0 %" in totals[0], out
        rows = [line for line in out.splitlines() if LEAKER in line]
        assert rows and change in rows[0], out
        assert "verbs_use" not in out, "what did not change is listed:\n" + out


def compare_in_json(bench):
    status, out, err = bench.call("compare", "-e", "json", *pair(bench))
    assert status == 0, err
    document = json.loads(out)
    for side, leaked in (("before", FEW), ("after", MANY)):
        seen = document[side]
        assert seen["leaked_bytes"] == leaked * LEAKED_BYTES, seen
        assert seen["leaked_blocks"] == leaked and seen["peak_bytes"] == peak(leaked), seen
        assert seen["allocations"] == leaked + USED_N, seen
    rows = [row for row in document["functions"] if LEAKER in row["function"]]
    assert len(rows) == 1, document["functions"]
    assert rows[0]["after"]["leaked_bytes"] - rows[0]["before"]["leaked_bytes"] == MORE_BYTES, rows
    backwards = json.loads(bench.call("compare", "--json", *reversed(pair(bench)))[1])
    assert backwards["before"] == document["after"] and backwards["after"] == document["before"]


def compare_as_a_page(bench):
    folder = bench.folder()
    for words in (("-e", "html", "-o", folder / "a.html"), ("-o", folder / "b.html")):
        status, out, err = bench.call("compare", *words, *pair(bench))
        assert status == 0 and out == "", (out, err)
    page = (folder / "a.html").read_text()
    assert page == (folder / "b.html").read_text()
    rows = {}
    for row in Outline(page).rows:
        rows.setdefault(row[0][1], [cell[0] for cell in row[1:4]])
    exact = [str(FEW * LEAKED_BYTES), str(MANY * LEAKED_BYTES), f"+{MORE_BYTES}"]
    assert rows["never freed"] == exact, rows
    assert [cells for name, cells in rows.items() if LEAKER in name] == [exact], rows


def compare_says_what_is_missing(bench):
    folder, recording = bench.folder(), bench.recording("leak", FEW)
    for words in ((folder / "absent.mscope", recording), (recording, folder / "absent.mscope")):
        assert "absent.mscope" in bench.fails("compare", *words)
    assert "svg" in bench.fails("compare", "-e", "svg", *pair(bench))


def verdict(bench, words, status):
    """check of these words ends with this status; its output."""
    seen, out, err = bench.call("check", *words)
    assert seen == status, f"check {words} ended with {seen}, not {status}: {out}{err}"
    return out


def check_gates_leaks(bench):
    out = verdict(bench, (bench.recording("leak", FEW), "leaked==0"), 1)
    assert out.startswith("FAIL") and len(out.splitlines()) == 1, out
    out = verdict(bench, (bench.recording("clean"), "leaked==0"), 0)
    assert out.startswith("ok"), out
    assert verdict(bench, ("-q", bench.recording("leak", FEW), "leaked==0"), 1) == ""


def check_counts_exactly(bench):
    """Each metric holds at its own figure and fails one beside it."""
    recording, function = bench.recording("leak", FEW), "@" + LEAKER
    figures = {"leaked": FEW * LEAKED_BYTES, "blocks": FEW, "peak": peak(FEW),
               "allocated": peak(FEW), "allocations": FEW + USED_N,
               "leaked" + function: FEW * LEAKED_BYTES, "allocations" + function: FEW,
               "allocations@verbs_use": USED_N, "leaked@verbs_use": 0}
    for metric, value in figures.items():
        verdict(bench, (recording, f"{metric}=={value}"), 0)
        verdict(bench, (recording, f"{metric}!={value}"), 1)
        verdict(bench, (recording, f"{metric}<{value + 1},{metric}>={value}"), 0)
        verdict(bench, (recording, f"{metric}<={value},{metric}>{value}"), 1)
    verdict(bench, (recording, f"allocations{function}<1000"), 0)
    verdict(bench, (recording, f"allocations{function}<{FEW}"), 1)
    verdict(bench, (recording, "leaked<=100kB", "leaked>97KiB"), 0)


def check_says_what_the_recording_lacks(bench):
    """Limits hold too easily where figures are estimates; of a complete recording nothing is said."""
    path = bench.folder() / "sampled.mscope"
    status, _, err = bench.call("run", "-q", "--sample-rate", "0.01", "-o", path, "--",
                                bench.program, "leak", FEW)
    assert status == 0, err
    for words, said in (((path,), True), ((bench.recording("leak", FEW),), False),
                        (("-q", path), False)):
        _, _, err = bench.call("check", *words, "leaked<1GB")
        assert ("sampled" in err) == said and bool(err) == said, (words, err)


def check_against_a_baseline(bench):
    """The peaks of the two runs lie 30 % apart."""
    few, many = pair(bench)
    assert peak(MANY) * 100 == peak(FEW) * 130
    baseline = bench.folder() / "baseline"
    limit = f"allocations@{LEAKER}<1000"
    verdict(bench, ("--write-baseline", baseline, few, limit), 0)
    lines = [line.rsplit(" ", 1) for line in baseline.read_text().splitlines() if line[0] != "#"]
    seen = {subject: int(value) for subject, value in lines}
    assert seen["peak"] == peak(FEW) and seen["leaked"] == FEW * LEAKED_BYTES, seen
    assert seen[f"allocations@{LEAKER}"] == FEW, seen
    for limit, status in (("peak>+5%", 1), ("peak<=+5%", 1), ("peak<=+29%", 1), ("peak<=+30%", 0),
                          ("leaked<=+59%", 1), ("leaked<=+60%", 0),
                          (f"allocations@{LEAKER}<=+60%", 0), (f"allocations@{LEAKER}<=+59%", 1)):
        verdict(bench, ("--baseline", baseline, many, limit), status)
        verdict(bench, ("--baseline", baseline, few, limit), 0)
    out = verdict(bench, ("--baseline", baseline, few, "blocks@verbs_use<=+5%"), 1)
    assert "no figure in the baseline" in out, out


def check_writes_junit(bench):
    recording, path = bench.recording("leak", FEW), bench.folder() / "junit.xml"
    verdict(bench, ("--junit", path, recording, "leaked==0", "peak<1GB", "blocks<5"), 1)
    suites = xml.etree.ElementTree.parse(path).getroot()
    suite = suites.find("testsuite")
    assert suites.tag == "testsuites" and suite.attrib["tests"] == "3", suite.attrib
    assert suite.attrib["failures"] == "2", suite.attrib
    failed = {case.attrib["name"]: case.find("failure") for case in suite.findall("testcase")}
    assert list(failed) == ["leaked==0", "peak<1GB", "blocks<5"] and failed["peak<1GB"] is None
    assert str(FEW) in failed["blocks<5"].attrib["message"], failed["blocks<5"].attrib
    verdict(bench, ("--junit", path, bench.recording("clean"), "leaked==0"), 0)
    suite = xml.etree.ElementTree.parse(path).getroot().find("testsuite")
    assert suite.attrib["failures"] == "0" and not suite.findall(".//failure"), suite.attrib


def check_annotates_for_github(bench):
    recording = bench.recording("leak", FEW)
    out = verdict(bench, ("--github", "-q", recording, "blocks<5", "peak<1GB"), 1)
    lines = out.splitlines()
    assert len(lines) == 1, out
    assert re.fullmatch(rf"::error( [^:]*)?::blocks\b.*\b{FEW}\b.*", lines[0]), out
    out = verdict(bench, ("--github", bench.recording("clean"), "leaked==0"), 0)
    assert "::error" not in out, out


def check_says_what_it_cannot_read(bench):
    recording, folder = bench.recording("leak", FEW), bench.folder()
    for limit in ("leaked", "leaked=0", "loops<3", "peak<", "peak<many", "peak<3XB", "<5",
                  "leaked@==0"):
        said = bench.fails("check", recording, limit)
        assert limit.split("<")[0].split("=")[0].split("@")[0] in said, said
    bench.fails("check", recording)
    for limit in ("peak<=+5%", "peak<1GB,leaked@verbs_use<=-5%"):
        assert "needs --baseline" in bench.fails("check", recording, limit)
    baseline = folder / "baseline.txt"
    for line in ("peak", "peak many", "peak nan", "peak inf"):
        baseline.write_text(line + "\n")
        assert line in bench.fails("check", "--baseline", baseline, recording, "peak<=+5%")
    assert "absent.mscope" in bench.fails("check", folder / "absent.mscope", "leaked==0")
    assert "absent" in bench.fails("check", "--baseline", folder / "absent", recording, "peak<+5%")
    bench.fails("check", "--junit", folder / "none" / "x.xml", recording, "leaked<1GB", said="ok")
    bench.fails("check", "--write-baseline", folder / "none" / "x", recording)


def times_lie_in_the_life(bench):
    """A program of a single thread may end before the coarse clock, which stamps it, beats again."""
    for _ in range(20):
        path = bench.folder() / "times.json"
        status, _, err = bench.call("run", "-q", "--no-recording", "--strategy", "single-thread", "-o",
                                    path, "--", bench.program, "clean")
        assert status == 0, err
        report = json.loads(path.read_text())
        process, thread = report["processes"][0], report["threads"][0]
        assert process["start_ns"] <= thread["start_ns"] <= process["peak_at_ns"], (process, thread)
        assert process["peak_at_ns"] <= process["end_ns"], process
        assert report["totals"]["peak_at_ns"] == process["peak_at_ns"], report["totals"]


def nothing_has_no_peak(bench):
    status, _, err = bench.call("run", "--no-recording", "--", "true")
    line = next(line for line in err.splitlines() if "peak live" in line)
    assert status == 0 and " 0 B" in line and " at " not in line, line


def recordings_replace_files_only(bench):
    """A recording gets its name by a rename: a pipe or a device of that name must outlive it."""
    folder, recording = bench.folder(), bench.recording("leak", FEW)
    pipe = folder / "pipe.mscope"
    os.mkfifo(pipe)
    for words in (("symbolize", "-o", pipe, recording), ("symbolize", "-o", folder, recording),
                  ("run", "-q", "-o", pipe, "--", bench.program, "clean")):
        bench.fails(*words)
        assert stat.S_ISFIFO(pipe.stat().st_mode), words
    assert list(folder.iterdir()) == [pipe], list(folder.iterdir())


def symbolize_writes_recordings_only(bench):
    folder, recording = bench.folder(), bench.recording("leak", FEW)
    assert "needs a file" in bench.fails("symbolize", "-o", "-", recording)
    assert not (bench.work / "-").exists() and not pathlib.Path("-").exists()
    bench.fails("symbolize", "-o", folder / "x.json", recording)
    assert bench.call("symbolize", "-q", "-o", folder / "x.mscope", recording)[0] == 0
    assert bench.call("info", folder / "x.mscope")[0] == 0


def help_offers_what_a_verb_takes(bench):
    """-e and -o mean less to the verbs that do not record."""
    def helped(verb):
        return " ".join(bench.call("help", verb)[1].split())
    assert "svg" not in helped("compare") and "json or html" in helped("compare")
    assert "svg" in helped("report") and "memscope-PROGRAM" in helped("report")
    for verb in ("compare", "report", "view"):
        assert "or none: the recording" not in helped(verb), verb
    for verb in ("compare", "view", "symbolize"):
        assert "memscope-PROGRAM" not in helped(verb), verb
    assert "kept unless --no-recording" in helped("run")
    for verb in ("run", "report", "view", "symbolize", "compare", "check", "live"):
        headings = [line for line in bench.call("help", verb)[1].splitlines()
                    if line.endswith(":") and not line.startswith(" ")]
        assert len(headings) == len(set(headings)), (verb, headings)


def wide(text, columns_):
    return [line for line in text.splitlines() if len(line) > columns_]


def report_in_plain_ascii(bench):
    env = {"LC_ALL": "C", "LANG": "C", "TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "60"}
    for recording in (*pair(bench), bench.recording("clean")):
        status, out, err = bench.raw("report", recording.name, env=env)
        assert status == 0 and out, err
        foreign = [line for line in out.splitlines() if any(byte > 126 for byte in line)]
        assert not foreign and b"\x1b" not in out, foreign
        assert not wide(out.decode(), 60), "\n".join(wide(out.decode(), 60))
    assert LEAKER in bench.call("report", pair(bench)[0].name, env=env)[1]


def report_in_utf8(bench):
    """Not at a terminal: no escape codes, whatever TERM says, until they are asked for."""
    for columns_ in (80, 120):
        env = {"LC_ALL": "C.UTF-8", "TERM": "xterm-256color", "COLUMNS": str(columns_)}
        status, out, err = bench.call("report", pair(bench)[0].name, env=env)
        assert status == 0 and "\x1b" not in out + err, err
        assert not wide(out, columns_), "\n".join(wide(out, columns_))
        assert LEAKER in out, out
    out = bench.call("report", "--color", "always", pair(bench)[0].name, env=env)[1]
    assert "\x1b[" in out, "the test cannot see colours"


def live_sees_growth(bench):
    """The program keeps 10 kB every 5 ms: half a second later there is more, by that function."""
    with subprocess.Popen([bench.memscope, "run", "-q", "--no-recording", "--", bench.program, "grow"],
                          cwd=bench.work, env=bench.env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        pid = None
        try:
            assert run.stdout.readline() == b"ready\n"
            listed = json.loads(bench.call("ps", "--json")[1])["processes"]
            pid = next(row["pid"] for row in listed if row["program"] == "program")
            status, out, err = bench.call("live", pid, "--once", "--plain")
            assert status == 0, err
            growth = re.search(r"^growth_bytes_per_second (-?\d+)$", out, re.M)
            assert growth and int(growth.group(1)) > 0, out
            sites = [line.split("\t") for line in out.splitlines() if line.startswith("site\t")]
            assert sites and float(sites[0][3]) > 0, out
            # Not more than it can have done: one block in 5 ms is 2 MB a second.
            assert int(growth.group(1)) < 4_000_000, out
        finally:
            if pid:
                os.kill(pid, signal.SIGKILL)
            else:
                run.kill()


def findings_do_not_deny_what_is_never_freed(bench):
    """Beside a list of blocks that were never freed nobody says that there is no leak."""
    for words, said, not_said in ((("leak", FEW), f"never freed: {FEW} block", "no leak"),
                                  (("clean",), "no leak, no growth", "never freed:")):
        seen, out, err = bench.call("report", bench.recording(*words))
        assert seen == 0 and said in " ".join(out.split()) and not_said not in out, out + err


def page_tells_why_not_recorded(bench):
    program = bench.compile("static", "-static")
    if not program:
        return "no static libc to link with"
    recording, page = bench.recording("child", program), bench.folder() / "page.html"
    assert bench.call("view", "-o", page, recording)[0] == 0
    data = columns(page.read_text())
    why = {data["str"][name].split()[0].split("/")[-1]: data["str"][reason]
           for name, reason in zip(data["proc_name"], data["proc_why"])}
    assert set(why) == {"program", "static"} and why["program"] == "", why
    assert "statically linked" in why["static"], why


def library_of(bench):
    """The library that the executable finds: beside it in the build's tree, or installed."""
    done = subprocess.run(
        ["sh", "-c", 'find "$(dirname "$0")/.." -name libmemscope.so | head -1', bench.memscope],
        capture_output=True, text=True, check=True)
    return pathlib.Path(done.stdout.strip())


def other_builds_library_is_named(bench):
    """A library whose note has another layout's number: like one that is missing, and said so."""
    data = bytearray(library_of(bench).read_bytes())
    head = struct.pack("<III12s", 12, 8, 1, b"memscope")
    assert data.count(head) == 1, data.count(head)
    data[data.index(head) + len(head)] ^= 64
    other = bench.folder() / "libmemscope.so"
    other.write_bytes(data)
    env = {"MEMSCOPE_LIBRARY": str(other)}
    status, _, err = bench.call("run", "--", bench.program, "clean", env=env)
    assert status == 125 and "another version" in err and len(err.splitlines()) == 1, (status, err)
    status, out, _ = bench.call("doctor", env=env)
    assert status == 1 and "FAIL  it is of this build" in out, out


def doctor_says(bench, *through):
    """(status, the lines that are not ok) of doctor, started through other commands."""
    done = subprocess.run([*map(str, through), bench.memscope, "doctor"], cwd=bench.work,
                          env=bench.env, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    lines = done.stdout.decode().splitlines()
    assert lines and not done.stderr, (lines, done.stderr)
    return done.returncode, [line for line in lines[:-1] if not line.startswith("ok")]


def doctor_finds_nothing(bench):
    status, lines = doctor_says(bench)
    assert status == 0 and not [line for line in lines if line.startswith("FAIL")], lines


def doctor_says_what_is_in_the_way(bench):
    """Each is arranged; doctor must name it, say how to mend it, and fail where runs would."""
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        return "mounts cannot be changed here"
    library = library_of(bench)
    hidden = ("unshare", "-m", "sh", "-c", "mount -t tmpfs none /proc && \"$@\"", "sh")
    noexec = ("unshare", "-m", "sh", "-c",
              "mount -t tmpfs -o noexec none /mnt && cp \"$0\" /mnt && "
              "MEMSCOPE_LIBRARY=/mnt/libmemscope.so \"$@\"", library)
    small = ("unshare", "-m", "sh", "-c", "mount -t tmpfs -o size=1m none /mnt && cd /mnt && \"$@\"",
             "sh")
    for through, status, mend in (
            (hidden, 1, "mount -t proc proc /proc"),
            (noexec, 1, "mounted noexec"),
            (("prlimit", "--nofile=20"), 1, "ulimit -n 1024"),
            (("prlimit", "--fsize=1000000:"), 0, "ulimit -f unlimited"),
            (("prlimit", "--fsize=1000000"), 1, "ulimit -f unlimited"),
            (small, 0, "less than 64 MB")):
        seen, lines = doctor_says(bench, *through)
        assert seen == status and any(mend in line for line in lines), (through, seen, lines)
    return None


CASES = [
    doctor_finds_nothing, doctor_says_what_is_in_the_way, other_builds_library_is_named,
    view_writes_beside_the_recording, view_writes_where_told, view_opens_on_a_desktop_only,
    view_says_what_is_missing, compare_names_the_leaker, compare_in_json, compare_as_a_page,
    compare_says_what_is_missing, check_gates_leaks, check_counts_exactly,
    help_offers_what_a_verb_takes, recordings_replace_files_only, symbolize_writes_recordings_only,
    check_says_what_the_recording_lacks, times_lie_in_the_life, nothing_has_no_peak,
    check_against_a_baseline, check_writes_junit, check_annotates_for_github,
    check_says_what_it_cannot_read, report_in_plain_ascii, report_in_utf8, live_sees_growth,
    findings_do_not_deny_what_is_never_freed, page_tells_why_not_recorded,
]
