/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over a demangled name. Brackets are skipped by depth, so that no name, however deep or
 * unbalanced, needs recursion: only a leading "<A as B>" is looked into, once, for A.
 */
#include "analyze/name.h"

#include <string.h>

enum { NAME_LONGEST = 1 << 16, NAME_BRACKETS_MOST = 4 };

/* The end of the bracket that opens at name[at]: behind its closing one, or n. */
static size_t name_skip(const char *name, size_t at, size_t n)
{
    int angle = 0, other = 0;
    for (size_t i = at; i < n; i++) {
        char c = name[i];
        if (c == '<')
            angle++;
        else if (c == '>' && (i == 0 || name[i - 1] != '-'))
            angle--;
        else if (c == '(' || c == '[' || c == '{')
            other++;
        else if (c == ')' || c == ']' || c == '}')
            other--;
        if (angle <= 0 && other <= 0)
            return i + 1;
    }
    return n;
}

/* The place of word in name[at, n) outside all brackets, or n. */
static size_t name_find(const char *name, size_t at, size_t n, const char *word)
{
    size_t length = strlen(word);
    while (at < n) {
        if (at + length <= n && strncmp(name + at, word, length) == 0)
            return at;
        if (strchr("<([{", name[at]))
            at = name_skip(name, at, n);
        else
            at++;
    }
    return n;
}

static bool name_starts(const char *name, size_t at, size_t n, const char *word)
{
    size_t length = strlen(word);
    return n - at >= length && strncmp(name + at, word, length) == 0;
}

static bool name_ends(const struct text *text, size_t start, const char *word)
{
    size_t length = strlen(word);
    return text->n - start >= length && memcmp(text->bytes + text->n - length, word, length) == 0;
}

static void name_cut(struct text *text, size_t n)
{
    text->n = n;
    if (text->bytes)
        text->bytes[n] = 0;
}

/* Drops "::h0123456789abcdef" and ".cold", ".isra.0", ".llvm.123" at the end. */
static size_t name_real_end(const char *name, size_t n)
{
    static const char *const marks[] = {".cold",  ".isra.",     ".part.",  ".constprop.",
                                        ".llvm.", ".lto_priv.", " [clone "};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        const char *at = memmem(name + 1, n - 1, marks[i], strlen(marks[i]));
        if (at)
            n = (size_t)(at - name);
    }
    if (n > 19 && strncmp(name + n - 19, "::h", 3) == 0 &&
        strspn(name + n - 16, "0123456789abcdef") >= 16)
        n -= 19;
    return n;
}

/* The type in "<A as B>", "<impl T for A>" or "<A>", whose bracket is name[at, end). */
static void name_bracket_type(const char *name, size_t *at, size_t *end)
{
    size_t from = *at + 1, to = *end > from ? *end - 1 : from;
    size_t as = name_find(name, from, to, " as ");
    if (name_starts(name, from, to, "impl ")) {
        size_t with = name_find(name, from, to, " for ");
        from = with < to ? with + 5 : from + 5;
    } else if (as < to) {
        to = as;
    }
    while (from < to && strchr("&*", name[from]))
        from++;
    if (name_starts(name, from, to, "mut "))
        from += 4;
    if (name_starts(name, from, to, "dyn "))
        from += 4;
    *at = from;
    *end = to;
}

static size_t name_operator(struct text *text, const char *name, size_t at, size_t n)
{
    static const char *const signs[] = {"()", "[]", "<=>", "<<=", ">>=", "<<", ">>",
                                        "<=", ">=", "->*", "->",  "<",   ">"};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (name_starts(name, at, n, signs[i])) {
            text_add(text, signs[i]);
            return at + strlen(signs[i]);
        }
    }
    return at;
}

/* Parameters and what may stand behind them; n = the name ends here. */
static size_t name_parameters(struct text *text, size_t start, const char *name, size_t at,
                              size_t n)
{
    if (name_starts(name, at, n, "(anonymous namespace)")) {
        text_add(text, "(anonymous)");
        return at + 21;
    }
    size_t end = name_skip(name, at, n);
    if (text->n == start && end < n)
        return end;
    return name_starts(name, end, n, "::") ? end : n;
}

/* One step at an angle bracket that is not the start. */
static size_t name_arguments(struct text *text, size_t start, const char *name, size_t at, size_t n)
{
    size_t end = name_skip(name, at, n);
    if (name_ends(text, start, "::"))
        name_cut(text, text->n - 2);
    return end;
}

static bool name_in_operator(const struct text *text, size_t start)
{
    if (!name_ends(text, start, "operator"))
        return false;
    size_t before = text->n - start - 8;
    return before == 0 || text->bytes[text->n - 9] == ':';
}

static void name_shorten(struct text *text, const char *name, size_t at, size_t n)
{
    size_t start = text->n;
    while (at < n) {
        char c = name[at];
        bool operator_follows = name_in_operator(text, start);
        if (operator_follows && strchr("<>()[]-", c)) {
            size_t behind = name_operator(text, name, at, n);
            at = behind > at ? behind : at + 1;
        } else if (c == '<') {
            at = name_arguments(text, start, name, at, n);
        } else if (c == '(') {
            at = name_parameters(text, start, name, at, n);
        } else if (c == '{') {
            size_t end = name_skip(name, at, n);
            text_add(text, name_starts(name, at, n, "{lambda") ? "{lambda}"
                           : name_starts(name, at, n, "{{")    ? "{closure}"
                                                               : "{…}");
            at = end;
        } else if (c == '[') {
            if (text->n == start)
                text_add(text, "slice");
            at = name_skip(name, at, n);
        } else if (c == ' ' && !operator_follows) {
            name_cut(text, start);
            at++;
        } else {
            text_add_char(text, c);
            at++;
        }
    }
}

/* name[at, n), a type in brackets at its beginning first; such a type may begin with another. */
static void name_add_range(struct text *text, const char *name, size_t at, size_t n, int depth)
{
    if (depth > 0 && at < n && name[at] == '<') {
        size_t from = at, to = at = name_skip(name, at, n);
        name_bracket_type(name, &from, &to);
        name_add_range(text, name, from, to, depth - 1);
    }
    name_shorten(text, name, at, n);
}

void name_add_short(struct text *text, const char *name)
{
    size_t n = strnlen(name, NAME_LONGEST), start = text->n;
    if (n == 0)
        return;
    n = name_real_end(name, n);
    name_add_range(text, name, 0, n, NAME_BRACKETS_MOST);
    if (text->n == start)
        text_add_n(text, name, n);
}

/* True when name[at] is the name's end, but for parameters and what stands behind them. */
static bool name_is_over(const char *name, size_t at, size_t n)
{
    if (at == n)
        return true;
    if (name[at] != '(' || name_starts(name, at, n, "()(")) /* of "operator()(int)" */
        return false;
    at = name_skip(name, at, n);
    return at == n || name[at] == ' ';
}

bool name_answers_to(const char *name, const char *wanted)
{
    size_t n = strnlen(name, NAME_LONGEST), length = strlen(wanted), at = 0;
    bool begins = true;
    while (length && at + length <= n) {
        if (begins && strncmp(name + at, wanted, length) == 0 && name_is_over(name, at + length, n))
            return true;
        begins = name[at] == ' ' || name_starts(name, at, n, "::");
        if (strchr("<([{", name[at]))
            at = name_skip(name, at, n);
        else
            at += name_starts(name, at, n, "::") ? 2 : 1;
    }
    return false;
}
