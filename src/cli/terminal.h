/* SPDX-License-Identifier: Apache-2.0 */
/* What a stream can show: width, colours, characters. */
#ifndef MEMSCOPE_CLI_TERMINAL_H
#define MEMSCOPE_CLI_TERMINAL_H

#include <stdbool.h>

#include "cli/settings.h"

struct terminal {
    unsigned columns;
    bool is_tty;
    bool utf8;
    bool color;
};

/* The terminal behind fd, in this environment. */
struct terminal terminal_of(int fd, enum settings_color when);

/* The variables that say whether colours are wanted; NULL = not set. */
struct terminal_wishes {
    const char *no_color, *clicolor_force, *force_color, *term;
};

/*
 * --color, then NO_COLOR (non-empty: off), then CLICOLOR_FORCE or FORCE_COLOR (non-empty and not
 * "0": on), then TERM=dumb (off), then whether the stream is a terminal.
 */
bool terminal_wants_color(enum settings_color when, const struct terminal_wishes *wishes,
                          bool is_tty);

#endif
