# SPDX-License-Identifier: Apache-2.0
"""Tokio's own tests, as crates.io has them, pass the same under memscope as without it.

The test programs are built once from the crate's sources. A test whose outcome differs is run
again both ways: some of them watch the clock, and machines are busy.
"""
import os
import pathlib
import re
import shutil
import subprocess

from programs import Missing, need

VERSION = "1.47.1"
TESTS = """rt_basic rt_common rt_threaded rt_panic rt_handle task_abort task_blocking task_id
task_join_set task_local task_local_set task_panic task_yield_now join_handle_panic sync_mpsc
sync_mutex sync_broadcast sync_notify sync_watch sync_rwlock sync_oneshot sync_semaphore time_sleep
time_timeout time_interval tcp_accept tcp_connect tcp_echo tcp_stream tcp_split udp uds_stream
io_copy io_split io_driver macros_select macros_join macros_pin fs_file fs_dir coop_budget process_smoke
signal_usr1""".split()
LEAST = 300  # outcomes
OUTCOME = re.compile(r"^test (\S+)(?: - should panic)? \.\.\. (\w+)", re.M)


def source(work):
    """A copy of the crate's sources, fetched by cargo."""
    place = work / f"tokio-{VERSION}-tests"
    if (place / "Cargo.toml").exists():
        return place
    fetch = work / "fetch"
    (fetch / "src").mkdir(parents=True, exist_ok=True)
    (fetch / "src" / "lib.rs").touch()
    (fetch / "Cargo.toml").write_text(
        '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n'
        f'[dependencies]\ntokio = "={VERSION}"\n[workspace]\n')
    fetched = subprocess.run([need("cargo"), "fetch", "-q"], cwd=fetch, capture_output=True,
                             timeout=300)
    home = pathlib.Path(os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo"))
    found = sorted(home.glob(f"registry/src/*/tokio-{VERSION}"))
    if not found:
        raise Missing(fetched.stderr.decode(errors="replace")[-300:] or "there are no sources")
    shutil.copytree(found[0], place)
    with open(place / "Cargo.toml", "a", encoding="utf-8") as manifest:
        manifest.write("\n[workspace]\n")
    return place


def build(work):
    """The test programs: name -> path."""
    place = source(work)
    words = [need("cargo"), "test", "-j2", "--no-run", "--features", "full,test-util"]
    for test in TESTS:
        if (place / "tests" / f"{test}.rs").exists():
            words += ["--test", test]
    target = work / "target-tokio-tests"
    built = subprocess.run(words, cwd=place, capture_output=True, timeout=3000,
                           env=dict(os.environ, CARGO_TARGET_DIR=str(target)))
    told = built.stderr.decode(errors="replace")
    if built.returncode != 0:
        raise Missing(told[-300:])
    found = re.findall(r"Executable tests/(\w+)\.rs \((\S+)\)", told)
    return place, {name: place / path for name, path in found}


def outcomes(words, place):
    try:
        done = subprocess.run(words, cwd=place, capture_output=True, timeout=300)
    except subprocess.TimeoutExpired:
        return {"(the program)": "no end"}
    told = dict(OUTCOME.findall(done.stdout.decode(errors="replace")))
    told["(the program)"] = str(done.returncode)
    return told


def check_suite(program, prefix, place):
    """Sentences on tests that end otherwise under memscope, and how many there are."""
    bare, watched = outcomes([program], place), outcomes([*prefix, program], place)
    wrong = []
    for test in sorted(set(bare) | set(watched)):
        if bare.get(test) == watched.get(test) or test == "(the program)":
            continue
        again = [outcomes([*words, program, "--exact", test], place).get(test)
                 for words in ([], prefix)]
        if again[0] != again[1]:
            wrong.append(f"{program.name} {test}: {again[0]} bare, {again[1]} under memscope")
    if not wrong and bare["(the program)"] != watched["(the program)"] and len(bare) == 1:
        wrong.append(f"{program.name}: {bare} bare, {watched} under memscope")
    return wrong, len(bare) - 1, sum(outcome == "ok" for outcome in watched.values())


def check_tokio(_, arguments, work):
    """None when it holds, else what is wrong. Raises Missing when it cannot be built."""
    place, suites = build(work)
    recording = work / "suite.mscope"
    prefix = [arguments.memscope, "run", "-q", "--strategy", "async", "-o", recording, "--"]
    wrong, tests, passed = [], 0, 0
    for program in suites.values():
        more, n, ok = check_suite(program, prefix, place)
        wrong += more
        tests += n
        passed += ok
    print(f"    {len(suites)} programs, {tests} tests, {passed} pass under memscope")
    if tests < LEAST:
        wrong.append(f"only {tests} tests ran")
    return "; ".join(wrong) or None
