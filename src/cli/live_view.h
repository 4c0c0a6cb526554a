/* SPDX-License-Identifier: Apache-2.0 */
/* One view of a running session as text. */
#ifndef MEMSCOPE_CLI_LIVE_VIEW_H
#define MEMSCOPE_CLI_LIVE_VIEW_H

#include "analyze/analysis.h"
#include "base/text.h"
#include "wire/control.h"

enum { LIVE_ROWS_MAX = 40, LIVE_NAME_BYTES = 120 };

/* What a row held the last time, by its name: growth is seen between two views. */
struct live_memory {
    struct {
        char name[LIVE_NAME_BYTES];
        uint64_t bytes;
    } rows[LIVE_ROWS_MAX];
    size_t n;
    uint64_t at_ns, live_bytes; /* at_ns 0: there was none */
};

struct live_style {
    size_t rows; /* of sites, at most LIVE_ROWS_MAX */
    bool plain;  /* exact numbers, "key value" and tab-separated rows, for scripts */
};

/* Appends the view, and remembers it for the next. */
void live_view_add(struct text *text, const struct control_status *status,
                   const struct analysis *analysis, const struct live_style *style,
                   struct live_memory *memory);

#endif
