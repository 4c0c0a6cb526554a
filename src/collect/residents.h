/* SPDX-License-Identifier: Apache-2.0 */
/* When to look at the resident memory of the session's processes, and when at its parts. */
#ifndef MEMSCOPE_COLLECT_RESIDENTS_H
#define MEMSCOPE_COLLECT_RESIDENTS_H

#include "collect/images.h"

/* Called every few milliseconds; looks where that may tell something new. */
void residents_look(struct images *images, uint64_t at_ns);

/*
 * The image has ended: what it told of itself at its end, and waited_bytes, the peak that wait(2)
 * told of its process (0: nobody waited, or that may be another's).
 */
void residents_end(struct images *images, const struct image *image, uint64_t waited_bytes);

#endif
