# SPDX-License-Identifier: Apache-2.0
"""The ground-truth programs and the ways in which each is built."""
import gzip
import json
import os
import pathlib
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import Callable

HERE = pathlib.Path(__file__).resolve().parent

TOKIO_VERSIONS = ["1.23.0", "1.24.2", "1.28.2", "1.36.0", "1.47.1"]
MODES = ("mt", "ct", "local")  # multi_thread with four workers, current_thread, LocalSet
ASYNCIO_VERSIONS = ["3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"]
# python-build-standalone, which uv installs: _asyncio is part of the executable, or of libpython.
EMBEDDED_PYTHONS = {"3.14": "v0.0.0-3.14.6-20260610-1", "3.11": "v0.0.0-3.11.11-20241219-1"}
EMBEDDED_MODULE = "github.com/kluctl/go-embed-python"
TOKIO_FEATURES = '["rt-multi-thread", "macros", "time", "sync", "net", "io-util"]'

# Keys of [profile.release], and flags of rustc.
PROFILES = {
    "release": ("", ""),
    "debug": ("opt-level = 0\ndebug = true\noverflow-checks = true\n", ""),
    "thin": ('lto = "thin"\n', ""),
    "fat-abort": ('lto = "fat"\ncodegen-units = 1\npanic = "abort"\n', ""),
    "size": ('opt-level = "z"\n', ""),
    "strip": ("strip = true\n", ""),
    "v0": ("", "-Csymbol-mangling-version=v0"),
}


class Missing(Exception):
    """The case cannot be built here, and why."""


@dataclass
class Case:
    name: str
    runtime: str
    build: Callable
    strategy: str = "async"
    status: int = 0
    least_tasks: int = 5
    parents: bool = True
    arguments: list = field(default_factory=list)


def need(command):
    path = shutil.which(command)
    if not path:
        raise Missing(f"there is no {command}")
    return path


def build_rust(work, folder, name, dependencies, profile, binary, library=False):
    """Builds the crate tests/tasks/FOLDER once for a set of dependencies and a profile.

    What crates have in common is built once for each profile, in a target folder of its own.
    """
    cargo = need("cargo")
    place = work / f"{name}-{profile}"
    file = f"lib{binary}.so" if library else binary
    program = place / file
    source = HERE / folder / "src"
    if program.exists() and program.stat().st_mtime > (source / "main.rs").stat().st_mtime:
        return program
    place.mkdir(exist_ok=True)
    keys, flags = PROFILES[profile]
    (place / "Cargo.toml").write_text(
        f'[package]\nname = "{binary}"\nversion = "0.0.0"\nedition = "2021"\n'
        + (f'[[bin]]\nname = "{binary}"\n' if not library else
           f'[lib]\nname = "{binary}"\ncrate-type = ["cdylib"]\n')
        + f'path = "{source}/main.rs"\n'
        f"[features]\njemalloc = []\n"
        f"[dependencies]\n{dependencies}\n[profile.release]\n{keys}\n[workspace]\n")
    target = work / f"target-{profile}"
    settings = dict(os.environ, RUSTFLAGS=flags, CARGO_TARGET_DIR=str(target))
    features = ["--features", "jemalloc"] if "jemalloc" in dependencies else []
    built = subprocess.run([cargo, "build", "-q", "-j2", "--release", *features], cwd=place,
                           env=settings, capture_output=True, timeout=1800)
    if built.returncode != 0:
        raise Missing(built.stderr.decode(errors="replace").strip()[-300:])
    shutil.copy(target / "release" / file, program)
    return program


def tokio_dependencies(version):
    requirement = f"={version}" if version != "newest" else "1"
    return (f'tokio = {{ version = "{requirement}", features = {TOKIO_FEATURES} }}\n'
            'futures-util = { version = "0.3", default-features = false, features = ["std"] }\n')


def tokio(version, profile, mode, strategy="async"):
    def build(work):
        program = build_rust(work, "tokio", f"tokio-{version}", tokio_dependencies(version),
                             profile, "gt_tokio")
        return [program, mode]

    name = f"tokio-{version}-{profile}-{mode}" + (f"-{strategy}" if strategy != "async" else "")
    return Case(name, "tokio", build, strategy=strategy)


def tokio_jemalloc(profile, mode):
    """As servers often are: jemalloc built in as the global allocator."""
    def build(work):
        dependencies = tokio_dependencies("newest") + 'tikv-jemallocator = "0.6"\n'
        program = build_rust(work, "tokio", "tokio-jemalloc", dependencies, profile, "gt_tokio")
        return [program, mode]

    return Case(f"tokio-jemalloc-{profile}-{mode}", "tokio", build)


def tokio_loaded(mode):
    def build(work):
        library = build_rust(work, "tokio", "tokio-loaded", tokio_dependencies("newest"),
                             "release", "gt_loaded", library=True)
        return ["env", f"GT_LIBRARY={library}", build_c(work, "host.c", "gcc", ["-O2"]), mode]

    return Case(f"tokio-loaded-{mode}", "tokio", build)


def tokio_cases(quick):
    if quick:
        return [tokio("newest", "release", mode) for mode in MODES] + [
            tokio("newest", "release", "mt", "hybrid"),
            tokio(TOKIO_VERSIONS[0], "strip", "mt"),
            tokio_jemalloc("release", "mt")]
    return ([tokio(version, profile, mode) for profile in PROFILES
             for version in ("newest", *TOKIO_VERSIONS) for mode in MODES]
            + [tokio_jemalloc(profile, mode) for profile in ("release", "fat-abort", "debug")
               for mode in MODES]
            + [tokio("newest", "release", mode, "hybrid") for mode in MODES]
            + [tokio_loaded(mode) for mode in MODES])


def smol(profile, mode):
    def build(work):
        program = build_rust(work, "smol", "smol", 'smol = "2"\nasync-std = "1"', profile, "gt_smol")
        return [program, mode]

    return Case(f"smol-{profile}-{mode}", "async-task", build)


def smol_cases(quick):
    if quick:
        return [smol("release", mode) for mode in ("global", "local", "std")]
    return [smol(profile, mode) for profile in PROFILES for mode in ("global", "local", "std")]


def build_c(work, source, compiler, flags):
    program = work / f"{pathlib.Path(source).stem}-{compiler}-{'-'.join(flags) or 'plain'}"
    built = subprocess.run([need(compiler), *flags, "-pthread", f"-I{HERE.parents[1]}/include",
                            HERE / source, "-o", program], capture_output=True)
    if built.returncode != 0:
        raise Missing(built.stderr.decode(errors="replace").strip()[-300:])
    return program


def explicit_cases(quick):
    def build(work):
        return [build_c(work, "explicit.c", "gcc", ["-O2"])]

    return [Case("explicit", "program", build, parents=False)]


def coroutine_cases(quick):
    def case(compiler, *flags):
        def build(work):
            return [build_c(work, "coroutines.cc", compiler, ["-std=c++20", *flags])]

        return Case(f"coroutines-{compiler}{''.join(flags)}", "c++20", build, parents=False)

    if quick:
        return [case("g++", "-O2")]
    return [case(compiler, *flags) for compiler in ("g++", "clang++")
            for flags in (["-O0"], ["-O2"], ["-O3"], ["-O2", "-fno-omit-frame-pointer"], ["-O2", "-s"])]


def pythons():
    """Interpreters by version: the system's own, and those of pyenv."""
    found = {"system": "/usr/bin/python3"}
    root = pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv")) / "versions"
    for version in ASYNCIO_VERSIONS:
        for place in sorted(root.glob(f"{version}.*/bin/python3")):
            found[version] = str(place)
    return found


def embedded_files(version):
    """The folder of a Go module that has an interpreter in it, fetched by go."""
    settings = dict(os.environ, GOFLAGS="-mod=mod")
    told = subprocess.run([need("go"), "mod", "download", "-json", f"{EMBEDDED_MODULE}@{version}"],
                          env=settings, capture_output=True, timeout=300)
    if told.returncode != 0:
        raise Missing(told.stdout.decode(errors="replace").strip()[-300:])
    return pathlib.Path(json.loads(told.stdout)["Dir"]) / "python/internal/data/linux-amd64"


def embedded_python(work, version):
    """Unpacks the interpreter, once."""
    place = work / f"python-{version}"
    if (place / "done").exists():
        return place / "bin/python3"
    source = embedded_files(EMBEDDED_PYTHONS[version])
    for file in json.loads((source / "files.json").read_text())["files"]:
        path = place / file["name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.get("symlink"):
            if not path.is_symlink():
                path.symlink_to(file["symlink"])
        elif file["perm"] >> 31:
            path.mkdir(exist_ok=True)
        else:
            packed = source / (file["name"] + (".gz" if file.get("compressed") else ""))
            text = packed.read_bytes()
            path.write_bytes(gzip.decompress(text) if file.get("compressed") else text)
            path.chmod(file["perm"] & 0o777)
    (place / "done").touch()
    return place / "bin/python3"


def embedded_cases():
    def case(version, allocator):
        def build(work):
            settings = [f"PYTHONMALLOC={allocator}"] if allocator != "pymalloc" else []
            return ["env", *settings, embedded_python(work, version),
                    str(HERE / "asyncio" / "gt.py")]

        return Case(f"asyncio-embedded-{version}-{allocator}", "asyncio", build)

    return [case(version, allocator) for version in EMBEDDED_PYTHONS
            for allocator in ("pymalloc", "malloc")]


def asyncio_cases(quick):
    def case(version, interpreter, allocator):
        def build(_):
            if not os.path.exists(interpreter):
                raise Missing(f"there is no {interpreter}")
            settings = [f"PYTHONMALLOC={allocator}"] if allocator != "pymalloc" else []
            return ["env", *settings, interpreter, str(HERE / "asyncio" / "gt.py")]

        return Case(f"asyncio-{version}-{allocator}", "asyncio", build)

    found = pythons()
    if quick:
        return [case("system", found["system"], "pymalloc")]
    return [case(version, interpreter, allocator) for version, interpreter in found.items()
            for allocator in ("pymalloc", "malloc")] + embedded_cases()


def cases(quick):
    return (tokio_cases(quick) + smol_cases(quick) + asyncio_cases(quick)
            + coroutine_cases(quick) + explicit_cases(quick))
