# SPDX-License-Identifier: Apache-2.0
"""Makes the input of the real programs: the same bytes each time, nothing from outside."""

import json
import os
import random
import subprocess
from pathlib import Path

import execute

CXX = """#include <algorithm>
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <vector>
template <int N> struct sum { static constexpr int value = N + sum<N - 1>::value; };
template <> struct sum<0> { static constexpr int value = 0; };
int main()
{
    std::map<std::string, std::vector<int>> words;
    std::regex pattern("(a|b)+c");
    for (int i = 0; i < 10; i++)
        words[std::to_string(i)].push_back(sum<200>::value + i);
    std::for_each(words.begin(), words.end(), [](const auto &w) { std::cout << w.first << '\\n'; });
    return std::regex_match("abc", pattern) ? 0 : 1;
}
"""

BROKEN_CXX = CXX.replace("std::regex_match", "std::no_such_thing") + "int missing(\n"

SQL = """CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, price REAL, shelf INT);
CREATE INDEX by_shelf ON item (shelf, price);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
  INSERT INTO item SELECT i, 'item ' || (i * 7919 % 5000), i * 1.5, i % 37 FROM n;
SELECT shelf, count(*), sum(price), group_concat(substr(name, 6), '.') FROM item
  GROUP BY shelf ORDER BY 2 DESC, 1 LIMIT 5;
UPDATE item SET name = upper(name) WHERE shelf IN (SELECT shelf FROM item WHERE price > 5000);
SELECT count(DISTINCT name), min(length(name)), max(name) FROM item;
CREATE VIRTUAL TABLE words USING fts5(body);
INSERT INTO words SELECT name || ' on shelf ' || shelf FROM item;
SELECT count(*) FROM words WHERE words MATCH 'shelf AND 17';
SELECT json_group_array(json_object('id', id, 'n', name)) FROM (SELECT * FROM item LIMIT 40);
DELETE FROM item WHERE id % 3 = 0; VACUUM; PRAGMA integrity_check;
"""

PYTHON = """import collections, json, re, sys
words = re.findall(r'[a-z]+', open('words.txt').read())
top = collections.Counter(words).most_common(20)
tree = {}
for word in words:
    node = tree
    for letter in word:
        node = node.setdefault(letter, {})
data = json.loads(json.dumps({'top': top, 'n': [i * 1.5 for i in range(20000)]}))
class Node:
    def __init__(self, left, right): self.left, self.right = left, right
def build(depth): return Node(build(depth - 1), build(depth - 1)) if depth else None
roots = [build(10) for _ in range(10)]
print(len(words), len(set(words)), data['top'][0], sum(data['n']), len(tree), len(roots))
try:
    {}['missing']
except KeyError as error:
    print('caught', error)
"""

PERL = r"""my (%n, @lines);
open(my $in, '<', 'words.txt') or die;
while (<$in>) { $n{lc $1}++ while /(\w+)/g; push @lines, $_; }
my @top = sort { $n{$b} <=> $n{$a} || $a cmp $b } keys %n;
print join(' ', map { "$_=$n{$_}" } @top[0 .. 9]), "\n";
my $text = join '', @lines; $text =~ s/(\w)(\w*)/\u$1$2/g;
printf "%d %s\n", length $text, substr $text, 0, 60;
my @tree; push @{$tree[$_ % 50]}, { n => $_, list => [1 .. $_ % 20] } for 1 .. 5000;
print scalar(map { @$_ } @tree), "\n";
"""

NODE = """const words = require('fs').readFileSync('words.txt', 'utf8').split(/\\W+/);
const count = new Map();
for (const w of words) count.set(w, (count.get(w) || 0) + 1);
console.log([...count].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 5));
let s = 0;
for (let i = 0; i < 3e6; i++) s = (s * 31 + i) % 1000003;
console.log(s, JSON.stringify({ a: Array.from({ length: 1000 }, (_, i) => i) }).length);
Promise.all([1, 2, 3].map(async (i) => { await null; return i * 2; })).then((r) => console.log(r));
process.exitCode = 3;
"""

BASH = """set -e
sum=0; declare -A seen
while read -r a b _; do seen[$a]=$b; ((sum += ${#a})) || true; done < words.txt
echo "$sum ${#seen[@]}"
cut -d' ' -f1 words.txt | sort | uniq -c | sort -rn | head -5
for i in $(seq 20); do (echo "$i" | tr 0-9 a-j) & done | sort; wait
trap 'echo trapped' EXIT
f() { local x=$1; ((x > 0)) && f $((x - 1)); echo -n "$x "; }; f 30; echo
cat <(head -2 words.txt) <(tail -1 words.txt)
exec 5>out.txt; echo five >&5; exec 5>&-; cat out.txt
exit 9
"""

# The same, in one process: builtins only, no subshell.
BASH_ALONE = """sum=0; declare -A seen; a=()
while read -r x y _; do seen[$x]=$y; ((sum += ${#x})); a+=("$x"); done < words.txt
echo "$sum ${#seen[@]} ${#a[@]}"
f() { local x=$1; ((x > 0)) && f $((x - 1)); printf '%d ' "$x"; }; f 60; echo
for ((i = 0; i < 2000; i++)); do s="${a[i % ${#a[@]}]//a/bb}${s:0:100}"; done; echo "$s"
exit 4
"""


def words_text():
    dice = random.Random(7)
    stems = ["".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=dice.randint(2, 9)))
             for _ in range(600)]
    return "".join(" ".join(dice.choices(stems, k=12)) + "\n" for _ in range(1500))


def json_text():
    dice = random.Random(8)
    rows = [{"id": i, "name": f"row {i}", "tags": [f"t{dice.randint(0, 30)}" for _ in range(5)],
             "deep": {"x": dice.random(), "ü": "é\u20ac\n"}} for i in range(1500)]
    return json.dumps(rows, ensure_ascii=False)


def xml_text():
    rows = "".join(f'<row id="r{i}" a="{i * 3}"><name>n&amp;{i}</name><!-- c --></row>\n'
                   for i in range(3000))
    return f'<?xml version="1.0"?>\n<rows xmlns:x="urn:x">\n{rows}</rows>\n'


def files(work):
    """All input files, in the working directory."""
    for name, text in (("words.txt", words_text()), ("data.json", json_text()),
                       ("data.xml", xml_text()), ("main.cc", CXX), ("broken.cc", BROKEN_CXX),
                       ("script.sql", SQL), ("script.py", PYTHON), ("script.pl", PERL),
                       ("script.js", NODE), ("script.sh", BASH), ("alone.sh", BASH_ALONE)):
        Path(work.run, name).write_text(text, encoding="utf-8")
    # Times of files would show in archives.
    for path in work.run.iterdir():
        os.utime(path, (1_000_000_000, 1_000_000_000))


def repository(work):
    """A git repository of 60 commits, the same object ids each time."""
    files(work)
    env = execute.environment(work, {
        "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "C",
        "GIT_COMMITTER_EMAIL": "c@example.org", "GIT_AUTHOR_DATE": "1000000000 +0000",
        "GIT_COMMITTER_DATE": "1000000000 +0000", "GIT_CONFIG_NOSYSTEM": "1"})
    stream = ["blob\nmark :1\ndata 0\n\n"]
    dice = random.Random(9)
    for i in range(60):
        text = "".join(f"line {dice.randint(0, 999)}\n" for _ in range(300))
        stream.append(f"commit refs/heads/main\nmark :{i + 2}\n"
                      f"committer C <c@example.org> {1000000000 + i * 60} +0000\n"
                      f"data 9\ncommit {i % 10}\n\n"
                      f"M 100644 inline d{i % 5}/f{i % 7}\ndata {len(text)}\n{text}\n")
    for words, given in ((["git", "init", "-q", "-b", "main", "repo"], None),
                         (["git", "-C", "repo", "fast-import", "--quiet"], "".join(stream)),
                         (["git", "-C", "repo", "reset", "-q", "--hard", "main"], None)):
        subprocess.run(words, cwd=work.run, env=env, input=given, encoding="utf-8", check=True,
                       stdout=subprocess.DEVNULL)
