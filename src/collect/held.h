/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The law of a limit of memory: the weight that it asks for while so much is held.
 *
 * What is held mostly stays held; a higher weight makes it grow more slowly. Over the limit the
 * weight therefore rises while the memory grows, and only then: a peak of long ago says nothing
 * about the present rate. It falls again when much less is held. Memory that is never given back
 * (sticks) lets the weight fall, too, once it has not grown for a while.
 */
#ifndef MEMSCOPE_COLLECT_HELD_H
#define MEMSCOPE_COLLECT_HELD_H

#include <stdbool.h>
#include <stdint.h>

struct held {
    bool sticks;
    uint32_t weight;     /* that it asks for; 1 = nothing */
    uint64_t bytes;      /* that its last rise was for */
    uint64_t changed_ns; /* when that was, or when the weight fell last */
};

/* Looks at what is held now, under the weight that stands, at most so often as it makes sense. */
void held_look(struct held *held, uint64_t bytes, uint64_t most, uint32_t weight, uint64_t now_ns);

#endif
