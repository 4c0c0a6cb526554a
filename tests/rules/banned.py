# SPDX-License-Identifier: Apache-2.0
"""banned: no call that is unsafe anywhere, none that prints or exits in a library folder, but for
_exit where a file's own processes end.

Unbounded copies, silent number parsing, shared hidden state and predictable temporary files have
each been somebody's security hole. A library folder that prints or exits takes a decision that
belongs to its caller. In src/capture every call into libc is a risk to the program that is watched,
so whole families are refused there by name; the imports rule proves the rest on the built library.
"""

import re

from tree import c_files, code_of, line_of, text_of

UNSAFE = """strcpy strcat stpcpy sprintf vsprintf gets atoi atol atoll atof strtok scanf sscanf
    fscanf system popen tmpnam tempnam mktemp tmpfile alloca rand srand random srandom drand48
    asctime ctime localtime gmtime getlogin getpwnam getpwuid strerror bsd_signal""".split()
PRINTS_OR_EXITS = """exit _Exit quick_exit abort printf fprintf vprintf vfprintf dprintf vdprintf
    puts putchar fputs perror err errx warn warnx error syslog setlocale""".split()
# What these files fork ends there.
FORKS = """src/symbol/keeper.c src/symbol/worker.c src/collect/run.c src/launch/spawn.c
    src/launch/detect_run.c src/capture/high_water.c""".split()
IN_TARGET = """dlsym dlopen dlclose dlerror dladdr dl_iterate_phdr getenv secure_getenv setenv
    unsetenv putenv clearenv snprintf vsnprintf fopen fdopen fclose fread fwrite open openat read
    write close mmap munmap mremap mprotect madvise fork vfork execve clone getpid gettid
    clock_gettime gettimeofday nanosleep usleep sched_yield atexit sigaction sigprocmask strdup
    strndup asprintf qsort backtrace syscall setjmp longjmp siglongjmp""".split()
IN_TARGET_PREFIXES = ("pthread_", "sem_", "unw_", "__cxa_")


# A call, and not a declaration, a definition, or a member: `name (`, before which stands no type
# name, `*`, `.` or `->`.
def calls(code, names, prefixes=()):
    """(offset, name) of each call of one of the names."""
    for m in re.finditer(r"(?<![\w.>])([A-Za-z_]\w*)\s*\(", code):
        name = m[1]
        if name not in names and not (prefixes and name.startswith(prefixes)):
            continue
        before = code[: m.start()].rstrip(" \t")
        word = re.search(r"(\w+|[*])$", before)
        if word and word[1] not in ("return", "else", "do", "case"):
            continue
        if before.endswith("\n") and m.start() > 0 and code[m.start() - 1] == "\n":
            continue  # at the margin: a definition whose type stands on the line above
        yield m.start(), name


def rules_for(name):
    """[(names, prefixes, why)] that hold in one file."""
    found = [(set(UNSAFE), (), "is banned")]
    folder = name.split("/")[1] if name.startswith("src/") else ""
    if folder and folder != "cli":
        exits = [] if name in FORKS else ["_exit"]
        found.append((set(PRINTS_OR_EXITS + exits), (), "prints or exits in a library folder"))
    if folder == "capture":
        found.append((set(IN_TARGET), IN_TARGET_PREFIXES, "is a libc call in the target"))
    return found


def check(root):
    bad = []
    for name in c_files(root, ["src", "include", "fuzz", "tests/unit"]):
        code = code_of(text_of(root, name))
        for names, prefixes, why in rules_for(name):
            for offset, call in calls(code, names, prefixes):
                bad.append("%s:%d: %s() %s" % (name, line_of(code, offset), call, why))
    return bad
