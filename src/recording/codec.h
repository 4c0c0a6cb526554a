/* SPDX-License-Identifier: Apache-2.0 */
/* Varints into a growing buffer, and out of bytes that nobody has to trust. */
#ifndef MEMSCOPE_RECORDING_CODEC_H
#define MEMSCOPE_RECORDING_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CODEC_VARINT_BYTES = 10 };

/* Zeroed = empty. `failed` is sticky: no memory; test it once, before the bytes are used. */
struct codec_out {
    uint8_t *bytes;
    size_t n;
    size_t capacity;
    bool failed;
};

/* Reads within [at, end). `failed` is sticky: cut or malformed; every later value is 0. */
struct codec_in {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static inline uint64_t codec_zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t codec_unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* Any value; codec_put_u64 has the short way for most. */
void codec_put_varint(struct codec_out *out, uint64_t value);

static inline void codec_put_u64(struct codec_out *out, uint64_t value)
{
    if (value < 0x80 && out->n < out->capacity)
        out->bytes[out->n++] = (uint8_t)value;
    else
        codec_put_varint(out, value);
}

static inline void codec_put_i64(struct codec_out *out, int64_t value)
{
    codec_put_u64(out, codec_zigzag(value));
}

void codec_put_byte(struct codec_out *out, uint8_t value);
void codec_put_bytes(struct codec_out *out, const void *bytes, size_t n);
void codec_out_done(struct codec_out *out);

uint64_t codec_get_u64(struct codec_in *in);
int64_t codec_get_i64(struct codec_in *in);
uint8_t codec_get_byte(struct codec_in *in);
/* n bytes in place, NULL when fewer are left. */
const uint8_t *codec_get_bytes(struct codec_in *in, size_t n);

/* A number of things of at least least_bytes each: more than can be left is a failure and 0. */
size_t codec_get_count(struct codec_in *in, size_t least_bytes);

static inline size_t codec_left(const struct codec_in *in)
{
    return (size_t)(in->end - in->at);
}

#endif
