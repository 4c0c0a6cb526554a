/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads of an image, by the numbers that they have themselves. In a pid namespace below ours
 * these are not the numbers that /proc has.
 */
#ifndef MEMSCOPE_COLLECT_IMAGE_THREADS_H
#define MEMSCOPE_COLLECT_IMAGE_THREADS_H

#include <stdbool.h>
#include <stdint.h>

#include "collect/images.h"

/* The thread in the model, made known to it when it is new. */
uint32_t image_thread(struct images *images, struct image *image, uint32_t tid, uint64_t at_ns);

/* The same if it is known; else MODEL_NONE. */
uint32_t image_thread_known(const struct image *image, uint32_t tid);

/* False: the kernel surely knows no such thread any more. */
bool image_thread_lives(struct images *images, struct image *image, uint32_t tid);

/* The tid names a new thread from now on. */
void image_thread_forget(struct image *image, uint32_t tid);

/* Threads often name themselves after their first allocation. */
void image_threads_name(struct images *images, struct image *image);

#endif
