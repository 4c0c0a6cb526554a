/* SPDX-License-Identifier: Apache-2.0 */
/* Debug files from debuginfod servers: only ever when the user asked for it. */
#ifndef MEMSCOPE_SYMBOL_DEBUGINFOD_H
#define MEMSCOPE_SYMBOL_DEBUGINFOD_H

#include "symbol/symbol.h"

/*
 * Runs debuginfod-find (which keeps a cache of its own) and appends the path it printed.
 * ERR_MISSING: no program, no server, no such file, or no answer within DEBUGINFOD_WAIT_MS.
 */
int debuginfod_find(const struct symbol_options *options, const uint8_t *build_id, size_t n,
                    struct text *path);

#endif
