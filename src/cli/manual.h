/* SPDX-License-Identifier: Apache-2.0 */
/* Manual pages in man(7), derived from the tables of verbs and options. */
#ifndef MEMSCOPE_CLI_MANUAL_H
#define MEMSCOPE_CLI_MANUAL_H

#include "base/text.h"
#include "cli/verbs.h"

/* Appends memscope(1): verbs, exit status, environment, files. */
void manual_add_overview(struct text *text);

/* Appends memscope-VERB(1). */
void manual_add_verb(struct text *text, const struct verb *verb);

#endif
