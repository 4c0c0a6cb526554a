/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacking .gnu_debugdata with liblzma. */
#include "symbol/minidebug.h"

#include <lzma.h>
#include <stdlib.h>

#include "base/diag.h"

int minidebug_unpack(const uint8_t *packed, size_t packed_n, size_t max, char **ret_bytes,
                     size_t *ret_n)
{
    /* Memory doubles up to max bytes. */
    for (size_t capacity = packed_n * 8 + 4096;; capacity *= 2) {
        if (capacity > max)
            capacity = max;
        uint8_t *bytes = malloc(capacity);
        if (!bytes)
            return ERR_MEMORY;
        uint64_t memory_max = MINIDEBUG_BYTES_MAX;
        size_t in = 0, out = 0;
        lzma_ret result = lzma_stream_buffer_decode(&memory_max, 0, NULL, packed, &in, packed_n,
                                                    bytes, &out, capacity);
        if (result == LZMA_OK) {
            *ret_bytes = (char *)bytes;
            *ret_n = out;
            return 0;
        }
        free(bytes);
        if (result != LZMA_BUF_ERROR || in == packed_n)
            return ERR_FORMAT;
        if (capacity == max)
            return ERR_LIMIT;
    }
}
