/* SPDX-License-Identifier: Apache-2.0 */
/* From a recording to what the user asked for: the summary and the exports. */
#ifndef MEMSCOPE_CLI_RESULTS_H
#define MEMSCOPE_CLI_RESULTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "cli/cli.h"
#include "cli/outputs.h"

struct results {
    const struct outputs *outputs;
    const char *recording; /* path */
    const char *program;   /* for names; NULL: from the recording */
    pid_t pid;             /* likewise; 0 */
    bool names_recording;  /* the summary says where the recording lies */
    int summary_fd;
};

/*
 * Loads the recording, writes the exports, prints the summary as the settings say. Everything that
 * can be done is done; returns 0 or the first failure, whose sentence has been printed.
 */
int results_give(const struct cli *cli, const struct settings *settings,
                 const struct results *results);

#endif
