/* SPDX-License-Identifier: Apache-2.0 */
/* Finishes the figures that are not kept up to date with every event. */
#include <string.h>

#include "base/diag.h"
#include "heap/state.h"

/* Adds the rows of a process's live blocks. */
static int open_rows_add(struct model *model, struct feed_process_state *process)
{
    process->has_open_rows = true;
    struct model_feed *feed = model->feed;
    struct blocks_walk walk = {0};
    for (const struct blocks_slot *slot; (slot = blocks_next(&process->blocks, &walk));) {
        if (model->rows.n >= feed->limits.rows)
            timeline_shrink(model);
        int err = rows_ready(&feed->rows);
        if (err < 0)
            return err;
        struct model_row *row = rows_take(&feed->rows, slot->cell,
                                          feed_born_slice(model, slot->born_ns), MODEL_OPEN);
        row->n += slot->weight;
        row->bytes += (slot->size_bytes & ~BLOCKS_PENDING) * slot->weight;
    }
    return 0;
}

int open_rows_renew(struct model *model, uint32_t process)
{
    struct model_feed *feed = model->feed;
    struct feed_process_state *state = &feed->processes.at[process];
    if (state->has_open_rows) {
        int err = rows_flush(&feed->rows);
        if (err < 0)
            return err;
        VEC_EACH (struct model_row, row, &model->rows) {
            if (row->freed == MODEL_OPEN && model->cells.at[row->cell].key.process == process)
                row->n = row->bytes = 0;
        }
    }
    return open_rows_add(model, state);
}

/* The rows of live blocks, counted anew. */
static int open_rows_settle(struct model *model)
{
    struct model_feed *feed = model->feed;
    int err = rows_flush(&feed->rows);
    if (err < 0)
        return err;
    VEC_EACH (struct model_row, row, &model->rows) {
        uint32_t process = model->cells.at[row->cell].key.process;
        if (row->freed == MODEL_OPEN && blocks_exist(&feed->processes.at[process].blocks))
            row->n = row->bytes = 0;
    }
    for (size_t i = 0; i < feed->processes.n && err == 0; i++) {
        struct feed_process_state *process = &feed->processes.at[i];
        err = open_rows_add(model, process);
        if (err == 0 && process->ended)
            blocks_done(&process->blocks);
    }
    if (err == 0)
        err = rows_flush(&feed->rows);
    size_t empty_n = 0;
    VEC_EACH (struct model_row, row, &model->rows) {
        empty_n += row->n == 0;
    }
    if (empty_n > model->rows.n / 4)
        rows_rename(&feed->rows, NULL, NULL);
    return err;
}

static void histograms_settle(struct model_histograms *histograms)
{
    memset(histograms->life_n, 0, sizeof histograms->life_n);
    for (size_t i = 0; i < MODEL_SIZE_CLASSES; i++) {
        for (size_t k = 0; k < MODEL_LIFE_CLASSES; k++)
            histograms->life_n[k] += histograms->size_life_n[i][k];
    }
}

int model_settle(struct model *model)
{
    int err = 0;
    if (model->feed) {
        cells_deaths_drain(model);
        err = open_rows_settle(model);
        timeline_settle(model); /* after the merges of slices that rows may have asked for */
    }
    cells_settle(model);
    histograms_settle(model->histograms);
    return err;
}
