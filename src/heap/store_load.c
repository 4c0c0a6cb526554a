/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model out of a recording, whatever the file holds.
 *
 * Chunks are applied in order; rows are kept with their slices' times until the end, because later
 * checkpoints may have merged slices. At the end every index is checked, so that readers of the
 * model need not. A checkpoint whose content is wrong is given up for the one before it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "heap/rows.h"
#include "heap/slices.h"
#include "heap/store.h"
#include "heap/store_check.h"
#include "heap/store_tables.h"

enum {
    LOAD_TRIES = 8,          /* checkpoints that are given up for the one before */
    LOAD_ROWS_MAX = 1 << 26, /* increments of rows */
    LOAD_ROW_BYTES = 5,      /* a row's fewest bytes in a chunk */
    LOAD_COMMIT_VALUES = 3,  /* of a COMMIT before the lengths */
    LOAD_CHECKPOINT_S = 5,   /* the most time between checkpoints */
};

/* An increment whose slices are known by their times. */
struct load_row {
    uint32_t cell;
    uint64_t born_ns, freed_ns; /* UINT64_MAX: never freed */
    uint64_t n, bytes;
};

struct load {
    struct model *model;
    VEC(struct load_row) rows;
    uint64_t commit_end; /* where the last commit that was read ends */
};

static int load_strings(struct model *model, struct codec_in *in)
{
    uint64_t first = codec_get_u64(in);
    size_t n = codec_get_count(in, 1);
    if (in->failed || first != model->strings.n)
        return ERR_FORMAT;
    struct codec_in lengths = *in;
    for (size_t i = 0; i < n; i++)
        codec_get_u64(in);
    for (size_t i = 0; i < n; i++) {
        uint64_t length = codec_get_u64(&lengths);
        const uint8_t *bytes = codec_get_bytes(in, length);
        if (!bytes || length == 0 || length > MODEL_STRING_BYTES_MAX)
            return ERR_FORMAT;
        uint32_t index = model_string_add(model, (const char *)bytes, length);
        if (index == MODEL_NONE)
            return ERR_MEMORY;
        if (index != first + i)
            return ERR_FORMAT; /* it was there already */
    }
    return 0;
}

/* Slices and their histograms replace what there was from their first index on. */
static void load_slices_cut(struct model *model, enum recording_type type, struct codec_in in)
{
    codec_get_u64(&in);
    codec_get_u64(&in);
    uint64_t first = codec_get_u64(&in);
    if (type == RECORDING_SLICES && first < model->slices.n)
        model->slices.n = first;
    if (type == RECORDING_SLICE_HISTOGRAMS && first < model->slice_histograms.n)
        model->slice_histograms.n = first;
}

/* One row of a chunk: column cursors run side by side. */
static int load_row_decode(struct load *load, struct codec_in *columns, struct load_row *row,
                           int64_t *born, uint64_t *cell)
{
    const struct model *model = load->model;
    *cell += codec_get_u64(&columns[0]);
    *born += codec_get_i64(&columns[1]);
    uint64_t life = codec_get_u64(&columns[2]);
    row->n = (uint64_t)codec_get_i64(&columns[3]);
    row->bytes = (uint64_t)codec_get_i64(&columns[4]);
    if (*cell >= model->cells.n || *born < 0 || (uint64_t)*born >= model->slices.n ||
        life > model->slices.n - (uint64_t)*born)
        return ERR_FORMAT;
    row->cell = (uint32_t)*cell;
    row->bytes += row->n * model->cells.at[*cell].size_min;
    row->born_ns = model->slices.at[*born].start_ns;
    row->freed_ns = life ? model->slices.at[(uint64_t)*born + life - 1].start_ns : UINT64_MAX;
    return 0;
}

static int load_rows(struct load *load, struct codec_in *in)
{
    size_t n = codec_get_count(in, LOAD_ROW_BYTES);
    struct codec_in columns[LOAD_ROW_BYTES];
    for (size_t c = 0; c < LOAD_ROW_BYTES; c++) {
        columns[c] = *in;
        for (size_t i = 0; i < n; i++)
            codec_get_u64(in);
    }
    if (in->failed)
        return ERR_FORMAT;
    struct load_row row = {0};
    uint64_t cell = 0;
    int64_t born = 0;
    for (size_t i = 0; i < n; i++) {
        if (load_row_decode(load, columns, &row, &born, &cell) < 0)
            return ERR_FORMAT;
        if (!VEC_PUSH(&load->rows, LOAD_ROWS_MAX, row))
            return load->rows.n >= LOAD_ROWS_MAX ? ERR_LIMIT : ERR_MEMORY;
    }
    return 0;
}

/*
 * Rows of one cell pass to another, in the order of the list. For a row that is there already only
 * the first entry of its cell counts, and then those of the cell it came to that lie behind: so the
 * list is gone through from its end.
 */
static int load_folds(struct load *load, struct codec_in *in)
{
    size_t n = codec_get_count(in, 2);
    size_t cells = load->model->cells.n;
    uint32_t *pairs = malloc((2 * n + 1) * sizeof *pairs);
    uint32_t *target = malloc((cells + 1) * sizeof *target);
    int err = pairs && target ? 0 : ERR_MEMORY;
    for (size_t i = 0; err == 0 && i < 2 * n; i++) {
        uint64_t cell = codec_get_u64(in);
        if (cell >= MODEL_CELLS_MAX)
            err = ERR_FORMAT;
        else
            pairs[i] = (uint32_t)cell;
    }
    for (size_t i = 0; err == 0 && i < cells; i++)
        target[i] = (uint32_t)i;
    for (size_t i = n; err == 0 && i-- > 0;) {
        uint32_t from = pairs[2 * i], into = pairs[2 * i + 1];
        if (from < cells)
            target[from] = into < cells ? target[into] : into;
    }
    VEC_EACH (struct load_row, row, &load->rows) {
        if (err == 0)
            row->cell = target[row->cell];
    }
    free(pairs);
    free(target);
    return in->failed ? ERR_FORMAT : err;
}

static int load_histograms(struct model *model, struct codec_in *in)
{
    if (codec_get_u64(in) != MODEL_SIZE_CLASSES || codec_get_u64(in) != MODEL_LIFE_CLASSES)
        return ERR_FORMAT;
    uint64_t *values = (uint64_t *)model->histograms;
    for (size_t i = 0; i < sizeof *model->histograms / sizeof *values; i++)
        values[i] = codec_get_u64(in);
    return in->failed ? ERR_FORMAT : 0;
}

/* n values, of which this version knows the first `known`. */
static void load_values(struct codec_in *in, uint64_t n, uint64_t *values, size_t known)
{
    memset(values, 0, known * sizeof *values);
    for (uint64_t i = 0; i < n && !in->failed; i++) {
        uint64_t value = codec_get_u64(in);
        if (i < known)
            values[i] = value;
    }
}

static int load_session(struct model *model, struct codec_in *in)
{
    uint64_t sums = codec_get_u64(in), losses = codec_get_u64(in), more = codec_get_u64(in);
    uint64_t values[STORE_MORE];
    load_values(in, sums, (uint64_t *)&model->sums, STORE_SUMS);
    load_values(in, losses, (uint64_t *)&model->loss, STORE_LOSSES);
    load_values(in, more, values, STORE_MORE);
    model->start_unix_ns = values[0];
    model->end_ns = values[1];
    model->rss_peak_bytes = values[2];
    model->base_slice_ns = values[3];
    model->sampled = values[4] != 0;
    memcpy(&model->counts, values + 5, sizeof model->counts);
    return in->failed ? ERR_FORMAT : 0;
}

static int load_commit(struct load *load, struct codec_in *in)
{
    struct model *model = load->model;
    uint64_t n = codec_get_u64(in);
    codec_get_u64(in);
    uint64_t end_ns = codec_get_u64(in), finished = codec_get_u64(in);
    if (n < LOAD_COMMIT_VALUES + 1 + STORE_MAPPINGS || end_ns != model->end_ns || finished > 1 ||
        codec_get_u64(in) != model->strings.n)
        return ERR_FORMAT;
    for (size_t i = 0; i < STORE_TABLES && i < n - LOAD_COMMIT_VALUES - 1; i++) {
        if (codec_get_u64(in) != store_table_n(&store_tables[i], model))
            return ERR_FORMAT;
    }
    model->finished = finished;
    return in->failed ? ERR_FORMAT : 0;
}

static int load_chunk(struct load *load, const struct recording_chunk *chunk)
{
    struct codec_in in = {.at = chunk->bytes, .end = chunk->bytes + chunk->n};
    switch (chunk->type) {
    case RECORDING_STRINGS:
        return load_strings(load->model, &in);
    case RECORDING_ROWS:
        return load_rows(load, &in);
    case RECORDING_FOLDS:
        return load_folds(load, &in);
    case RECORDING_HISTOGRAMS:
        return load_histograms(load->model, &in);
    case RECORDING_SESSION:
        return load_session(load->model, &in);
    case RECORDING_COMMIT:
        return load_commit(load, &in);
    default:
        break;
    }
    load_slices_cut(load->model, chunk->type, in);
    for (size_t i = 0; i < STORE_TABLES; i++) {
        if (store_tables[i].type == chunk->type)
            return store_table_decode(&store_tables[i], load->model, &in);
    }
    return 0; /* events, and what later versions add */
}

static int load_row_order(const void *a, const void *b)
{
    const struct model_row *x = a, *y = b;
    if (x->cell != y->cell)
        return x->cell < y->cell ? -1 : 1;
    if (x->born != y->born)
        return x->born < y->born ? -1 : 1;
    return x->freed < y->freed ? -1 : x->freed > y->freed;
}

/* Puts increments onto the final slices and adds up those of one row. */
static int load_rows_settle(struct load *load)
{
    struct model *model = load->model;
    size_t max = LOAD_ROWS_MAX;
    if (load->rows.n && !vec_reserve(&model->rows, sizeof *model->rows.at, load->rows.n, max))
        return ERR_MEMORY;
    VEC_EACH (struct load_row, from, &load->rows) {
        struct model_row row = {.cell = from->cell, .n = from->n, .bytes = from->bytes};
        row.born = slices_find(model->slices.at, model->slices.n, from->born_ns);
        row.freed = from->freed_ns == UINT64_MAX
                            ? MODEL_OPEN
                            : slices_find(model->slices.at, model->slices.n, from->freed_ns);
        model->rows.at[model->rows.n++] = row;
    }
    if (model->rows.n)
        qsort(model->rows.at, model->rows.n, sizeof *model->rows.at, load_row_order);
    size_t n = 0;
    for (size_t i = 0; i < model->rows.n; i++) {
        struct model_row *row = &model->rows.at[i];
        if (n && load_row_order(&model->rows.at[n - 1], row) == 0) {
            model->rows.at[n - 1].n += row->n;
            model->rows.at[n - 1].bytes += row->bytes;
        } else {
            /* What came to nothing makes room for the next one. */
            n -= n && !model->rows.at[n - 1].n && !model->rows.at[n - 1].bytes;
            model->rows.at[n++] = *row;
        }
    }
    n -= n && !model->rows.at[n - 1].n && !model->rows.at[n - 1].bytes;
    model->rows.n = n;
    return 0;
}

/* Applies all chunks. *ret_bad: where the chunk or the commit lies that is wrong. */
static int load_pass(struct recording_reader *reader, struct load *load, uint64_t *ret_bad,
                     struct diag *diag)
{
    struct recording_chunk chunk = {0};
    int err;
    uint64_t commit_at = 0;
    while ((err = recording_next(reader, &chunk, diag)) == 0) {
        *ret_bad = chunk.offset;
        err = load_chunk(load, &chunk);
        if (err < 0)
            return err;
        if (chunk.type == RECORDING_COMMIT)
            commit_at = chunk.offset;
    }
    if (err < 0) {
        *ret_bad = chunk.offset;
        return err;
    }
    *ret_bad = commit_at;
    if (!store_check_indices(load->model))
        return ERR_FORMAT;
    err = load_rows_settle(load);
    if (err == 0 && !store_check_rows(load->model))
        return ERR_FORMAT;
    if (err == 0)
        err = model_settle(load->model);
    if (err == 0)
        model_take_counts(load->model);
    return err;
}

/* The model as of the newest commit that the reader gives out. */
static int load_once(struct recording_reader *reader, struct model **ret_model, uint64_t *ret_bad,
                     struct diag *diag)
{
    struct load load = {.model = model_new()};
    if (!load.model)
        return ERR_MEMORY;
    int err = load_pass(reader, &load, ret_bad, diag);
    vec_done(&load.rows);
    if (err < 0) {
        model_free_all(load.model);
        return err;
    }
    *ret_model = load.model;
    return 0;
}

/* How far a commit that lies behind the damage had come; 0: there is none. */
static uint64_t load_later_end(struct recording_reader *reader)
{
    struct recording_chunk chunk;
    if (recording_later_commit(reader, &chunk) != 0)
        return 0;
    struct codec_in in = {.at = chunk.bytes, .end = chunk.bytes + chunk.n};
    codec_get_u64(&in);
    codec_get_u64(&in);
    uint64_t end_ns = codec_get_u64(&in);
    return in.failed ? 0 : end_ns;
}

/* Says what is missing of a recording that is not whole. */
static int load_report(struct recording_reader *reader, struct model *model, struct diag *diag)
{
    const struct recording_extent *extent = recording_extent(reader);
    double end_s = (double)model->end_ns / 1e9;
    const char *snapshot = model_fact_get(model, "snapshot");
    if (!extent->is_damaged && (model->finished || (snapshot && strcmp(snapshot, "1") == 0)))
        return 0;
    if (!extent->is_damaged && extent->alive_ns > model->end_ns) {
        model->loss.checkpoint_age_ns = extent->alive_ns - model->end_ns;
        diag_set(
                diag, 0,
                "the recording was not finished: it holds the first %.1f s of the session; of what "
                "came after, %.1f s are missing",
                end_s, (double)model->loss.checkpoint_age_ns / 1e9);
        return 1;
    }
    if (!extent->is_damaged) {
        diag_set(
                diag, 0,
                "the recording was not finished: it holds the first %.1f s of the session; of what "
                "came after, at most %d s were not recorded",
                end_s, LOAD_CHECKPOINT_S);
        return 1;
    }
    uint64_t later_ns = load_later_end(reader);
    if (later_ns > model->end_ns) {
        model->loss.checkpoint_age_ns = later_ns - model->end_ns;
        diag_set(diag, 0,
                 "the recording is damaged at byte %" PRIu64 " of %" PRIu64
                 ": it holds the first %.1f s of the session, the %.1f s after that are missing",
                 extent->good_bytes, extent->file_bytes, end_s,
                 (double)(later_ns - model->end_ns) / 1e9);
        return 1;
    }
    diag_set(diag, 0,
             "the recording is cut or damaged at byte %" PRIu64 " of %" PRIu64
             ": it holds the first %.1f s of the session",
             extent->good_bytes, extent->file_bytes, end_s);
    return 1;
}

int store_load(struct recording_reader *reader, struct model **ret_model, struct diag *diag)
{
    struct model *model = NULL;
    int err = recording_rewind(reader, UINT64_MAX, diag);
    for (int i = 0; err == 0; i++) {
        if (recording_extent(reader)->committed_bytes == 0)
            return diag_set(diag, ERR_FORMAT, "the recording holds no whole checkpoint");
        uint64_t bad = 0;
        struct diag unused = {0}; /* of a checkpoint that is given up */
        err = load_once(reader, &model, &bad, &unused);
        if (err == 0)
            break;
        if (err == ERR_MEMORY)
            return diag_set(diag, err, "no memory to load the recording");
        if (err == ERR_LIMIT)
            return diag_set(diag, err, "the recording holds more than this memscope can load");
        if (err != ERR_FORMAT)
            return diag_set(diag, err, "%s", unused.text);
        if (i == LOAD_TRIES)
            return diag_set(diag, err, "the recording is damaged at byte %" PRIu64, bad);
        err = recording_rewind(reader, bad, diag);
    }
    if (err < 0 || !model)
        return err;
    int outcome = load_report(reader, model, diag);
    *ret_model = model;
    return outcome;
}
