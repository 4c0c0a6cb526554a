/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which output goes where: the pairing of -e with -o, and the names that nobody gave.
 *
 * The n-th -o belongs to the n-th -e. An -o beyond them takes its format from its suffix. A
 * folder (DIR/, or a name that is one) is no file: it takes all outputs without a name.
 */
#ifndef MEMSCOPE_CLI_OUTPUTS_H
#define MEMSCOPE_CLI_OUTPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/diag.h"
#include "base/text.h"
#include "cli/settings.h"

enum { OUTPUTS_MAX = 32 };

struct output {
    const char *format; /* as the option's value */
    const char *name;   /* NULL: memscope-<program>-<pid>.<suffix> in the folder; "-": stdout */
};

struct outputs {
    struct output exports[OUTPUTS_MAX];
    size_t n;
    const char *recording; /* name that the user gave, or NULL */
    char *folder;          /* malloc'd: where outputs without a name go */
};

/*
 * Pairs what the settings hold and checks that each can be written. takes_recording: the verb
 * makes a recording. A folder other than the working directory that had to be chosen is told in
 * ret_note. ERR_USAGE or ERR_IO with the sentence.
 */
int outputs_plan(struct outputs *ret_outputs, const struct settings *settings, bool takes_recording,
                 struct text *ret_note, struct diag *diag);
void outputs_done(struct outputs *outputs);

/* The suffix of a format: ".json". */
const char *outputs_suffix(const char *format);

/* The format that a name's suffix tells ("recording" for .mscope and none), or NULL. */
const char *outputs_format_of(const char *name);

/* The last part of a program's path, with everything but plain characters as '_', never empty. */
void outputs_add_program(struct text *text, const char *path);

/*
 * Claims a new file memscope-<program>-<pid><suffix> in folder; *ret_name is malloc'd. The empty
 * file holds the name until file_out_commit() puts the output in its place.
 */
int outputs_claim(const char *folder, const char *program, pid_t pid, const char *suffix,
                  char **ret_name, struct diag *diag);

#endif
