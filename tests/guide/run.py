#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs what the guides say: every command line of the specification, every block of docs/guide.md.

    tests/guide/run.py --memscope PATH [--only WORD]... [--keep]

Shell blocks run in a folder where the programs they name are in PATH; C blocks are compiled with
what pkg-config says of an installed memscope and run; Rust blocks become examples of a crate that
depends on bindings/rust. The last line is `N passed, N failed[, N skipped]`.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

from commands import ASYNC, BLOCKS, PLAIN  # noqa: E402  (the path must be set first)

GUIDE = os.path.join(ROOT, "docs", "guide.md")
LIMIT_S = 600
JSON_KEYS = {
    "session_id": str,
    "duration_ms": (int, float),
    "strategy_used": str,
    "total_allocations": int,
    "peak_memory_mb": (int, float),
    "data_size_bytes": int,
}


class Skip(Exception):
    """A test that cannot run here, with the reason."""


class Place:
    """A folder with the programs of the guides in its PATH, and memscope installed in it."""

    def __init__(self, memscope):
        self.folder = tempfile.mkdtemp(prefix="memscope-guide-")
        self.bin = os.path.join(self.folder, "bin")
        self.work = os.path.join(self.folder, "work")
        self.build = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(memscope))))
        self.crates = None  # why there are no crates, "" = they are built
        os.mkdir(self.bin)
        os.mkdir(self.work)
        self.install()
        self.build_plain()
        self.env = dict(
            os.environ,
            PATH=self.bin + ":" + os.environ["PATH"],
            CARGO_TERM_COLOR="never",
            LD_LIBRARY_PATH=os.path.dirname(self.library),
            PKG_CONFIG_PATH=self.pkgconfig,
        )
        for name in ("RUST_LOG", "MEMSCOPE_LOG", "MEMSCOPE"):
            self.env.pop(name, None)

    def install(self):
        stage = os.path.join(self.folder, "stage")
        subprocess.run(
            ["meson", "install", "-C", self.build, "--no-rebuild", "--quiet", "--destdir", stage],
            check=True,
        )
        found = {}
        for at, _, names in os.walk(stage):
            for name in ("memscope", "libmemscope.so", "memscope.pc"):
                if name in names and (name != "memscope" or at.endswith("bin")):
                    found[name] = os.path.join(at, name)
        os.symlink(found["memscope"], os.path.join(self.bin, "memscope"))
        self.library, self.prefix = found["libmemscope.so"], os.path.dirname(
            os.path.dirname(found["memscope"])
        )
        self.pkgconfig = os.path.dirname(found["memscope.pc"])

    def build_plain(self):
        app = os.path.join(self.folder, "app")
        source = os.path.join(HERE, "programs", "app.c")
        subprocess.run(["cc", "-O1", "-g", "-o", app, source, "-lpthread"], check=True)
        for name in PLAIN:
            shutil.copy(app, os.path.join(self.bin, name))

    def need_crates(self):
        """Builds the Rust programs once; the work folder is then their crate."""
        if self.crates is None:
            self.crates = self.build_crates()
        if self.crates:
            raise Skip(self.crates)

    def build_crates(self):
        if not shutil.which("cargo"):
            return "cargo is not installed"
        shutil.copytree(os.path.join(HERE, "programs", "apps"), self.work, dirs_exist_ok=True)
        binaries = os.path.join(self.work, "src", "bin")
        for name, source in ASYNC.items():
            target = os.path.join(binaries, name + ".rs")
            if not os.path.exists(target):
                shutil.copy(os.path.join(binaries, source + ".rs"), target)
        fetched = subprocess.run(
            ["cargo", "fetch", "-q"], cwd=self.work, capture_output=True, text=True
        )
        if fetched.returncode != 0:
            return "the crates cannot be fetched: " + fetched.stderr.strip().split("\n")[-1]
        subprocess.run(["cargo", "build", "-q", "--bins"], cwd=self.work, check=True)
        for name in ASYNC:
            built = os.path.join(self.work, "target", "debug", name)
            shutil.copy(built, os.path.join(self.bin, name))
        return ""

    def run(self, words, folder=None, **more):
        return subprocess.run(
            words,
            cwd=folder or self.work,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            **more,
        )

    def done(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def complain(result):
    """The end of what a command printed, for a failure's sentence."""
    lines = (result.stdout + result.stderr).strip().split("\n")
    return "status %d\n%s" % (result.returncode, "\n".join(lines[-12:]))


def check_json(path):
    with open(path, encoding="utf-8") as f:
        data = json.load(f)
    for key, kind in JSON_KEYS.items():
        assert isinstance(data.get(key), kind), "%s of the JSON is %r" % (key, data.get(key))
    assert re.fullmatch(r"session_\d+", data["session_id"]), data["session_id"]
    assert data["total_allocations"] > 0 and data["data_size_bytes"] > 0, data
    return data


def check_exports(folder, before, line):
    new = [name for name in os.listdir(folder) if name not in before]
    for suffix in line.exports:
        files = [n for n in new if n.endswith("." + suffix)]
        assert files, "no .%s was written, only %s" % (suffix, new)
        with open(os.path.join(folder, files[0]), encoding="utf-8") as f:
            head = f.read(200).lstrip().lower()
        wanted = {"html": "<!doctype html", "svg": "<", "json": "{"}[suffix]
        assert head.startswith(wanted), "%s begins with %r" % (files[0], head[:40])
        if suffix == "json":
            check_json(os.path.join(folder, files[0]))


def check_recording(place, folder, before, line):
    recordings = [n for n in os.listdir(folder) if n.endswith(".mscope") and n not in before]
    assert recordings, "no recording was kept"
    result = place.run(["memscope", "report", "-e", "json", "-o", "-", recordings[0]], folder)
    assert result.returncode == 0, complain(result)
    data = json.loads(result.stdout)
    assert data["total_allocations"] > 0, data
    if line.strategy:
        assert data["strategy_used"] == line.strategy, data["strategy_used"]


def test_line(place, line):
    """One command line as a user types it, and the program's own output as if it ran alone."""
    words = line.words.split()
    needs_crates = "cargo" in words or any(word in ASYNC for word in words)
    if needs_crates:
        place.need_crates()
    folder = place.work if "cargo" in words else tempfile.mkdtemp(dir=place.folder)
    before = set(os.listdir(folder))
    result = place.run(["sh", "-c", line.words], folder)
    assert result.returncode == 0, complain(result)
    program = next((w for w in reversed(words) if w in PLAIN or w in ASYNC or w == "my_app"), None)
    if program:
        name = ASYNC.get(program, program)
        assert result.stdout.startswith(name + ":"), "standard output is %r" % result.stdout[:200]
    check_exports(folder, before, line)
    check_recording(place, folder, before, line)


def guide_blocks():
    """(language, first line number, text) of each fenced block of docs/guide.md."""
    blocks, language, start, text = [], None, 0, []
    with open(GUIDE, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if language is None and line.startswith("```"):
                language, start, text = line[3:].strip(), number, []
            elif language is not None and line.startswith("```"):
                blocks.append((language, start, "".join(text)))
                language = None
            elif language is not None:
                text.append(line)
    return blocks


def run_shell(place, text, folder):
    if "cargo" in text or any(name in text for name in ASYNC):
        place.need_crates()
        folder = place.work if "cargo" in text else folder
    result = place.run(["sh", "-euc", text], folder)
    assert result.returncode == 0, complain(result)


def run_c(place, text, folder, number):
    source, program = os.path.join(folder, "b%d.c" % number), os.path.join(folder, "b%d" % number)
    with open(source, "w", encoding="utf-8") as f:
        f.write(text)
    flags = place.run(
        ["pkg-config", "--define-variable=prefix=" + place.prefix, "--cflags", "--libs", "memscope"]
    )
    assert flags.returncode == 0, complain(flags)
    built = place.run(
        ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-g", "-o", program, source]
        + flags.stdout.split()
    )
    assert built.returncode == 0, complain(built)
    result = place.run([program], folder)
    assert result.returncode == 0, complain(result)


def run_rust(place, text, folder, number):
    place.need_crates()
    crate = os.path.join(place.folder, "rust")
    if not os.path.isdir(crate):
        os.makedirs(os.path.join(crate, "src"))
        with open(os.path.join(crate, "Cargo.toml"), "w", encoding="utf-8") as f:
            f.write(
                '[package]\nname = "guide"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\n'
                'memscope-rs = { path = "%s" }\nfutures = "0.3"\n'
                'tokio = { version = "1", features = ["full"] }\n'
                % os.path.join(ROOT, "bindings", "rust")
            )
        with open(os.path.join(crate, "src", "lib.rs"), "w", encoding="utf-8"):
            pass
    os.makedirs(os.path.join(crate, "examples"), exist_ok=True)
    with open(os.path.join(crate, "examples", "b%d.rs" % number), "w", encoding="utf-8") as f:
        f.write(text)
    env = dict(place.env, MEMSCOPE_BUILD=place.build)
    env.pop("LD_LIBRARY_PATH")
    built = subprocess.run(
        ["cargo", "build", "-q", "--example", "b%d" % number],
        cwd=crate,
        env=env,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, complain(built)
    result = place.run([os.path.join(crate, "target", "debug", "examples", "b%d" % number)], folder)
    assert result.returncode == 0, complain(result)


def test_block(place, block, folder):
    language, number, text = block
    if language == "sh":
        run_shell(place, text, folder)
    elif language == "c":
        run_c(place, text, folder, number)
    elif language == "rust":
        run_rust(place, text, folder, number)
    elif language not in ("", "text", "json"):
        raise AssertionError("a block of unknown language %r" % language)


def all_tests(place):
    for block, lines in BLOCKS:
        for line in lines:
            yield "%s: %s" % (block, line.words), lambda line=line: test_line(place, line)
    if not os.path.exists(GUIDE):
        return
    folder = tempfile.mkdtemp(dir=place.folder)
    for block in guide_blocks():
        first = block[2].strip().split("\n")[0]
        name = "docs/guide.md:%d (%s) %s" % (block[1], block[0] or "text", first)
        yield name, lambda block=block: test_block(place, block, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--memscope", required=True)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--keep", action="store_true", help="leave the folder and name it")
    options = parser.parse_args()
    place = Place(options.memscope)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for name, test in all_tests(place):
        if options.only and not any(word in name for word in options.only):
            continue
        try:
            test()
            outcome, why = "passed", ""
        except Skip as reason:
            outcome, why = "skipped", str(reason)
        except (AssertionError, subprocess.SubprocessError) as reason:
            outcome, why = "failed", str(reason)
        counts[outcome] += 1
        print("%s  %s%s" % (outcome.upper() if why else outcome, name, "\n    " + why if why else ""))
        sys.stdout.flush()
    if options.keep:
        print(place.folder)
    else:
        place.done()
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % counts)
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
