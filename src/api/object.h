/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for the API's objects: pages of their own, never the program's heap. */
#ifndef MEMSCOPE_API_OBJECT_H
#define MEMSCOPE_API_OBJECT_H

#include <stddef.h>

/* Zeroed pages for `bytes`, or NULL. Given back with the same number. */
void *object_take(size_t bytes);
void object_give(void *object, size_t bytes);

#endif
