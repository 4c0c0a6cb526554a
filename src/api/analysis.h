/* SPDX-License-Identifier: Apache-2.0 */
/* Making an analysis: a recording and the tables of it, mapped, and whose window it is. */
#ifndef MEMSCOPE_API_ANALYSIS_H
#define MEMSCOPE_API_ANALYSIS_H

#include <stdbool.h>
#include <stdint.h>

#include "memscope/memscope.h"
#include "wire/answer.h"
#include "wire/control.h"

enum { ANALYSIS_ID_BYTES = 40 };

/* The part of the recording that the statistics count. */
struct analysis_window {
    const struct control_status *from; /* as of its start */
    const struct control_status *to;   /* as of now */
    uint64_t duration_ns, init_ns;
    const char *session_id;
    int strategy;
    bool partial;
};

/* Takes the descriptor of a recording, also on failure. */
int analysis_new(memscope_analysis **ret_analysis, long recording_fd,
                 const struct analysis_window *window, struct memscope_error *error);

/* Totals of a window; tables: of the recording, NULL: without what only they know. */
void analysis_count(struct memscope_statistics *ret_statistics,
                    const struct analysis_window *window, const struct answer_head *tables);

#endif
