/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong, in a number and a sentence, without stdio. */
#ifndef MEMSCOPE_API_FAULT_H
#define MEMSCOPE_API_FAULT_H

#include <stddef.h>
#include <stdint.h>

#include "memscope/status.h"

/* Fills error (may be NULL) and returns code. detail: NULL, or what follows text. */
int fault_set(struct memscope_error *error, int code, const char *text, const char *detail);

/* The same with the name of an errno behind the text. */
int fault_errno(struct memscope_error *error, int code, const char *text, long negative_errno);

/* Copies text to the `size` bytes at `to`, cut where it must be; always terminated. */
void fault_copy(char *to, size_t size, const char *text);

/* Appends text, or a decimal number, to the terminated string in the `size` bytes at `to`. */
void fault_add(char *to, size_t size, const char *text);
void fault_add_number(char *to, size_t size, uint64_t number);

#endif
