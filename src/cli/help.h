/* SPDX-License-Identifier: Apache-2.0 */
/* Help texts, derived from the tables of verbs and options. */
#ifndef MEMSCOPE_CLI_HELP_H
#define MEMSCOPE_CLI_HELP_H

#include "base/text.h"
#include "cli/verbs.h"

/* Appends the overview: every verb with its line, and where to read on. */
void help_add_overview(struct text *text);

/* Appends usage, options and examples of one verb. */
void help_add_verb(struct text *text, const struct verb *verb);

#endif
