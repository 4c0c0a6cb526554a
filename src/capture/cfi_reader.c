/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the number formats of .eh_frame within given bounds. */
#include "capture/cfi.h"

enum { /* low half: format */
       FORMAT_ABSOLUTE = 0x00,
       FORMAT_ULEB = 0x01,
       FORMAT_U16 = 0x02,
       FORMAT_U32 = 0x03,
       FORMAT_U64 = 0x04,
       FORMAT_SLEB = 0x09,
       FORMAT_S16 = 0x0a,
       FORMAT_S32 = 0x0b,
       FORMAT_S64 = 0x0c,
       /* high half: what it counts from */
       FROM_ZERO = 0x00,
       FROM_HERE = 0x10,
       FROM_DATA = 0x30,
       FROM_MASK = 0x70,
};

uint64_t cfi_read_fixed(struct cfi_reader *reader, uint32_t bytes)
{
    if ((uint64_t)(reader->end - reader->at) < bytes) {
        reader->bad = true;
        reader->at = reader->end;
        return 0;
    }
    const uint8_t *at = reader->at;
    uint64_t value = 0;
    reader->at += bytes;
    if (bytes == 4) {
        uint32_t word; /* by far the most */
        __builtin_memcpy(&word, at, sizeof(word));
        return word;
    }
    for (uint32_t i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

/* The value's bits, and in *ret_bits how many were given. */
static uint64_t read_leb(struct cfi_reader *reader, uint32_t *ret_bits, uint8_t *ret_last)
{
    uint64_t value = 0;
    uint32_t bits = 0;
    uint8_t byte;
    do {
        if (reader->at >= reader->end) {
            reader->bad = true;
            return 0;
        }
        byte = *reader->at++;
        if (bits < 64)
            value |= (uint64_t)(byte & 0x7f) << bits;
        bits += 7;
    } while ((byte & 0x80) != 0);
    *ret_bits = bits;
    *ret_last = byte;
    return value;
}

uint64_t cfi_read_uleb(struct cfi_reader *reader)
{
    uint32_t bits = 0;
    uint8_t last = 0;
    if (reader->at < reader->end && *reader->at < 0x80)
        return *reader->at++;
    return read_leb(reader, &bits, &last);
}

int64_t cfi_read_sleb(struct cfi_reader *reader)
{
    uint32_t bits = 0;
    uint8_t last = 0;
    uint64_t value = read_leb(reader, &bits, &last);
    if (bits < 64 && (last & 0x40) != 0)
        value |= ~0ull << bits;
    return (int64_t)value;
}

uint64_t cfi_read_encoded(struct cfi_reader *reader, uint8_t encoding, uintptr_t data_base)
{
    uint64_t base = 0;
    switch (encoding & FROM_MASK) {
    case FROM_ZERO:
        break;
    case FROM_HERE:
        base = (uintptr_t)reader->at;
        break;
    case FROM_DATA:
        base = data_base;
        break;
    default:
        reader->bad = true;
        return 0;
    }
    switch (encoding & 0x0f) {
    case FORMAT_ABSOLUTE:
    case FORMAT_U64:
    case FORMAT_S64:
        return base + cfi_read_fixed(reader, 8);
    case FORMAT_ULEB:
        return base + cfi_read_uleb(reader);
    case FORMAT_SLEB:
        return base + (uint64_t)cfi_read_sleb(reader);
    case FORMAT_U16:
        return base + cfi_read_fixed(reader, 2);
    case FORMAT_S16:
        return base + (uint64_t)(int64_t)(int16_t)cfi_read_fixed(reader, 2);
    case FORMAT_U32:
        return base + cfi_read_fixed(reader, 4);
    case FORMAT_S32:
        return base + (uint64_t)(int64_t)(int32_t)cfi_read_fixed(reader, 4);
    default:
        reader->bad = true;
        return 0;
    }
}
