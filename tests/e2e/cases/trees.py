# SPDX-License-Identifier: Apache-2.0
"""Process trees: what was started, what of it is recorded, and why the rest is not."""

import dataclasses
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import time
import urllib.request
from pathlib import Path

import compare
import execute
import material
import recording
from case import Case, Ground
from compare import between
from oracle_strace import traced
from requirements import NOBODY

NOT = "not recorded: "


def report(work):
    return json.loads((work.out / "r.json").read_bytes())


def base(path):
    return path.rsplit("/", 1)[-1]


def unrecorded_are(expected):
    """{(name, reason): n} of the images that are listed as not recorded, and their sum."""
    def judge(_bare, _watched, work):
        document = report(work)
        seen = {}
        for process in document["processes"]:
            if process["strategy"].startswith(NOT):
                key = (base(process["exe"]), process["strategy"][len(NOT):])
                seen[key] = seen.get(key, 0) + 1
        wanted = sum(expected.values())
        return ([] if seen == expected else [f"not recorded: {seen}, expected {expected}"]) + \
            between("loss.unrecorded_processes", document["loss"]["unrecorded_processes"], wanted,
                    wanted)
    return judge


def ground_of(*names, extra_n=0, extra_bytes=0):
    """What the target counted itself is what stands in the rows of its processes, none else's."""
    def judge(_bare, watched, work):
        rows = [row for row in report(work)["processes"] if base(row["exe"]) in names]
        counts = compare.ground_totals(watched.counts)
        sums = {key: sum(row[key] for row in rows)
                for key in ("allocations", "allocated_bytes", "frees")}
        faults = [] if counts.alloc_n else ["the target counted nothing"]
        for key, counted, extra in (("allocations", counts.alloc_n, extra_n),
                                    ("allocated_bytes", counts.alloc_bytes, extra_bytes),
                                    ("frees", counts.free_n, extra_n)):
            faults += between(f"{key} of {', '.join(names)}", sums[key], counted, counted + extra)
        return faults + no_unknown_frees(work)
    return judge


def no_unknown_frees(work):
    return between("unknown frees", recording.totals(recording.read(work.out / "r.json"))
                   .unknown_free_n, 0, 0)


def whole_tree(name, *command, within=0.0, **more):
    """A tree in which nobody is passed over: its totals are those of another run, where a small
    preloaded library counts the heap calls of all processes (tests/targets/lib_count.c)."""
    judges = more.pop("judges", ())

    def judge(bare, watched, work):
        seen = recording.totals(recording.read(work.out / "r.json"))
        passed = [row["exe"] for row in report(work)["processes"] if row["strategy"]]
        faults = [f"not recorded: {passed}"] if passed else []
        faults += no_unknown_frees(work) + all_of(*judges)(bare, watched, work)
        counted = execute_counted(case, work)
        for key, reported in (("alloc_n", seen.alloc_n), ("alloc_bytes", seen.alloc_bytes),
                              ("free_n", seen.free_n + seen.inherited_free_n)):
            expected = getattr(counted, key)
            slack = int(expected * within)
            faults += between(f"{key} (oracle: preloaded counter)", reported, expected - slack,
                              expected + slack)
        return faults if counted.alloc_n else ["the oracle counted nothing"]
    case = Case("tree-" + name, command, judge=judge, modes=("",), timeout_s=60, **more)
    return case


def execute_counted(case, work):
    work.fresh()
    if case.prepare:
        case.prepare(work)
    env = {**case.env, "COUNTS": "{counts}", "LD_PRELOAD": "{targets}/libcount.so"}
    words = work.words(case.through) + work.words(case.command)
    done = execute.run(words, work, dataclasses.replace(case, env=env), 0)
    return compare.ground_totals(done.counts)


def programs_are(least):
    """At least so many images of each name: what gcc calls `as` may be `x86_64-linux-gnu-as`."""
    def judge(_bare, _watched, work):
        seen = [base(row["exe"]) for row in report(work)["processes"]]
        counted = {name: sum(bool(re.fullmatch(rf"(.*-)?{re.escape(name)}(\..*)?", one))
                             for one in seen) for name in least}
        return [f"{counted[name]} processes of {name}, expected at least {n}: {seen}"
                for name, n in least.items() if counted[name] < n]
    return judge


def says(*patterns):
    def judge(_bare, watched, _work):
        # The summary wraps its lines.
        said = " ".join(watched.stderr.decode("utf-8", "replace").split())
        return [f"stderr lacks {pattern!r}: {said!r}" for pattern in patterns
                if not re.search(pattern, said)]
    return judge


def last_is(name, end, status):
    """The image that the command's process was last: its name, and how it ended."""
    def judge(_bare, _watched, work):
        processes = report(work)["processes"]
        root = next(process for process in processes if process["parent"] is None)
        last = [process for process in processes if process["pid"] == root["pid"]][-1]
        seen = (base(last["exe"]), last["end"], last["status"])
        return [] if seen == (name, end, status) else [f"last image {seen}, expected {name}, "
                                                       f"{end}, {status}"]
    return judge


def all_of(*judges):
    def judge(bare, watched, work):
        return [fault for one in judges for fault in one(bare, watched, work)]
    return judge


def program_of_another_user(work):
    path = work.run / "privileged"
    shutil.copyfile(work.targets / "heap_plain", path)
    os.chown(path, 65534, 65534)
    path.chmod(0o4755)


STATIC = "statically linked"
FOREIGN = "built for another architecture"
SET_ID = "changes its privileges at start"
NO_ACCESS = "no access to the session, or it ended before it got there"

UNRECORDED = (
    Case("unrecorded-static", ("{targets}/exec_unfit", "{counts}", "{targets}/static_heap",
                               "{targets}/heap_plain"), quiet=False,
         # fork copies what the child has on its stdio.
         ground=Ground(extra_n=4, extra_bytes=10000, frees=False, oracle=False),
         judge=all_of(unrecorded_are({("static_heap", STATIC): 15}),
                      says(r"15 programs of the tree could not be recorded: static_heap "
                           r"\(statically linked\)\.",
                           r"still live .* at the end of each of \d+ processes in \d"))),
    Case("unrecorded-32-bit", ("sh", "-c", "{targets}/child32; ls / >/dev/null; {targets}/child32"),
         status=5, needs=("i386",), modes=("",),
         judge=unrecorded_are({("child32", FOREIGN): 2})),
    Case("unrecorded-privileged", ("sh", "-c", "./privileged '' 1000; echo $?"), modes=("",),
         needs=("root",), prepare=program_of_another_user,
         judge=unrecorded_are({("privileged", SET_ID): 1})),
    Case("unrecorded-other-user", ("runuser", "-u", "nobody", "--", "{targets}/heap_plain", "",
                                   "1000", "4"), status=4, modes=("",), needs=("root",),
         judge=unrecorded_are({("heap_plain", NO_ACCESS): 1})),
    Case("unrecorded-exec", ("sh", "-c", "ls / >/dev/null; exec {targets}/static_heap x"), status=9,
         modes=("",), judge=all_of(unrecorded_are({("static_heap", STATIC): 1}),
                                   last_is("static_heap", "exited", 9))),
    Case("unrecorded-not-there", ("sh", "-c", "./none; /etc/passwd; exec ./none"), status=127,
         modes=("",), judge=unrecorded_are({})),
    Case("unrecorded-all", ("sh", "-c", "{targets}/static_heap x; exit 3"), status=3, modes=("",),
         quiet=False, exact={"alloc_n": 0},
         judge=says(r"nothing was recorded: 2 programs ran; passed over: (sh|dash|bash) \(--include "
                    r"NAME records them too\); cannot be recorded: static_heap \(statically "
                    r"linked\)")),
)

PIPELINE = """for i in 1 2 3; do
    {targets}/heap_plain '' 500 | sort | uniq -c | (read -r n rest; echo "$n $rest")
done
tr ' ' '\\n' <words.txt | sort | uniq -c | sort -rn | head -3
f() { local x=$1; ((x > 0)) && f $((x - 1)); echo -n "$x "; }; f 30 | wc -c
exit 7
"""


def pipeline_made(work):
    material.files(work)
    (work.run / "pipe.sh").write_text(work.words([PIPELINE])[0], encoding="ascii")


MAKEFILE = """objects = main.o part1.o part2.o part3.o
all: app
\t@./app
app: $(objects)
\t@$(CC) -o $@ $^
%.o: %.c
\t@$(CC) -O1 -c -o $@ $<
"""


def project_made(work):
    """A program in C of four files, with its Makefile."""
    for i in (1, 2, 3):
        (work.run / f"part{i}.c").write_text(
            f"#include <stdlib.h>\nvoid *part{i}(void) {{ return malloc({i} * 1000); }}\n",
            encoding="ascii")
    (work.run / "main.c").write_text(
        "#include <stdio.h>\n#include <stdlib.h>\n"
        "void *part1(void), *part2(void), *part3(void);\n"
        "int main(void)\n{\n    free(part1());\n    free(part2());\n    free(part3());\n"
        "    puts(\"built\");\n    return 0;\n}\n", encoding="ascii")
    (work.run / "Makefile").write_text(MAKEFILE, encoding="ascii")


def package_made(work):
    """A package of npm whose test is a program that counts itself."""
    test = work.words(["{targets}/heap_plain {counts} 2000 && node test.js"])[0]
    (work.run / "package.json").write_text(json.dumps(
        {"name": "p", "version": "1.0.0", "scripts": {"test": test}}), encoding="ascii")
    (work.run / "test.js").write_text("console.log('tested', [1, 2].length);\n", encoding="ascii")


BOX = """set -e
mkdir box
mount --rbind / box
mount -o remount,ro,bind box
mount --bind "$PWD" "box$PWD"
{targets}/heap_plain {counts} 1000
chroot box sh -c ': >/written' 2>/dev/null || echo read-only
exec chroot box env -C "$PWD" {targets}/sandbox_chroot {counts} chroot
"""


def box_made(work):
    (work.run / "box.sh").write_text(work.words([BOX])[0], encoding="ascii")


NGINX = """worker_processes 2;
pid nginx.pid;
error_log stderr error;
user {user};
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port} reuseport;
        location / {{ root .; }}
        location /made {{ return 200 "made\\n"; }}
    }}
}}
"""


def nginx_made(work):
    (work.run / "nginx.conf").write_text(NGINX.format(user="nobody nogroup", port=work.port), encoding="ascii")
    (work.run / "page.txt").write_text("page\n" * 1000, encoding="ascii")


def nginx_get(work, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{work.port}{path}", timeout=10) as answer:
        return answer.read()


def until(done, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if done():
                return True
        except OSError:
            pass
        time.sleep(0.02)
    return False


def nginx_drive(running):
    """Load on the daemon, then it is told to end."""
    if not until(lambda: nginx_get(running.work, "/made")):
        return
    for _ in range(200):
        nginx_get(running.work, "/made")
        nginx_get(running.work, "/page.txt")
    os.kill(int((running.work.run / "nginx.pid").read_text()), signal.SIGQUIT)
    until(lambda: not (running.work.run / "nginx.pid").exists())


POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]
POSTGRES_BIN = str(POSTGRES[0]) if POSTGRES else "/usr/lib/postgresql"


def as_nobody(work, *words):
    subprocess.run(["setpriv", *NOBODY, *words], cwd=work.run, check=True, timeout=120,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env=execute.environment(work, {}))


def database_made(work):
    work.out.chmod(0o777)
    as_nobody(work, POSTGRES_BIN + "/initdb", "-D", "db", "-N", "-A", "trust", "--no-locale")
    with open(work.run / "db" / "postgresql.conf", "a", encoding="ascii") as conf:
        conf.write(f"listen_addresses = ''\nunix_socket_directories = '{work.run}'\n"
                   "fsync = off\nautovacuum = off\n")


def database_drive(running):
    """A short load, then the server is told to end."""
    work = running.work
    if until(lambda: b"server started" in running.stdout_path.read_bytes(), 60):
        for words in (("-i", "-q", "-s", "1"), ("-n", "-c", "2", "-t", "100")):
            as_nobody(work, POSTGRES_BIN + "/pgbench", "-h", str(work.run), *words, "postgres")
        as_nobody(work, POSTGRES_BIN + "/pg_ctl", "-D", "db", "-m", "fast", "-w", "stop")


TREES = tuple(map(traced, (
    whole_tree("pipeline", "bash", "--norc", "pipe.sh", status=7, prepare=pipeline_made,
               within=0.01, judges=(programs_are({"heap_plain": 3, "sort": 5, "uniq": 4}),)),
    whole_tree("make", "make", "-s", "-j2", stdout=b"built\n", prepare=project_made, within=0.02,
               needs=("cmd:make", "cmd:gcc"),
               judges=(programs_are({"make": 1, "cc1": 4, "as": 4, "ld": 1, "app": 1}),)),
    Case("tree-npm-test", ("npm", "test", "--silent"), prepare=package_made, modes=("",),
         env={"npm_config_update_notifier": "false"}, needs=("cmd:npm",), timeout_s=60,
         judge=all_of(ground_of("heap_plain"), programs_are({"node": 2}))),
    Case("tree-container", ("unshare", "-m", "sh", "box.sh"), prepare=box_made, modes=("",),
         needs=("root", "mountns"),
         judge=ground_of("heap_plain", "sandbox_chroot", extra_n=8, extra_bytes=3200)),
    whole_tree("nginx", "/usr/sbin/nginx", "-p", "{work}", "-c", "nginx.conf", within=0.01,
               prepare=nginx_made, drive=nginx_drive, options=("--wait",), leaves=True,
               needs=("root", "cmd:nginx"), judges=(programs_are({"nginx": 3}),)),
    whole_tree("postgres", POSTGRES_BIN + "/pg_ctl", "-D", "db", "-l", "log", "-w", "start",
               prepare=database_made, drive=database_drive, options=("--wait",), leaves=True,
               within=0.03, slow=True, through=("setpriv", *NOBODY),
               needs=("root", "nobody", "file:" + POSTGRES_BIN + "/pgbench"),
               judges=(programs_are({"pg_ctl": 1, "postgres": 6}),)),
)))

CASES = UNRECORDED + TREES
