/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints: what changed since the one before, and the whole model when the file is rewritten.
 *
 * What has changed is known in three ways: tables that only grow by their length, cells by the
 * number of the checkpoint in which an event touched them, small tables by a hash of each record.
 * Rows carry what was saved of them and are written as increments.
 */
#include "heap/store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "heap/state.h"
#include "heap/store_tables.h"

enum {
    STORE_RECORDS = 4096,        /* in a chunk */
    STORE_ROWS = 64 << 10,       /* in a chunk */
    STORE_STRINGS = 1 << 20,     /* bytes after which a chunk of strings ends */
    STORE_SLACK_BYTES = 1 << 20, /* a file may grow by this beyond twice its live size */
    STORE_SMALL_BYTES = 4096,    /* so much beyond its live size is not worth a new file */
    STORE_FEW = 2,               /* earlier checkpoints that may stay in the file */
};

/* What of the model is in a file. */
struct store_saved {
    size_t string_n;
    size_t n[STORE_TABLES];
    VEC(uint64_t) hashes[STORE_TABLES]; /* of the records of tables whose records change */
    bool rows;
};

struct store {
    struct recording_writer *writer;
    struct store_saved saved;
    uint64_t checkpoint_n;
    uint64_t full_bytes; /* size of the file when it was last written whole */
};

/* A checkpoint being written. */
struct store_run {
    struct store *store;
    struct store_saved *saved;
    struct model *model;
    struct diag *diag;
    bool whole;                  /* into a new file, whatever was saved before */
    struct recording_part *part; /* where chunks go; NULL: into the file at once */
};

/* An increment of a row. freed: the number of slices, where the blocks live on: few digits. */
struct store_row {
    uint32_t cell, born, freed;
    uint64_t n, bytes;
};

struct store *store_new(struct recording_writer *writer)
{
    struct store *store = calloc(1, sizeof *store);
    if (store)
        store->writer = writer;
    return store;
}

static void store_saved_done(struct store_saved *saved)
{
    for (size_t i = 0; i < STORE_TABLES; i++)
        vec_done(&saved->hashes[i]);
    *saved = (struct store_saved){0};
}

void store_free(struct store *store)
{
    if (!store)
        return;
    store_saved_done(&store->saved);
    free(store);
}

static int store_no_memory(const struct store_run *run)
{
    return diag_set(run->diag, ERR_MEMORY, "no memory to write %s",
                    recording_name(run->store->writer));
}

/* Writes a chunk and frees it. */
static int store_put(const struct store_run *run, enum recording_type type, struct codec_out *out)
{
    int err;
    if (out->failed)
        err = store_no_memory(run);
    else if (run->part)
        err = recording_part_add(run->part, type, out->bytes, out->n);
    else
        err = recording_write(run->store->writer, type, out->bytes, out->n, run->diag);
    codec_out_done(out);
    return err;
}

static int store_strings(const struct store_run *run)
{
    const struct model *model = run->model;
    size_t at = run->saved->string_n ? run->saved->string_n : 1;
    int err = 0;
    while (err == 0 && at < model->strings.n) {
        size_t end = at, bytes = 0;
        while (end < model->strings.n && bytes < STORE_STRINGS)
            bytes += model->strings.at[end++].n + 1;
        struct codec_out out = {0};
        codec_put_u64(&out, at);
        codec_put_u64(&out, end - at);
        for (size_t i = at; i < end; i++)
            codec_put_u64(&out, model->strings.at[i].n);
        for (size_t i = at; i < end; i++)
            codec_put_bytes(&out, model->strings.at[i].bytes, model->strings.at[i].n);
        err = store_put(run, RECORDING_STRINGS, &out);
        at = end;
    }
    run->saved->string_n = model->strings.n;
    return err;
}

/* Cells that were folded into others since the last checkpoint. */
static int store_folds(const struct store_run *run)
{
    const struct model_feed *feed = run->model->feed;
    size_t n = feed && !run->whole ? feed->folds.n : 0;
    int err = 0;
    for (size_t at = 0; err == 0 && at < n; at += STORE_ROWS) {
        size_t some = n - at < STORE_ROWS ? n - at : STORE_ROWS;
        struct codec_out out = {0};
        codec_put_u64(&out, some);
        for (size_t i = at; i < at + some; i++) {
            codec_put_u64(&out, feed->folds.at[i].from);
            codec_put_u64(&out, feed->folds.at[i].into);
        }
        err = store_put(run, RECORDING_FOLDS, &out);
    }
    return err;
}

/* Writes the records with these indices. */
static int store_records(const struct store_run *run, const struct store_table *table,
                         const uint32_t *indices, size_t n)
{
    int err = 0;
    for (size_t at = 0; err == 0 && at < n; at += STORE_RECORDS) {
        size_t some = n - at < STORE_RECORDS ? n - at : STORE_RECORDS;
        struct codec_out out = {0};
        store_table_encode(table, run->model, indices + at, some, &out);
        err = store_put(run, table->type, &out);
    }
    return err;
}

/* True when the record differs from what was saved; remembers it. */
static bool store_record_changed(struct store_saved *saved, size_t t, const void *record, size_t i)
{
    uint64_t hash = map_hash_bytes(record, store_tables[t].item_bytes);
    if (i < saved->hashes[t].n && saved->hashes[t].at[i] == hash)
        return false;
    if (i < saved->hashes[t].n)
        saved->hashes[t].at[i] = hash;
    else
        /* Without memory it is written again next time. */
        (void)!VEC_PUSH(&saved->hashes[t], store_tables[t].max, hash);
    return true;
}

static bool store_is_changed(const struct store_run *run, size_t t, size_t i)
{
    const struct store_table *table = &store_tables[t];
    const struct model_feed *feed = run->model->feed;
    bool is_new = run->whole || i >= run->saved->n[t];
    switch (t) {
    case STORE_CELLS:
        return is_new || !feed || run->model->cells.at[i].touched == feed->checkpoint;
    case STORE_LOCATIONS:
    case STORE_PROCESSES:
    case STORE_THREADS:
    case STORE_TASKS:
    case STORE_MAPPINGS:
    case STORE_FACTS: {
        const char *items = store_table_at(table, run->model);
        return store_record_changed(run->saved, t, items + i * table->item_bytes, i);
    }
    case STORE_SLICES:
    case STORE_SLICE_HISTOGRAMS:
        return is_new || !feed || i >= feed->slices_from;
    default:
        return is_new;
    }
}

static int store_table(const struct store_run *run, size_t t)
{
    VEC(uint32_t) indices = {0};
    size_t n = store_table_n(&store_tables[t], run->model);
    for (size_t i = 0; i < n; i++) {
        if (!store_is_changed(run, t, i))
            continue;
        if (!VEC_PUSH(&indices, SIZE_MAX / 8, (uint32_t)i)) {
            vec_done(&indices);
            return store_no_memory(run);
        }
    }
    int err = store_records(run, &store_tables[t], indices.at, indices.n);
    run->saved->n[t] = n;
    vec_done(&indices);
    return err;
}

static int store_index_order(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The lifetimes of the cells that changed, and all new ones: some may be of no cell any more. */
static int store_lives(const struct store_run *run)
{
    const struct model *model = run->model;
    size_t saved_n = run->whole || !model->feed ? 0 : run->saved->n[STORE_LIVES];
    VEC(uint32_t) indices = {0};
    if (!vec_reserve(&indices, sizeof(uint32_t), model->cells.n + model->lives.n + 1, SIZE_MAX / 8))
        return store_no_memory(run);
    for (size_t i = 0; saved_n && i < model->cells.n; i++) {
        const struct model_cell *cell = &model->cells.at[i];
        if (cell->touched == model->feed->checkpoint && cell->life < saved_n)
            indices.at[indices.n++] = cell->life;
    }
    for (size_t i = saved_n; i < model->lives.n; i++)
        indices.at[indices.n++] = (uint32_t)i;
    if (indices.n)
        qsort(indices.at, indices.n, sizeof *indices.at, store_index_order);
    int err = store_records(run, &store_tables[STORE_LIVES], indices.at, indices.n);
    run->saved->n[STORE_LIVES] = model->lives.n;
    vec_done(&indices);
    return err;
}

enum { STORE_DIGIT_BITS = 12 };

/* What rows are sorted by: cell, then born, in as few bits as these rows need. */
struct store_order {
    uint32_t cell_least, born_least;
    unsigned born_bits, bits; /* of both together */
};

static uint64_t store_row_key(const struct store_order *order, const struct store_row *row)
{
    return (uint64_t)(row->cell - order->cell_least) << order->born_bits |
           (row->born - order->born_least);
}

static unsigned store_bits(uint32_t most)
{
    return most ? 32 - (unsigned)__builtin_clz(most) : 0;
}

static struct store_order store_rows_order(const struct store_row *rows, size_t n)
{
    struct store_row least = rows[0], most = rows[0];
    for (size_t i = 1; i < n; i++) {
        least.cell = rows[i].cell < least.cell ? rows[i].cell : least.cell;
        most.cell = rows[i].cell > most.cell ? rows[i].cell : most.cell;
        least.born = rows[i].born < least.born ? rows[i].born : least.born;
        most.born = rows[i].born > most.born ? rows[i].born : most.born;
    }
    unsigned born_bits = store_bits(most.born - least.born);
    return (struct store_order){least.cell, least.born, born_bits,
                                born_bits + store_bits(most.cell - least.cell)};
}

/* Moves rows to other in the order of one digit; those that have it alike keep their order. */
static void store_rows_deal(const struct store_order *order, const struct store_row *rows,
                            struct store_row *other, size_t n, unsigned shift)
{
    uint32_t place[1u << STORE_DIGIT_BITS] = {0}, sum = 0;
    const uint64_t digit = (1u << STORE_DIGIT_BITS) - 1;
    for (size_t i = 0; i < n; i++)
        place[store_row_key(order, &rows[i]) >> shift & digit]++;
    for (size_t i = 0; i < sizeof place / sizeof *place; i++) {
        uint32_t count = place[i];
        place[i] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        other[place[store_row_key(order, &rows[i]) >> shift & digit]++] = rows[i];
}

/*
 * Sorts by cell and born, with room for n more behind the n rows; returns where they are. Rows of
 * one cell and birth stay as they are: about in the order of their deaths. Digit by digit: there
 * are many rows, and the program's end waits for them.
 */
static struct store_row *store_rows_sort(struct store_row *rows, size_t n)
{
    struct store_row *other = rows + n;
    struct store_order order = store_rows_order(rows, n);
    for (unsigned shift = 0; shift < order.bits; shift += STORE_DIGIT_BITS) {
        store_rows_deal(&order, rows, other, n, shift);
        struct store_row *sorted = other;
        other = rows;
        rows = sorted;
    }
    return rows;
}

static void store_rows_encode(const struct model *model, const struct store_row *rows, size_t n,
                              struct codec_out *out)
{
    uint32_t open = (uint32_t)model->slices.n;
    codec_put_u64(out, n);
    for (size_t i = 0; i < n; i++)
        codec_put_u64(out, rows[i].cell - (i ? rows[i - 1].cell : 0));
    for (size_t i = 0; i < n; i++)
        codec_put_i64(out, (int64_t)rows[i].born - (i ? (int64_t)rows[i - 1].born : 0));
    for (size_t i = 0; i < n; i++)
        codec_put_u64(out, rows[i].freed == open ? 0 : rows[i].freed - rows[i].born + 1);
    for (size_t i = 0; i < n; i++)
        codec_put_i64(out, (int64_t)rows[i].n);
    for (size_t i = 0; i < n; i++) {
        uint64_t least = model->cells.at[rows[i].cell].size_min;
        codec_put_i64(out, (int64_t)(rows[i].bytes - rows[i].n * least));
    }
}

/* Sorts and writes one chunk of rows; there is room for as many behind them. */
static int store_rows_put(const struct store_run *run, struct store_row *rows, size_t n)
{
    if (n == 0)
        return 0;
    struct codec_out out = {0};
    store_rows_encode(run->model, store_rows_sort(rows, n), n, &out);
    return store_put(run, RECORDING_ROWS, &out);
}

static int store_rows(const struct store_run *run)
{
    struct model *model = run->model;
    const struct rows_saved *saved =
            model->feed && !run->whole && run->saved->rows ? model->feed->rows.saved.at : NULL;
    struct store_row *rows = malloc(2 * STORE_ROWS * sizeof *rows);
    if (!rows)
        return store_no_memory(run);
    size_t n = 0;
    int err = 0;
    for (size_t i = 0; err == 0 && i < model->rows.n; i++) {
        const struct model_row *row = &model->rows.at[i];
        uint32_t freed = row->freed == MODEL_OPEN ? (uint32_t)model->slices.n : row->freed;
        struct store_row more = {row->cell, row->born, freed, row->n, row->bytes};
        more.n -= saved ? saved[i].n : 0;
        more.bytes -= saved ? saved[i].bytes : 0;
        if (more.n || more.bytes)
            rows[n++] = more;
        if (n == STORE_ROWS) {
            err = store_rows_put(run, rows, n);
            n = 0;
        }
    }
    if (err == 0)
        err = store_rows_put(run, rows, n);
    free(rows);
    run->saved->rows = true;
    return err;
}

static int store_histograms(const struct store_run *run)
{
    const struct model_histograms *from = run->model->histograms;
    struct codec_out out = {0};
    codec_put_u64(&out, MODEL_SIZE_CLASSES);
    codec_put_u64(&out, MODEL_LIFE_CLASSES);
    const uint64_t *values = (const uint64_t *)from;
    for (size_t i = 0; i < sizeof *from / sizeof *values; i++)
        codec_put_u64(&out, values[i]);
    return store_put(run, RECORDING_HISTOGRAMS, &out);
}

static int store_session(const struct store_run *run)
{
    const struct model *model = run->model;
    uint64_t values[STORE_SUMS + STORE_LOSSES + STORE_MORE];
    memcpy(values, &model->sums, sizeof model->sums);
    memcpy(values + STORE_SUMS, &model->loss, sizeof model->loss);
    uint64_t *more = values + STORE_SUMS + STORE_LOSSES;
    more[0] = model->start_unix_ns;
    more[1] = model->end_ns;
    more[2] = model->rss_peak_bytes;
    more[3] = model->base_slice_ns;
    more[4] = model->sampled;
    memcpy(more + 5, &model->counts, sizeof model->counts);
    struct codec_out out = {0};
    codec_put_u64(&out, STORE_SUMS);
    codec_put_u64(&out, STORE_LOSSES);
    codec_put_u64(&out, STORE_MORE);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        codec_put_u64(&out, values[i]);
    return store_put(run, RECORDING_SESSION, &out);
}

static int store_commit(const struct store_run *run)
{
    const struct model *model = run->model;
    struct codec_out out = {0};
    codec_put_u64(&out, 3 + 1 + STORE_TABLES);
    codec_put_u64(&out, run->store->checkpoint_n);
    codec_put_u64(&out, model->end_ns);
    codec_put_u64(&out, model->finished);
    codec_put_u64(&out, model->strings.n);
    for (size_t i = 0; i < STORE_TABLES; i++)
        codec_put_u64(&out, store_table_n(&store_tables[i], model));
    return store_put(run, RECORDING_COMMIT, &out);
}

static int store_write_tables(const struct store_run *run)
{
    int err = store_strings(run);
    if (err == 0)
        err = store_folds(run);
    for (size_t i = 0; err == 0 && i < STORE_TABLES; i++)
        err = i == STORE_LIVES ? 0 : store_table(run, i);
    return err;
}

/* The rest: about as much work. */
static int store_write_rows(const struct store_run *run)
{
    int err = store_lives(run);
    if (err == 0)
        err = store_rows(run);
    return err ? err : store_histograms(run);
}

static int store_write_end(const struct store_run *run)
{
    int err = store_session(run);
    return err ? err : store_commit(run);
}

static int store_write(const struct store_run *run)
{
    int err = store_write_tables(run);
    if (err == 0)
        err = store_write_rows(run);
    return err ? err : store_write_end(run);
}

/* What a second thread writes. */
struct store_half {
    struct store_run run;
    int err;
};

static void *store_half_main(void *context)
{
    struct store_half *half = context;
    half->err = store_write_rows(&half->run);
    return NULL;
}

/* As store_write, by two threads: the program has ended, and its user waits. */
static int store_write_together(const struct store_run *run)
{
    struct diag ignored = {0};
    struct store_half half = {.run = *run};
    pthread_t thread;
    half.run.diag = &ignored;
    half.run.part = recording_part_new();
    if (!half.run.part || pthread_create(&thread, NULL, store_half_main, &half) != 0) {
        recording_part_free(half.run.part);
        return store_write(run);
    }
    int err = store_write_tables(run);
    pthread_join(thread, NULL);
    if (err == 0 && half.err)
        err = store_no_memory(run);
    if (err == 0)
        err = recording_part_append(run->store->writer, half.run.part, run->diag);
    recording_part_free(half.run.part);
    return err ? err : store_write_end(run);
}

/*
 * The whole model into a new file that takes the place of the old one. Returns whether it did: if
 * not the old one is as it was.
 */
static bool store_rewrite(struct store *store, struct model *model, struct diag *diag)
{
    struct store_saved fresh = {0};
    struct store_run run = {store, &fresh, model, diag, true, NULL};
    if (recording_rewrite_begin(store->writer, diag))
        return false;
    if (model->finished)
        store_write_together(&run);
    else
        store_write(&run);
    bool done = recording_rewrite_end(store->writer, diag) == 0;
    struct store_saved unused = done ? store->saved : fresh;
    if (done)
        store->saved = fresh;
    store_saved_done(&unused);
    /* Kept as it was: not to be tried again before the file has doubled. */
    store->full_bytes = recording_written_bytes(store->writer);
    return done;
}

/* The model's own notes of what has been saved. */
static void store_remember(struct model *model)
{
    struct model_feed *feed = model->feed;
    if (!feed)
        return;
    for (size_t i = 0; i < model->rows.n; i++)
        feed->rows.saved.at[i] = (struct rows_saved){model->rows.at[i].n, model->rows.at[i].bytes};
    feed->checkpoint++;
    feed->slices_from = feed->slice_at;
    feed->folds.n = 0;
}

/* Events are written once. */
static bool store_may_rewrite(const struct store *store)
{
    return store->checkpoint_n > 1 && !recording_has_events(store->writer);
}

/* The last one is the whole, unless little lies in the file: a user waits for it. */
static bool store_ends_whole(const struct store *store)
{
    return store_may_rewrite(store) && store->checkpoint_n > STORE_FEW + 1 &&
           recording_written_bytes(store->writer) > STORE_SMALL_BYTES;
}

int store_checkpoint(struct store *store, struct model *model, bool finished, struct diag *diag)
{
    if (recording_is_off(store->writer))
        return RECORDING_OFF;
    if (!model->feed && store->checkpoint_n)
        return diag_set(diag, ERR_STATE, "a model that was loaded is written once");
    int err = model_settle(model);
    if (err < 0)
        return diag_set(diag, err, "no memory for a checkpoint");
    store->checkpoint_n++;
    model->finished = finished;
    if (finished && store_ends_whole(store) && store_rewrite(store, model, diag)) {
        store_remember(model);
        return 0;
    }
    struct store_run run = {store, &store->saved, model, diag, false, NULL};
    err = finished ? store_write_together(&run) : store_write(&run);
    if (err)
        return err;
    store_remember(model);
    uint64_t bytes = recording_written_bytes(store->writer);
    if (store->checkpoint_n == 1)
        store->full_bytes = bytes;
    if (!finished && store_may_rewrite(store) && bytes > 2 * store->full_bytes + STORE_SLACK_BYTES)
        store_rewrite(store, model, diag);
    return 0;
}

int store_snapshot(struct recording_writer *writer, struct model *model, struct diag *diag)
{
    int err = model_settle(model);
    if (err < 0)
        return diag_set(diag, err, "no memory for a snapshot");
    struct store store = {.writer = writer, .checkpoint_n = 1};
    struct store_run run = {&store, &store.saved, model, diag, true, NULL};
    bool finished = model->finished;
    model->finished = false;
    err = store_write(&run);
    model->finished = finished;
    store_saved_done(&store.saved);
    return err;
}
