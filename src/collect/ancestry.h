/* SPDX-License-Identifier: Apache-2.0 */
/* Who started an image: the image that it replaced, that forked it, or whose process spawned it. */
#ifndef MEMSCOPE_COLLECT_ANCESTRY_H
#define MEMSCOPE_COLLECT_ANCESTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "collect/images.h"

/*
 * The process in the model that comes before the image, whose pid and start `process` tells;
 * is_exec is set where the image replaced it. MODEL_NONE: unknown, or the session's first.
 */
uint32_t ancestry_parent(struct images *images, const struct image *image,
                         struct model_process *process);

/*
 * A forked process that has forked others before it used the heap is in the model already: its
 * index there, else MODEL_NONE.
 */
uint32_t ancestry_take_forker(struct images *images, const struct model_process *process,
                              bool forked);

/* Ends those of them that are gone without ever having used the heap; all when the session ends. */
void ancestry_look(struct images *images, bool ended);

#endif
