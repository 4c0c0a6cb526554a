/* SPDX-License-Identifier: Apache-2.0 */
/* The run's time in equal parts: slices are of many widths, pictures are not. */
#ifndef MEMSCOPE_ANALYZE_TIMELINE_H
#define MEMSCOPE_ANALYZE_TIMELINE_H

#include <stddef.h>

#include "heap/model.h"

/* End of slice i. */
uint64_t timeline_slice_end(const struct model *model, size_t i);

/* Highest live bytes in each of n equal parts of the run. */
void timeline_high(const struct model *model, size_t n, uint64_t *ret_bytes);

#endif
