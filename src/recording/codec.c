/* SPDX-License-Identifier: Apache-2.0 */
/* LEB128, and sticky failures at either end. */
#include "recording/codec.h"

#include <stdlib.h>
#include <string.h>

static bool codec_room(struct codec_out *out, size_t more)
{
    if (more <= out->capacity - out->n)
        return !out->failed;
    size_t capacity = out->capacity * 2 + 256;
    if (capacity < out->n + more)
        capacity = out->n + more;
    uint8_t *bytes = out->failed ? NULL : realloc(out->bytes, capacity);
    if (!bytes) {
        out->failed = true;
        return false;
    }
    out->bytes = bytes;
    out->capacity = capacity;
    return true;
}

void codec_put_varint(struct codec_out *out, uint64_t value)
{
    if (!codec_room(out, CODEC_VARINT_BYTES))
        return;
    while (value >= 0x80) {
        out->bytes[out->n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    out->bytes[out->n++] = (uint8_t)value;
}

void codec_put_byte(struct codec_out *out, uint8_t value)
{
    if (codec_room(out, 1))
        out->bytes[out->n++] = value;
}

void codec_put_bytes(struct codec_out *out, const void *bytes, size_t n)
{
    if (n && codec_room(out, n)) {
        memcpy(out->bytes + out->n, bytes, n);
        out->n += n;
    }
}

void codec_out_done(struct codec_out *out)
{
    free(out->bytes);
    *out = (struct codec_out){0};
}

static uint64_t codec_fail(struct codec_in *in)
{
    in->failed = true;
    in->at = in->end;
    return 0;
}

uint64_t codec_get_u64(struct codec_in *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (in->at == in->end)
            return codec_fail(in);
        uint8_t byte = *in->at++;
        if (shift == 63 && byte > 1)
            return codec_fail(in);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    return codec_fail(in);
}

int64_t codec_get_i64(struct codec_in *in)
{
    return codec_unzigzag(codec_get_u64(in));
}

uint8_t codec_get_byte(struct codec_in *in)
{
    if (in->at == in->end)
        return (uint8_t)codec_fail(in);
    return *in->at++;
}

const uint8_t *codec_get_bytes(struct codec_in *in, size_t n)
{
    if (n > codec_left(in)) {
        codec_fail(in);
        return NULL;
    }
    const uint8_t *bytes = in->at;
    in->at += n;
    return bytes;
}

size_t codec_get_count(struct codec_in *in, size_t least_bytes)
{
    uint64_t n = codec_get_u64(in);
    if (n > codec_left(in) / least_bytes)
        return (size_t)codec_fail(in);
    return (size_t)n;
}
