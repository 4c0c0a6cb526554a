/* SPDX-License-Identifier: Apache-2.0 */
/* When to look at the resident memory of the session's processes, and when at its parts. */
#ifndef MEMSCOPE_COLLECT_RESIDENTS_H
#define MEMSCOPE_COLLECT_RESIDENTS_H

#include "collect/images.h"

/* Called every few milliseconds; looks where that may tell something new. */
void residents_look(struct images *images, uint64_t at_ns);

#endif
