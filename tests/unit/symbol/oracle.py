#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the symbolizer with addr2line, eu-addr2line and llvm-symbolizer.

    oracle.py SYMBOLIZE SOURCES_DIR

Builds the programs in SOURCES_DIR in many ways (optimisation, DWARF versions, stripped with a
separate debug file found by build-id or debuglink, dwz, .gnu_debugdata, split DWARF) and asks for every call
instruction in them. The tools disagree with each other in places (binutils 2.40 mixes up file
tables, elfutils picks a neighbour where inlined ranges overlap), so an answer is right if one of
them gives the same chain of functions and lines, and one tool alone must agree in most.
Last line: `N passed, N failed, N skipped`.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

SYMBOLIZE, SOURCES = sys.argv[1], sys.argv[2]
AGREE_LEAST = 0.80  # of the calls, with the tool that agrees most
ADDRESSES_MAX = 4000
TOOL_SECONDS = 60
FEW = 50
# What the C library links in has no debug information.
START_CODE = r"<(_start|_dl_relocate_static_pie|(de)?register_tm_clones|__do_global_dtors_aux|frame_dummy)>"


def run(*command, stdin=""):
    """What a tool prints. One that takes too long is an oracle less, which is said."""
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True,
                              errors="replace", timeout=TOOL_SECONDS)
    except subprocess.TimeoutExpired:
        raise RuntimeError("%s: over %d s" % (command[0], TOOL_SECONDS)) from None
    if done.returncode:
        raise RuntimeError("%s: %s" % (" ".join(command[:4]), done.stderr[-300:]))
    return done.stdout


def calls(path):
    """Addresses inside each call instruction of .text (of every instruction if there are few)."""
    found, others, is_ours = [], [], False
    for line in run("objdump", "-d", "--no-show-raw-insn", "-j", ".text", path).splitlines():
        if line.endswith(">:"):
            is_ours = not re.search(START_CODE, line)
        m = re.match(r"\s*([0-9a-f]+):\s+(\S+)", line)
        if m and is_ours and not re.match(r"nop|xchg|data16|cs|int3|hlt", m[2]):
            (found if m[2].startswith("call") else others).append(int(m[1], 16))
    found = found if len(found) >= FEW else sorted(found + others)
    return found[:: max(1, len(found) // ADDRESSES_MAX)]


def base_name(name):
    """The last component without parameters, template arguments and qualifiers."""
    name = re.sub(r" \[clone [^]]*\]", "", name)
    if re.search(r"\boperator[^\w\s]", name):
        return "operator@"  # their template arguments begin in too many ways
    name = re.sub(r"\b(\w+)\[abi:\w+\]", r"\1", name)
    out, depth = "", 0
    for c in name:
        if c in "<({[":
            depth += 1
        elif c in ">)}]":
            depth -= 1
        elif depth == 0:
            out += c
    out = re.sub(r"( const| volatile|&+)+$", "", out.strip())
    parts = [part for part in re.split(r"::|\.", out.split(" ")[-1]) if part]
    return parts[-1] if parts else "@"


def place(text):
    text = re.sub(r" \(discriminator \d+\)$", "", text)
    text = re.sub(r"^(.*:[0-9?]+):[0-9?]+$", r"\1", text)
    file, _, line = text.rpartition(":")
    line = "0" if line in ("", "?") else line
    if line == "0" and re.search(r"-cgu\.\d+$", file):
        file = "??"  # the name of an object file, not of a source
    return "%s:%s" % ("??" if file in ("", "??") else os.path.basename(file), line)


def ours(path, addresses, *options):
    out = run(SYMBOLIZE, *options, path, stdin="\n".join(map(hex, addresses)))
    result, at = {}, None
    for line in out.splitlines():
        if line.startswith("0x"):
            at = int(line, 16)
            result[at] = []
        else:
            _, name, where, inlined = line.split("\t")
            result[at].append((base_name(name), place(where), name))
    return result


def addr2line(tool):
    def ask(path, addresses):
        out = run(tool, "-a", "-i", "-f", "-C", "-e", path, stdin="\n".join(map(hex, addresses)))
        result, at, name = {}, None, None
        for line in out.splitlines():
            if re.fullmatch(r"0x[0-9a-f]+", line):
                at, name = int(line, 16), None
                result[at] = []
            elif name is None:
                name = re.sub(r" inlined at .*", "", line)
            else:
                result[at].append((base_name(name), place(line)))
                name = None
        return result

    return ask


def llvm(path, addresses):
    out = run("llvm-symbolizer", "-i", "-C", "-a", "-e", path, stdin="\n".join(map(hex, addresses)))
    result, at, name = {}, None, None
    for line in out.splitlines():
        if re.fullmatch(r"0x[0-9a-f]+", line):
            at, name = int(line, 16), None
            result[at] = []
        elif not line:
            continue
        elif name is None:
            name = line
        else:
            result[at].append((base_name(name), place(line)))
            name = None
    return result


TOOLS = {
    "addr2line": addr2line("addr2line"),
    "eu-addr2line": addr2line("eu-addr2line"),
    "llvm-symbolizer": llvm,
}


def lines_of(frames):
    return [f[1] for f in frames] or ["??:0"]


def names_of(frames):
    return [f[0] for f in frames] or ["??"]


def same(mine, theirs):
    """The chain of lines is equal, and so are the functions."""
    return lines_of(mine) == lines_of(theirs) and names_of(mine) == names_of(theirs)


class Tally:
    passed = failed = skipped = 0

    def note(self, ok, what, details=()):
        self.passed += ok
        self.failed += not ok
        print("%s  %s" % ("passed" if ok else "FAILED", what), flush=True)
        for detail in [] if ok else list(details)[:4]:
            print("    %s" % (detail,))

    def skip(self, what):
        self.skipped += 1
        print("skipped %s" % what)


def compare(tally, what, path, tools):
    """One program against the tools."""
    addresses = calls(path)
    mine = ours(path, addresses)
    theirs = {}
    for name in tools:
        try:
            theirs[name] = TOOLS[name](path, addresses)
        except RuntimeError as e:
            tally.skip("%s: %s" % (what, e))
    wrong = []
    for at in addresses:
        got = mine.get(at, [])
        if not any(same(got, answer.get(at, [])) for answer in theirs.values()):
            wrong.append((hex(at), got, [(n, a.get(at)) for n, a in theirs.items()]))
    # Names of outer functions, exactly as one of the demanglers writes them.
    named = sum(bool(mine.get(at)) for at in addresses)
    tally.note(len(addresses) > 20 and not wrong,
               "%s: %d calls, %d unlike every tool" % (what, len(addresses), len(wrong)), wrong)
    tally.note(named >= 0.97 * len(addresses), "%s: %d of %d named" % (what, named, len(addresses)))
    lined = sum(any(f[1] != "??:0" for f in mine.get(at, [])) for at in addresses)
    tally.note(lined >= 0.8 * len(addresses), "%s: %d with lines" % (what, lined))
    equal = {n: sum(same(mine.get(at, []), a.get(at, [])) for at in addresses)
             for n, a in theirs.items()}
    tally.note(max(equal.values()) >= AGREE_LEAST * len(addresses),
               "%s: as %s" % (what, ", ".join("%s %d" % one for one in equal.items())))


def build_all(tally, tools, work):
    c, cc, rs = (os.path.join(SOURCES, n) for n in ("shapes.c", "zoo.cc", "harbour.rs"))
    ways = [
        ("c -O0", ["gcc", "-O0", "-g", c]),
        ("c -O2", ["gcc", "-O2", "-g", c]),
        ("c -O3 -g1", ["gcc", "-O3", "-g1", c]),
        ("c -O2 -gdwarf-4 no-pie", ["gcc", "-O2", "-gdwarf-4", "-no-pie", c]),
        ("c -O2 -gz", ["gcc", "-O2", "-g", "-gz", c]),
        ("c -O2 clang", ["clang", "-O2", "-g", c]),
        ("c++ -O0", ["g++", "-O0", "-g", cc]),
        ("c++ -O2", ["g++", "-O2", "-g", cc]),
        ("c++ -O2 -g1", ["g++", "-O2", "-g1", cc]),
        ("c++ -O2 -gdwarf-4", ["g++", "-O2", "-gdwarf-4", cc]),
        ("c++ -O2 -flto", ["g++", "-O2", "-g", "-flto", cc]),
        ("c++ -O2 clang", ["clang++", "-O2", "-g", cc]),
        ("rust debug", ["rustc", "--edition=2021", "-g", rs]),
        ("rust release -g", ["rustc", "--edition=2021", "-O", "-g", rs]),
        ("rust v0", ["rustc", "--edition=2021", "-g", "-C", "symbol-mangling-version=v0", rs]),
    ]
    for what, command in ways:
        if not shutil.which(command[0]):
            tally.skip(what + ": no " + command[0])
            continue
        path = os.path.join(work, re.sub(r"\W+", "_", what))
        try:
            run(*command, "-o", path)
        except RuntimeError as e:
            tally.note(False, "%s is built" % what, [e])
            continue
        compare(tally, what, path, tools)


def check_separate(tally, work):
    """What a stripped program and its separate debug file give must equal the whole program."""
    cc = os.path.join(SOURCES, "zoo.cc")
    whole = os.path.join(work, "whole")
    run("g++", "-O2", "-g", cc, "-o", whole, "-Wl,--build-id")
    addresses = calls(whole)
    wanted = ours(whole, addresses)
    build_id = re.search(r"Build ID: ([0-9a-f]+)", run("readelf", "-n", whole))[1]
    folder = os.path.join(work, "debug", ".build-id", build_id[:2])
    os.makedirs(folder)
    debug = os.path.join(folder, build_id[2:] + ".debug")
    run("objcopy", "--only-keep-debug", whole, debug)
    stripped = os.path.join(work, "stripped")
    run("strip", "-o", stripped, whole)
    got = ours(stripped, addresses, "-d", os.path.join(work, "debug"))
    tally.note(got == wanted, "separate debug file by build-id")
    got = ours("/nowhere/" + build_id, addresses, "-d", os.path.join(work, "debug"), "-b", build_id)
    tally.note(got == wanted, "debug file alone, the program is gone")
    got = ours("/nowhere/whole", addresses, "-d", work, "-b", build_id)
    tally.note(got == wanted, "a copy in the debug path")
    got = ours("/nowhere/whole", addresses, "-d", work, "-b", "00" * 20)
    tally.note(not any(got.values()), "a copy with another build-id is not used")
    check_link(tally, work, whole, addresses, wanted)
    check_dwz(tally, work, whole, addresses, wanted)
    check_mini(tally, work, whole, addresses)
    names = ours(stripped, addresses)
    tally.note(not any(len(f) > 1 for f in names.values()), "stripped: no inlined frames invented")


def check_link(tally, work, whole, addresses, wanted):
    """By debuglink, in a program without build-id: the checksum decides."""
    here = os.path.join(work, "linked")
    os.makedirs(os.path.join(here, ".debug"))
    program, debug = os.path.join(here, "zoo"), os.path.join(here, ".debug", "zoo.dbg")
    run("objcopy", "--remove-section=.note.gnu.build-id", whole, program)
    run("objcopy", "--only-keep-debug", program, debug)
    run("strip", program)
    run("objcopy", "--add-gnu-debuglink=" + debug, program)
    tally.note(ours(program, addresses) == wanted, "separate debug file by debuglink")
    with open(debug, "ab") as f:
        f.write(b"x")
    got = ours(program, addresses)
    tally.note(not any(len(f) > 1 for f in got.values()), "debuglink with a wrong checksum")


def check_dwz(tally, work, whole, addresses, wanted):
    if not shutil.which("dwz"):
        tally.skip("dwz: not installed")
        return
    here = os.path.join(work, "dwz")
    os.makedirs(here)
    names = [os.path.join(here, n) for n in ("one", "two", "three")]
    for name in names:
        shutil.copy(whole, name)
    run("dwz", "-m", os.path.join(here, "shared"), "-M", "shared", *names)
    sections = run("readelf", "-SW", names[0])
    tally.note(".gnu_debugaltlink" in sections, "dwz moved something out")
    got = ours(names[0], addresses)
    tally.note(got == wanted, "dwz", [(hex(a), got.get(a), wanted[a]) for a in addresses
                                       if got.get(a) != wanted[a]])
    os.rename(os.path.join(here, "shared"), os.path.join(here, "gone"))
    got = ours(names[0], addresses)
    tally.note(len(got) == len(wanted), "dwz without its shared file ends well")


def check_mini(tally, work, whole, addresses):
    """.gnu_debugdata: names of local functions in a stripped program."""
    mini, packed = os.path.join(work, "mini"), os.path.join(work, "mini_program")
    run("objcopy", "--strip-debug", whole, mini)
    if not shutil.which("xz"):
        tally.skip("minidebug: no xz")
        return
    run("xz", "-kf", mini)
    run("strip", "-o", packed, whole)
    run("objcopy", "--add-section", ".gnu_debugdata=" + mini + ".xz", packed)
    names = {at: f[0][0] for at, f in ours(mini, addresses).items() if f}
    got = {at: f[0][0] for at, f in ours(packed, addresses).items() if f}
    tally.note(len(names) > 100 and got == names, "minidebug: %d names" % len(got))


def check_split(tally, work, tools):
    source = os.path.join(SOURCES, "shapes.c")
    program = os.path.join(work, "split")
    run("gcc", "-O2", "-g", "-gsplit-dwarf", source, "-o", program)
    plain = os.path.join(work, "unsplit")
    run("gcc", "-O2", "-g", source, "-o", plain)
    addresses = calls(program)
    tally.note(ours(program, addresses) == ours(plain, addresses), "split DWARF")


def check_client(tally, work):
    """Through the helper the answers are the same."""
    path = os.path.join(work, "c_O2")
    addresses = calls(path)
    tally.note(ours(path, addresses, "-c") == ours(path, addresses), "through the helper process")


def main():
    tools = [name for name in TOOLS if shutil.which(name)]
    if not tools or not shutil.which("objdump") or not shutil.which("g++"):
        print("0 passed, 0 failed, 1 skipped")
        return 77
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="memscope-symbol-") as work:
        build_all(tally, tools, work)
        check_separate(tally, work)
        check_split(tally, work, tools)
        check_client(tally, work)
    print("%d passed, %d failed, %d skipped" % (tally.passed, tally.failed, tally.skipped))
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
