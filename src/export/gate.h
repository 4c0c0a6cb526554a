/* SPDX-License-Identifier: Apache-2.0 */
/* What limits came to: lines for people, JUnit XML, annotations for GitHub's checks. */
#ifndef MEMSCOPE_EXPORT_GATE_H
#define MEMSCOPE_EXPORT_GATE_H

#include "analyze/limit.h"

struct gate {
    const struct limit *limits;
    const struct limit_result *results; /* one for each limit */
    size_t n;
    const char *name; /* of the recording */
};

void gate_add_lines(struct text *text, const struct gate *gate);
void gate_add_junit(struct text *text, const struct gate *gate);
void gate_add_github(struct text *text, const struct gate *gate);

#endif
