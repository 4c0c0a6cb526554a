/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the report page (web/CONTRACT.md), built from an analysis: frames as a tree in
 * preorder, contexts, sites that ascend by node, cells that ascend by context, rows that ascend by
 * slice. Stacks that show the same functions and lines are one node here, so cells and rows of the
 * model are merged where their site is one; no sum changes.
 */
#ifndef MEMSCOPE_EXPORT_PAGE_H
#define MEMSCOPE_EXPORT_PAGE_H

#include "analyze/analysis.h"
#include "base/diag.h"
#include "base/map.h"

struct page_module {
    uint32_t name; /* string */
    uint32_t path; /* string */
    uint32_t kind; /* enum page_kind */
};

enum page_kind {
    PAGE_UNKNOWN,
    PAGE_USER,
    PAGE_STD,
    PAGE_RUNTIME,
    PAGE_LIBC,
    PAGE_PYTHON,
    PAGE_KERNEL,
    PAGE_JIT,
};

struct page_function {
    uint32_t name, short_name, file; /* strings */
    uint32_t module;
    bool nameless; /* no symbol: the name is an offset in the module */
};

enum { PAGE_INLINED = 1, PAGE_GUESSED = 2 };

struct page_frame {
    uint32_t function, line, flags;
};

struct page_node {
    uint32_t parent, frame;
};

struct page_context {
    uint32_t process, thread, task; /* task 0 = none */
};

struct page_site {
    uint32_t node;
    uint32_t function; /* of analysis.functions: whom its heaviest site is named after */
    uint32_t cell_n;
    struct figures figures;
};

struct page_cell {
    uint32_t site, context;
    uint32_t row_n;
    uint64_t peak_n, peak_bytes, own_n, own_bytes, other_thread_free_n;
};

struct page_row {
    uint32_t born, life; /* slices; life = slices - born: never freed */
    uint64_t n, bytes;
};

struct page_group {
    uint32_t name, kind, evidence; /* strings */
    uint32_t node;                 /* node + 1, 0 = unknown */
};

struct page {
    const struct analysis *analysis;
    const struct model *model;
    uint32_t slice_n;
    uint32_t merge_shift;           /* 2^n slices of the model are one here */
    VEC(struct model_slice) slices; /* slice_n of them */
    struct text string_bytes;       /* all strings, each with a 0 behind */
    VEC(size_t) strings;            /* places in string_bytes; 0 is "" */
    VEC(struct page_module) modules;
    VEC(struct page_function) functions;
    VEC(struct page_frame) frames;
    VEC(struct page_node) nodes; /* preorder */
    VEC(struct page_context) contexts;
    VEC(struct page_site) sites;
    VEC(struct page_cell) cells; /* grouped by site */
    VEC(struct page_row) rows;   /* grouped by cell */
    VEC(struct page_group) groups;
    VEC(uint32_t) task_node;     /* node of its spawn place, for each task: model task i + 1 */
    VEC(uint32_t) task_group;    /* likewise */
    VEC(uint32_t) process_gone;  /* slice in which each process ended, slice_n = at the end */
    VEC(uint32_t) site_of_model; /* analysis site → page site */
    struct map string_index, module_index, function_index, frame_index, context_index;
};

/* most_rows: past it neighbouring slices are merged until the rows are fewer; 0: 10^6. */
int page_build(struct page *page, const struct analysis *analysis, size_t most_rows,
               struct diag *diag);
void page_done(struct page *page);

/* Adds a string, valid UTF-8 whatever the bytes were; MODEL_NONE: no memory. */
uint32_t page_string(struct page *page, const char *bytes, size_t n);
const char *page_string_at(const struct page *page, uint32_t string);

/* The steps of page_build(). page_names: nodes for each analysis site, in ret_nodes. */
int page_names_build(struct page *page, uint32_t *ret_nodes);
int page_rows_build(struct page *page, const uint32_t *site_nodes, size_t most_rows);

/* The end of a slice of the page. */
uint64_t page_slice_end(const struct page *page, size_t i);

#endif
