/* SPDX-License-Identifier: Apache-2.0 */
/* Edit distance with swaps, and how near is near enough to be offered. */
#include "cli/guess.h"

#include <string.h>

enum { GUESS_WORD_MAX = 63 };

static unsigned guess_least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned guess_distance(const char *a, const char *b)
{
    size_t a_n = strlen(a), b_n = strlen(b);
    if (a_n > GUESS_WORD_MAX || b_n > GUESS_WORD_MAX)
        return GUESS_WORD_MAX + 1;
    unsigned rows[3][GUESS_WORD_MAX + 1];
    for (size_t j = 0; j <= b_n; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_n; i++) {
        unsigned *now = rows[i % 3], *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b_n; j++) {
            unsigned change = before[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = guess_least(change, guess_least(before[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = guess_least(now[j], earlier[j - 2] + 1);
        }
    }
    return rows[a_n % 3][b_n];
}

void guess_offer(struct guess *guess, const char *candidate)
{
    size_t n = strlen(guess->word);
    unsigned limit = n <= 3 ? 1 : n <= 6 ? 2 : 3;
    unsigned distance = guess_distance(guess->word, candidate);
    if (n >= 3 && strncmp(guess->word, candidate, n) == 0)
        distance = 1;
    if (distance <= limit && distance < n && (!guess->best || distance < guess->distance)) {
        guess->best = candidate;
        guess->distance = distance;
    }
}
