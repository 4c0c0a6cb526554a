/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of cells. */
#include "analyze/figures.h"

static bool figures_is_leak(const struct model *model, const struct model_cell *cell)
{
    return cell->key.process >= model->processes.n ||
           model->processes.at[cell->key.process].end != PROCESS_EXECED;
}

static void figures_span(struct figures *figures, uint64_t first_ns, uint64_t last_ns, bool first)
{
    if (first || first_ns < figures->first_ns)
        figures->first_ns = first_ns;
    if (first || last_ns > figures->last_ns)
        figures->last_ns = last_ns;
}

static void figures_sizes(struct figures *figures, uint64_t size_min, uint64_t size_max, bool first)
{
    if (first || size_min < figures->size_min)
        figures->size_min = size_min;
    if (first || size_max > figures->size_max)
        figures->size_max = size_max;
}

static void figures_add_spread(struct model_spread *spread, const struct model_spread *more)
{
    spread->alloc_n += more->alloc_n;
    spread->alloc_bytes += more->alloc_bytes;
    spread->live_n += more->live_n;
    spread->live_bytes += more->live_bytes;
    spread->peak_n += more->peak_n;
    spread->peak_bytes += more->peak_bytes;
    spread->excess_bytes += more->excess_bytes;
}

void figures_add_cell(struct figures *figures, const struct model *model,
                      const struct model_cell *cell)
{
    bool first = figures->alloc_n == 0;
    if (cell->alloc_n) {
        figures_span(figures, cell->first_ns, cell->last_ns, first);
        figures_sizes(figures, cell->size_min, cell->size_max, first);
    }
    figures->alloc_n += cell->alloc_n;
    figures->alloc_bytes += cell->alloc_bytes;
    figures->free_n += cell->free_n;
    figures->free_bytes += cell->free_bytes;
    figures->live_n += cell->live_n;
    figures->live_bytes += cell->live_bytes;
    if (figures_is_leak(model, cell)) {
        figures->leak_n += cell->live_n;
        figures->leak_bytes += cell->live_bytes;
        figures->leak_spread_n += cell->spread.live_n;
        figures->leak_spread_bytes += cell->spread.live_bytes;
    }
    figures->peak_n += cell->peak_n;
    figures->peak_bytes += cell->peak_bytes;
    figures->temporary_n += cell->temporary_n;
    figures->short_n += cell->short_n;
    figures->short_bytes += cell->short_bytes;
    figures->realloc_n += cell->realloc_n;
    figures->other_thread_free_n += cell->other_thread_free_n;
    figures->other_task_free_n += cell->other_task_free_n;
    figures->sample_n += cell->sample_n;
    figures_add_spread(&figures->spread, &cell->spread);
    for (size_t i = 0; cell->life < model->lives.n && i < MODEL_CELL_LIFE_CLASSES; i++)
        figures->life_n[i] += model->lives.at[cell->life].n[i];
}

void figures_add(struct figures *figures, const struct figures *more)
{
    bool first = figures->alloc_n == 0;
    if (more->alloc_n) {
        figures_span(figures, more->first_ns, more->last_ns, first);
        figures_sizes(figures, more->size_min, more->size_max, first);
    }
    figures->alloc_n += more->alloc_n;
    figures->alloc_bytes += more->alloc_bytes;
    figures->free_n += more->free_n;
    figures->free_bytes += more->free_bytes;
    figures->live_n += more->live_n;
    figures->live_bytes += more->live_bytes;
    figures->leak_n += more->leak_n;
    figures->leak_bytes += more->leak_bytes;
    figures->peak_n += more->peak_n;
    figures->peak_bytes += more->peak_bytes;
    figures->temporary_n += more->temporary_n;
    figures->short_n += more->short_n;
    figures->short_bytes += more->short_bytes;
    figures->realloc_n += more->realloc_n;
    figures->other_thread_free_n += more->other_thread_free_n;
    figures->other_task_free_n += more->other_task_free_n;
    figures->sample_n += more->sample_n;
    figures_add_spread(&figures->spread, &more->spread);
    figures->leak_spread_n += more->leak_spread_n;
    figures->leak_spread_bytes += more->leak_spread_bytes;
    for (size_t i = 0; i < MODEL_CELL_LIFE_CLASSES; i++)
        figures->life_n[i] += more->life_n[i];
}

/* Two classes a decade from 1 us on: 0, 1 us, 3.16 us, 10 us … */
uint64_t figures_life_class_least(unsigned life_class)
{
    static const uint64_t half_decade = 3162278;
    uint64_t least = 1000;
    if (life_class == 0)
        return 0;
    for (unsigned i = 1; i + 2 <= life_class; i += 2)
        least *= 10;
    return life_class % 2 ? least : least * half_decade / 1000000;
}

uint64_t figures_life_at(const struct figures *figures, double share)
{
    uint64_t n = 0, passed = 0;
    for (size_t i = 0; i < MODEL_CELL_LIFE_CLASSES; i++)
        n += figures->life_n[i];
    for (unsigned i = 0; i < MODEL_CELL_LIFE_CLASSES; i++) {
        passed += figures->life_n[i];
        if (passed && (double)passed >= share * (double)n)
            return figures_life_class_least(i);
    }
    return 0;
}
