/* SPDX-License-Identifier: Apache-2.0 */
/* Recording for a process that asked for it. */
#ifndef MEMSCOPE_CLI_RECORD_H
#define MEMSCOPE_CLI_RECORD_H

#include <sys/types.h>

#include "cli/cli.h"

/*
 * Becomes the recorder of process `asker`, as the settings of a run say; their words are its
 * arguments. Returns the exit status; when the diag has a sentence nothing was begun, and nobody
 * was told.
 */
int record_asked(const struct cli *cli, const struct settings *settings, pid_t asker, int socket,
                 struct diag *diag);

#endif
