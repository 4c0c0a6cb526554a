/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of options: parsing, `--help`, completion and manual pages all derive from it.
 *
 * An option's row says which verbs take it, what its argument may be, and what of it does not
 * work yet (such an option is accepted with one warning, and the program is recorded exactly).
 */
#ifndef MEMSCOPE_CLI_OPTIONS_H
#define MEMSCOPE_CLI_OPTIONS_H

#include <getopt.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/verbs.h"

enum option_id {
    OPTION_MODE,
    OPTION_STRATEGY,
    OPTION_SAMPLE_RATE,
    OPTION_TRACK_ASYNC,
    OPTION_DETAILED,
    OPTION_PERFORMANCE,
    OPTION_MAX_OVERHEAD,
    OPTION_MAX_OVERHEAD_PERCENT,
    OPTION_RECORDER_MEMORY,
    OPTION_INCLUDE,
    OPTION_EXCLUDE,
    OPTION_NO_FOLLOW,
    OPTION_WAIT,
    OPTION_EXEC,
    OPTION_EXPORT,
    OPTION_OUTPUT,
    OPTION_NO_RECORDING,
    OPTION_REDACT_ARGS,
    OPTION_SVG_PANEL,
    OPTION_SUMMARY,
    OPTION_COLOR,
    OPTION_PROGRESS,
    OPTION_QUIET,
    OPTION_JSON,
    OPTION_NO_OPEN,
    OPTION_SUPPRESSIONS,
    OPTION_BASELINE,
    OPTION_WRITE_BASELINE,
    OPTION_JUNIT,
    OPTION_GITHUB,
    OPTION_LIVE,
    OPTION_DETECT_RUN,
    OPTION_TIMEOUT,
    OPTION_ONCE,
    OPTION_PLAIN,
    OPTION_INTERVAL,
    OPTION_DEBUG_PATH,
    OPTION_DEBUGINFOD,
    OPTION_HELP,
    OPTION_N,
};

struct option_row {
    enum option_id id;
    char letter; /* 0 = none */
    const char *name;
    const char *argument; /* shown in help; NULL = takes none */
    const char *values;   /* "a|b|c": the words it takes; NULL = something else */
    uint32_t verbs;       /* VERB_BIT of each verb that takes it */
    const char *section;  /* heading in help */
    const char *help;
    const char *later; /* what is not so yet; NULL = all of it works */
};

/* Row i of the table, in help's order; NULL past the end. */
const struct option_row *option_row_at(size_t i);

/* A verb's options, those of one section behind each other. Returns how many there are. */
size_t option_rows_of(enum verb_id verb, const struct option_row *ret_rows[OPTION_N]);

/* The row of an option. */
const struct option_row *option_row_of(enum option_id id);

/* What help says of an option: where a verb does else with it than the others, that. */
const char *option_help(const struct option_row *row, enum verb_id verb);

/* The long option of a verb that is nearest to a mistyped name, or NULL. */
const struct option_row *option_guess(enum verb_id verb, const char *name);

/* What getopt_long() needs for one verb; `val` of each is OPTION_GETOPT_BASE + its id. */
enum { OPTION_GETOPT_BASE = 256 };
struct option_getopt {
    struct option longs[OPTION_N + 1];
    char shorts[2 * OPTION_N + 4];
};
void option_getopt_fill(struct option_getopt *ret_getopt, const struct verb *verb);

/* The id behind getopt_long()'s result (a letter or a val), or OPTION_N. */
enum option_id option_of_getopt(int result);

/* The place of word in "a|b|c", or -1. */
int option_value_index(const char *values, const char *word);

#endif
