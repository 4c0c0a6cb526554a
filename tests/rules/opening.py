# SPDX-License-Identifier: Apache-2.0
"""opening: each source file opens with its licence and a sentence that says what it is for.

A reader who opens any file learns in its first lines whether it is the right one.
"""

import re

from tree import SOURCE_SUFFIXES, text_of, tree_files

SPDX = "SPDX-License-Identifier: Apache-2.0"
MARKS = re.compile(r"^\s*(/\*+|\*/|\*|//[/!]?|#|<!--|\"\"\"|r\"\"\")?\s?|\s*(\*/|-->|\"\"\")\s*$")


def opening_words(text):
    """The comment text after the SPDX line, up to its first blank line; '' if there is none."""
    lines = text.splitlines()
    at = next((i for i, s in enumerate(lines[:3]) if SPDX in s), None)
    if at is None:
        return None
    words = []
    for line in lines[at + 1 : at + 12]:
        is_comment = words or re.match(
            r'\s*(/\*|//|#(?!\s*(include|define|pragma|if))|"""|r""")', line
        )
        if not is_comment:
            break
        words.append(MARKS.sub("", line))
        if re.search(r"\*/|-->", line) or (len(words) > 1 and not words[-1].strip()):
            break
    return " ".join(w.strip() for w in words).strip()


def check(root):
    bad = []
    for name in tree_files(root):
        if not name.endswith(SOURCE_SUFFIXES) or "/golden/" in name or "/corpus" in name:
            continue
        words = opening_words(text_of(root, name))
        if words is None:
            bad.append("%s:1: no '%s' in its first lines" % (name, SPDX))
        elif len(words.split()) < 3 or not re.search(r"[.:;]", words):
            bad.append("%s:2: no sentence that says what the file is for" % name)
    return bad
