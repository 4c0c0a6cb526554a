/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the terminal summary; only the summary's own files use this. */
#ifndef MEMSCOPE_EXPORT_SUMMARY_PARTS_H
#define MEMSCOPE_EXPORT_SUMMARY_PARTS_H

#include "analyze/session.h"
#include "export/summary.h"

struct summary {
    const struct analysis *analysis;
    const struct model *model;
    struct session session;
    struct summary_style style;
    size_t width;
    bool has_list;    /* a list was printed already */
    struct text out;  /* UTF-8, with SGR sequences where colour is on */
    struct text part; /* scratch for one value */
};

enum summary_ink { INK_PLAIN, INK_HEAD, INK_DIM, INK_WARN, INK_BAD, INK_GOOD };

/* Switches the colour; nothing when colours are off. */
void summary_ink(struct summary *summary, enum summary_ink ink);

/* A heading of a section, up to its comma where room is short; its columns' titles right-aligned.
 */
void summary_heading(struct summary *summary, const char *heading, const char *titles);

/* The lists of functions. */
void summary_peak(struct summary *summary, size_t rows);
void summary_leaks(struct summary *summary, size_t rows);
void summary_churn(struct summary *summary, size_t rows);
void summary_temporary(struct summary *summary, size_t rows);
void summary_threads(struct summary *summary, size_t rows);
void summary_task_names(struct summary *summary, size_t rows);
void summary_task_tree(struct summary *summary, size_t rows);
void summary_processes(struct summary *summary, size_t rows);

/* The lines at the end. */
void summary_tasks(struct summary *summary);
/* When the hybrid strategy changed over. */
void summary_phases(struct summary *summary);
void summary_findings(struct summary *summary, size_t most);
/* The resident memory and its parts; what the program mapped itself. */
void summary_resident(struct summary *summary);
void summary_mapped(struct summary *summary);
/* Leaks that rules keep quiet. */
void summary_suppressed(struct summary *summary);
void summary_cost(struct summary *summary);
void summary_notices(struct summary *summary);
void summary_outputs(struct summary *summary, const struct summary_files *files);

#endif
