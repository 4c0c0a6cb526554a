/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable array: `VEC(struct x) xs = {0};`.
 *
 * Each vector carries a maximum, so that no input can make it grow without bound; growth that
 * would pass it, or for which there is no memory, fails and leaves the vector as it was.
 */
#ifndef MEMSCOPE_BASE_VEC_H
#define MEMSCOPE_BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>

#define VEC(type)                                                                                  \
    struct {                                                                                       \
        type *at;                                                                                  \
        size_t n;                                                                                  \
        size_t capacity;                                                                           \
    }

/* The generic face of every VEC; only vec.c and the macros below use it. */
struct vec_any {
    void *at;
    size_t n;
    size_t capacity;
};

/* Makes room for `more` items of item_bytes each; at most max items in all. false: no room. */
bool vec_reserve(void *vec, size_t item_bytes, size_t more, size_t max);

/* Frees the items; the vector is empty and usable again. */
void vec_done(void *vec);

/* Pushes a copy of value; evaluates to false when there is no room (nothing changes then). */
#define VEC_PUSH(vec, max, value)                                                                  \
    (((vec)->n < (vec)->capacity && (vec)->capacity <= (size_t)(max)) ||                           \
                     vec_reserve((vec), sizeof *(vec)->at, 1, (max))                               \
             ? ((vec)->at[(vec)->n++] = (value), true)                                             \
             : false)

/* Iterates: `VEC_EACH(struct x, item, &xs) { ... }`. */
#define VEC_EACH(type, item, vec)                                                                  \
    for (type *item = (vec)->at, *item##_end = item ? item + (vec)->n : item; item < item##_end;   \
         item++)

#endif
