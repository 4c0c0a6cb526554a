#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Symbols away from the machine: a stripped program's recording, symbolized later.

    elsewhere.py MEMSCOPE LIBRARY SOURCES_DIR

A program is recorded with its debug information and, stripped, without. The second recording, once
`memscope symbolize --debug-path` has found the debug file, must name what the first one names; so
must --debuginfod, which asks a server of ours, and nobody when it is not given. Besides: code made
at run time, through the perf map of the program.
Last line: `N passed, N failed, N skipped`.
"""

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

MEMSCOPE, LIBRARY, SOURCES = map(os.path.abspath, sys.argv[1:4])


def run(*command, cwd, status=0, env=()):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, errors="replace",
                          env={**os.environ, **dict(env), "MEMSCOPE_LIBRARY": LIBRARY,
                               "XDG_CACHE_HOME": os.path.join(cwd, "cache")})
    if done.returncode != status:
        raise RuntimeError("%s: status %d: %s" % (" ".join(command), done.returncode, done.stderr))
    return done.stdout


def frames_of(work, recording):
    """Sites as lists of (function, file, line), with what they allocated."""
    run(MEMSCOPE, "report", "-q", "-e", "json", "-o", "out.json", recording, cwd=work)
    with open(os.path.join(work, "out.json"), encoding="utf-8") as f:
        data = json.load(f)
    os.unlink(os.path.join(work, "out.json"))
    frames = data["frames"]

    def place(i):
        return tuple(str(frames[i].get(k)) for k in ("function", "file", "line"))

    return sorted((tuple(place(i) for i in site["stack"]), site["allocated_bytes"])
                  for site in data["sites"])


def check(work):
    source = os.path.join(SOURCES, "shapes.c")
    os.makedirs(os.path.join(work, "debug"))
    program = os.path.join(work, "shapes")
    run("gcc", "-O2", "-g", "-Wl,--build-id", source, "-o", "shapes", cwd=work)
    run(MEMSCOPE, "run", "-q", "-o", "whole.mscope", program, cwd=work)
    whole = frames_of(work, "whole.mscope")
    run("objcopy", "--only-keep-debug", "shapes", "debug/shapes.debug", cwd=work)
    run("strip", "shapes", cwd=work)
    run(MEMSCOPE, "run", "-q", "-o", "bare.mscope", program, cwd=work)
    os.unlink(program)
    shutil.copy(os.path.join(work, "bare.mscope"), os.path.join(work, "kept.mscope"))
    bare = frames_of(work, "bare.mscope")
    said = run(MEMSCOPE, "symbolize", "bare.mscope", "--debug-path", "debug", cwd=work)
    run(MEMSCOPE, "symbolize", "-q", "-o", "other.mscope", "kept.mscope", "--debug-path", "debug",
        cwd=work)
    return [
        ("the whole program's sites have lines", any("shapes.c" in str(s) for s in whole)),
        ("the stripped program's have none", not any("shapes.c" in str(s) for s in bare)),
        ("in place: as if it had not been stripped", frames_of(work, "bare.mscope") == whole),
        ("with -o: the same", frames_of(work, "other.mscope") == whole),
        ("with -o: the recording is as it was", frames_of(work, "kept.mscope") == bare),
        ("it says what it found", "are found" in said),
        ("no file is left behind", not [n for n in os.listdir(work) if n.startswith(".")]),
        ("a second time finds nothing more", ", 0 with their line" in run(
            MEMSCOPE, "symbolize", "bare.mscope", "--debug-path", "debug", cwd=work)),
        ("no recording: status 125",
         run(MEMSCOPE, "symbolize", "absent.mscope", cwd=work, status=125) == ""),
    ]


def serve(debug, build_id):
    """A debuginfod with one debug file; (server, the paths that it was asked for)."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            known = self.path == f"/buildid/{build_id}/debuginfo"
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", str(len(debug) if known else 0))
            self.end_headers()
            self.wfile.write(debug if known else b"")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, asked


def check_server(work):
    """kept.mscope of check(): stripped, its debug file only on a server."""
    debug_file = os.path.join(work, "debug", "shapes.debug")
    notes = run("readelf", "-n", debug_file, cwd=work)
    with open(debug_file, "rb") as f:
        server, asked = serve(f.read(), re.search(r"Build ID: (\w+)", notes).group(1))
    env = {"DEBUGINFOD_URLS": "http://127.0.0.1:%d" % server.server_address[1],
           "DEBUGINFOD_CACHE_PATH": os.path.join(work, "served")}
    kept = frames_of(work, "kept.mscope")
    run(MEMSCOPE, "symbolize", "-q", "-o", "unasked.mscope", "kept.mscope", cwd=work, env=env)
    nobody = not asked
    run(MEMSCOPE, "symbolize", "-q", "--debuginfod", "-o", "served.mscope", "kept.mscope",
        cwd=work, env=env)
    server.shutdown()
    lined = [f for stack, _ in frames_of(work, "served.mscope") for f in stack
             if "shapes.c" in f[1]]
    wanted = [f for stack, _ in frames_of(work, "other.mscope") for f in stack
              if "shapes.c" in f[1]]
    return [
        ("without --debuginfod nobody is asked", nobody),
        ("... and nothing is found", frames_of(work, "unasked.mscope") == kept),
        ("--debuginfod: the server is asked", bool(asked)),
        ("... and its lines are those of the debug file", lined == wanted and bool(lined)),
    ]


def check_jit(work):
    """Functions that a program made at run time, named by its perf map."""
    run("gcc", "-O1", "-g", os.path.join(SOURCES, "jit.c"), "-o", "jit", cwd=work)
    results = []
    for how, wanted in (("named", ("JS:*made", "/src/made.js", "12")), ("foreign", None)):
        maps = run(MEMSCOPE, "run", "-q", "-o", how + ".mscope", os.path.join(work, "jit"), how,
                   cwd=work)
        for name in set(maps.split()):
            os.unlink(name)
        frames = [frame for stack, _ in frames_of(work, how + ".mscope") for frame in stack]
        named = [frame for frame in frames if "made" in frame[0]]
        results.append(("perf map, " + how, named == ([wanted] if wanted else [])))
    return results


def main():
    if not shutil.which("gcc") or not shutil.which("objcopy"):
        print("0 passed, 0 failed, 1 skipped")
        return 77
    skipped = 0
    # A recorder may still be writing its symbols to the cache in there.
    with tempfile.TemporaryDirectory(prefix="memscope-elsewhere-",
                                     ignore_cleanup_errors=True) as work:
        results = check(work)
        if shutil.which("debuginfod-find"):
            results += check_server(work)
        else:
            skipped = 1
            print("skipped  --debuginfod: debuginfod-find is not installed")
        results += check_jit(work)
    for what, passed in results:
        print("%s  %s" % ("passed" if passed else "FAILED", what))
    failed = sum(not passed for _, passed in results)
    print("%d passed, %d failed, %d skipped" % (len(results) - failed, failed, skipped))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
