/* SPDX-License-Identifier: Apache-2.0 */
/* zlib's stream and base64 without line breaks. */
#include "export/gzip.h"

#include <string.h>

#include "export/export.h"

enum { GZIP_OUT_BYTES = 32 << 10, GZIP_WINDOW_GZIP = 15 + 16, GZIP_LEVEL = 6 };

int gzip_begin(struct gzip *ret_gzip, gzip_sink *sink, void *context)
{
    *ret_gzip = (struct gzip){.sink = sink, .context = context};
    int result = deflateInit2(&ret_gzip->stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_GZIP, 8,
                              Z_DEFAULT_STRATEGY);
    return result == Z_OK ? 0 : ERR_MEMORY;
}

static void gzip_drain(struct gzip *gzip, int flush)
{
    unsigned char out[GZIP_OUT_BYTES];
    do {
        gzip->stream.next_out = out;
        gzip->stream.avail_out = sizeof out;
        (void)deflate(&gzip->stream, flush);
        size_t n = sizeof out - gzip->stream.avail_out;
        if (n && gzip->err == 0)
            gzip->err = gzip->sink(gzip->context, out, n);
    } while (gzip->stream.avail_out == 0);
}

void gzip_write(struct gzip *gzip, const void *bytes, size_t n)
{
    const unsigned char *at = bytes;
    while (n) {
        uInt part = n < (1u << 30) ? (uInt)n : 1u << 30;
        gzip->stream.next_in = (Bytef *)(uintptr_t)at;
        gzip->stream.avail_in = part;
        gzip_drain(gzip, Z_NO_FLUSH);
        at += part;
        n -= part;
    }
}

int gzip_finish(struct gzip *gzip)
{
    gzip->stream.avail_in = 0;
    gzip_drain(gzip, Z_FINISH);
    deflateEnd(&gzip->stream);
    return gzip->err;
}

static void base64_three(const unsigned char *from, char *to)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    to[0] = digits[from[0] >> 2];
    to[1] = digits[(from[0] & 3) << 4 | from[1] >> 4];
    to[2] = digits[(from[1] & 15) << 2 | from[2] >> 6];
    to[3] = digits[from[2] & 63];
}

int base64_write(void *context, const void *bytes, size_t n)
{
    struct base64_sink *sink = context;
    const unsigned char *at = bytes;
    char out[4096];
    size_t used = 0;
    int err = 0;
    while (n && err == 0) {
        while (n && sink->left_n < 3) {
            sink->left[sink->left_n++] = *at++;
            n--;
        }
        if (sink->left_n < 3)
            break;
        base64_three(sink->left, out + used);
        sink->left_n = 0;
        used += 4;
        if (used == sizeof out) {
            err = file_out_write(sink->out, out, used, sink->diag);
            used = 0;
        }
    }
    return err || !used ? err : file_out_write(sink->out, out, used, sink->diag);
}

int base64_finish(struct base64_sink *sink)
{
    char out[4];
    if (sink->left_n == 0)
        return 0;
    memset(sink->left + sink->left_n, 0, 3 - sink->left_n);
    base64_three(sink->left, out);
    memset(out + sink->left_n + 1, '=', 3 - sink->left_n);
    return file_out_write(sink->out, out, sizeof out, sink->diag);
}

int gzip_to_file(void *context, const void *bytes, size_t n)
{
    return export_sink_write(context, bytes, n);
}
