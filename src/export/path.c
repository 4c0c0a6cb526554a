/* SPDX-License-Identifier: Apache-2.0 */
/* Walking up the page's tree. */
#include "export/path.h"

enum { PATH_FRAMES_MAX = 1 << 20 };

bool path_of(struct path *path, const struct page *page, uint32_t node)
{
    path->frames.n = 0;
    path->n = 0;
    for (; node; node = page->nodes.at[node].parent) {
        if (!VEC_PUSH(&path->frames, PATH_FRAMES_MAX, page->nodes.at[node].frame))
            return false;
    }
    path->n = path->frames.n;
    return true;
}

void path_done(struct path *path)
{
    vec_done(&path->frames);
    path->n = 0;
}
