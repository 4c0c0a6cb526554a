/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the memscope executable for what cannot be worked out in the program. */
#ifndef MEMSCOPE_API_ASK_H
#define MEMSCOPE_API_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memscope/status.h"

/* Bytes of a descriptor, mapped. Readable up to the end of its last page, which is 0 there. */
struct ask_bytes {
    const uint8_t *at;
    size_t n;
};

/* Maps a descriptor's whole content, and closes it in any case. */
int ask_map(struct ask_bytes *ret_bytes, long fd, struct memscope_error *error);
void ask_unmap(struct ask_bytes *bytes);

/*
 * Runs `memscope answer WORD...` with the input on its standard input (NULL: none) and returns its
 * standard output, at least least_n bytes of it. words: without the first two, ends with NULL.
 */
int ask_answer(const char *const *words, const struct ask_bytes *input, size_t least_n,
               struct ask_bytes *ret_answer, struct memscope_error *error);

/* write(2) until all is out: 0 or a negative errno. */
long ask_write(long fd, const void *bytes, size_t n);

uint64_t ask_now_ns(void);

#endif
