/* SPDX-License-Identifier: Apache-2.0 */
/* Notices: everything that makes the figures less than complete. None means complete. */
#ifndef MEMSCOPE_EXPORT_NOTICE_H
#define MEMSCOPE_EXPORT_NOTICE_H

#include <stddef.h>

#include "heap/model.h"

enum notice_severity { NOTICE_ERROR, NOTICE_WARNING, NOTICE_NOTE };

struct notice {
    enum notice_severity severity;
    const char *kind; /* of the page's contract: lost, gap, late ... */
    uint64_t value;
    const char *unit;
    char text[512]; /* a whole sentence */
};

enum { NOTICES_MAX = 20 };

/* Fills ret_notices (room for NOTICES_MAX), the gravest first; returns how many. */
size_t notices_collect(const struct model *model, struct notice *ret_notices);

const char *notice_severity_name(enum notice_severity severity);

#endif
