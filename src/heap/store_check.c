/* SPDX-License-Identifier: Apache-2.0 */
/* Every index of every table against the table it names. */
#include "heap/store_check.h"

static bool check_frames(const struct model *model)
{
    size_t strings = model->strings.n;
    VEC_EACH (struct model_module, module, &model->modules) {
        if (module->path >= strings || module->build_id_bytes > MODEL_BUILD_ID_BYTES)
            return false;
    }
    VEC_EACH (struct model_location, location, &model->locations) {
        if (location->module >= model->modules.n)
            return false;
        if (location->symbol_n && (location->symbol_first > model->symbols.n ||
                                   location->symbol_n > model->symbols.n - location->symbol_first))
            return false;
    }
    VEC_EACH (struct model_symbol, symbol, &model->symbols) {
        if (symbol->function >= strings || symbol->file >= strings)
            return false;
    }
    for (size_t i = 1; i < model->nodes.n; i++) {
        const struct model_node *node = &model->nodes.at[i];
        if (node->parent >= i || node->location >= model->locations.n)
            return false;
    }
    return true;
}

static bool check_processes(const struct model *model)
{
    size_t strings = model->strings.n;
    for (size_t i = 0; i < model->processes.n; i++) {
        const struct model_process *process = &model->processes.at[i];
        if ((process->parent != MODEL_NONE && process->parent >= i) || process->exe >= strings ||
            process->command >= strings || process->strategy >= strings ||
            process->allocator >= strings || process->allocator_is > ALLOCATOR_ARENAS ||
            (unsigned)process->end > PROCESS_LOST)
            return false;
    }
    return true;
}

static bool check_threads_and_tasks(const struct model *model)
{
    size_t strings = model->strings.n;
    VEC_EACH (struct model_thread, thread, &model->threads) {
        if (thread->process >= model->processes.n || thread->name >= strings)
            return false;
    }
    for (size_t i = 1; i < model->tasks.n; i++) {
        const struct model_task *task = &model->tasks.at[i];
        if (task->process >= model->processes.n || task->parent >= model->tasks.n ||
            (task->group != MODEL_NONE && task->group >= model->tasks.n) || task->name >= strings ||
            task->runtime >= strings || task->spawn_node >= model->nodes.n)
            return false;
    }
    return true;
}

static bool check_cells(const struct model *model)
{
    VEC_EACH (struct model_cell, cell, &model->cells) {
        const struct model_cell_key *key = &cell->key;
        if (key->node >= model->nodes.n || key->process >= model->processes.n ||
            key->thread >= model->threads.n || key->task >= model->tasks.n ||
            (cell->life != MODEL_NONE && cell->life >= model->lives.n))
            return false;
    }
    return true;
}

static bool check_slices(const struct model *model)
{
    if (model->slices.n == 0 || model->slices.at[0].start_ns != 0 ||
        model->slice_histograms.n != model->slices.n)
        return false;
    for (size_t i = 1; i < model->slices.n; i++) {
        if (model->slices.at[i].start_ns <= model->slices.at[i - 1].start_ns)
            return false;
    }
    return true;
}

bool store_check_indices(const struct model *model)
{
    if (!check_frames(model) || !check_processes(model) || !check_threads_and_tasks(model) ||
        !check_cells(model) || !check_slices(model))
        return false;
    VEC_EACH (struct model_mark, mark, &model->marks) {
        if (mark->kind >= model->strings.n || mark->text >= model->strings.n)
            return false;
    }
    VEC_EACH (struct model_fact, fact, &model->facts) {
        if (fact->key >= model->strings.n || fact->value >= model->strings.n)
            return false;
    }
    VEC_EACH (struct model_mapping, mapping, &model->mappings) {
        if (mapping->node >= model->nodes.n || mapping->process >= model->processes.n)
            return false;
    }
    return true;
}

bool store_check_rows(const struct model *model)
{
    VEC_EACH (struct model_row, row, &model->rows) {
        if (row->cell >= model->cells.n || row->born >= model->slices.n)
            return false;
        if (row->freed != MODEL_OPEN && (row->freed >= model->slices.n || row->freed < row->born))
            return false;
    }
    return true;
}
