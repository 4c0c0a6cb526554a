# SPDX-License-Identifier: Apache-2.0
"""What the tests of running sessions share: a folder of their own, memscope's words, a paced program."""

import json
import os
import pathlib
import subprocess
import time

WAIT_S = 120


class Bench:
    """One test's folder, environment and programs."""

    def __init__(self, memscope, targets, work):
        self.memscope, self.targets, self.work = memscope, targets, work
        self.library = memscope.parent.parent / "capture" / "libmemscope.so"
        self.runtime = work / "runtime"
        self.runtime.mkdir(mode=0o700)
        self.env = {**os.environ, "XDG_RUNTIME_DIR": str(self.runtime), "HOME": str(work),
                    "MEMSCOPE_EXE": str(memscope), "NO_COLOR": "1"}
        for name in ("XDG_STATE_HOME", "LD_PRELOAD", "MEMSCOPE"):
            self.env.pop(name, None)
        self.started = []

    def call(self, *words):
        """(status, stdout, stderr) of memscope."""
        done = subprocess.run([self.memscope, *map(str, words)], cwd=self.work, env=self.env,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=WAIT_S)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def start(self, *words, env=None, executable=None):
        """A process of the test's, with pipes; executable: what runs, whatever the first word is."""
        process = subprocess.Popen([str(word) for word in words], cwd=self.work, executable=executable,
                                   env={**self.env, **(env or {})}, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.started.append(process)
        return process

    def run(self, *words, env=None):
        """A program under memscope run; words: options, then the program."""
        return self.start(self.memscope, "run", *words, env=env)

    def sockets(self):
        folder = self.runtime / "memscope"
        return sorted(folder.iterdir()) if folder.is_dir() else []

    def ps(self):
        status, out, err = self.call("ps", "--json")
        assert status == 0, err
        return json.loads(out)["processes"]

    def wait_for(self, condition, what):
        for _ in range(WAIT_S * 20):
            found = condition()
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"waited in vain for {what}")

    def process(self, program):
        """The row of ps of a program, once it is there."""
        return self.wait_for(lambda: next((row for row in self.ps() if row["program"] == program),
                                          None), f"{program} in ps")

    def status(self, pid):
        code, out, err = self.call("ctl", pid, "status")
        assert code == 0, err
        return dict(line.split("  ", 1) for line in out.splitlines())

    def report(self, recording):
        path = self.work / "report.json"
        code, _, err = self.call("report", "-q", "-e", "json", "-o", path, recording)
        assert code == 0, err
        return json.loads(path.read_text())

    def done(self):
        for row in self.ps():
            os.kill(row["pid"], 9)
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
            # Not read to the end: a program that outlives its launcher holds them open.
            for pipe in (process.stdin, process.stdout, process.stderr):
                pipe.close()


class Paced:
    """The target paced.c, phase by phase."""

    def __init__(self, bench, *options):
        self.process = bench.run(*options, "--", bench.targets / "paced")
        self.line("A")
        self.pid = bench.process("paced")["pid"]

    def line(self, expected):
        said = self.process.stdout.readline().decode().strip()
        assert said == expected, f"the program said {said!r}, not {expected!r}"

    def go(self, expected=None):
        self.process.stdin.write(b"x")
        self.process.stdin.flush()
        if expected:
            self.line(expected)

    def end(self):
        """The program's status after its last phase."""
        self.go()
        _, err = self.process.communicate(timeout=WAIT_S)
        return self.process.returncode, err.decode()


def recordings(bench):
    return sorted(pathlib.Path(bench.work).glob("*.mscope"))
