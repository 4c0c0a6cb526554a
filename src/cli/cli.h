/* SPDX-License-Identifier: Apache-2.0 */
/* What every verb gets and gives: its function type, exit statuses, and how it fails. */
#ifndef MEMSCOPE_CLI_CLI_H
#define MEMSCOPE_CLI_CLI_H

#include "base/diag.h"
#include "cli/log.h"
#include "cli/settings.h"

/* Exit statuses that are ours; any other is the program's own. */
enum { STATUS_DONE = 0, STATUS_LIMIT = 1, STATUS_OURS = 125 };

struct cli {
    struct log log;
    const char *suppressions; /* a file, NULL = none */
};

/* Does what the settings ask; returns the exit status. */
typedef int verb_fn(const struct cli *cli, const struct settings *settings);

verb_fn verb_run, verb_detect, verb_doctor, verb_symbolize, verb_report, verb_info, verb_view,
        verb_check, verb_compare, verb_ps, verb_ctl, verb_stop, verb_snapshot, verb_live,
        verb_collect, verb_help, verb_version;
verb_fn verb_answer; /* for the library */

/* Prints the sentence of the diag as an error; returns STATUS_OURS. */
int cli_fail(const struct cli *cli, const struct diag *diag);

/* Writes text to standard output; returns STATUS_DONE, or STATUS_OURS after saying why. */
int cli_print(const struct cli *cli, const struct text *text);

#endif
