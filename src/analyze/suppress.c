/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns, the files that hold them, and the sites that they name: the first rule counts. */
#include "analyze/suppress.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "analyze/frame.h"
#include "base/file.h"

enum { SUPPRESS_RULES_MAX = 10000, SUPPRESS_FILE_MAX = 4 << 20 };

void suppress_done(struct suppress *suppress)
{
    VEC_EACH (struct suppress_rule, rule, &suppress->rules) {
        free(rule->pattern);
    }
    vec_done(&suppress->rules);
}

static int suppress_line(struct suppress *suppress, const char *line, size_t n, const char *name,
                         unsigned number, struct diag *diag)
{
    while (n && strchr(" \t\r", line[n - 1]))
        n--;
    while (n && strchr(" \t", *line)) {
        line++;
        n--;
    }
    if (n == 0 || *line == '#')
        return 0;
    if (n <= 5 || strncmp(line, "leak:", 5) != 0)
        return diag_set(diag, ERR_FORMAT, "%s:%u: not a line of the form leak:PATTERN", name,
                        number);
    struct suppress_rule rule = {.pattern = strndup(line + 5, n - 5)};
    if (rule.pattern && VEC_PUSH(&suppress->rules, SUPPRESS_RULES_MAX, rule))
        return 0;
    free(rule.pattern);
    return diag_set(diag, ERR_LIMIT, "%s: more than %d rules", name, SUPPRESS_RULES_MAX);
}

int suppress_parse(struct suppress *suppress, const char *text, const char *name, struct diag *diag)
{
    int err = 0;
    for (unsigned number = 1; err == 0 && *text; number++) {
        size_t n = strcspn(text, "\n");
        err = suppress_line(suppress, text, n, name, number, diag);
        text += n + (text[n] == '\n');
    }
    return err;
}

int suppress_read(struct suppress *suppress, const char *path, struct diag *diag)
{
    char *text;
    size_t n;
    int err = file_read_all(path, SUPPRESS_FILE_MAX, &text, &n, diag);
    if (err < 0)
        return err;
    err = suppress_parse(suppress, text, path, diag);
    free(text);
    return err;
}

/* Whether the piece between two stars stands in text; *ret_rest is what follows its first place. */
static bool suppress_piece(const char *piece, size_t n, const char *text, bool here,
                           const char **ret_rest)
{
    for (const char *at = text;; at++) {
        if (strncmp(at, piece, n) == 0) {
            *ret_rest = at + n;
            return true;
        }
        if (here || !*at)
            return false;
    }
}

bool suppress_matches(const char *pattern, const char *name)
{
    bool here = *pattern == '^';
    pattern += here;
    size_t left = strlen(pattern);
    bool ends = left && pattern[left - 1] == '$';
    left -= ends;
    if (!*name)
        return false;
    for (;;) {
        const char *star = memchr(pattern, '*', left);
        size_t n = star ? (size_t)(star - pattern) : left;
        if (!star && ends) {
            size_t length = strlen(name);
            return here ? length == n && strncmp(name, pattern, n) == 0
                        : length >= n && strncmp(name + length - n, pattern, n) == 0;
        }
        if (!suppress_piece(pattern, n, name, here, &name))
            return false;
        if (!star)
            return true;
        here = false;
        left -= n + 1;
        pattern = star + 1;
    }
}

static struct suppress_rule *suppress_rule_of(struct suppress *suppress, const char *name)
{
    VEC_EACH (struct suppress_rule, rule, &suppress->rules) {
        if (suppress_matches(rule->pattern, name))
            return rule;
    }
    return NULL;
}

/* The rule that names a frame of the stack, innermost first. */
static struct suppress_rule *suppress_rule_of_site(struct suppress *suppress,
                                                   const struct model *model, uint32_t node)
{
    struct frame_walk walk;
    struct frame frame;
    frame_walk_begin(&walk, model, node);
    while (frame_walk_next(&walk, &frame)) {
        uint32_t module =
                frame.module < model->modules.n ? model->modules.at[frame.module].path : 0;
        const uint32_t names[] = {frame.function, frame.file, module};
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            struct suppress_rule *rule =
                    suppress_rule_of(suppress, model_string_at(model, names[i]));
            if (rule)
                return rule;
        }
    }
    return NULL;
}

static void suppress_take(struct figures *from, const struct figures *leaks)
{
    from->leak_n -= leaks->leak_n;
    from->leak_bytes -= leaks->leak_bytes;
    from->leak_spread_n -= leaks->leak_spread_n;
    from->leak_spread_bytes -= leaks->leak_spread_bytes;
}

void suppress_apply(struct suppress *suppress, struct analysis *analysis)
{
    if (!suppress || suppress->rules.n == 0)
        return;
    VEC_EACH (struct site, site, &analysis->sites) {
        const struct figures leaks = site->figures;
        if (leaks.leak_n == 0)
            continue;
        struct suppress_rule *rule = suppress_rule_of_site(suppress, analysis->model, site->node);
        if (!rule)
            continue;
        rule->n += leaks.leak_n;
        rule->bytes += leaks.leak_bytes;
        suppress_take(&analysis->figures, &leaks);
        suppress_take(&site->figures, &leaks);
    }
}
