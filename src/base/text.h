/* SPDX-License-Identifier: Apache-2.0 */
/* Growable text with a sticky error, and the repair of hostile names for each kind of output. */
#ifndef MEMSCOPE_BASE_TEXT_H
#define MEMSCOPE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed = empty. `failed` stays set once an append had no memory: test it once, at the end. */
struct text {
    char *bytes; /* ends with a 0 byte beyond n, once something was appended */
    size_t n;
    size_t capacity;
    bool failed;
};

void text_add(struct text *text, const char *string);
void text_add_n(struct text *text, const char *bytes, size_t n);
void text_add_char(struct text *text, char c);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_clear(struct text *text);
void text_done(struct text *text);

/* The text as a string; "" when empty. */
const char *text_string(const struct text *text);

/*
 * Decodes one code point at bytes[*at] and moves *at behind it. Invalid bytes give U+FFFD and
 * advance by one; *ret_valid (may be NULL) tells which.
 */
uint32_t text_next_code(const char *bytes, size_t n, size_t *at, bool *ret_valid);

/* Appends code as UTF-8. */
void text_add_code(struct text *text, uint32_t code);

/* True for C0, C1, DEL and bidirectional controls: what must never reach a terminal as it is. */
bool text_code_unsafe(uint32_t code);

/* Appends a name for a terminal: unsafe codes as \xNN or \u{NNNN}, invalid UTF-8 as U+FFFD. */
void text_add_shown(struct text *text, const char *bytes, size_t n);

/* Appends bytes as "412.6 MiB" (IEC, 4 significant figures at the most). */
void text_add_bytes_iec(struct text *text, uint64_t bytes);

/* Appends n with thin grouping: "18 412 770". */
void text_add_grouped(struct text *text, uint64_t n);

/* "1 block", "1 234 blocks": a grouped count of what noun names one of. */
void text_add_counted(struct text *text, uint64_t n, const char *noun);

#endif
