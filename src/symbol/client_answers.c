/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of the helper, believed in nothing: kinds, sizes, string numbers, and that each address
 * is one that was asked for, in order.
 */
#include <string.h>

#include "symbol/client_state.h"

static bool answers_string(struct symbol_client *client, const unsigned char *bytes, size_t n)
{
    if (n == 0 || n > SYMBOL_NAME_BYTES_MAX)
        return false;
    const char *copy = arena_copy(&client->arena, (const char *)bytes, n);
    return copy && VEC_PUSH(&client->strings, CLIENT_STRINGS_MAX, copy);
}

/* The string of a number that the caller has checked. */
static const char *answers_string_at(const struct symbol_client *client, uint32_t number)
{
    return number ? client->strings.at[number - 1] : NULL;
}

static bool answers_result(struct symbol_client *client, const unsigned char *bytes, size_t n)
{
    struct protocol_result result;
    if (client->batch_n == 0 || n < sizeof result)
        return false;
    memcpy(&result, bytes, sizeof result);
    struct client_batch *batch = &client->batches[0];
    if (result.frame_n > SYMBOL_FRAMES_MAX ||
        n != sizeof result + result.frame_n * sizeof(struct protocol_frame) ||
        batch->answered_n >= batch->n || result.offset != batch->offsets[batch->answered_n])
        return false;
    struct symbol_frame frames[SYMBOL_FRAMES_MAX];
    for (uint32_t i = 0; i < result.frame_n; i++) {
        struct protocol_frame sent;
        memcpy(&sent, bytes + sizeof result + i * sizeof sent, sizeof sent);
        if (sent.function > client->strings.n || sent.file > client->strings.n)
            return false;
        frames[i] = (struct symbol_frame){
                .function = answers_string_at(client, sent.function),
                .file = answers_string_at(client, sent.file),
                .line = sent.line,
                .inlined = sent.inlined && i + 1 < result.frame_n,
        };
    }
    batch->answered_n++;
    client->answered_n++;
    client->pending_n--;
    client_cache_keep(client->modules.at[batch->module], result.offset, frames, result.frame_n);
    client->sink(client->context, batch->module, result.offset, frames, result.frame_n);
    return true;
}

static bool answers_flags(struct symbol_client *client, const unsigned char *bytes, size_t n)
{
    struct protocol_flags flags;
    if (client->batch_n == 0 || n != sizeof flags)
        return false;
    memcpy(&flags, bytes, sizeof flags);
    struct client_module *module = client->modules.at[client->batches[0].module];
    if (flags.module != module->number)
        return false;
    module->flags = flags.flags;
    return true;
}

static bool answers_done(struct symbol_client *client, size_t n)
{
    if (client->batch_n == 0 || n != 0 || client->batches[0].answered_n != client->batches[0].n)
        return false;
    client->batch_n--;
    if (client->batch_n)
        client->batches[0] = client->batches[1];
    return true;
}

bool client_answers_take(struct symbol_client *client, const unsigned char *bytes, size_t n)
{
    size_t at = 0;
    bool is_honest = true;
    while (is_honest && at < n) {
        struct protocol_record record;
        if (n - at < sizeof record)
            return false;
        memcpy(&record, bytes + at, sizeof record);
        at += sizeof record;
        if (record.n > n - at || protocol_padded(record.n) > n - at)
            return false;
        switch (record.kind) {
        case RECORD_STRING:
            is_honest = answers_string(client, bytes + at, record.n);
            break;
        case RECORD_RESULT:
            is_honest = answers_result(client, bytes + at, record.n);
            break;
        case RECORD_FLAGS:
            is_honest = answers_flags(client, bytes + at, record.n);
            break;
        case RECORD_DONE:
            is_honest = answers_done(client, record.n);
            break;
        default:
            is_honest = false;
        }
        at += protocol_padded(record.n);
    }
    return is_honest;
}
