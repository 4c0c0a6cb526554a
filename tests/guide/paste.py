#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pastes every block of a guide, unchanged, into a shell or a crate, and runs it.

    tests/guide/paste.py GUIDE.md --memscope PATH [--crate FILE.crate] [--only N]...

Shell blocks run line by line as they stand, where programs of the guide's names are in PATH. A Rust
block with a `main` is an example of a fresh crate as it is; one without becomes the body of a `main`
that returns `Result<(), Box<dyn Error>>`, behind the words that the block says it follows. What shows
syntax (`[OPTIONS]`) is held against `--help`, the JSON against what an export holds, and a struct's
declaration against the crate's own. `cargo install` takes the packaged crate, if one is given, from
a registry that is a folder. The output is a table: number, first line, result.
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

from run import JSON_KEYS, Place, Skip, complain  # noqa: E402  (the path must be set first)

# Rust that a block without `main` leaves out because a block before it has it.
CONTEXT = {
    "backend.start_tracking": "let backend = memscope_rs::unified::unified_quick_start()?;\n",
    "MemoryTracker::new": "use memscope_rs::core::MemoryTracker;\nuse memscope_rs::unified::unified_quick_start;\n",
}


def blocks_of(path):
    """(language, text) of each fenced block; one within a list loses the list's indentation."""
    found, language, indent, text = [], None, "", []
    with open(path, encoding="utf-8") as f:
        for line in f:
            fence = re.match(r"( *)```(\w*)\s*$", line)
            if fence and language is None:
                indent, language, text = fence[1], fence[2] or "text", []
            elif fence:
                found.append((language, "".join(text)))
                language = None
            elif language is not None:
                text.append(line[len(indent) :] if line.startswith(indent) else line)
    return found


def first_line(text):
    lines = [line for line in text.split("\n") if line.strip()]
    return lines[1] if len(lines) > 1 and lines[0].startswith("#") and " [" not in lines[0] else lines[0]


class Fresh:
    """A fresh crate, and a shell, in a Place."""

    def __init__(self, place, crate_file):
        self.place, self.crate_file = place, crate_file
        place.need_crates()
        self.crate = os.path.join(place.folder, "fresh")
        os.makedirs(os.path.join(self.crate, "examples"))
        os.makedirs(os.path.join(self.crate, "src"))
        open(os.path.join(self.crate, "src", "lib.rs"), "w", encoding="utf-8").close()
        with open(os.path.join(self.crate, "Cargo.toml"), "w", encoding="utf-8") as f:
            f.write(
                '[package]\nname = "fresh"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\n'
                'memscope-rs = { path = "%s", default-features = false }\nfutures = "0.3"\n'
                'tokio = { version = "1", features = ["full"] }\n'
                % os.path.join(ROOT, "bindings", "rust")
            )

    def rust(self, number, text):
        if re.match(r"\s*pub struct", text):
            text = self.declared(text)
        elif "fn main" not in text:
            before = "".join(words for key, words in CONTEXT.items() if key in text)
            text = "fn main() -> Result<(), Box<dyn std::error::Error>> {\n%s%s\nOk(())\n}\n" % (before, text)
        name = "b%d" % number
        with open(os.path.join(self.crate, "examples", name + ".rs"), "w", encoding="utf-8") as f:
            f.write("#![allow(unused)]\n" if "fn main" in text and "#[" not in text[:3] else "")
            f.write(text)
        env = dict(self.place.env, MEMSCOPE_BUILD=self.place.build)
        env.pop("LD_LIBRARY_PATH")
        built = subprocess.run(
            ["cargo", "build", "-q", "--example", name], cwd=self.crate, env=env, capture_output=True, text=True
        )
        assert built.returncode == 0, complain(built)
        result = self.place.run([os.path.join(self.crate, "target", "debug", "examples", name)])
        assert result.returncode == 0, complain(result)
        return result.stdout.strip().split("\n")[-1]

    def declared(self, text):
        """The guide's struct is filled from the crate's, field by field and without `..`."""
        name = re.search(r"struct (\w+)", text)[1]
        fields = ", ".join(re.findall(r"pub (\w+):", text))
        return (
            "mod guide {\n use memscope_rs::unified::TrackingStrategy;\n%s}\n"
            "fn main() {\n let memscope_rs::unified::%s { %s } = Default::default();\n"
            ' let _ = guide::%s { %s };\n println!("the same fields");\n}\n'
        ) % (text, name, fields, name, fields)

    def install(self, line):
        if not self.crate_file:
            raise Skip("no packaged crate was given")
        registry = os.path.join(self.place.folder, "registry")
        stage = os.path.join(self.place.folder, "unpacked")
        name = os.path.basename(self.crate_file)[: -len(".crate")]
        os.makedirs(stage)
        subprocess.run(["tar", "-C", stage, "-xzf", self.crate_file], check=True)
        subprocess.run(
            ["cargo", "vendor", "-q", "--versioned-dirs", registry],
            cwd=os.path.join(stage, name), check=True, capture_output=True,
        )
        shutil.copytree(os.path.join(stage, name), os.path.join(registry, name))
        checksum = subprocess.run(["sha256sum", self.crate_file], capture_output=True, text=True, check=True)
        with open(os.path.join(registry, name, ".cargo-checksum.json"), "w", encoding="utf-8") as f:
            json.dump({"files": {}, "package": checksum.stdout.split()[0]}, f)
        home = os.path.join(self.place.folder, "home")
        env = dict(self.place.env, CARGO_INSTALL_ROOT=home)
        env.pop("MEMSCOPE_BUILD", None)
        words = line.split() + [
            "--config", 'source.crates-io.replace-with="folder"',
            "--config", 'source.folder.directory="%s"' % registry,
        ]
        done = subprocess.run(words, env=env, cwd=stage, capture_output=True, text=True)
        assert done.returncode == 0, complain(done)
        tried = self.place.run([os.path.join(home, "bin", "memscope"), "version"])
        assert tried.returncode == 0, complain(tried)
        return tried.stdout.strip()

    def shell(self, text):
        lines = [line.strip() for line in text.split("\n") if line.strip() and not line.strip().startswith("#")]
        for line in lines:
            if line.startswith("cargo install"):
                return self.install(line)
            if "[OPTIONS]" in line:
                usage = self.place.run(line.split()[:2] + ["--help"])
                assert usage.returncode == 0 and "memscope %s" % line.split()[1] in usage.stdout, complain(usage)
                continue
            before = set(os.listdir(self.place.work))
            result = self.place.run(["sh", "-c", line])
            assert result.returncode == 0, "%s\n%s" % (line, complain(result))
            new = set(os.listdir(self.place.work)) - before
            assert any(name.endswith(".mscope") for name in new), "%s: only %s was written" % (line, new)
        return "%d lines" % len(lines)

    def json(self, text):
        wanted = json.loads(text)
        assert set(wanted) == set(JSON_KEYS), set(wanted) ^ set(JSON_KEYS)
        result = self.place.run(["memscope", "run", "-q", "--no-recording", "-e", "json", "-o", "-", "my_program"])
        assert result.returncode == 0, complain(result)
        got = json.loads(result.stdout[result.stdout.index("{") :])
        for key, value in wanted.items():
            kinds = (int, float) if isinstance(value, (int, float)) else type(value)
            assert isinstance(got.get(key), kinds), "%s is %r" % (key, got.get(key))
        return "the same keys and types"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("guide")
    parser.add_argument("--memscope", required=True)
    parser.add_argument("--crate")
    parser.add_argument("--only", action="append", type=int, default=[])
    options = parser.parse_args()
    crate_file = options.crate and os.path.abspath(options.crate)
    place = Place(options.memscope)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    try:
        fresh = Fresh(place, crate_file)
        for number, (language, text) in enumerate(blocks_of(options.guide), 1):
            if options.only and number not in options.only:
                continue
            try:
                do = {"bash": fresh.shell, "sh": fresh.shell, "json": fresh.json}.get(language)
                why = do(text) if do else fresh.rust(number, text)
                outcome = "passed"
            except Skip as reason:
                outcome, why = "skipped", str(reason)
            except (AssertionError, subprocess.SubprocessError, ValueError) as reason:
                outcome, why = "failed", str(reason)
            counts[outcome] += 1
            print("%2d  %-5s %-8s %s\n        %s" % (number, language, outcome, first_line(text), why), flush=True)
    finally:
        place.done()
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % counts)
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
