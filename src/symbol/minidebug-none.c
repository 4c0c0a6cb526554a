/* SPDX-License-Identifier: Apache-2.0 */
/* A build without liblzma has no .gnu_debugdata. */
#include "base/diag.h"
#include "symbol/minidebug.h"

int minidebug_open(const struct object *main, const struct object_limits *limits,
                   struct object *ret_object, char **ret_bytes)
{
    (void)main;
    (void)limits;
    (void)ret_object;
    (void)ret_bytes;
    return ERR_MISSING;
}
