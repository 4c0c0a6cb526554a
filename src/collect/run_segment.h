/* SPDX-License-Identifier: Apache-2.0 */
/* The segment of a run. */
#ifndef MEMSCOPE_COLLECT_RUN_SEGMENT_H
#define MEMSCOPE_COLLECT_RUN_SEGMENT_H

#include "collect/segment.h"
#include "launch/request.h"

/* Makes it; its strategy and what was found of the program are still to be filled in. */
int run_segment_make(const struct run_request *request, struct segment *ret_segment,
                     struct diag *diag);

#endif
