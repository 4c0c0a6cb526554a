/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which images of a session are recorded: lists of patterns in the segment, and how a name is held
 * against them. An image that is passed over joins the session all the same, writes no event, and
 * lets what it executes in.
 *
 * A name that an include pattern matches is recorded; else one that an exclude pattern matches is
 * passed over; else one that a tool pattern matches is; else it is recorded.
 */
#ifndef MEMSCOPE_WIRE_CHOICE_H
#define MEMSCOPE_WIRE_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

enum { WIRE_PATTERNS_BYTES = 768 };

/* Each list: patterns with a 0 behind each, an empty one behind the last. */
struct wire_choice {
    char include[WIRE_PATTERNS_BYTES];
    char exclude[WIRE_PATTERNS_BYTES];
    char tools[WIRE_PATTERNS_BYTES]; /* what the root command makes us pass over */
};

/* The part of a path behind its last slash. */
static inline const char *wire_base_name(const char *path)
{
    const char *base = path;
    for (; *path; path++) {
        if (*path == '/')
            base = path + 1;
    }
    return base;
}

/* "[a-z]" or "[!a-z]" at *at, which moves behind it; without a "]" it stands for itself. */
static inline bool wire_glob_class(const char **at, char c)
{
    const char *p = *at + 1;
    bool negated = *p == '!' || *p == '^', found = false;
    p += negated;
    for (const char *first = p; *p && (*p != ']' || p == first); p++) {
        if (p[1] == '-' && p[2] && p[2] != ']') {
            found = found || (*p <= c && c <= p[2]);
            p += 2;
        } else {
            found = found || *p == c;
        }
    }
    if (*p != ']') {
        bool same = **at == c;
        *at += 1;
        return same;
    }
    *at = p + 1;
    return found != negated;
}

/* One character of the text against the pattern at *at, which moves behind what matched. */
static inline bool wire_glob_one(const char **at, char c)
{
    if (**at == '[')
        return wire_glob_class(at, c);
    bool same = **at == '?' || **at == c;
    *at += 1;
    return same;
}

/* "*", "?" and "[...]"; a slash is a character like others. Time is product of lengths at most. */
static inline bool wire_glob(const char *pattern, const char *text)
{
    const char *star = 0, *star_text = 0;
    while (*text) {
        const char *behind = pattern;
        if (*pattern == '*') {
            star = ++pattern;
            star_text = text;
        } else if (*pattern && wire_glob_one(&behind, *text)) {
            pattern = behind;
            text++;
        } else if (star) {
            pattern = star;
            text = ++star_text;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

/* True when a pattern of the list matches the path or its base name. */
static inline bool wire_patterns_match(const char *list, const char *path)
{
    const char *end = list + WIRE_PATTERNS_BYTES;
    while (list < end && *list) {
        if (wire_glob(list, wire_base_name(path)) || wire_glob(list, path))
            return true;
        while (list < end && *list)
            list++;
        list++;
    }
    return false;
}

/* Whether an image is recorded. script: what an interpreter runs; "" = it is none. */
static inline bool wire_choice_takes(const struct wire_choice *choice, const char *path,
                                     const char *script)
{
    if (wire_patterns_match(choice->include, path) ||
        (*script && wire_patterns_match(choice->include, script)))
        return true;
    if (wire_patterns_match(choice->exclude, path) ||
        (*script && wire_patterns_match(choice->exclude, script)))
        return false;
    return !wire_patterns_match(choice->tools, path) &&
           !(*script && wire_patterns_match(choice->tools, script));
}

#endif
