/* SPDX-License-Identifier: Apache-2.0 */
/* Exports: one format per file behind one function type, and the registry of formats. */
#ifndef MEMSCOPE_EXPORT_EXPORT_H
#define MEMSCOPE_EXPORT_EXPORT_H

#include "analyze/analysis.h"
#include "base/diag.h"
#include "base/file.h"

enum export_panel { PANEL_ALL, PANEL_TIMELINE, PANEL_PATTERNS, PANEL_HOTSPOTS };

struct export_request {
    uint64_t recording_bytes; /* size of the recording */
    enum export_panel panel;  /* svg */
    const char *version;      /* of memscope */
    size_t most_rows;         /* html: past it slices are merged; 0 = the default */
};

/* Writes one export. 0, or a negative result with the sentence in diag; `out` is never closed. */
typedef int export_fn(const struct analysis *analysis, const struct export_request *request,
                      struct file_out *out, struct diag *diag);

struct export_format {
    const char *name;
    export_fn *write;
};

/* The format of that name, or NULL when this build does not have it. */
const struct export_format *export_find(const char *name);

/* Whether the build carries the report page. */
bool export_has_html(void);

export_fn export_json, export_folded, export_speedscope, export_pprof, export_svg, export_html;

/* Where a format's writer puts its bytes: the sink of text and JSON writers. */
struct export_sink {
    struct file_out *out;
    struct diag *diag;
    int err; /* sticky */
};
int export_sink_write(void *sink, const char *bytes, size_t n);

#endif
