/* SPDX-License-Identifier: Apache-2.0 */
/* Help in 80 columns: wrapping, and one walk over each table. */
#include "cli/help.h"

#include <string.h>

#include "cli/options.h"

enum { HELP_COLUMNS = 80, HELP_INDENT = 28 };

static void help_pad(struct text *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        text_add_char(text, ' ');
}

/* Adds words from column `at` on, wrapped and indented. */
static void help_wrap(struct text *text, const char *words, size_t at, size_t indent)
{
    for (const char *word = words; *word;) {
        size_t n = strcspn(word, " ");
        if (at > indent && at + 1 + n > HELP_COLUMNS) {
            text_add_char(text, '\n');
            help_pad(text, indent);
            at = indent;
        } else if (at > indent) {
            text_add_char(text, ' ');
            at++;
        }
        text_add_n(text, word, n);
        at += n;
        word += n + (word[n] == ' ');
    }
    text_add_char(text, '\n');
}

static void help_add_option(struct text *text, const struct option_row *row, enum verb_id verb)
{
    size_t start = text->n;
    if (row->letter)
        text_printf(text, "  -%c, ", row->letter);
    else
        text_add(text, "      ");
    text_printf(text, "--%s", row->name);
    if (row->argument)
        text_printf(text, " %s", row->argument);
    size_t width = text->n - start;
    if (width + 2 > HELP_INDENT) {
        text_add_char(text, '\n');
        width = 0;
    }
    help_pad(text, HELP_INDENT - width);
    help_wrap(text, option_help(row, verb), HELP_INDENT, HELP_INDENT);
}

static void help_add_options(struct text *text, const struct verb *verb)
{
    const struct option_row *rows[OPTION_N];
    size_t n = option_rows_of(verb->id, rows);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(rows[i - 1]->section, rows[i]->section) != 0)
            text_printf(text, "\n%s:\n", rows[i]->section);
        help_add_option(text, rows[i], verb->id);
    }
}

static void help_add_lines(struct text *text, const char *lines)
{
    for (const char *line = lines; *line;) {
        size_t n = strcspn(line, "\n");
        text_printf(text, "  %.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
}

void help_add_verb(struct text *text, const struct verb *verb)
{
    text_printf(text, "Usage: memscope %s%s%s\n\n", verb->name, *verb->arguments ? " " : "",
                verb->arguments);
    help_wrap(text, verb->summary, 0, 0);
    if (verb->alias)
        text_printf(text, "Also called: %s\n", verb->alias);
    if (verb->text) {
        text_add_char(text, '\n');
        help_wrap(text, verb->text, 0, 0);
    }
    help_add_options(text, verb);
    if (verb->takes_command)
        text_add(text, "\nOptions end at the first word of the command, or at --.\n");
    if (verb->examples) {
        text_add(text, "\nExamples:\n");
        help_add_lines(text, verb->examples);
    }
}

void help_add_overview(struct text *text)
{
    text_add(text, "memscope: what holds the memory of a program, what leaks, what churns.\n\n"
                   "Usage: memscope VERB [OPTIONS] ...\n");
    const char *group = NULL;
    for (int i = 0; i < VERB_N; i++) {
        const struct verb *verb = verb_at((enum verb_id)i);
        if (!verb->group)
            continue;
        if (!group || strcmp(group, verb->group) != 0)
            text_printf(text, "\n%s:\n", verb->group);
        group = verb->group;
        text_printf(text, "  %-11s %s\n", verb->name, verb->summary);
    }
    text_add(text, "\nFirst steps:\n"
                   "  memscope run ./program          record it, read the summary\n"
                   "  memscope report FILE.mscope     read it again, in full\n"
                   "  memscope help run               every option of run\n");
}
