/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a model says: sites, functions, leaks, the resident memory, and findings, computed once and
 * shared by every output. Everything here only reads the model, which must outlive the analysis.
 */
#ifndef MEMSCOPE_ANALYZE_ANALYSIS_H
#define MEMSCOPE_ANALYZE_ANALYSIS_H

#include "analyze/figures.h"
#include "analyze/finding.h"
#include "analyze/leak.h"
#include "analyze/rss.h"
#include "analyze/suppress.h"
#include "base/diag.h"
#include "base/vec.h"
#include "heap/model.h"

/* A stack that allocates, over all its contexts. */
struct site {
    uint32_t node;
    uint32_t function;           /* whom it is named after: the first frame that is no plumbing */
    uint32_t cell_first, cell_n; /* in analysis.cell_order */
    uint32_t file, line;         /* strings, of the naming frame */
    struct figures figures;
};

/* A function, found by name and object file. */
struct function {
    uint32_t name;       /* string: full name; 0 = unknown, then module and offset say where */
    uint32_t short_name; /* offset in analysis.names */
    uint32_t module;
    uint32_t file, line; /* of its site with the highest self peak */
    uint64_t offset;
    bool plumbing;
    uint32_t site_first, site_n; /* in analysis.site_order: the sites named after it */
    struct figures self;         /* sites named after it */
    struct figures total;        /* sites with it anywhere in the stack, each once */
};

/* What a list of functions is sorted by; descending. */
enum function_metric { FUNCTION_PEAK, FUNCTION_LEAK, FUNCTION_ALLOC, FUNCTION_TEMPORARY };

struct analysis {
    const struct model *model;
    struct text names;        /* short names, each with a 0 behind */
    VEC(uint32_t) cell_order; /* cells by site */
    VEC(uint32_t) site_order; /* sites by function */
    VEC(uint32_t) row_order;  /* rows by cell; row_first[c] … row_first[c + 1] are cell c's */
    VEC(uint32_t) row_first;
    VEC(struct site) sites; /* by node */
    VEC(struct function) functions;
    VEC(struct leak) leaks; /* by bytes, the most first; functions with never-freed blocks */
    VEC(struct finding) findings;
    struct figures figures; /* of everything */
    struct rss_line rss;
    const struct suppress *suppress; /* NULL: nothing is kept quiet */
    bool exact;                      /* no event was sampled away */
};

/* Analyses a settled model. 0, ERR_MEMORY or ERR_LIMIT. */
int analysis_new(const struct model *model, struct analysis **ret_analysis, struct diag *diag);
/* The same without the leaks that rules keep quiet, which are counted there; they outlive it. */
int analysis_new_suppressed(const struct model *model, struct suppress *suppress,
                            struct analysis **ret_analysis, struct diag *diag);
void analysis_free(struct analysis *analysis);

/* The short name of a function, or "module+0xoffset"; and "file.c:12" or its module. */
void analysis_add_name(struct text *text, const struct analysis *analysis, uint32_t function);
void analysis_add_place(struct text *text, const struct analysis *analysis, uint32_t function);

/* One figure of a function as the metric has it: bytes, for FUNCTION_TEMPORARY blocks. */
uint64_t analysis_metric(const struct function *function, enum function_metric metric);

/* Fills ret_functions with the functions highest by their own (self) figures; returns how many. */
size_t analysis_top(const struct analysis *analysis, enum function_metric metric, size_t most,
                    uint32_t *ret_functions);

#endif
