/* SPDX-License-Identifier: Apache-2.0 */
/* The manual pages: the same tables as the help, in the sections that man(7) readers expect. */
#include "cli/manual.h"

#include <ctype.h>
#include <string.h>

#include "cli/options.h"

static const char manual_exit_status[] =
        "0\tdone\n"
        "1\tcheck: a limit does not hold; doctor: programs cannot be recorded here\n"
        "125\tmemscope itself failed: a wrong option, an output that cannot be written\n"
        "126, 127\trun, analyze: the program cannot be executed; there is no such program\n"
        "the program's own\trun, analyze: the program ran; when a signal ended it, memscope ends "
        "by "
        "the same signal\n";

static const char manual_environment[] =
        "MEMSCOPE_LOG, RUST_LOG\tlevel of messages: error, warn, info, debug, trace, alone or as "
        "memscope=LEVEL; the first that is set counts\n"
        "NO_COLOR, CLICOLOR_FORCE, FORCE_COLOR, TERM\tcolours on a terminal, where --color says "
        "auto\n"
        "XDG_STATE_HOME, TMPDIR\twhere outputs go when the working directory cannot be written\n";

static const char manual_files[] =
        "memscope-PROGRAM-PID.mscope\tthe recording, in the working directory unless -o names it\n";

/* Appends text as roff: nothing in it is a request, and dashes stay dashes when copied. */
static void manual_add_escaped(struct text *text, const char *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((i == 0 || words[i - 1] == '\n') && (words[i] == '.' || words[i] == '\''))
            text_add(text, "\\&");
        if (words[i] == '\\')
            text_add(text, "\\e");
        else if (words[i] == '-')
            text_add(text, "\\-");
        else if (words[i] == '\'')
            text_add(text, "\\(aq");
        else
            text_add_char(text, words[i]);
    }
}

static void manual_add_text(struct text *text, const char *words)
{
    manual_add_escaped(text, words, strlen(words));
    text_add_char(text, '\n');
}

/* Appends "term TAB text" lines as a list. */
static void manual_add_list(struct text *text, const char *lines)
{
    for (const char *line = lines; *line;) {
        size_t term = strcspn(line, "\t");
        size_t n = strcspn(line, "\n");
        text_add(text, ".TP\n");
        manual_add_escaped(text, line, term);
        text_add_char(text, '\n');
        manual_add_escaped(text, line + term + 1, n - term - 1);
        text_add_char(text, '\n');
        line += n + (line[n] == '\n');
    }
}

static void manual_add_title(struct text *text, const char *suffix)
{
    text_add(text, ".TH MEMSCOPE");
    for (; *suffix; suffix++)
        text_add_char(text, (char)toupper((unsigned char)*suffix));
    text_add(text, " 1 \"\" \"memscope " MEMSCOPE_VERSION_TEXT "\" \"User Commands\"\n");
}

/* Appends a usage line: words in capitals are what the user puts in. */
static void manual_add_arguments(struct text *text, const char *arguments)
{
    for (const char *at = arguments; *at;) {
        size_t n = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
        if (n > 1) {
            text_add(text, "\\fI");
            manual_add_escaped(text, at, n);
            text_add(text, "\\fR");
        } else {
            n = 1;
            manual_add_escaped(text, at, 1);
        }
        at += n;
    }
}

static void manual_add_option(struct text *text, const struct option_row *row, enum verb_id verb)
{
    text_add(text, ".TP\n");
    if (row->letter)
        text_printf(text, "\\fB\\-%c\\fR, ", row->letter);
    text_add(text, "\\fB\\-\\-");
    manual_add_escaped(text, row->name, strlen(row->name));
    text_add(text, "\\fR");
    if (row->argument)
        text_printf(text, " \\fI%s\\fR", row->argument);
    text_add_char(text, '\n');
    manual_add_text(text, option_help(row, verb));
    if (row->later)
        text_add(text, ".br\nNot built yet: accepted with one warning.\n");
}

static void manual_add_options(struct text *text, const struct verb *verb)
{
    const struct option_row *rows[OPTION_N];
    size_t n = option_rows_of(verb->id, rows);
    text_add(text, ".SH OPTIONS\n");
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(rows[i - 1]->section, rows[i]->section) != 0)
            text_printf(text, ".SS %s\n", rows[i]->section);
        manual_add_option(text, rows[i], verb->id);
    }
}

void manual_add_verb(struct text *text, const struct verb *verb)
{
    char suffix[32] = "-";
    strncat(suffix, verb->name, sizeof suffix - 2);
    manual_add_title(text, suffix);
    text_printf(text, ".SH NAME\nmemscope\\-%s \\- ", verb->name);
    manual_add_text(text, verb->summary);
    text_printf(text, ".SH SYNOPSIS\n\\fBmemscope %s\\fR ", verb->name);
    manual_add_arguments(text, verb->arguments);
    text_add(text, "\n");
    if (verb->text || verb->alias)
        text_add(text, ".SH DESCRIPTION\n");
    if (verb->text)
        manual_add_text(text, verb->text);
    if (verb->alias)
        text_printf(text, "%sAlso called \\fB%s\\fR.\n", verb->text ? ".PP\n" : "", verb->alias);
    manual_add_options(text, verb);
    if (verb->takes_command)
        text_add(text, ".PP\nOptions end at the first word of the command, or at \\-\\-.\n");
    if (verb->examples) {
        text_add(text, ".SH EXAMPLES\n.nf\n");
        manual_add_text(text, verb->examples);
        text_add(text, ".fi\n");
    }
    text_add(text, ".SH EXIT STATUS\n");
    manual_add_list(text, manual_exit_status);
    text_add(text, ".SH SEE ALSO\n.BR memscope (1)\n");
}

void manual_add_overview(struct text *text)
{
    manual_add_title(text, "");
    text_add(text, ".SH NAME\nmemscope \\- heap profiler: what holds the memory of a program, what "
                   "leaks, what churns\n"
                   ".SH SYNOPSIS\n\\fBmemscope\\fR \\fIVERB\\fR [\\fIOPTIONS\\fR] ...\n"
                   ".SH DESCRIPTION\n"
                   "memscope runs an unmodified program, records every heap allocation with its "
                   "call stack, thread and async task, and reports.\n");
    const char *group = NULL;
    for (int i = 0; i < VERB_N; i++) {
        const struct verb *verb = verb_at((enum verb_id)i);
        if (!verb->group)
            continue;
        if (!group || strcmp(group, verb->group) != 0)
            text_printf(text, ".SS %s\n", verb->group);
        group = verb->group;
        text_printf(text, ".TP\n.BR memscope\\-%s (1)\n", verb->name);
        manual_add_text(text, verb->summary);
    }
    text_add(text, ".SH EXIT STATUS\n");
    manual_add_list(text, manual_exit_status);
    text_add(text, ".SH ENVIRONMENT\n");
    manual_add_list(text, manual_environment);
    text_add(text, ".SH FILES\n");
    manual_add_list(text, manual_files);
    text_add(text, ".SH EXAMPLES\n.nf\n"
                   "memscope run ./program\n"
                   "memscope analyze \\-\\-strategy async \\-\\-export html ./server\n"
                   "memscope report memscope\\-server\\-4711.mscope\n"
                   ".fi\n"
                   ".SH SEE ALSO\n.BR heaptrack (1),\n.BR valgrind (1)\n");
}
