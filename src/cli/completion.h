/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for bash, zsh and fish, derived from the tables of verbs and options. */
#ifndef MEMSCOPE_CLI_COMPLETION_H
#define MEMSCOPE_CLI_COMPLETION_H

#include "base/text.h"
#include "cli/options.h"
#include "cli/verbs.h"

/* What stands at a place of the command line that is neither a verb nor an option. */
enum completion_kind {
    COMPLETION_NONE,  /* something only the user knows */
    COMPLETION_WORDS, /* one of a list */
    COMPLETION_FILE,
    COMPLETION_FOLDER,
    COMPLETION_RECORDING, /* a .mscope file */
    COMPLETION_COMMAND,   /* a program, then its own arguments */
    COMPLETION_PROCESS,   /* a pid */
    COMPLETION_VERB,
};

/* What an option's argument is. */
enum completion_kind completion_of_option(const struct option_row *row);

/* What the words behind a verb are. */
enum completion_kind completion_of_verb(const struct verb *verb);

/* Each appends the whole script of one shell. */
void completion_add_bash(struct text *text);
void completion_add_zsh(struct text *text);
void completion_add_fish(struct text *text);

#endif
