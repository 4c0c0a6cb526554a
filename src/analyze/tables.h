/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that build an analysis, in their order; only analysis.c calls them. */
#ifndef MEMSCOPE_ANALYZE_TABLES_H
#define MEMSCOPE_ANALYZE_TABLES_H

#include "analyze/analysis.h"

/* Cells by node, and a site for each node that allocates. */
int sites_build(struct analysis *analysis, struct diag *diag);

/* Functions of all frames, sites named after them, and both figures of each. */
int functions_build(struct analysis *analysis, struct diag *diag);

/* Rows by cell, and the judged list of functions with never-freed blocks. */
int leaks_build(struct analysis *analysis, struct diag *diag);

#endif
