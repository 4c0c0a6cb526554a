/* SPDX-License-Identifier: Apache-2.0 */
/* A command line, read and checked: what a verb is asked to do. */
#ifndef MEMSCOPE_CLI_SETTINGS_H
#define MEMSCOPE_CLI_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/text.h"
#include "base/vec.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "launch/request.h"

/* In the order of the option's values in the table. */
enum settings_summary { SUMMARY_NONE, SUMMARY_SHORT, SUMMARY_FULL, SUMMARY_JSON };
enum settings_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

enum { SETTINGS_LIST_MAX = 4096 };

struct settings {
    enum verb_id verb;
    bool given[OPTION_N];

    enum run_mode mode;
    enum run_strategy strategy;
    double sample_rate;
    uint64_t max_overhead_bytes; /* 0 = default */
    double max_overhead_percent; /* 0 = none */
    uint64_t recorder_memory_bytes;
    VEC(const char *) includes, excludes; /* point into argv, as all strings here do */

    VEC(const char *) exports; /* format names, as listed in the table */
    VEC(const char *) outputs;
    unsigned svg_panel; /* place in the option's values */

    enum settings_summary summary;
    enum settings_color color;
    double interval_s;
    double timeout_s; /* of detect */
    const char *suppressions;
    const char *baseline, *write_baseline, *junit, *debug_path;

    char **words; /* what is left: the command, files, pids; NULL-terminated */
    size_t word_n;
};

/*
 * Reads the words behind the verb's name: argv[0] is the verb, argv[argc] is NULL. argv may be
 * reordered. Returns 0 or ERR_USAGE with the sentence for the user. With --help nothing but
 * given[OPTION_HELP] counts. Uses getopt's state: one thread.
 */
int settings_parse(struct settings *ret_settings, const struct verb *verb, int argc, char **argv,
                   struct diag *diag);

void settings_done(struct settings *settings);

/*
 * Appends the one warning that names what was asked for and is not so yet; nothing when all works.
 */
void settings_add_later(const struct settings *settings, struct text *text);

/* The strategy as "strategy_used" spells it. */
const char *settings_strategy_name(enum run_strategy strategy);

#endif
