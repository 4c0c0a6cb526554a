/* SPDX-License-Identifier: Apache-2.0 */
/* A model as the flat tables of wire/answer.h. */
#ifndef MEMSCOPE_CLI_ANSWER_TABLES_H
#define MEMSCOPE_CLI_ANSWER_TABLES_H

#include "analyze/analysis.h"
#include "base/diag.h"
#include "base/text.h"

/* Appends struct answer_head and all tables to an empty text. ERR_MEMORY or ERR_LIMIT. */
int answer_tables_add(struct text *text, const struct analysis *analysis, struct diag *diag);

#endif
