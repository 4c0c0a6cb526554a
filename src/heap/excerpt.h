/* SPDX-License-Identifier: Apache-2.0 */
/* A small model with the sites that hold most, for views that are redrawn every second. */
#ifndef MEMSCOPE_HEAP_EXCERPT_H
#define MEMSCOPE_HEAP_EXCERPT_H

#include <stddef.h>

#include "heap/model.h"

/*
 * The site_n sites with the most live bytes, cell by cell; the cells of all others as one with the
 * empty stack for each process, thread and task. Live, allocated and freed figures are those of the
 * model; of cells it has no peaks, lifetimes, sizes or rows, and of the session no slices. Does not
 * settle the model. Costs a pass over the cells. ERR_MEMORY, or 0 and a model for model_free_all.
 */
int excerpt_new(const struct model *model, size_t site_n, struct model **ret_excerpt);

#endif
