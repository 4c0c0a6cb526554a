/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What memscope says about its own work: lines on standard error.
 *
 * The level comes from MEMSCOPE_LOG, else from RUST_LOG, where a bare level or memscope=LEVEL
 * counts and every other directive is ignored without a word: shells have it set for other
 * programs. Errors are always printed.
 */
#ifndef MEMSCOPE_CLI_LOG_H
#define MEMSCOPE_CLI_LOG_H

#include <stdbool.h>

#include "launch/request.h"

struct log {
    int fd;
    enum run_log_level level;
};

/* The level that the directives name, or `fallback` if they name none for us. NULL is none. */
enum run_log_level log_level_of(const char *directives, enum run_log_level fallback);

/* The level from the environment: MEMSCOPE_LOG, else RUST_LOG, else RUN_LOG_WARN. */
enum run_log_level log_level_from_environment(void);

/* Prints "memscope: <text>" (with the level's name from info on) if the level is on. */
void log_line(const struct log *log, enum run_log_level level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#endif
