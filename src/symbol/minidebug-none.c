/* SPDX-License-Identifier: Apache-2.0 */
/* A build without liblzma has no .gnu_debugdata. */
#include "base/diag.h"
#include "symbol/minidebug.h"

int minidebug_unpack(const uint8_t *packed, size_t packed_n, size_t max, char **ret_bytes,
                     size_t *ret_n)
{
    (void)packed;
    (void)packed_n;
    (void)max;
    (void)ret_bytes;
    (void)ret_n;
    return ERR_MISSING;
}
