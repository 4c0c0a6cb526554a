/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints what a recording says of tasks, for the checkers of tests/tasks: a line for each task and
 * one for each cell, with fields separated by tabs.
 *
 *     task  index process group parent runtime_id cell_bytes poll_n busy_ns ended runtime name
 *     cell  process thread task alloc_n alloc_bytes live_n live_bytes size_min size_max free_n
 *     sums  alloc_n alloc_bytes free_n live_n
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "heap/store.h"
#include "recording/reader.h"

static void dump_tasks(const struct model *model)
{
    for (size_t i = 0; i < model->tasks.n; i++) {
        const struct model_task *task = &model->tasks.at[i];
        printf("task\t%zu\t%u\t%d\t%u\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
               "\t%s\t%s\n",
               i, task->process, (int)task->group, task->parent, task->runtime_id, task->cell_bytes,
               task->poll_n, task->busy_ns, task->ended_ns, model_string_at(model, task->runtime),
               model_string_at(model, task->name));
    }
}

static void dump_cells(const struct model *model)
{
    for (size_t i = 0; i < model->cells.n; i++) {
        const struct model_cell *cell = &model->cells.at[i];
        printf("cell\t%u\t%u\t%u\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
               "\t%" PRIu64 "\t%" PRIu64 "\n",
               cell->key.process, cell->key.thread, cell->key.task, cell->alloc_n,
               cell->alloc_bytes, cell->live_n, cell->live_bytes, cell->size_min, cell->size_max,
               cell->free_n);
    }
}

int main(int argc, char **argv)
{
    struct diag diag = {0};
    struct recording_reader *reader;
    struct model *model;
    if (argc != 2 || recording_open(&reader, argv[1], &diag) < 0 ||
        store_load(reader, &model, &diag) < 0) {
        fprintf(stderr, "tasks_dump: %s\n", argc == 2 ? diag.text : "usage: tasks_dump FILE");
        return EXIT_FAILURE;
    }
    dump_tasks(model);
    dump_cells(model);
    printf("sums\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", model->sums.alloc_n,
           model->sums.alloc_bytes, model->sums.free_n, model->sums.live_n);
    model_free_all(model);
    recording_reader_close(reader);
    return EXIT_SUCCESS;
}
