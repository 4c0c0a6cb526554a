/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a model that came from a file names only what it has. Private to heap/. */
#ifndef MEMSCOPE_HEAP_STORE_CHECK_H
#define MEMSCOPE_HEAP_STORE_CHECK_H

#include "heap/model.h"

/* All tables but rows: each index names an entry, parents come first, slices are in order. */
bool store_check_indices(const struct model *model);

bool store_check_rows(const struct model *model);

#endif
