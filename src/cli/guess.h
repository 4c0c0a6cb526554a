/* SPDX-License-Identifier: Apache-2.0 */
/* Did you mean: the word of a list that is nearest to a mistyped one. */
#ifndef MEMSCOPE_CLI_GUESS_H
#define MEMSCOPE_CLI_GUESS_H

#include <stddef.h>

/* The best candidate so far; zeroed with `word` set = none yet. */
struct guess {
    const char *word;
    const char *best; /* NULL = nothing is near enough */
    unsigned distance;
};

/* Considers one candidate; it must outlive the guess. */
void guess_offer(struct guess *guess, const char *candidate);

/* Edits (insert, delete, change, swap of neighbours) between a and b; words over 63 bytes are far.
 */
unsigned guess_distance(const char *a, const char *b);

#endif
