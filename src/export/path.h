/* SPDX-License-Identifier: Apache-2.0 */
/* The frames from a node of the page's tree to its root. */
#ifndef MEMSCOPE_EXPORT_PATH_H
#define MEMSCOPE_EXPORT_PATH_H

#include "export/page.h"

struct path {
    VEC(uint32_t) frames; /* innermost first */
    size_t n;
};

/* Fills the path anew; false: no memory. */
bool path_of(struct path *path, const struct page *page, uint32_t node);
void path_done(struct path *path);

#endif
