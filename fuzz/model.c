/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the loading of a model and the replay of its events.
 *
 * The input is what lies behind the checksums: records of {type, two bytes of length, payload}, put
 * into plain chunks with right sums, so that changes reach the decoders. A COMMIT ends them.
 */
#include "target.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "heap/model.h"
#include "heap/replay.h"
#include "heap/store.h"

enum { RECORD_HEAD_BYTES = 3 };

static size_t header_put(uint8_t *to)
{
    struct recording_header header = {.major = RECORDING_MAJOR};
    memcpy(header.magic, RECORDING_MAGIC, sizeof header.magic);
    header.checksum =
            (uint32_t)crc32(0, (const Bytef *)&header, offsetof(struct recording_header, checksum));
    memcpy(to, &header, sizeof header);
    return sizeof header;
}

static size_t chunk_put(uint8_t *to, uint8_t type, const uint8_t *payload, size_t n)
{
    struct recording_head head = {
            .type = type, .stored_bytes = (uint32_t)n, .raw_bytes = (uint32_t)n};
    memcpy(head.magic, RECORDING_CHUNK_MAGIC, sizeof head.magic);
    uLong sum = crc32(0, (const Bytef *)&head, offsetof(struct recording_head, checksum));
    if (n)
        sum = crc32(sum, payload, (uInt)n);
    head.checksum = (uint32_t)sum;
    memcpy(to, &head, sizeof head);
    if (n)
        memcpy(to + sizeof head, payload, n);
    return sizeof head + n;
}

/* Follows what readers follow. */
static void model_walk(const struct model *model)
{
    volatile uint64_t sum = 0;
    VEC_EACH (struct model_row, row, &model->rows) {
        sum += model->slices.at[row->born].live_n + model->cells.at[row->cell].alloc_n;
    }
    VEC_EACH (struct model_cell, cell, &model->cells) {
        for (uint32_t node = cell->key.node; node; node = model->nodes.at[node].parent)
            sum += model->locations.at[model->nodes.at[node].location].offset;
        sum += model->processes.at[cell->key.process].pid + model->tasks.at[cell->key.task].poll_n;
    }
    (void)sum;
}

static void recording_try(const uint8_t *bytes, size_t n)
{
    struct diag diag = {0};
    struct recording_reader *reader;
    struct model *model, *replayed;
    if (recording_open_memory(&reader, bytes, n, &diag) < 0)
        abort(); /* all sums are right */
    if (store_load(reader, &model, &diag) >= 0) {
        model_walk(model);
        if (replay_recording(reader, model, &replayed, &diag) == 0) {
            model_walk(replayed);
            model_free_all(replayed);
        }
        model_free_all(model);
    }
    recording_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    uint8_t *file = malloc(RECORDING_HEADER_BYTES + n * RECORDING_HEAD_BYTES + n + 64);
    if (!file)
        return 0;
    size_t out = header_put(file);
    while (n >= RECORD_HEAD_BYTES) {
        size_t length = bytes[1] | (size_t)bytes[2] << 8;
        length = length < n - RECORD_HEAD_BYTES ? length : n - RECORD_HEAD_BYTES;
        out += chunk_put(file + out, bytes[0], bytes + RECORD_HEAD_BYTES, length);
        bytes += RECORD_HEAD_BYTES + length;
        n -= RECORD_HEAD_BYTES + length;
    }
    recording_try(file, out);
    free(file);
    return 0;
}
