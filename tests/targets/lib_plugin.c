/* SPDX-License-Identifier: Apache-2.0 */
/* Part of dl_churn, dl_namespace and dl_deepbind: a plug-in that allocates; NAME tells it apart. */
#include <stdlib.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))
EXPORTED const char *plugin_name(void);
EXPORTED void *plugin_make(size_t size_bytes);
EXPORTED void plugin_drop(void *block);

static void *kept;

__attribute__((constructor)) static void plugin_begin(void)
{
    kept = malloc(123);
    free(calloc(3, 7));
}

__attribute__((destructor)) static void plugin_end(void)
{
    free(kept);
}

const char *plugin_name(void)
{
    return NAME;
}

void *plugin_make(size_t size_bytes)
{
    void *block = malloc(size_bytes);
    if (block)
        memset(block, 1, size_bytes);
    return block;
}

void plugin_drop(void *block)
{
    free(block);
}
