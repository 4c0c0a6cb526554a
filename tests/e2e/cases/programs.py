# SPDX-License-Identifier: Apache-2.0
"""Real programs: same output and status; where they are deterministic, valgrind's totals."""

import re
import subprocess
import time

import material
from case import Case

PYTHON = ("/usr/bin/python3", "-I", "-S")
PYTHON_ENV = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
GIT_ENV = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_PAGER": "cat"}


def oracle(name, *words, quick=False, **more):
    """A deterministic program of one process and thread: exactly what valgrind counts."""
    return Case("oracle-" + name, words, prepare=more.pop("prepare", material.files),
                needs=("cmd:" + words[0],), oracle=True,
                slow=not quick, timeout_s=more.pop("timeout_s", 30), **more)


def real(name, *words, **more):
    return Case("real-" + name, words, prepare=more.pop("prepare", material.files),
                needs=more.pop("needs", ()), timeout_s=more.pop("timeout_s", 60), **more)


def shell(name, text, **more):
    return real(name, "/bin/sh", "-c", text, **more)


def redis_drive(running):
    """A short benchmark against the server, then SHUTDOWN; the server says nothing of it."""
    port = str(running.work.port)
    for _ in range(200):
        if subprocess.run(["redis-cli", "-p", port, "ping"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode == 0:
            break
        time.sleep(0.02)
    subprocess.run(["redis-benchmark", "-p", port, "-q", "-n", "2000", "-c", "10", "-t",
                    "set,get,lpush,hset,zadd"], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=60, check=True)
    subprocess.run(["redis-cli", "-p", port, "shutdown", "nosave"], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=False)


def redis_clean(data):
    data = re.sub(rb"\d+:([CMS]) \d\d \w{3} \d{4} [\d:.]+", rb"\1", data)
    data = re.sub(rb"(?i)pid[=:] ?\d+", b"pid", data)
    return data


ORACLES = (
    oracle("sqlite3", "/usr/bin/sqlite3", ":memory:", ".read script.sql", quick=True),
    oracle("sqlite3-file", "/usr/bin/sqlite3", "new.db", ".read script.sql"),
    oracle("python3", *PYTHON, "script.py", env=PYTHON_ENV),
    oracle("python3-malloc", *PYTHON, "script.py",
           env={**PYTHON_ENV, "PYTHONMALLOC": "malloc"}),
    oracle("python3-error", *PYTHON, "-c", "import no_such_module", env=PYTHON_ENV, status=1,
           quick=True),
    oracle("jq", "/usr/bin/jq", "-c", "group_by(.id % 7) | map({n: length, t: (map(.tags) | add | "
           "unique | length), s: (map(.deep.x) | add)})", "data.json", quick=True),
    oracle("perl", "/usr/bin/perl", "script.pl", env={"PERL_HASH_SEED": "0"}, quick=True),
    oracle("xmllint", "/usr/bin/xmllint", "--format", "data.xml"),
    oracle("bc", "/usr/bin/bc", "-lq", stdin=b"scale=400; 4*a(1); 2^3000; sqrt(2)\nquit\n"),
    oracle("mawk", "/usr/bin/mawk", "{ for (i = 1; i <= NF; i++) n[$i]++ } END { for (w in n) s += "
           "n[w] * length(w); print s, NR }", "words.txt", quick=True),
    oracle("sed", "/bin/sed", "-E", r"s/(\w+) (\w+)/\2 \1/g; 5,10d; $!N; P; D", "words.txt"),
    oracle("sort", "/usr/bin/sort", "--parallel=1", "-k3,3", "-k1,1r", "words.txt"),
    oracle("grep", "/bin/grep", "-nE", "(ab|cd)[e-z]+ .*x", "words.txt"),
    # One file: the inodes of several may meet in tar's hash table, which allocates then.
    oracle("tar", "/bin/tar", "--owner=0", "--group=0", "-cf", "-", "words.txt"),
    oracle("gzip", "/bin/gzip", "-c", "words.txt"),
    oracle("bzip2", "/bin/bzip2", "-c", "words.txt"),
    oracle("xz", "/usr/bin/xz", "-T1", "-c", "words.txt"),
    oracle("git-log", "/usr/bin/git", "-C", "repo", "log", "-p", "--stat",
           prepare=material.repository, env=GIT_ENV),
    oracle("git-pack", "/usr/bin/git", "-C", "repo", "pack-objects", "--stdout", "--all",
           "--threads=1", "-q", prepare=material.repository, env=GIT_ENV, stdin=b""),
    # A few bytes: it keeps its process number as text.
    oracle("bash", "/bin/bash", "--norc", "alone.sh", status=4, within=1e-6),
    oracle("openssl", "/usr/bin/openssl", "dgst", "-sha256", "words.txt"),
    oracle("file", "/usr/bin/file", "-b", "words.txt", "data.xml", "/bin/sh"),
    oracle("readelf", "/usr/bin/readelf", "-W", "-a", "{targets}/stack_exception"),
    # Its tables hash addresses: nearly deterministic.
    oracle("cc1plus", "/usr/lib/gcc/x86_64-linux-gnu/12/cc1plus", "-quiet", "-fsyntax-only",
           "-imultiarch", "x86_64-linux-gnu", "-D_GNU_SOURCE", "--param",
           "ggc-min-heapsize=131072", "--param", "ggc-min-expand=30", "main.cc", timeout_s=60,
           within=0.001),
)

REAL = (
    real("xmllint", "/usr/bin/xmllint", "--xpath", "count(//row[@a > 300])", "data.xml",
         needs=("cmd:xmllint",)),
    real("g++", "g++", "-O1", "-c", "main.cc", "-o", "main.o", needs=("cmd:g++",), timeout_s=120),
    real("g++-syntax", "g++", "-fsyntax-only", "main.cc", needs=("cmd:g++",)),
    real("g++-errors", "g++", "-c", "broken.cc", status=1, needs=("cmd:g++",)),
    shell("g++-link-run", "g++ -O0 main.cc -o main && ./main", needs=("cmd:g++",), slow=True,
          timeout_s=120),
    real("git-gc", "git", "-C", "repo", "gc", "--aggressive", "--quiet", "--prune=now",
         prepare=material.repository, env=GIT_ENV),
    real("git-clone", "git", "clone", "-q", "--no-local", "repo", "copy",
         prepare=material.repository, env=GIT_ENV),
    real("git-fsck", "git", "-C", "repo", "fsck", "--full", "--no-progress",
         prepare=material.repository, env=GIT_ENV),
    real("redis", "redis-server", "--port", "{port}", "--save", "", "--loglevel", "warning",
         "--appendonly", "no", drive=redis_drive, clean=redis_clean, modes=("",),
         needs=("cmd:redis-server", "cmd:redis-benchmark")),
    real("node", "node", "script.js", needs=("cmd:node",), status=3, timeout_s=90),
    real("python3-threads", *PYTHON, "-c",
         "import threading, subprocess\n"
         "def f(n):\n    return [bytes(i % 2000) for i in range(n)]\n"
         "t = [threading.Thread(target=f, args=(20000,)) for _ in range(8)]\n"
         "[x.start() for x in t]; [x.join() for x in t]\n"
         "print(subprocess.run(['sh', '-c', 'echo child; exit 6']).returncode)",
         env={**PYTHON_ENV, "PYTHONMALLOC": "malloc"}),
    real("python3-exit", *PYTHON, "-c", "import os, sys; sys.stdout.write('x'); "
         "sys.stdout.flush(); os._exit(44)", env=PYTHON_ENV, status=44),
    real("python3-signal", *PYTHON, "-c", "import os; os.kill(os.getpid(), 15)", env=PYTHON_ENV,
         status=-15),
    real("python3-multiprocessing", "/usr/bin/python3", "-I", "-c",
         "import multiprocessing as m\n"
         "if __name__ == '__main__':\n"
         "    with m.get_context('fork').Pool(4) as p:\n"
         "        print(sum(p.map(abs, range(-500, 500))))", env=PYTHON_ENV),
    real("bash-script", "/bin/bash", "script.sh", status=9),
    shell("tar-xz", "tar --sort=name -cf - words.txt data.json data.xml | xz -T2 -c | sha256sum; "
          "tar -cJf a.tar.xz words.txt && tar -tJf a.tar.xz", needs=("cmd:xz",)),
    shell("pipeline", "cat words.txt | tr ' ' '\\n' | sort | uniq -c | sort -rn | head -20 | "
          "awk '{ print $2, $1 }'; false | true; exit 12", status=12),
    shell("sort-parallel", "sort --parallel=4 -S 1M words.txt words.txt words.txt | sha256sum"),
    shell("openssl", "openssl genrsa 2>/dev/null 1024 >key && openssl rsa -in key -check -noout && "
          "openssl speed -seconds 1 -bytes 64 sha256 >/dev/null 2>&1; echo $?"),
    shell("make", "printf 'all: a b\\na b:\\n\\t@echo $@; sleep 0.05\\n' >Makefile; "
          "make -s -j2 --output-sync | sort", needs=("cmd:make",)),
    shell("man", "printf '.TH A 1\\n.SH NAME\\na - b\\n' >a.1; man -l a.1 | cat",
          needs=("cmd:man",)),
    shell("file-sandboxed", "file -b /bin/sh words.txt | cut -c1-20", needs=("cmd:file",)),
    shell("find-xargs", "find /usr/share/doc -name 'co*' 2>/dev/null | sort | head -50 | "
          "xargs -P2 -n10 basename -a | sort | sha256sum"),
    shell("curl-file", "curl -s file://$PWD/words.txt | sha256sum; curl -s http://127.0.0.1:1/; "
          "echo $?", needs=("cmd:curl",)),
    shell("zstd-threads", "zstd -q -T2 -c data.json | zstd -dc | sha256sum", needs=("cmd:zstd",)),
    shell("vim-script", "printf ':%%s/a/b/g\\n:wq\\n' >s; vim -N -u NONE -es -s s words.txt "
          "</dev/null; sha256sum words.txt", needs=("cmd:vim",), slow=True),
    shell("java", "printf 'public class A { public static void main(String[] a) { "
          "System.out.println(\"java\"); System.exit(3); } }' >A.java; java A.java",
          status=3, needs=("cmd:java",), slow=True, timeout_s=120),
)

CASES = ORACLES + REAL
