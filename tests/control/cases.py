# SPDX-License-Identifier: Apache-2.0
"""One function for each thing that must hold of sessions under way; it asserts, or returns."""

import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import time

from bench import Paced, recordings

MAGIC = 0x6C74436D


def figures(bench, pid, **expected):
    """The status reaches these figures (events are on their way for a moment)."""
    def reached():
        seen = bench.status(pid)
        found = {key: int(seen[key.replace("_", " ")].strip()) for key in expected}
        return found == expected
    bench.wait_for(reached, f"{expected}, the last status was {bench.status(pid)}")


def ps_lists(bench):
    paced = Paced(bench)
    row = bench.process("paced")
    assert row["state"] == "recording" and row["live_blocks"] >= 1000, row
    assert row["live_bytes"] >= 100000 and row["allocations"] >= 1000, row
    code, out, _ = bench.call("ps")
    assert code == 0 and str(paced.pid) in out and "paced" in out, out
    assert paced.end()[0] is not None


def pause_and_resume(bench):
    paced = Paced(bench, "-q")
    figures(bench, paced.pid, live_blocks=1000, allocations=1000, frees=0)
    assert bench.call("ctl", paced.pid, "pause")[0] == 0
    assert bench.process("paced")["state"] == "paused"
    paced.go("B")
    # 500 freed, and the one that was moved; nothing that was allocated.
    figures(bench, paced.pid, live_blocks=499, allocations=1000, frees=501)
    assert bench.call("ctl", paced.pid, "resume")[0] == 0
    paced.go("C")
    figures(bench, paced.pid, live_blocks=599, allocations=1100, frees=501, live_bytes=50900)
    assert paced.end()[0] == 7
    report = bench.report(recordings(bench)[0])
    assert any(notice["kind"] == "paused" for notice in report["notices"]), report["notices"]


def mark_appears(bench):
    paced = Paced(bench, "-q")
    assert bench.call("ctl", paced.pid, "mark", "here <b>")[0] == 0
    paced.go("B")
    paced.go("C")
    assert paced.end()[0] == 7
    recording = recordings(bench)[0]
    assert "here <b>" in str(bench.report(recording)), "the mark is not in the report"


def snapshot_leaves_it_running(bench):
    paced = Paced(bench, "-q")
    code, _, err = bench.call("snapshot", paced.pid, "-e", "json", "-o", "now.json", "-q")
    assert code == 0, err
    text = (bench.work / "now.json").read_text()
    assert '"total_allocations": 1000' in text, text[:400]
    code, _, err = bench.call("snapshot", paced.pid, "-o", "now.mscope", "-q")
    assert code == 0, err
    report = bench.report("now.mscope")
    assert report["total_allocations"] == 1000 and not report["finished"], report["total_allocations"]
    code, _, err = bench.call("report", "now.mscope")
    assert code == 0 and "not finished" not in err, err
    code, out, err = bench.call("snapshot", paced.pid)
    assert code == 0 and "still running" in out, out + err
    assert list(bench.work.glob("memscope-*.html")), "no page was written"
    paced.go("B")
    paced.go("C")
    assert paced.end()[0] == 7
    assert bench.report([f for f in recordings(bench) if f.name != "now.mscope"][0])["finished"]


def stop_ends_the_recording_alone(bench):
    paced = Paced(bench, "-q")
    code, out, err = bench.call("stop", paced.pid)
    assert code == 0 and ".mscope" in out, err
    assert not bench.ps() and not bench.sockets(), "the session is still there"
    paced.go("B")
    paced.go("C")
    assert paced.end()[0] == 7, "the program did not run on"
    report = bench.report(recordings(bench)[0])
    assert report["finished"] and report["total_allocations"] == 1000, report["total_allocations"]


def live_is_scriptable(bench):
    paced = Paced(bench, "-q")

    def named():
        """The view once the site's name was found, which takes a moment."""
        code, out, err = bench.call("live", paced.pid, "--once", "--plain")
        assert code == 0, err
        return out if "paced_allocate" in out else None
    lines = bench.wait_for(named, "the name of the site").splitlines()
    assert "live_bytes 100000" in lines and "live_blocks 1000" in lines, lines
    sites = [line.split("\t") for line in lines if line.startswith("site\t")]
    assert sites[0][1:3] == ["100000", "1000"] and sites[0][4] == "paced_allocate", sites
    assert any(line.startswith("thread\t100000\t1000\t") for line in lines), lines
    paced.go("B")
    paced.go("C")
    assert paced.end()[0] == 7


def errors_are_one_sentence(bench):
    paced = Paced(bench, "-q")
    for words in (("stop", "999999999"), ("snapshot", str(os.getpid())), ("live", "session_1"),
                  ("ctl", str(paced.pid), "foo"), ("ctl", str(paced.pid), "mark"),
                  ("ctl", str(paced.pid), "rate", "3"), ("ctl", str(paced.pid), "pause", "x"),
                  ("collect",)):
        code, out, err = bench.call(*words)
        assert code == 125 and not out and err.count("\n") == 1, (words, code, out, err)


def socket_is_private(bench):
    paced = Paced(bench, "-q")
    (path,) = bench.sockets()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600, oct(path.stat().st_mode)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert paced.pid


def state_folder_without_runtime(bench):
    bench.env.pop("XDG_RUNTIME_DIR")
    if os.path.isdir(f"/run/user/{os.geteuid()}"):
        bench.env["XDG_RUNTIME_DIR"] = "/nowhere"
    paced = Paced(bench, "-q")
    folder = bench.work / ".local/state/memscope/sessions"
    assert len(list(folder.iterdir())) == 1
    assert bench.call("stop", paced.pid)[0] == 0


def stale_socket_goes(bench):
    paced = Paced(bench, "-q")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
        asking.connect(str(bench.sockets()[0]))
        collector = struct.unpack("3i", asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED,
                                                          12))[0]
    os.kill(collector, signal.SIGKILL)
    # Who asks while it dies is not answered; who asks later finds nobody, and takes the name away.
    bench.wait_for(lambda: not bench.ps() and not bench.sockets(), "no session and no socket")
    paced.go("B")


def hostile_clients_are_harmless(bench):
    paced = Paced(bench, "-q")
    path = str(bench.sockets()[0])
    rng = random.Random(7)
    slow = []
    for number in range(400):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.setblocking(False)
        try:
            client.connect(path)
        except BlockingIOError:
            continue  # the queue is full: one that floods is not waited for
        kind = rng.choice((0, 1, 2, 3, 4, 5, 11, 12, 65535))
        text = rng.randbytes(rng.choice((0, 1, 40, 5000)))
        version = rng.choice((1, 1, 1, 0, 2, 999))
        message = struct.pack("<IHHIIQQ", rng.choice((MAGIC, MAGIC, 0)), version, kind,
                              rng.choice((0, paced.pid, 1)),
                              rng.choice((len(text), 0, 2 ** 32 - 1)), rng.getrandbits(64),
                              rng.choice((0, 1, 1000, rng.getrandbits(64)))) + text
        try:
            client.send(message[:rng.choice((len(message), len(message), 3, 31))])
        except OSError:
            pass  # it was sent away: too many at a time
        if number % 20 == 0:
            slow.append(client)  # never reads
        else:
            client.close()
    figures(bench, paced.pid, live_blocks=1000)
    for client in slow:
        client.close()
    paced.go("B")
    paced.go("C")
    assert paced.end()[0] == 7


def exec_keeps_the_pid(bench):
    process = bench.run("--exec", "-e", "json", "-o", "exec.json", "--", "/bin/bash", "-c",
                        "true; echo $$; exit 3")
    out, err = process.communicate(timeout=120)
    assert int(out) == process.pid and process.returncode == 3, (out, err, process.pid)
    bench.wait_for(lambda: (bench.work / "exec.json").exists(), "the export")
    assert b"exit 3" in err, err.decode()


def by_hand_equals_run(bench):
    target = bench.targets / "paced"
    env = {"LD_PRELOAD": str(bench.library), "MEMSCOPE": "-q -e json -o hand.json"}
    process = bench.start(target, env=env)
    assert process.stdout.readline() == b"A\n"
    environ = (process.pid and open(f"/proc/{process.pid}/environ", "rb").read())
    fds = sorted(os.listdir(f"/proc/{process.pid}/fd"), key=int)
    assert fds == ["0", "1", "2"], fds
    children = open(f"/proc/{process.pid}/task/{process.pid}/children").read()
    assert environ and not children, children
    figures(bench, process.pid, live_blocks=1000, allocations=1000)
    assert process.communicate(b"xxx", timeout=120)[0] == b"B\nC\n"
    assert process.returncode == 7
    bench.wait_for(lambda: (bench.work / "hand.json").exists(), "the export")
    text = (bench.work / "hand.json").read_text()
    assert '"total_allocations": 1601' in text, text[:300]


def by_hand_says_why_not(bench):
    for options, exe, word in (("--nonsense", bench.memscope, b"nonsense"),
                               ("", "/nowhere/memscope", b"executable is missing")):
        env = {"LD_PRELOAD": str(bench.library), "MEMSCOPE": options, "MEMSCOPE_EXE": str(exe)}
        process = bench.start("/bin/echo", "hello", env=env)
        out, err = process.communicate(timeout=120)
        assert out == b"hello\n" and process.returncode == 0
        assert word in err and err.count(b"\n") == 1, err


def by_hand_without_a_name(bench):
    """What is executed names a program that got an empty name."""
    env = {"LD_PRELOAD": str(bench.library), "MEMSCOPE": "-e html"}
    process = bench.start("", env=env, executable=bench.targets / "paced")
    _, err = process.communicate(b"xxx", timeout=120)
    assert re.search(rb"^memscope  paced ", err, re.MULTILINE), err.decode()
    page = bench.wait_for(lambda: next(bench.work.glob(f"memscope-paced-{process.pid}.html"), None),
                          "the page")
    assert "<title>memscope · paced<" in page.read_text()


def empty_names_are_told(bench):
    for name in ("", " "):
        status, _, err = bench.call("run", "--", name)
        assert status == 127 and len(err.splitlines()) == 1 and "mean" not in err, err
    assert "the empty name: not found" in bench.call("run", "")[2]


def daemon_outlives_the_command(bench):
    counts = bench.work / "counts"
    process = bench.run("--", bench.targets / "daemon", counts, "60000")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 2 and out == b"daemon: started\n", (out, err)
    pid = bench.process("daemon")["pid"]
    assert bench.call("snapshot", pid, "-e", "json", "-o", "d.json", "-q")[0] == 0
    assert bench.call("stop", pid)[0] == 0
    os.kill(pid, 0)
    os.kill(pid, signal.SIGKILL)


def programs_of(bench, *options):
    """{program: recorded?} of a run of a script that runs ls and paced."""
    script = bench.work / "both.sh"
    script.write_text(f"#!/bin/sh\nls >/dev/null\n{bench.targets}/paced </dev/null >/dev/null\ntrue\n")
    script.chmod(0o755)
    path = bench.work / "both.json"
    code, _, err = bench.call("run", "--summary", "none", "--no-recording", "-e", "json", "-o", path,
                              *options, "--", script)
    assert code == 0, err
    seen = {}
    for process in json.loads(path.read_text())["processes"]:
        name = process["exe"].rsplit("/", 1)[-1]
        seen[name] = seen.get(name, False) or process["strategy"] != "passed over"
    return seen, err


def patterns_choose(bench):
    seen, _ = programs_of(bench)
    assert seen.get("ls") and seen.get("paced"), seen
    seen, _ = programs_of(bench, "--exclude", "ls")
    assert not seen.get("ls") and seen.get("paced"), seen
    seen, _ = programs_of(bench, "--exclude", "*", "--include", "pac?d")
    assert seen == {**dict.fromkeys(seen, False), "paced": True}, seen
    seen, _ = programs_of(bench, "--no-follow")
    assert "ls" not in seen and "paced" not in seen, seen
    seen, err = programs_of(bench, "--exclude", "*")
    assert "nothing was recorded" in err and "--include" in err and "paced" in err, err


def launchers_are_passed_over(bench):
    path = bench.work / "l.json"
    code, _, err = bench.call("run", "-q", "--no-recording", "-e", "json", "-o", path, "--", "env",
                              "nice", "sh", "-c", f"{bench.targets}/paced </dev/null; true")
    assert code == 0, err
    report = json.loads(path.read_text())
    processes = report["processes"]
    passed = [notice["text"] for notice in report["notices"] if notice["kind"] == "passed-over"]
    # Those that have executed the next one before they were looked at are known by its name.
    assert len(passed) == 1 and "--include" in passed[0], report["notices"]
    taken = [p["exe"].rsplit("/", 1)[-1] for p in processes if p["strategy"] != "passed over"]
    assert "paced" in taken and "env" not in taken and "nice" not in taken, processes


def arguments_are_redacted(bench):
    path = bench.work / "r.json"
    code, _, err = bench.call("run", "-q", "--redact-args", "-e", "json", "-o", path, "--", "/bin/echo",
                              "swordfish")
    assert code == 0, err
    assert "swordfish" not in path.read_text(), "an argument is in the report"
    assert b"swordfish" not in recordings(bench)[0].read_bytes()


def first_of_a_namespace(bench):
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return "needs root and unshare"
    words = ["unshare", "-p", "-f", "--mount-proc", bench.memscope, "run", "-q", "-o", "n.mscope", "--",
             "/bin/sh", "-c", "exit 5"]
    done = subprocess.run(words, cwd=bench.work, env=bench.env, capture_output=True, timeout=120)
    if b"unshare:" in done.stderr:
        return "namespaces are not to be had"
    assert done.returncode == 5, done.stderr
    assert bench.report("n.mscope")["finished"]
    return None


def redis_is_looked_at(bench):
    if not shutil.which("redis-server"):
        return "needs redis-server"
    bench.run("-q", "--", "redis-server", "--port", "0", "--unixsocket", str(bench.work / "r.sock"),
              "--save", "")
    bench.wait_for(lambda: (bench.work / "r.sock").exists(), "redis")
    row = bench.wait_for(lambda: next((r for r in bench.ps() if r["program"].startswith("redis")),
                                      None), "redis in ps")
    assert bench.call("snapshot", row["pid"], "-q", "-e", "json", "-o", "redis.json")[0] == 0
    assert bench.call("live", row["pid"], "--once", "--plain")[0] == 0
    assert bench.call("stop", row["pid"])[0] == 0
    os.kill(row["pid"], signal.SIGKILL)  # it ran on
    return None


def views_while_it_runs(bench):
    """run --live: views with true figures on standard error, then the program's end and status."""
    code, out, err = bench.call("run", "--live", "--interval", "0.3", "--no-recording", "--", "sh",
                                "-c", "for i in 1 2 3 4 5; do ls / >&2; sleep 0.3; done; exit 3")
    views = [line for line in err.split("\n") if line.startswith("allocations ")]
    counts = [int(line.split()[1]) for line in views]
    assert code == 3 and out == "", (code, out)
    assert len(counts) >= 2 and counts == sorted(counts) and counts[-1] > 0, err
    code, _, err = bench.call("run", "--live", "-q", "true")
    assert code == 125 and "--live" in err, (code, err)


def counted(bench, seconds, since):
    """[(seconds of the session, allocations that the program has counted)] for so long."""
    log, end = [], time.time() + seconds
    while time.time() < end:
        time.sleep(0.05)
        count = struct.unpack("<Q", (bench.work / "counts").read_bytes())[0]
        log.append((time.time() - since, count))
    return log


def double_kill(bench, seconds=6.5):
    """Target and collector killed together: at most the last 5 s are missing, and it is said how
    much; what is held is what the program had counted until then. (A busy machine may keep the
    recorder from its work: slack for that, far less than a tenfold.)"""
    slack = 3
    process = bench.run("-q", "--", bench.targets / "paced", bench.work / "counts")
    row = bench.process("paced")
    since = row["since_unix_ms"] / 1000
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
        asking.connect(str(bench.sockets()[0]))
        collector = struct.unpack("3i", asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED,
                                                          12))[0]
    log = counted(bench, seconds, since)
    lived = time.time() - since
    os.kill(collector, signal.SIGKILL)
    os.kill(row["pid"], signal.SIGKILL)
    process.communicate(timeout=120)
    (recording,) = recordings(bench)
    code, out, err = bench.call("report", recording)
    # Killed right behind a checkpoint: then nobody knows of any time that is missing.
    told = "are missing" in err or "at most 5 s were not recorded" in err
    assert code == 0 and "not finished" in err and told, (out, err)
    report = bench.report(recording)
    held, missing = report["duration_ms"] / 1000, report["loss"]["checkpoint_age_ns"] / 1e9
    assert missing <= 5 + slack, f"{missing} s are missing"
    assert lived - slack <= held + missing <= lived + 0.5, f"{held} s + {missing} s of {lived} s"
    assert f"first {held:.1f} s" in err or f"first {held + 0.05:.1f} s" in err, err
    count = report["total_allocations"]
    before = [n for at, n in log if at < held - 1]
    after = [n for at, n in log if at > held + 1]
    assert not before or count >= before[-1], f"{count} recorded, {before[-1]} made by {held - 1} s"
    # The program allocates a little before it counts.
    assert not after or count <= after[0] + 5000, f"{count} recorded, {after[0]} by {held + 1} s"
    recording.unlink()


def checkpoints(bench, recording):
    """{why: how many} of a recording under way; none before its first one is whole."""
    if bench.call("info", recording)[0] != 0:
        return {}
    facts = {fact["key"]: fact["value"] for fact in bench.report(recording)["environment"]["facts"]}
    found = re.findall(r"(\d+) by ([a-z ]+)", facts["checkpoints"])
    return {why: int(n) for n, why in found}


def peak_is_kept(bench):
    """A new peak is written soon after it, not only with the next checkpoint."""
    program = ("import time\ntime.sleep(4.3)\nheld = [bytearray(1 << 20) for _ in range(200)]\n"
               "time.sleep(100)\n")
    bench.run("-q", "--", sys.executable, "-c", program)
    (recording,) = bench.wait_for(lambda: recordings(bench), "the recording")

    def written():
        return checkpoints(bench, recording) and \
            bench.report(recording)["totals"]["peak_bytes"] >= 200 << 20
    bench.wait_for(written, "the peak in the recording")
    assert checkpoints(bench, recording).get("peak", 0) >= 1, checkpoints(bench, recording)


GROW = """
import mmap, sys, time
limit, held = int(sys.argv[2]), mmap.mmap(-1, 1 << 30)
while int(open(sys.argv[1]).read()) < limit * 0.93:
    held.write(b"x" * (1 << 20))
time.sleep(100)
"""


def memory_limit_is_heeded(bench):
    """Near the limit of the control group the model is written; here it is mapped memory that
    grows, of which no peak of the heap tells."""
    kinds = (("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
             ("/sys/fs/cgroup", "memory.max", "memory.current"))
    limit_bytes = 300 << 20
    for parent, limit, usage in kinds:
        group = pathlib.Path(parent) / f"memscope-test-{os.getpid()}"
        if not (group.parent / "cgroup.procs").exists():
            continue
        try:
            group.mkdir()
            (group / limit).write_text(str(limit_bytes))
        except OSError as why:
            if group.exists():
                group.rmdir()
            return f"control groups are not to be had: {why.strerror}"
        try:
            words = f'echo $$ >{group}/cgroup.procs && exec "$@"'
            bench.start("sh", "-c", words, "sh", bench.memscope, "run", "-q", "--", sys.executable,
                        "-c", GROW, group / usage, limit_bytes)
            (recording,) = bench.wait_for(lambda: recordings(bench), "the recording")
            bench.wait_for(lambda: checkpoints(bench, recording).get("memory limit"),
                           "the checkpoint")
        finally:
            bench.done()
            bench.wait_for(lambda: not (group / "cgroup.procs").read_text(), "an empty group")
            group.rmdir()
        return None
    return "needs control groups"


QUICK = (ps_lists, pause_and_resume, mark_appears, snapshot_leaves_it_running,
         stop_ends_the_recording_alone, live_is_scriptable, errors_are_one_sentence,
         socket_is_private, state_folder_without_runtime, stale_socket_goes,
         hostile_clients_are_harmless, exec_keeps_the_pid, by_hand_equals_run, by_hand_says_why_not,
         by_hand_without_a_name, empty_names_are_told,
         daemon_outlives_the_command, patterns_choose, launchers_are_passed_over,
         views_while_it_runs,
         arguments_are_redacted, first_of_a_namespace, redis_is_looked_at, double_kill,
         peak_is_kept, memory_limit_is_heeded)
