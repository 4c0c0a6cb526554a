/* SPDX-License-Identifier: Apache-2.0 */
/* The options, in the order in which help lists them, and what derives from the table. */
#include "cli/options.h"

#include <string.h>

#include "cli/guess.h"

#define RECORD (VERB_BIT(VERB_RUN) | VERB_BIT(VERB_ANALYZE))
#define EXPORT (RECORD | VERB_BIT(VERB_REPORT) | VERB_BIT(VERB_SNAPSHOT) | VERB_BIT(VERB_COMPARE))
#define READ                                                                                       \
    (VERB_BIT(VERB_REPORT) | VERB_BIT(VERB_INFO) | VERB_BIT(VERB_VIEW) | VERB_BIT(VERB_COMPARE) |  \
     VERB_BIT(VERB_CHECK) | VERB_BIT(VERB_SYMBOLIZE) | VERB_BIT(VERB_SNAPSHOT))
#define ALL (VERB_BIT(VERB_N) - 1)

#define SECTION_TRACK "What is recorded"
#define SECTION_WHO "Which processes"
#define SECTION_OUT "Outputs"
#define SECTION_TERM "On the terminal"
#define SECTION_CHECK "Limits"
#define SECTION_REST "Other"

static const struct option_row option_table[] = {
        {OPTION_MODE, 0, "mode", "MODE", "auto|unified|legacy", RECORD, SECTION_TRACK,
         "tracking mode: unified (the strategies below), legacy (the simple reference tracker, one "
         "common lane) or auto (default), which is unified",
         NULL},
        {OPTION_STRATEGY, 0, "strategy", "STRATEGY", "auto|single-thread|thread-local|async|hybrid",
         RECORD, SECTION_TRACK,
         "how events are taken: single-thread, thread-local, async, hybrid or auto (default: "
         "chosen "
         "by looking at the program). A choice that proves too narrow is widened, nothing is lost",
         NULL},
        {OPTION_SAMPLE_RATE, 0, "sample-rate", "RATE", NULL, RECORD, SECTION_TRACK,
         "record each allocation with at least this probability, larger ones with a higher one: "
         "0.0 "
         "(totals only) to 1.0 (default: every one). Totals stay exact, all else is estimated",
         NULL},
        {OPTION_TRACK_ASYNC, 0, "track-async", NULL, NULL, RECORD, SECTION_TRACK,
         "attribute memory to async tasks", NULL},
        {OPTION_DETAILED, 0, "detailed-tracking", NULL, NULL, RECORD, SECTION_TRACK,
         "keep every event in the recording, not only the aggregate", NULL},
        {OPTION_PERFORMANCE, 0, "performance-monitoring", NULL, NULL, RECORD, SECTION_TRACK,
         "measure more closely what the recording itself costs", NULL},
        {OPTION_MAX_OVERHEAD, 0, "max-overhead", "MB", NULL, RECORD, SECTION_TRACK,
         "most memory that recording may hold in the program, in 10^6 bytes (default 64)", NULL},
        {OPTION_MAX_OVERHEAD_PERCENT, 0, "max-overhead-percent", "P", NULL, RECORD, SECTION_TRACK,
         "lower the sampling rate so that added CPU and memory stay under P %", NULL},
        {OPTION_RECORDER_MEMORY, 0, "recorder-memory", "MB", NULL, RECORD, SECTION_TRACK,
         "most memory that the recorder's own process may hold, in 10^6 bytes (default: no limit)",
         NULL},
        {OPTION_INCLUDE, 0, "include", "PATTERN", NULL, RECORD, SECTION_WHO,
         "record programs whose name or path matches (*, ?, [...]), also where they would be "
         "passed "
         "over; stronger than --exclude; repeatable",
         NULL},
        {OPTION_EXCLUDE, 0, "exclude", "PATTERN", NULL, RECORD, SECTION_WHO,
         "pass over programs whose name or path matches; with '*' all but those of --include; "
         "repeatable",
         NULL},
        {OPTION_NO_FOLLOW, 0, "no-follow", NULL, NULL, RECORD, SECTION_WHO,
         "record the program itself, not the processes that it starts", NULL},
        {OPTION_WAIT, 0, "wait", NULL, NULL, RECORD, SECTION_WHO,
         "return when the last recorded process ends, not when the command ends", NULL},
        {OPTION_EXEC, 0, "exec", NULL, NULL, RECORD, SECTION_WHO,
         "become the program instead of waiting for it, so that it keeps the pid: for service "
         "managers. Summary and exports are made when it ends",
         NULL},
        {OPTION_EXPORT, 'e', "export", "FORMAT", "json|html|svg|pprof|speedscope|folded", EXPORT,
         SECTION_OUT,
         "write an export: json, html, svg, pprof, speedscope or folded; repeatable, the n-th -o "
         "names the n-th -e",
         NULL},
        {OPTION_OUTPUT, 'o', "output", "FILE", NULL,
         EXPORT | VERB_BIT(VERB_VIEW) | VERB_BIT(VERB_SYMBOLIZE), SECTION_OUT,
         "name of the output; without -e its suffix tells the format (.mscope or none: the "
         "recording); DIR/ takes all outputs, - is standard output (default: "
         "memscope-PROGRAM-PID.SUFFIX in the working directory)",
         NULL},
        {OPTION_NO_RECORDING, 0, "no-recording", NULL, NULL, RECORD, SECTION_OUT,
         "do not keep the recording", NULL},
        {OPTION_REDACT_ARGS, 0, "redact-args", NULL, NULL, RECORD, SECTION_OUT,
         "keep only program names of command lines, not their arguments", NULL},
        {OPTION_SVG_PANEL, 0, "svg-panel", "PANEL", "all|timeline|patterns|hotspots",
         RECORD | VERB_BIT(VERB_REPORT) | VERB_BIT(VERB_SNAPSHOT), SECTION_OUT,
         "which part of the SVG: timeline, patterns, hotspots, or all as one poster (default)",
         NULL},
        {OPTION_SUMMARY, 0, "summary", "WHICH", "none|short|full|json",
         RECORD | VERB_BIT(VERB_REPORT) | VERB_BIT(VERB_SNAPSHOT), SECTION_TERM,
         "what is printed at the end: none, short, full or json", NULL},
        {OPTION_COLOR, 0, "color", "WHEN", "auto|always|never", RECORD | READ | VERB_BIT(VERB_LIVE),
         SECTION_TERM, "use colours: auto (default), always or never", NULL},
        {OPTION_PROGRESS, 0, "progress", NULL, NULL, RECORD | READ, SECTION_TERM,
         "show progress also where it would mix with the program's output", NULL},
        {OPTION_QUIET, 'q', "quiet", NULL, NULL, RECORD | READ, SECTION_TERM,
         "print nothing but errors", NULL},
        {OPTION_JSON, 0, "json", NULL, NULL,
         VERB_BIT(VERB_INFO) | VERB_BIT(VERB_COMPARE) | VERB_BIT(VERB_PS) | VERB_BIT(VERB_DETECT),
         SECTION_OUT, "print JSON on standard output", NULL},
        {OPTION_NO_OPEN, 0, "no-open", NULL, NULL, VERB_BIT(VERB_VIEW), SECTION_OUT,
         "write the report, do not open it", NULL},
        {OPTION_SUPPRESSIONS, 0, "suppressions", "FILE", NULL,
         RECORD | VERB_BIT(VERB_REPORT) | VERB_BIT(VERB_CHECK) | VERB_BIT(VERB_VIEW) |
                 VERB_BIT(VERB_INFO),
         SECTION_OUT,
         "leaks not to speak of: lines leak:PATTERN for functions, files or object files, as for "
         "LeakSanitizer",
         NULL},
        {OPTION_BASELINE, 0, "baseline", "FILE", NULL, VERB_BIT(VERB_CHECK), SECTION_CHECK,
         "figures that limits with a percent sign refer to, from --write-baseline", NULL},
        {OPTION_WRITE_BASELINE, 0, "write-baseline", "FILE", NULL, VERB_BIT(VERB_CHECK),
         SECTION_CHECK, "write the recording's figures as a small text for version control", NULL},
        {OPTION_JUNIT, 0, "junit", "FILE", NULL, VERB_BIT(VERB_CHECK), SECTION_CHECK,
         "also write the results as JUnit XML", NULL},
        {OPTION_GITHUB, 0, "github", NULL, NULL, VERB_BIT(VERB_CHECK), SECTION_CHECK,
         "also print the results as annotations for GitHub's checks", NULL},
        {OPTION_LIVE, 0, "live", NULL, NULL, RECORD, SECTION_TERM,
         "print a view of the program each second (--interval) while it runs, on standard error",
         NULL},
        {OPTION_DETECT_RUN, 0, "run", NULL, NULL, VERB_BIT(VERB_DETECT), SECTION_REST,
         "also run the program, without its input and output, and look at its threads and event "
         "loop; it is ended when the time is up",
         NULL},
        {OPTION_TIMEOUT, 0, "timeout", "SECONDS", NULL, VERB_BIT(VERB_DETECT), SECTION_REST,
         "how long to look at most (default 5)", NULL},
        {OPTION_ONCE, 0, "once", NULL, NULL, VERB_BIT(VERB_LIVE), SECTION_TERM,
         "print one view and end", NULL},
        {OPTION_PLAIN, 0, "plain", NULL, NULL, VERB_BIT(VERB_LIVE), SECTION_TERM,
         "print lines, for scripts", NULL},
        {OPTION_INTERVAL, 0, "interval", "SECONDS", NULL, RECORD | VERB_BIT(VERB_LIVE),
         SECTION_TERM, "time between two views (default 1)", NULL},
        {OPTION_DEBUG_PATH, 0, "debug-path", "DIR", NULL, VERB_BIT(VERB_SYMBOLIZE), SECTION_REST,
         "where debug files of other machines lie", NULL},
        {OPTION_DEBUGINFOD, 0, "debuginfod", NULL, NULL, VERB_BIT(VERB_SYMBOLIZE), SECTION_REST,
         "ask the servers in $DEBUGINFOD_URLS for what is not here (runs debuginfod-find)", NULL},
        {OPTION_HELP, 'h', "help", NULL, NULL, ALL, SECTION_REST, "print this help", NULL},
};

enum { OPTION_ROWS = sizeof option_table / sizeof option_table[0] };
/* Where the text of the table does not hold for a verb. */
static const struct {
    enum option_id id;
    enum verb_id verb;
    const char *help;
} option_texts[] = {
        {OPTION_EXPORT, VERB_COMPARE, "write the comparison as json or html instead; one only"},
        {OPTION_OUTPUT, VERB_COMPARE,
         "name of the output; without -e its suffix tells the format, .json or .html (default: "
         "standard output)"},
        {OPTION_OUTPUT, VERB_VIEW,
         "name of the page; - is standard output (default: the recording's with .html)"},
        {OPTION_OUTPUT, VERB_SYMBOLIZE,
         "write the recording there (default: it replaces the one read where something is found)"},
        {OPTION_OUTPUT, VERB_REPORT,
         "name of the output; without -e its suffix tells the format; DIR/ takes all outputs, - is "
         "standard output (default: memscope-PROGRAM-PID.SUFFIX in the working directory)"},
};

_Static_assert((int)OPTION_ROWS == (int)OPTION_N, "each option has one row");

const struct option_row *option_row_at(size_t i)
{
    return i < OPTION_ROWS ? &option_table[i] : NULL;
}

static bool option_is_of(const struct option_row *row, enum verb_id verb, const char *section)
{
    return row->verbs & VERB_BIT(verb) && strcmp(row->section, section) == 0;
}

size_t option_rows_of(enum verb_id verb, const struct option_row *ret_rows[OPTION_N])
{
    size_t n = 0;
    for (size_t i = 0; i < OPTION_ROWS; i++) {
        const char *section = option_table[i].section;
        bool is_first = option_is_of(&option_table[i], verb, section);
        for (size_t k = 0; k < i && is_first; k++)
            is_first = !option_is_of(&option_table[k], verb, section);
        for (size_t k = i; k < OPTION_ROWS && is_first; k++) {
            if (option_is_of(&option_table[k], verb, section))
                ret_rows[n++] = &option_table[k];
        }
    }
    return n;
}

const char *option_help(const struct option_row *row, enum verb_id verb)
{
    for (size_t i = 0; i < sizeof option_texts / sizeof option_texts[0]; i++) {
        if (option_texts[i].id == row->id && option_texts[i].verb == verb)
            return option_texts[i].help;
    }
    return row->help;
}

const struct option_row *option_row_of(enum option_id id)
{
    for (size_t i = 0; i < OPTION_ROWS; i++) {
        if (option_table[i].id == id)
            return &option_table[i];
    }
    return NULL;
}

const struct option_row *option_guess(enum verb_id verb, const char *name)
{
    struct guess guess = {.word = name};
    const struct option_row *best = NULL;
    for (size_t i = 0; i < OPTION_ROWS; i++) {
        const char *before = guess.best;
        if (option_table[i].verbs & VERB_BIT(verb))
            guess_offer(&guess, option_table[i].name);
        if (guess.best != before)
            best = &option_table[i];
    }
    return best;
}

void option_getopt_fill(struct option_getopt *ret_getopt, const struct verb *verb)
{
    memset(ret_getopt, 0, sizeof *ret_getopt);
    size_t n = 0, at = 0;
    if (verb->takes_command)
        ret_getopt->shorts[at++] = '+';
    ret_getopt->shorts[at++] = ':';
    for (size_t i = 0; i < OPTION_ROWS; i++) {
        const struct option_row *row = &option_table[i];
        if (!(row->verbs & VERB_BIT(verb->id)))
            continue;
        ret_getopt->longs[n++] =
                (struct option){row->name, row->argument ? required_argument : no_argument, NULL,
                                OPTION_GETOPT_BASE + (int)row->id};
        if (row->letter)
            ret_getopt->shorts[at++] = row->letter;
        if (row->letter && row->argument)
            ret_getopt->shorts[at++] = ':';
    }
}

enum option_id option_of_getopt(int result)
{
    if (result >= OPTION_GETOPT_BASE && result < OPTION_GETOPT_BASE + OPTION_N)
        return (enum option_id)(result - OPTION_GETOPT_BASE);
    for (size_t i = 0; i < OPTION_ROWS; i++) {
        if (result && option_table[i].letter == result)
            return option_table[i].id;
    }
    return OPTION_N;
}

int option_value_index(const char *values, const char *word)
{
    size_t n = strlen(word);
    int index = 0;
    for (const char *at = values; n;) {
        size_t length = strcspn(at, "|");
        if (length == n && strncmp(at, word, n) == 0)
            return index;
        if (!at[length])
            break;
        at += length + 1;
        index++;
    }
    return -1;
}
