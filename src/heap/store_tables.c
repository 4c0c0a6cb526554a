/* SPDX-License-Identifier: Apache-2.0 */
/* What each table's columns are, and how columns are written and read. */
#include "heap/store_tables.h"

#include <string.h>

#include "base/diag.h"

#define COLUMN(type, field, codec)                                                                 \
    {                                                                                              \
        offsetof(struct type, field), sizeof(((struct type *)0)->field), codec                     \
    }

static const struct store_column module_columns[] = {
        COLUMN(model_module, path, STORE_U),         COLUMN(model_module, build_id_bytes, STORE_U),
        COLUMN(model_module, build_id[0], STORE_U),  COLUMN(model_module, build_id[1], STORE_U),
        COLUMN(model_module, build_id[2], STORE_U),  COLUMN(model_module, build_id[3], STORE_U),
        COLUMN(model_module, build_id[4], STORE_U),  COLUMN(model_module, build_id[5], STORE_U),
        COLUMN(model_module, build_id[6], STORE_U),  COLUMN(model_module, build_id[7], STORE_U),
        COLUMN(model_module, build_id[8], STORE_U),  COLUMN(model_module, build_id[9], STORE_U),
        COLUMN(model_module, build_id[10], STORE_U), COLUMN(model_module, build_id[11], STORE_U),
        COLUMN(model_module, build_id[12], STORE_U), COLUMN(model_module, build_id[13], STORE_U),
        COLUMN(model_module, build_id[14], STORE_U), COLUMN(model_module, build_id[15], STORE_U),
        COLUMN(model_module, build_id[16], STORE_U), COLUMN(model_module, build_id[17], STORE_U),
        COLUMN(model_module, build_id[18], STORE_U), COLUMN(model_module, build_id[19], STORE_U),
};

static const struct store_column location_columns[] = {
        COLUMN(model_location, module, STORE_D),
        COLUMN(model_location, symbol_first, STORE_D),
        COLUMN(model_location, symbol_n, STORE_U),
        COLUMN(model_location, offset, STORE_D),
};

static const struct store_column symbol_columns[] = {
        COLUMN(model_symbol, function, STORE_D),
        COLUMN(model_symbol, file, STORE_D),
        COLUMN(model_symbol, line, STORE_D),
        COLUMN(model_symbol, inlined, STORE_U),
};

static const struct store_column node_columns[] = {
        COLUMN(model_node, parent, STORE_O),
        COLUMN(model_node, location, STORE_D),
        COLUMN(model_node, flags, STORE_U),
};

static const struct store_column process_columns[] = {
        COLUMN(model_process, pid, STORE_D),
        COLUMN(model_process, parent, STORE_N),
        COLUMN(model_process, is_exec, STORE_U),
        COLUMN(model_process, exe, STORE_U),
        COLUMN(model_process, command, STORE_U),
        COLUMN(model_process, strategy, STORE_U),
        COLUMN(model_process, start_ns, STORE_D),
        COLUMN(model_process, end_ns, STORE_D),
        COLUMN(model_process, end, STORE_U),
        COLUMN(model_process, status, STORE_I),
        COLUMN(model_process, sums.alloc_n, STORE_U),
        COLUMN(model_process, sums.alloc_bytes, STORE_U),
        COLUMN(model_process, sums.free_n, STORE_U),
        COLUMN(model_process, sums.free_bytes, STORE_U),
        COLUMN(model_process, sums.realloc_n, STORE_U),
        COLUMN(model_process, sums.realloc_in_place_n, STORE_U),
        COLUMN(model_process, sums.temporary_n, STORE_U),
        COLUMN(model_process, sums.live_n, STORE_U),
        COLUMN(model_process, sums.live_bytes, STORE_U),
        COLUMN(model_process, sums.peak_n, STORE_U),
        COLUMN(model_process, sums.peak_bytes, STORE_U),
        COLUMN(model_process, sums.peak_at_ns, STORE_U),
        COLUMN(model_process, sums.peak_epoch, STORE_U),
        COLUMN(model_process, sums.max_block_bytes, STORE_U),
        COLUMN(model_process, sums.unknown_free_n, STORE_U),
        COLUMN(model_process, sums.inherited_free_n, STORE_U),
        COLUMN(model_process, rss_peak_bytes, STORE_U),
        COLUMN(model_process, mapped_bytes, STORE_U),
        COLUMN(model_process, mapped_peak_bytes, STORE_U),
        COLUMN(model_process, session_epoch_at_end, STORE_U),
        COLUMN(model_process, sums.peak_counted, STORE_U),
        COLUMN(model_process, counts.alloc_n, STORE_U),
        COLUMN(model_process, counts.alloc_bytes, STORE_U),
        COLUMN(model_process, counts.free_n, STORE_U),
        COLUMN(model_process, counts.realloc_n, STORE_U),
        COLUMN(model_process, counts.usable_in, STORE_U),
        COLUMN(model_process, counts.usable_out, STORE_U),
        COLUMN(model_process, counts.base_bytes, STORE_U),
        COLUMN(model_process, counts.usable_bytes, STORE_U),
        COLUMN(model_process, counts.usable_peak_bytes, STORE_U),
        COLUMN(model_process, map_n, STORE_U),
        COLUMN(model_process, map_bytes, STORE_U),
        COLUMN(model_process, resident.bytes, STORE_U),
        COLUMN(model_process, resident.heap_bytes, STORE_U),
        COLUMN(model_process, resident.live_bytes, STORE_U),
        COLUMN(model_process, resident.mapped_bytes, STORE_U),
        COLUMN(model_process, resident.file_bytes, STORE_U),
        COLUMN(model_process, resident.stack_bytes, STORE_U),
        COLUMN(model_process, resident.self_bytes, STORE_U),
        COLUMN(model_process, allocator, STORE_U),
        COLUMN(model_process, allocator_is, STORE_U),
};

static const struct store_column thread_columns[] = {
        COLUMN(model_thread, process, STORE_D), COLUMN(model_thread, tid, STORE_D),
        COLUMN(model_thread, name, STORE_D),    COLUMN(model_thread, start_ns, STORE_D),
        COLUMN(model_thread, end_ns, STORE_D),
};

static const struct store_column task_columns[] = {
        COLUMN(model_task, process, STORE_N),       COLUMN(model_task, group, STORE_N),
        COLUMN(model_task, parent, STORE_D),        COLUMN(model_task, name, STORE_D),
        COLUMN(model_task, runtime, STORE_D),       COLUMN(model_task, spawn_node, STORE_D),
        COLUMN(model_task, runtime_id, STORE_D),    COLUMN(model_task, created_ns, STORE_D),
        COLUMN(model_task, first_poll_ns, STORE_D), COLUMN(model_task, last_poll_ns, STORE_D),
        COLUMN(model_task, ended_ns, STORE_D),      COLUMN(model_task, poll_n, STORE_U),
        COLUMN(model_task, busy_ns, STORE_U),       COLUMN(model_task, cell_bytes, STORE_U),
        COLUMN(model_task, folded_n, STORE_U),
};

static const struct store_column cell_columns[] = {
        COLUMN(model_cell, key.node, STORE_D),
        COLUMN(model_cell, key.process, STORE_D),
        COLUMN(model_cell, key.thread, STORE_D),
        COLUMN(model_cell, key.task, STORE_D),
        COLUMN(model_cell, live_n, STORE_U),
        COLUMN(model_cell, live_bytes, STORE_U),
        COLUMN(model_cell, alloc_n, STORE_U),
        COLUMN(model_cell, alloc_bytes, STORE_U),
        COLUMN(model_cell, peak_epoch, STORE_D),
        COLUMN(model_cell, process_peak_epoch, STORE_D),
        COLUMN(model_cell, peak_n, STORE_U),
        COLUMN(model_cell, peak_bytes, STORE_U),
        COLUMN(model_cell, process_peak_n, STORE_U),
        COLUMN(model_cell, process_peak_bytes, STORE_U),
        COLUMN(model_cell, size_min, STORE_U),
        COLUMN(model_cell, size_max, STORE_U),
        COLUMN(model_cell, last_ns, STORE_D),
        COLUMN(model_cell, life, STORE_N),
        COLUMN(model_cell, temporary_n, STORE_U),
        COLUMN(model_cell, realloc_n, STORE_U),
        COLUMN(model_cell, other_thread_free_n, STORE_U),
        COLUMN(model_cell, other_task_free_n, STORE_U),
        COLUMN(model_cell, weight_excess, STORE_U),
        COLUMN(model_cell, first_ns, STORE_D),
        COLUMN(model_cell, spread.alloc_n, STORE_U),
        COLUMN(model_cell, spread.alloc_bytes, STORE_U),
        COLUMN(model_cell, spread.live_n, STORE_U),
        COLUMN(model_cell, spread.live_bytes, STORE_U),
        COLUMN(model_cell, spread.peak_n, STORE_U),
        COLUMN(model_cell, spread.peak_bytes, STORE_U),
        COLUMN(model_cell, spread.excess_bytes, STORE_U),
};

#define LIFE(i) COLUMN(model_life, n[i], STORE_U)
static const struct store_column life_columns[MODEL_CELL_LIFE_CLASSES] = {
        LIFE(0),  LIFE(1),  LIFE(2),  LIFE(3),  LIFE(4),  LIFE(5),  LIFE(6),
        LIFE(7),  LIFE(8),  LIFE(9),  LIFE(10), LIFE(11), LIFE(12), LIFE(13),
        LIFE(14), LIFE(15), LIFE(16), LIFE(17), LIFE(18), LIFE(19),
};

static const struct store_column slice_columns[] = {
        COLUMN(model_slice, start_ns, STORE_D),  COLUMN(model_slice, live_bytes, STORE_D),
        COLUMN(model_slice, live_n, STORE_D),    COLUMN(model_slice, high_bytes, STORE_D),
        COLUMN(model_slice, alloc_n, STORE_U),   COLUMN(model_slice, alloc_bytes, STORE_U),
        COLUMN(model_slice, free_n, STORE_U),    COLUMN(model_slice, free_bytes, STORE_U),
        COLUMN(model_slice, rss_bytes, STORE_D), COLUMN(model_slice, tasks_alive, STORE_D),
};

#define SIZE_OF(i) COLUMN(model_slice_histogram, size_n[i], STORE_U)
#define LIFE_OF(i) COLUMN(model_slice_histogram, life_n[i], STORE_U)
static const struct store_column slice_histogram_columns[MODEL_SLICE_SIZE_CLASSES +
                                                         MODEL_CELL_LIFE_CLASSES] = {
        SIZE_OF(0),  SIZE_OF(1),  SIZE_OF(2),  SIZE_OF(3),  SIZE_OF(4),  SIZE_OF(5),  SIZE_OF(6),
        SIZE_OF(7),  SIZE_OF(8),  SIZE_OF(9),  SIZE_OF(10), SIZE_OF(11), SIZE_OF(12), SIZE_OF(13),
        SIZE_OF(14), SIZE_OF(15), SIZE_OF(16), SIZE_OF(17), SIZE_OF(18), SIZE_OF(19), SIZE_OF(20),
        SIZE_OF(21), SIZE_OF(22), SIZE_OF(23), SIZE_OF(24), SIZE_OF(25), SIZE_OF(26), SIZE_OF(27),
        SIZE_OF(28), SIZE_OF(29), SIZE_OF(30), SIZE_OF(31), SIZE_OF(32), SIZE_OF(33), SIZE_OF(34),
        SIZE_OF(35), SIZE_OF(36), SIZE_OF(37), SIZE_OF(38), SIZE_OF(39), SIZE_OF(40), SIZE_OF(41),
        LIFE_OF(0),  LIFE_OF(1),  LIFE_OF(2),  LIFE_OF(3),  LIFE_OF(4),  LIFE_OF(5),  LIFE_OF(6),
        LIFE_OF(7),  LIFE_OF(8),  LIFE_OF(9),  LIFE_OF(10), LIFE_OF(11), LIFE_OF(12), LIFE_OF(13),
        LIFE_OF(14), LIFE_OF(15), LIFE_OF(16), LIFE_OF(17), LIFE_OF(18), LIFE_OF(19),
};

static const struct store_column mark_columns[] = {
        COLUMN(model_mark, at_ns, STORE_D),
        COLUMN(model_mark, kind, STORE_D),
        COLUMN(model_mark, text, STORE_D),
};

static const struct store_column fact_columns[] = {
        COLUMN(model_fact, key, STORE_U),
        COLUMN(model_fact, value, STORE_U),
};

static const struct store_column mapping_columns[] = {
        COLUMN(model_mapping, node, STORE_D),       COLUMN(model_mapping, process, STORE_D),
        COLUMN(model_mapping, n, STORE_U),          COLUMN(model_mapping, bytes, STORE_U),
        COLUMN(model_mapping, live_bytes, STORE_U), COLUMN(model_mapping, peak_bytes, STORE_U),
};

#define TABLE(type, vec, record, max, columns)                                                     \
    {                                                                                              \
        type, offsetof(struct model, vec), sizeof(struct record), max,                             \
                sizeof(columns) / sizeof *(columns), columns                                       \
    }

const struct store_table store_tables[STORE_TABLES] = {
        [STORE_MODULES] =
                TABLE(RECORDING_MODULES, modules, model_module, MODEL_MODULES_MAX, module_columns),
        [STORE_LOCATIONS] = TABLE(RECORDING_LOCATIONS, locations, model_location,
                                  MODEL_LOCATIONS_MAX, location_columns),
        [STORE_SYMBOLS] =
                TABLE(RECORDING_SYMBOLS, symbols, model_symbol, MODEL_SYMBOLS_MAX, symbol_columns),
        [STORE_NODES] = TABLE(RECORDING_NODES, nodes, model_node, MODEL_NODES_MAX, node_columns),
        [STORE_PROCESSES] = TABLE(RECORDING_PROCESSES, processes, model_process,
                                  MODEL_PROCESSES_MAX, process_columns),
        [STORE_THREADS] =
                TABLE(RECORDING_THREADS, threads, model_thread, MODEL_THREADS_MAX, thread_columns),
        [STORE_TASKS] = TABLE(RECORDING_TASKS, tasks, model_task, MODEL_TASKS_MAX, task_columns),
        [STORE_CELLS] = TABLE(RECORDING_CELLS, cells, model_cell, MODEL_CELLS_MAX, cell_columns),
        [STORE_LIVES] = TABLE(RECORDING_LIVES, lives, model_life, MODEL_CELLS_MAX, life_columns),
        [STORE_SLICES] =
                TABLE(RECORDING_SLICES, slices, model_slice, MODEL_SLICES_MAX + 1, slice_columns),
        [STORE_SLICE_HISTOGRAMS] =
                TABLE(RECORDING_SLICE_HISTOGRAMS, slice_histograms, model_slice_histogram,
                      MODEL_SLICES_MAX + 1, slice_histogram_columns),
        [STORE_MARKS] = TABLE(RECORDING_MARKS, marks, model_mark, MODEL_STRINGS_MAX, mark_columns),
        [STORE_FACTS] = TABLE(RECORDING_FACTS, facts, model_fact, MODEL_STRINGS_MAX, fact_columns),
        [STORE_MAPPINGS] = TABLE(RECORDING_MAPPINGS, mappings, model_mapping, MODEL_MAPPINGS_MAX,
                                 mapping_columns),
};

/* The table's VEC, whatever its items are. */
static struct vec_any store_vec(const struct store_table *table, const struct model *model)
{
    struct vec_any vec;
    memcpy(&vec, (const char *)model + table->vec_offset, sizeof vec);
    return vec;
}

const void *store_table_at(const struct store_table *table, const struct model *model)
{
    return store_vec(table, model).at;
}

size_t store_table_n(const struct store_table *table, const struct model *model)
{
    return store_vec(table, model).n;
}

static uint64_t store_field(const uint8_t *record, const struct store_column *column)
{
    uint32_t narrow;
    uint64_t wide;
    switch (column->bytes) {
    case 1:
        return record[column->offset];
    case 4:
        memcpy(&narrow, record + column->offset, sizeof narrow);
        return narrow;
    default:
        memcpy(&wide, record + column->offset, sizeof wide);
        return wide;
    }
}

static void store_field_set(uint8_t *record, const struct store_column *column, uint64_t value)
{
    uint32_t narrow = (uint32_t)value;
    switch (column->bytes) {
    case 1:
        record[column->offset] = (uint8_t)value;
        break;
    case 4:
        memcpy(record + column->offset, &narrow, sizeof narrow);
        break;
    default:
        memcpy(record + column->offset, &value, sizeof value);
    }
}

/* In one piece with the codec known: columns are long, and most values are of one byte. */
__attribute__((always_inline)) static inline void store_values_encode(
        enum store_codec codec, const struct store_column *column, const uint8_t *items,
        size_t item_bytes, const uint32_t *indices, size_t n, struct codec_out *out)
{
    uint64_t last = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t value = store_field(items + indices[i] * item_bytes, column);
        if (codec == STORE_N)
            value = (uint32_t)(value + 1);
        if (codec == STORE_U)
            codec_put_u64(out, value);
        else if (codec == STORE_O)
            codec_put_i64(out, (int64_t)(indices[i] - value));
        else if (codec == STORE_I)
            codec_put_i64(out, (int32_t)(uint32_t)value);
        else
            codec_put_i64(out, (int64_t)(value - last));
        last = value;
    }
}

static void store_column_encode(const struct store_column *column, const uint8_t *items,
                                size_t item_bytes, const uint32_t *indices, size_t n,
                                struct codec_out *out)
{
    switch ((enum store_codec)column->codec) {
    case STORE_U:
        store_values_encode(STORE_U, column, items, item_bytes, indices, n, out);
        break;
    case STORE_N:
        store_values_encode(STORE_N, column, items, item_bytes, indices, n, out);
        break;
    case STORE_D:
        store_values_encode(STORE_D, column, items, item_bytes, indices, n, out);
        break;
    case STORE_O:
        store_values_encode(STORE_O, column, items, item_bytes, indices, n, out);
        break;
    case STORE_I:
        store_values_encode(STORE_I, column, items, item_bytes, indices, n, out);
        break;
    }
}

void store_table_encode(const struct store_table *table, const struct model *model,
                        const uint32_t *indices, size_t n, struct codec_out *out)
{
    const uint8_t *items = store_table_at(table, model);
    codec_put_u64(out, n);
    codec_put_u64(out, table->column_n);
    for (size_t i = 0; i < n; i++)
        codec_put_u64(out, i ? indices[i] - indices[i - 1] : indices[i]);
    for (size_t i = 0; i < table->column_n; i++)
        store_column_encode(&table->columns[i], items, table->item_bytes, indices, n, out);
}

static uint64_t store_value_decode(enum store_codec codec, struct codec_in *in, uint64_t index,
                                   uint64_t *last)
{
    switch (codec) {
    case STORE_U:
        return codec_get_u64(in);
    case STORE_O:
        return index - (uint64_t)codec_get_i64(in);
    case STORE_I:
        return (uint64_t)codec_get_i64(in);
    case STORE_N:
        *last += (uint64_t)codec_get_i64(in);
        return (uint32_t)(*last - 1);
    case STORE_D:
        break;
    }
    *last += (uint64_t)codec_get_i64(in);
    return *last;
}

/* A value that its field does not hold is damage, not to be cut. */
static bool store_value_fits(const struct store_column *column, uint64_t value)
{
    if (column->codec == STORE_I)
        return (int64_t)value == (int32_t)value;
    return column->bytes == 8 || value >> (column->bytes * 8) == 0;
}

static int store_column_decode(const struct store_column *column, uint8_t *items, size_t item_bytes,
                               struct codec_in indices, size_t n, struct codec_in *in)
{
    uint64_t index = 0, last = 0;
    for (size_t i = 0; i < n; i++) {
        index += codec_get_u64(&indices);
        uint64_t value = store_value_decode((enum store_codec)column->codec, in, index, &last);
        if (!store_value_fits(column, value))
            return ERR_FORMAT;
        store_field_set(items + index * item_bytes, column, value);
    }
    return in->failed ? ERR_FORMAT : 0;
}

/* Makes the table long enough for all indices, which leave no hole. */
static int store_vec_extend(const struct store_table *table, struct vec_any *vec,
                            struct codec_in *in, size_t n)
{
    uint64_t index = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t step = codec_get_u64(in);
        if ((i && step == 0) || step > vec->n - index)
            return ERR_FORMAT;
        index += step;
        if (index < vec->n)
            continue;
        if (!vec_reserve(vec, table->item_bytes, 1, table->max))
            return vec->n >= table->max ? ERR_LIMIT : ERR_MEMORY;
        memset((char *)vec->at + vec->n * table->item_bytes, 0, table->item_bytes);
        vec->n++;
    }
    return in->failed ? ERR_FORMAT : 0;
}

static int store_table_extend(const struct store_table *table, struct model *model,
                              struct codec_in *in, size_t n)
{
    struct vec_any vec = store_vec(table, model);
    int err = store_vec_extend(table, &vec, in, n);
    memcpy((char *)model + table->vec_offset, &vec, sizeof vec);
    return err;
}

int store_table_decode(const struct store_table *table, struct model *model, struct codec_in *in)
{
    size_t n = codec_get_count(in, 1);
    uint64_t columns = codec_get_u64(in);
    if (in->failed || (columns && n > codec_left(in) / columns))
        return ERR_FORMAT;
    struct codec_in indices = *in;
    int err = store_table_extend(table, model, in, n);
    uint8_t *items = store_vec(table, model).at;
    for (size_t i = 0; err == 0 && i < table->column_n && i < columns; i++)
        err = store_column_decode(&table->columns[i], items, table->item_bytes, indices, n, in);
    return err;
}
