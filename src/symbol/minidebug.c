/* SPDX-License-Identifier: Apache-2.0 */
/* The packed symbol table of a stripped file, .gnu_debugdata, found and opened. */
#include "symbol/minidebug.h"

#include <stdlib.h>

#include "base/diag.h"

int minidebug_open(const struct object *main, const struct object_limits *limits,
                   struct object *ret_object, char **ret_bytes)
{
    size_t packed_n = 0, n = 0;
    const uint8_t *packed = object_section_bytes(main, ".gnu_debugdata", &packed_n);
    if (!packed || packed_n > MINIDEBUG_BYTES_MAX / 16)
        return ERR_MISSING;
    uint64_t max = main->file_bytes * limits->section_ratio_max;
    if (max > MINIDEBUG_BYTES_MAX)
        max = MINIDEBUG_BYTES_MAX;
    char *bytes = NULL;
    int err = minidebug_unpack(packed, packed_n, max, &bytes, &n);
    if (err == 0)
        err = object_open_memory(ret_object, bytes, n, limits);
    if (err < 0) {
        free(bytes);
        return err;
    }
    *ret_bytes = bytes;
    return 0;
}
