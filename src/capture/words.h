/* SPDX-License-Identifier: Apache-2.0 */
/* Texts by hand: what of libc does this may be another's by now, or a cancellation point. */
#ifndef MEMSCOPE_CAPTURE_WORDS_H
#define MEMSCOPE_CAPTURE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline size_t words_length(const char *text)
{
    size_t n = 0;
    while (text[n])
        n++;
    return n;
}

static inline bool words_start(const char *text, const char *prefix)
{
    while (*prefix) {
        if (*text++ != *prefix++)
            return false;
    }
    return true;
}

/* Copies text with its end; returns where its end came to lie. */
static inline char *words_put(char *to, const char *text)
{
    while (*text)
        *to++ = *text++;
    *to = 0;
    return to;
}

/* As words_put, of a number in decimal: ten digits at the most. */
static inline char *words_put_number(char *to, uint32_t number)
{
    char digits[10];
    int n = 0;
    do {
        digits[n++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    while (n)
        *to++ = digits[--n];
    *to = 0;
    return to;
}

#endif
