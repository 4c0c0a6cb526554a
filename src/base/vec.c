/* SPDX-License-Identifier: Apache-2.0 */
/* Growth of vectors: by half again, within their maximum. */
#include "base/vec.h"

#include <stdint.h>
#include <stdlib.h>

bool vec_reserve(void *vec, size_t item_bytes, size_t more, size_t max)
{
    struct vec_any *any = vec;
    if (more <= any->capacity - any->n && any->capacity <= max)
        return true;
    if (any->n > max || more > max - any->n)
        return false;
    size_t wanted = any->n + more;
    size_t capacity = any->capacity + any->capacity / 2 + 16;
    if (capacity < wanted)
        capacity = wanted;
    if (capacity > max)
        capacity = max;
    if (capacity > SIZE_MAX / item_bytes)
        return false;
    void *at = realloc(any->at, capacity * item_bytes);
    if (!at)
        return false;
    any->at = at;
    any->capacity = capacity;
    return true;
}

void vec_done(void *vec)
{
    struct vec_any *any = vec;
    free(any->at);
    *any = (struct vec_any){0};
}
