/* SPDX-License-Identifier: Apache-2.0 */
/* A gzip member and base64 as streams into an output. */
#ifndef MEMSCOPE_EXPORT_GZIP_H
#define MEMSCOPE_EXPORT_GZIP_H

#include <stddef.h>
#include <zlib.h>

#include "base/diag.h"
#include "base/file.h"

typedef int gzip_sink(void *context, const void *bytes, size_t n);

struct gzip {
    z_stream stream;
    gzip_sink *sink;
    void *context;
    int err; /* of the first write that failed: the later ones do nothing, gzip_finish gives it */
};

/* Level 6, no time stamp: equal input gives equal output. */
int gzip_begin(struct gzip *ret_gzip, gzip_sink *sink, void *context);
void gzip_write(struct gzip *gzip, const void *bytes, size_t n);
int gzip_finish(struct gzip *gzip);

/* Zeroed but for out and diag = ready. */
struct base64_sink {
    struct file_out *out;
    struct diag *diag;
    unsigned char left[3];
    size_t left_n;
};

int base64_write(void *context, const void *bytes, size_t n);
int base64_finish(struct base64_sink *sink);

/* A gzip_sink whose context is a struct export_sink. */
int gzip_to_file(void *context, const void *bytes, size_t n);

#endif
