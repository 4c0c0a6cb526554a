/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replays the events of a recording and holds the outcome against the model that was built while
 * the program ran: `replay_check FILE`. Not a target itself; the cases of --detailed-tracking ask
 * it. Prints each difference, and is 1 when there is one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap/replay.h"
#include "heap/store.h"

static int fault_n;

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    printf("%s\n", what);
    fault_n++;
}

static int row_compare(const void *a, const void *b)
{
    const struct model_row *x = a, *y = b;
    if (x->cell != y->cell)
        return x->cell < y->cell ? -1 : 1;
    if (x->born != y->born)
        return x->born < y->born ? -1 : 1;
    return x->freed < y->freed ? -1 : x->freed > y->freed;
}

static void rows_compare(struct model *live, struct model *replayed)
{
    qsort(live->rows.at, live->rows.n, sizeof *live->rows.at, row_compare);
    qsort(replayed->rows.at, replayed->rows.n, sizeof *replayed->rows.at, row_compare);
    bool same = live->rows.n == replayed->rows.n;
    for (size_t i = 0; same && i < live->rows.n; i++) {
        const struct model_row *x = &live->rows.at[i], *y = &replayed->rows.at[i];
        same = row_compare(x, y) == 0 && x->n == y->n && x->bytes == y->bytes;
    }
    expect(same, "rows differ");
}

static void cells_compare(const struct model *live, const struct model *replayed)
{
    bool same = live->cells.n == replayed->cells.n;
    for (size_t i = 0; same && i < live->cells.n; i++) {
        struct model_cell x = live->cells.at[i], y = replayed->cells.at[i];
        x.touched = y.touched = x.life = y.life = 0;
        same = memcmp(&x, &y, sizeof x) == 0;
    }
    expect(same, "cells differ");
}

static void tasks_compare(const struct model *live, const struct model *replayed)
{
    bool same = live->tasks.n == replayed->tasks.n;
    for (size_t i = 0; same && i < live->tasks.n; i++) {
        const struct model_task *x = &live->tasks.at[i], *y = &replayed->tasks.at[i];
        same = x->group == y->group && x->parent == y->parent && x->ended_ns == y->ended_ns &&
               x->spawn_node == y->spawn_node && x->poll_n == y->poll_n;
    }
    expect(same, "tasks differ");
}

static void models_compare(struct model *live, struct model *replayed)
{
    expect(live->sums.alloc_n > 0, "nothing was recorded");
    expect(live->loss.replaced_block_n == 0, "blocks were replaced: events came out of order");
    expect(live->loss.unmatched_realloc_n == 0, "reallocs without their first half");
    expect(memcmp(&live->sums, &replayed->sums, sizeof live->sums) == 0, "sums differ");
    expect(live->slices.n == replayed->slices.n &&
                   memcmp(live->slices.at, replayed->slices.at,
                          live->slices.n * sizeof *live->slices.at) == 0,
           "slices differ");
    tasks_compare(live, replayed);
    cells_compare(live, replayed);
    rows_compare(live, replayed);
}

int main(int argc, char **argv)
{
    struct diag diag = {0};
    struct recording_reader *reader;
    struct model *live, *replayed;
    if (argc != 2)
        return 2;
    if (recording_open(&reader, argv[1], &diag) < 0 || store_load(reader, &live, &diag) < 0 ||
        replay_recording(reader, live, &replayed, &diag) < 0) {
        printf("%s\n", diag.text);
        return 1;
    }
    models_compare(live, replayed);
    model_free_all(live);
    model_free_all(replayed);
    recording_reader_close(reader);
    return fault_n != 0;
}
