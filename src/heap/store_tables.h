/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model's tables as columns (docs/recording-format.md, "Tables"). Private to heap/.
 *
 * One description per table serves both directions; a new column goes to the end of its table.
 */
#ifndef MEMSCOPE_HEAP_STORE_TABLES_H
#define MEMSCOPE_HEAP_STORE_TABLES_H

#include "heap/model.h"
#include "recording/codec.h"
#include "recording/format.h"

enum store_codec {
    STORE_U, /* varint */
    STORE_D, /* zigzag of the difference from the record before */
    STORE_N, /* as D, of the value plus one: "none" is 0 */
    STORE_O, /* zigzag of index - value */
    STORE_I, /* zigzag */
};

struct store_column {
    uint16_t offset; /* in the record */
    uint8_t bytes;   /* 1, 4 or 8 */
    uint8_t codec;
};

struct store_table {
    enum recording_type type;
    size_t vec_offset; /* of its VEC in struct model */
    size_t item_bytes;
    size_t max;
    size_t column_n;
    const struct store_column *columns;
};

/* Tables whose chunks are plain columns, in an order in which each can be checked when it is read.
 */
enum store_table_index {
    STORE_MODULES,
    STORE_LOCATIONS,
    STORE_SYMBOLS,
    STORE_NODES,
    STORE_PROCESSES,
    STORE_THREADS,
    STORE_TASKS,
    STORE_CELLS,
    STORE_LIVES,
    STORE_SLICES,
    STORE_SLICE_HISTOGRAMS,
    STORE_MARKS,
    STORE_FACTS,
    STORE_MAPPINGS,
    STORE_TABLES,
};

extern const struct store_table store_tables[STORE_TABLES];

/* First record and number of records of a table. */
const void *store_table_at(const struct store_table *table, const struct model *model);
size_t store_table_n(const struct store_table *table, const struct model *model);

/* Encodes the records with these indices (ascending). */
void store_table_encode(const struct store_table *table, const struct model *model,
                        const uint32_t *indices, size_t n, struct codec_out *out);

/* Decodes a chunk into the model's table. ERR_FORMAT, ERR_LIMIT or ERR_MEMORY: it is half done. */
int store_table_decode(const struct store_table *table, struct model *model, struct codec_in *in);

/* The number of uint64_t in structs that are nothing else. */
#define STORE_SUMS (sizeof(struct model_sums) / sizeof(uint64_t))
#define STORE_COUNTS (sizeof(struct model_counts) / sizeof(uint64_t))
#define STORE_MORE (5 + STORE_COUNTS) /* what else the session's chunk holds */
#define STORE_LOSSES (sizeof(struct model_loss) / sizeof(uint64_t))

#endif
