/* SPDX-License-Identifier: Apache-2.0 */
/* A recording from disk, ready to be asked. */
#ifndef MEMSCOPE_CLI_LOAD_H
#define MEMSCOPE_CLI_LOAD_H

#include <stdint.h>

#include "analyze/analysis.h"
#include "base/diag.h"
#include "cli/cli.h"

struct loaded {
    struct model *model;
    struct analysis *analysis;
    struct suppress *suppress;
    uint64_t bytes; /* of the file */
};

/*
 * Loads and analyses a recording. One that is cut or damaged gives what is before the damage, and
 * a warning. 0, or a negative result with the sentence.
 */
int load_recording(const struct cli *cli, const char *path, struct loaded *ret_loaded,
                   struct diag *diag);
void load_done(struct loaded *loaded);

#endif
