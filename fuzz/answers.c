/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes what the collector believes of the symbol helper's answers: nothing unchecked. */
#include "target.h"

#include <stdlib.h>
#include <string.h>

#include "symbol/client_state.h"

struct seen {
    size_t n;
    uint64_t sum;
};

static void see(void *context, uint32_t module, uint64_t offset, const struct symbol_frame *frames,
                size_t n)
{
    struct seen *seen = context;
    if (module != 0 || n > SYMBOL_FRAMES_MAX)
        abort();
    seen->n++;
    seen->sum += offset;
    for (size_t i = 0; i < n; i++) {
        seen->sum += frames[i].function ? strlen(frames[i].function) : 0;
        seen->sum += frames[i].file ? strlen(frames[i].file) : 0;
    }
    if (n && frames[n - 1].inlined)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct seen seen = {0};
    struct symbol_client *client = calloc(1, sizeof *client);
    struct client_module *module = calloc(1, sizeof *module);
    if (!client || !module || !VEC_PUSH(&client->modules, 1, module)) {
        free(client);
        free(module);
        return 0;
    }
    client->sink = see;
    client->context = &seen;
    client->batch_n = 2;
    client->pending_n = 6;
    for (size_t i = 0; i < 2; i++) {
        client->batches[i].n = 3;
        memcpy(client->batches[i].offsets, (uint64_t[]){1, 2, 3}, 3 * sizeof(uint64_t));
    }
    client_answers_take(client, bytes, n);
    if (seen.n > 6 || client->pending_n != 6 - seen.n || client->batch_n > 2)
        abort();
    arena_done(&client->arena);
    vec_done(&client->strings);
    vec_done(&client->modules);
    free(module);
    free(client);
    return 0;
}
