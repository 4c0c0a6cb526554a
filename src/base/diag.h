/* SPDX-License-Identifier: Apache-2.0 */
/* The one human sentence that says what went wrong, written where it is known. */
#ifndef MEMSCOPE_BASE_DIAG_H
#define MEMSCOPE_BASE_DIAG_H

/*
 * Results of every tool-side function: 0 = done, positive = an outcome that its comment names,
 * negative = one of these, handed up unchanged.
 */
enum {
    ERR_USAGE = -1,   /* the user's words or values are wrong */
    ERR_MEMORY = -2,  /* no memory */
    ERR_IO = -3,      /* a system call failed */
    ERR_FORMAT = -4,  /* bytes are not what they should be */
    ERR_LIMIT = -5,   /* a named maximum was reached */
    ERR_MISSING = -6, /* something asked for is not there */
    ERR_DENIED = -7,  /* not allowed */
    ERR_STATE = -8,   /* not possible now */
};

struct diag {
    char text[512]; /* a sentence without newline; empty = nothing to say */
};

/* Writes the sentence unless one is there already (the first, deepest cause stays). Returns err. */
int diag_set(struct diag *diag, int err, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* As diag_set, and appends ": " and the text of errno_value. */
int diag_set_errno(struct diag *diag, int err, int errno_value, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

#endif
