/* SPDX-License-Identifier: Apache-2.0 */
/* The client and the cache: what was answered in an earlier session needs no helper. */
#include <unistd.h>

#include "symbol/client_state.h"

static const uint64_t CLIENT_CACHE_BYTES_MAX = UINT64_C(256) << 20;

void client_cache_open(struct symbol_client *client)
{
    client->cache_folder = -1;
    if (client->setup.options.cache)
        cache_folder_open(client->setup.options.cache_folder, &client->cache_folder);
}

bool client_cache_take(struct symbol_client *client, struct client_module *module, uint64_t offset)
{
    struct symbol_frame frames[SYMBOL_FRAMES_MAX];
    size_t n;
    if (client->cache_folder < 0)
        return false;
    if (!module->cache_tried) {
        module->cache_tried = true;
        module->cached = cache_file_load(client->cache_folder, &module->what);
    }
    if (!module->cached || !cache_file_find(module->cached, offset, frames, &n) ||
        !VEC_PUSH(&module->hits, SYMBOL_CLIENT_PENDING_MAX, offset))
        return false;
    client->hit_n++;
    return true;
}

void client_cache_deliver(struct symbol_client *client)
{
    struct symbol_frame frames[SYMBOL_FRAMES_MAX];
    for (size_t i = 0; i < client->modules.n && client->hit_n; i++) {
        struct client_module *module = client->modules.at[i];
        while (module->hits.n) {
            uint64_t offset = module->hits.at[--module->hits.n];
            size_t n = 0;
            module->flags |= SYMBOL_HAS_TABLE | SYMBOL_HAS_DEBUG;
            client->hit_n--;
            client->pending_n--;
            client->answered_n++;
            cache_file_find(module->cached, offset, frames, &n);
            client->sink(client->context, (uint32_t)i, offset, frames, n);
        }
    }
}

void client_cache_keep(struct client_module *module, uint64_t offset,
                       const struct symbol_frame *frames, size_t n)
{
    /* Less than full answers may be better the next time. */
    if (module->cached && module->level == SYMBOL_LEVEL_FULL && (module->flags & SYMBOL_HAS_DEBUG))
        cache_file_add(module->cached, offset, frames, n);
}

void client_cache_done(struct symbol_client *client)
{
    if (client->cache_folder < 0)
        return;
    bool has_grown = false;
    for (size_t i = 0; i < client->modules.n; i++) {
        struct client_module *module = client->modules.at[i];
        if (module->cached && cache_file_has_more(module->cached)) {
            has_grown = true;
            cache_file_store(module->cached, client->cache_folder);
        }
        cache_file_free(module->cached);
        module->cached = NULL;
        vec_done(&module->hits);
    }
    /* A look at every file there: not for a session that has brought nothing. */
    if (has_grown)
        cache_folder_trim(client->cache_folder, CLIENT_CACHE_BYTES_MAX);
    close(client->cache_folder);
    client->cache_folder = -1;
}
