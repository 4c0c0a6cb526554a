/* SPDX-License-Identifier: Apache-2.0 */
/* Allocators that a program brings along, and what of their blocks is seen. */
#ifndef MEMSCOPE_COLLECT_ALLOCATORS_H
#define MEMSCOPE_COLLECT_ALLOCATORS_H

#include "collect/images.h"

/*
 * Names the allocator of an image, once: where the library has found one, or the image holds much
 * memory that is no recorded block. Reads the executable's file for that.
 */
void allocators_name(struct images *images, struct image *image);

/* The same where no look came before its end: from what it said of itself; /proc tells no more. */
void allocators_name_ended(struct images *images, struct image *image);

#endif
