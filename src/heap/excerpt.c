/* SPDX-License-Identifier: Apache-2.0 */
/* Picks sites by live bytes, then copies what they refer to under new indices. */
#include "heap/excerpt.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

struct excerpt {
    const struct model *from;
    struct model *to;
    uint32_t *node_of; /* node of the excerpt by node of the model; MODEL_NONE: not in it */
    struct map cells;  /* hash of a key -> cell of the excerpt */
    bool failed;
};

struct excerpt_site {
    uint64_t live_bytes;
    uint32_t node;
};

static int excerpt_site_order(const void *a, const void *b)
{
    const struct excerpt_site *x = a, *y = b;
    if (x->live_bytes != y->live_bytes)
        return x->live_bytes > y->live_bytes ? -1 : 1;
    return x->node < y->node ? -1 : x->node > y->node;
}

static uint32_t excerpt_string(struct excerpt *excerpt, uint32_t index)
{
    if (index == 0 || index >= excerpt->from->strings.n)
        return 0;
    const struct model_string *string = &excerpt->from->strings.at[index];
    uint32_t copy = model_string_add(excerpt->to, string->bytes, string->n);
    excerpt->failed = excerpt->failed || copy == MODEL_NONE;
    return copy == MODEL_NONE ? 0 : copy;
}

static uint32_t excerpt_location(struct excerpt *excerpt, uint32_t index)
{
    const struct model_location *from = &excerpt->from->locations.at[index];
    const struct model_module *module = &excerpt->from->modules.at[from->module];
    uint32_t module_copy =
            from->module ? model_module_add(excerpt->to, excerpt_string(excerpt, module->path),
                                            module->build_id, module->build_id_bytes)
                         : 0;
    uint32_t copy = model_location_add(excerpt->to, module_copy, from->offset);
    if (module_copy == MODEL_NONE || copy == MODEL_NONE) {
        excerpt->failed = true;
        return 0;
    }
    struct model_location *to = &excerpt->to->locations.at[copy];
    if (to->symbol_n || !from->symbol_n)
        return copy;
    uint32_t first = (uint32_t)excerpt->to->symbols.n, n = 0;
    for (; n < from->symbol_n; n++) {
        struct model_symbol symbol = excerpt->from->symbols.at[from->symbol_first + n];
        symbol.function = excerpt_string(excerpt, symbol.function);
        symbol.file = excerpt_string(excerpt, symbol.file);
        if (!VEC_PUSH(&excerpt->to->symbols, MODEL_SYMBOLS_MAX, symbol))
            break;
    }
    to->symbol_first = first;
    to->symbol_n = n;
    return copy;
}

/* Copies a stack, root side first. */
static void excerpt_node(struct excerpt *excerpt, uint32_t node)
{
    VEC(uint32_t) path = {0};
    const struct model *from = excerpt->from;
    for (uint32_t at = node; at && excerpt->node_of[at] == MODEL_NONE;
         at = from->nodes.at[at].parent)
        excerpt->failed = !VEC_PUSH(&path, MODEL_NODES_MAX, at) || excerpt->failed;
    while (path.n && !excerpt->failed) {
        uint32_t at = path.at[--path.n];
        const struct model_node *frame = &from->nodes.at[at];
        excerpt->node_of[at] =
                model_node_add(excerpt->to, excerpt->node_of[frame->parent],
                               excerpt_location(excerpt, frame->location), frame->flags);
        excerpt->failed = excerpt->failed || excerpt->node_of[at] == MODEL_NONE;
    }
    vec_done(&path);
}

/* The nodes that hold most. */
static void excerpt_sites(struct excerpt *excerpt, size_t site_n)
{
    const struct model *from = excerpt->from;
    uint64_t *live = calloc(from->nodes.n + 1, sizeof *live);
    VEC(struct excerpt_site) sites = {0};
    excerpt->failed = excerpt->failed || !live;
    for (size_t i = 0; live && i < from->cells.n; i++) {
        const struct model_cell *cell = &from->cells.at[i];
        if (cell->alloc_n)
            live[cell->key.node] += cell->live_bytes;
    }
    for (size_t i = 1; live && i < from->nodes.n; i++) {
        struct excerpt_site site = {live[i], (uint32_t)i};
        if (live[i] && !VEC_PUSH(&sites, MODEL_NODES_MAX, site))
            excerpt->failed = true;
    }
    if (sites.n)
        qsort(sites.at, sites.n, sizeof *sites.at, excerpt_site_order);
    for (size_t i = 0; i < sites.n && i < site_n && !excerpt->failed; i++)
        excerpt_node(excerpt, sites.at[i].node);
    /* Frames on the way to a site may be sites themselves: they stand for themselves then. */
    vec_done(&sites);
    free(live);
}

static struct model_cell *excerpt_cell(struct excerpt *excerpt, const struct model_cell_key *key)
{
    struct model *to = excerpt->to;
    uint64_t hash = map_hash_bytes(key, sizeof *key);
    int64_t known;
    while ((known = map_find(&excerpt->cells, hash)) != MAP_NONE) {
        struct model_cell *cell = &to->cells.at[known];
        if (memcmp(&cell->key, key, sizeof *key) == 0)
            return cell;
        hash++;
    }
    struct model_cell cell = {.key = *key, .life = MODEL_NONE};
    if (!map_put(&excerpt->cells, hash, (uint32_t)to->cells.n) ||
        !VEC_PUSH(&to->cells, MODEL_CELLS_MAX, cell))
        return NULL;
    return &to->cells.at[to->cells.n - 1];
}

static void excerpt_cells(struct excerpt *excerpt)
{
    const struct model *from = excerpt->from;
    for (size_t i = 0; i < from->cells.n && !excerpt->failed; i++) {
        const struct model_cell *cell = &from->cells.at[i];
        if (!cell->alloc_n)
            continue;
        struct model_cell_key key = cell->key;
        key.node = excerpt->node_of[key.node] == MODEL_NONE ? 0 : excerpt->node_of[key.node];
        struct model_cell *sum = excerpt_cell(excerpt, &key);
        excerpt->failed = !sum;
        if (!sum)
            return;
        sum->live_n += cell->live_n;
        sum->live_bytes += cell->live_bytes;
        sum->alloc_n += cell->alloc_n;
        sum->alloc_bytes += cell->alloc_bytes;
        sum->weight_excess += cell->weight_excess;
        sum->realloc_n += cell->realloc_n;
        sum->temporary_n += cell->temporary_n;
        sum->peak_epoch = from->sums.peak_epoch;
        sum->process_peak_epoch = from->processes.at[key.process].sums.peak_epoch;
    }
}

static void excerpt_contexts(struct excerpt *excerpt)
{
    const struct model *from = excerpt->from;
    struct model *to = excerpt->to;
    bool whole = true;
    VEC_EACH (struct model_process, at, &from->processes) {
        struct model_process process = *at;
        process.exe = excerpt_string(excerpt, process.exe);
        process.command = excerpt_string(excerpt, process.command);
        process.strategy = excerpt_string(excerpt, process.strategy);
        whole = VEC_PUSH(&to->processes, MODEL_PROCESSES_MAX, process) && whole;
    }
    VEC_EACH (struct model_thread, at, &from->threads) {
        struct model_thread thread = *at;
        thread.name = excerpt_string(excerpt, thread.name);
        whole = VEC_PUSH(&to->threads, MODEL_THREADS_MAX, thread) && whole;
    }
    for (size_t i = to->tasks.n; i < from->tasks.n; i++) {
        struct model_task task = from->tasks.at[i];
        task.name = excerpt_string(excerpt, task.name);
        task.runtime = excerpt_string(excerpt, task.runtime);
        task.spawn_node = 0;
        whole = VEC_PUSH(&to->tasks, MODEL_TASKS_MAX, task) && whole;
    }
    excerpt->failed = excerpt->failed || !whole;
}

static void excerpt_session(struct excerpt *excerpt)
{
    const struct model *from = excerpt->from;
    struct model *to = excerpt->to;
    const struct model_slice slice = {.live_bytes = from->sums.live_bytes,
                                      .live_n = from->sums.live_n,
                                      .high_bytes = from->sums.peak_bytes};
    const struct model_slice_histogram none = {{0}, {0}};
    to->sums = from->sums;
    to->loss = from->loss;
    to->start_unix_ns = from->start_unix_ns;
    to->base_slice_ns = from->base_slice_ns;
    to->end_ns = from->end_ns;
    to->rss_peak_bytes = from->rss_peak_bytes;
    excerpt->failed = excerpt->failed || !VEC_PUSH(&to->slices, MODEL_SLICES_MAX, slice) ||
                      !VEC_PUSH(&to->slice_histograms, MODEL_SLICES_MAX, none);
    VEC_EACH (struct model_fact, fact, &from->facts)
        model_fact_set(to, model_string_at(from, fact->key), model_string_at(from, fact->value));
}

int excerpt_new(const struct model *model, size_t site_n, struct model **ret_excerpt)
{
    struct excerpt excerpt = {.from = model, .to = model_new()};
    excerpt.node_of = malloc((model->nodes.n + 1) * sizeof *excerpt.node_of);
    if (!excerpt.to || !excerpt.node_of) {
        model_free_all(excerpt.to);
        free(excerpt.node_of);
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < model->nodes.n; i++)
        excerpt.node_of[i] = MODEL_NONE;
    excerpt.node_of[0] = 0;
    excerpt_sites(&excerpt, site_n);
    excerpt_contexts(&excerpt);
    excerpt_cells(&excerpt);
    excerpt_session(&excerpt);
    map_done(&excerpt.cells);
    free(excerpt.node_of);
    if (excerpt.failed) {
        model_free_all(excerpt.to);
        return ERR_MEMORY;
    }
    *ret_excerpt = excerpt.to;
    return 0;
}
