# SPDX-License-Identifier: Apache-2.0
"""What is measured: small loops of our own and real programs, each with an input that is made here.

A program is a name and a command; its inputs lie in the bench's working folder. Sizes are chosen
for about half a second bare on a slow machine, so that start-up costs show but do not rule.
"""

import json
import os
import random
import shutil
import subprocess
from collections import namedtuple

Program = namedtuple("Program", "name words env is_micro needs")

CXX_TEXT = """#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <vector>
int main()
{
    std::map<std::string, std::vector<int>> table;
    for (int i = 0; i < 10; i++)
        table[std::to_string(i)].push_back(i);
    std::function<int(int)> twice = [](int x) { return 2 * x; };
    std::cout << twice(static_cast<int>(table.size()));
}
"""
PYTHON_TEXT = """import json
def row(i):
    return {"id": i, "name": "row %d" % i, "tags": [str(i * k) for k in range(6)]}
rows = [row(i) for i in range(30000)]
back = json.loads(json.dumps(rows))
groups = {}
for row in back:
    groups.setdefault(row["id"] % 97, []).append(row["name"].upper())
print(sum(len(g) for g in groups.values()))
"""
PERL_TEXT = """my %h;
for my $i (1 .. 250000) { push @{$h{$i % 5003}}, "value $i" x 2; }
print scalar(keys %h), " ", length(join ",", map { @$_ } values %h), "\\n";
"""
SQL_TEXT = """CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
INSERT INTO t SELECT i, 'name ' || (i * 7919 % 100003), i * 0.5 FROM n;
CREATE INDEX tb ON t(b);
SELECT count(*), group_concat(DISTINCT substr(b, 1, 7)) FROM t WHERE b LIKE 'name 1%';
SELECT sum(length(upper(b) || lower(b))) FROM t;
"""


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def rows_text(count):
    """JSON of so many small records, the same on every run."""
    rng = random.Random(1)
    return json.dumps(
        [
            {
                "id": i,
                "group": rng.randrange(50),
                "name": "n%d" % rng.randrange(10**6),
                "list": [rng.random() for _ in range(4)],
            }
            for i in range(count)
        ]
    )


def xml_text(count):
    return (
        "<r>"
        + "".join(
            '<item id="%d"><name>n %d</name><v a="1" b="2"/></item>' % (i, i * 7)
            for i in range(count)
        )
        + "</r>"
    )


def c_text(count):
    """C source of so many small functions, each a little different."""
    body = """struct s%d { int a, b[%d]; struct s%d *next; };
int f%d(struct s%d *s, int n)
{
    int sum = %d;
    for (; s; s = s->next)
        for (int i = 0; i < n && i < %d; i++)
            sum += s->b[i] * s->a ^ (sum >> %d);
    return sum;
}
"""
    return "".join(body % (i, i % 9 + 2, i, i, i, i, i % 9 + 2, i % 13) for i in range(count))


def compiler_part(driver, part):
    """The path of the compiler proper behind a driver, None when there is none."""
    if not shutil.which(driver):
        return None
    out = subprocess.run([driver, "-print-prog-name=" + part], capture_output=True, text=True)
    path = out.stdout.strip()
    return path if os.path.isabs(path) else None


def preprocessed(folder, driver, words, source, name):
    path = os.path.join(folder, name)
    subprocess.run([driver, "-E", "-P", "-o", path] + words + [source], check=True)
    return path


def interpreter():
    """Python itself: what PATH leads to may be a script that starts it."""
    found = shutil.which("python3")
    if not found:
        return "python3"
    words = [found, "-c", "import os, sys; print(os.path.realpath(sys.executable))"]
    return subprocess.run(words, capture_output=True, text=True).stdout.strip() or found


def micro_programs(folder, here):
    for name in ("churn", "handover", "larson"):
        subprocess.run(
            [
                "cc",
                "-O2",
                "-g",
                "-pthread",
                "-o",
                os.path.join(folder, name),
                os.path.join(here, name + ".c"),
            ],
            check=True,
        )
    churn, handover, larson = (os.path.join(folder, n) for n in ("churn", "handover", "larson"))
    for name, words in (
        ("churn5", [churn, "5", "12000000", "1"]),
        ("churn40", [churn, "40", "6000000", "1"]),
        ("churn5x4", [churn, "5", "4000000", "4"]),
        ("churn5x16", [churn, "5", "1000000", "16"]),
        ("handover2", [handover, "2", "4000000"]),
        ("handover8", [handover, "8", "1000000"]),
        ("larson4", [larson, "4", "20", "100000"]),
    ):
        yield Program(name, words, {}, True, ())
    if shutil.which("rustc"):
        built, source = os.path.join(folder, "threads"), os.path.join(here, "threads.rs")
        subprocess.run(["rustc", "-O", "-o", built, source], check=True)
        yield Program("rust4", [built, "4", "100"], {}, True, ())


def real_programs(folder):
    yield Program(
        "sqlite",
        ["sqlite3", ":memory:", ".read " + write(folder, "t.sql", SQL_TEXT)],
        {},
        False,
        ("sqlite3",),
    )
    yield Program(
        "python",
        [interpreter(), write(folder, "t.py", PYTHON_TEXT)],
        {"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"},
        False,
        ("python3",),
    )
    yield Program(
        "jq",
        [
            "jq",
            "group_by(.group)|map({g:.[0].group,n:length})",
            write(folder, "t.json", rows_text(25000)),
        ],
        {},
        False,
        ("jq",),
    )
    yield Program(
        "xmllint",
        ["xmllint", "--noout", write(folder, "t.xml", xml_text(300000))],
        {},
        False,
        ("xmllint",),
    )
    yield Program(
        "perl",
        ["perl", write(folder, "t.pl", PERL_TEXT)],
        {"PERL_HASH_SEED": "0"},
        False,
        ("perl",),
    )
    cc1 = compiler_part("gcc", "cc1")
    if cc1:
        text = write(folder, "t.i", c_text(200))
        yield Program(
            "cc1", [cc1, "-quiet", "-O2", "-std=gnu17", text, "-o", "/dev/null"], {}, False, ()
        )
    cc1plus = compiler_part("g++", "cc1plus")
    if cc1plus:
        text = preprocessed(folder, "g++", [], write(folder, "t.cc", CXX_TEXT), "t.ii")
        yield Program("cc1plus", [cc1plus, "-quiet", "-O1", text, "-o", "/dev/null"], {}, False, ())


def all_programs(folder, here):
    """Every program whose needs are met; the names of the others with what is missing."""
    found, missing = [], []
    for program in list(micro_programs(folder, here)) + list(real_programs(folder)):
        lacking = [n for n in program.needs if not shutil.which(n)]
        if lacking:
            missing.append("%s: %s is not installed" % (program.name, lacking[0]))
        else:
            found.append(program)
    return found, missing
