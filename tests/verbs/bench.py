# SPDX-License-Identifier: Apache-2.0
"""What the tests of the verbs share: programs that are built once, recordings that are made once."""

import base64
import gzip
import json
import os
import pathlib
import re
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
WAIT_S = 120


class Bench:
    """A folder with the programs, their recordings, and an environment in which nothing opens."""

    def __init__(self, memscope, work):
        self.memscope, self.work = memscope, work
        runtime = work / "runtime"
        runtime.mkdir(mode=0o700)
        self.env = {**os.environ, "XDG_RUNTIME_DIR": str(runtime), "HOME": str(work)}
        for name in ("XDG_STATE_HOME", "LD_PRELOAD", "MEMSCOPE", "MEMSCOPE_LOG", "RUST_LOG", "DISPLAY",
                     "WAYLAND_DISPLAY", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "COLUMNS"):
            self.env.pop(name, None)
        self.program = self.compile("program", "-O1", "-g")
        self.made = {}

    def compile(self, name, *options):
        """The program, or None where the compiler cannot make it so."""
        out = self.work / name
        done = subprocess.run([os.environ.get("CC", "cc"), *options, "-o", out, HERE / (name + ".c")],
                              capture_output=True, timeout=WAIT_S)
        return out if done.returncode == 0 else None

    def raw(self, *words, env=None):
        """(status, stdout, stderr) of memscope, as bytes."""
        done = subprocess.run([self.memscope, *map(str, words)], cwd=self.work,
                              env={**self.env, **(env or {})}, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=WAIT_S)
        return done.returncode, done.stdout, done.stderr

    def call(self, *words, env=None):
        status, out, err = self.raw(*words, env=env)
        return status, out.decode(), err.decode()

    def recording(self, *words):
        """The recording of one run of the program with these words."""
        if words not in self.made:
            path = self.work / ("-".join(pathlib.Path(str(word)).name for word in words) + ".mscope")
            status, _, err = self.call("run", "-q", "-o", path, "--", self.program, *words)
            assert status == 0 and path.is_file(), (status, err)
            self.made[words] = path
        return self.made[words]

    def folder(self):
        """A new folder for one test's outputs."""
        return pathlib.Path(tempfile.mkdtemp(dir=self.work))

    def fails(self, *words, said=""):
        """The one sentence with which memscope fails by itself, with status 125; said: on stdout."""
        status, out, err = self.call(*words)
        assert status == 125, f"{words} ended with {status}: {err}"
        assert out.startswith(said) and bool(out) == bool(said), (words, out)
        assert len(err.splitlines()) == 1, (words, err)
        return err


def element(page, name):
    """The text of the script element with this id."""
    found = re.findall(rf'<script[^>]*\bid="{name}"[^>]*>(.*?)</script>', page, re.S)
    assert len(found) == 1, f"{len(found)} elements {name}"
    return found[0]


def leb128(encoded):
    values, value, shift = [], 0, 0
    for byte in encoded:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            values.append(value)
            value, shift = 0, 0
    return values


def columns(page):
    """The strings and unsigned columns of a report page, read as web/CONTRACT.md says."""
    found = {}
    for section in json.loads(element(page, "ms-manifest"))["sections"]:
        stream = gzip.decompress(base64.b64decode(element(page, section["el"]), validate=True))
        at = 0
        for column in section["cols"]:
            encoded = stream[at:at + column["bytes"]]
            at += column["bytes"]
            if column["codec"] == "s":
                found[column["name"]] = encoded.decode().split("\n")
            elif column["codec"] == "u":
                found[column["name"]] = leb128(encoded)
            else:
                continue
            assert len(found[column["name"]]) == column["n"], column
        assert at == len(stream), f"{section['el']} has {len(stream)} bytes, its columns {at}"
    return found
