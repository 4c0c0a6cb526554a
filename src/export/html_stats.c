/* SPDX-License-Identifier: Apache-2.0 */
/* The page's third section: processes, threads, tasks, sites, distributions and leaks. */
#include <stdlib.h>
#include <string.h>

#include "export/html_parts.h"

enum { HEAT_COLUMNS_MOST = 96, LEAK_SITES_MOST = 5000 };

static struct section_column *stats_u(struct section *section, const char *name)
{
    return section_column(section, name, CODEC_UNSIGNED);
}

static uint32_t stats_string(struct page *page, uint32_t string)
{
    if (string >= page->model->strings.n)
        return 0;
    const struct model_string *from = &page->model->strings.at[string];
    uint32_t made = page_string(page, from->bytes, from->n);
    return made == MODEL_NONE ? 0 : made;
}

static uint64_t stats_status(const struct model_process *process)
{
    if (process->end == PROCESS_SIGNALED)
        return 128u + (uint32_t)process->status;
    return process->end == PROCESS_EXITED ? (uint32_t)process->status & 0xff : 0;
}

/* Why a process is not recorded, without the words "not recorded: "; 0 = it is. */
static uint32_t stats_why(struct page *page, const struct model_process *process)
{
    static const char prefix[] = "not recorded: ";
    const char *text = model_string_at(page->model, process->strategy);
    if (strncmp(text, prefix, sizeof prefix - 1) == 0)
        text += sizeof prefix - 1;
    uint32_t made = *text ? page_string(page, text, strlen(text)) : 0;
    return made == MODEL_NONE ? 0 : made;
}

static void stats_processes(struct section *section, struct page *page)
{
    struct section_column *pid = stats_u(section, "proc_pid");
    struct section_column *parent = stats_u(section, "proc_parent");
    struct section_column *name = stats_u(section, "proc_name"),
                          *why = stats_u(section, "proc_why");
    struct section_column *start = stats_u(section, "proc_start_ns");
    struct section_column *end = stats_u(section, "proc_end_ns");
    struct section_column *status = stats_u(section, "proc_status");
    struct section_column *peak = stats_u(section, "proc_peak_bytes");
    struct section_column *peak_at = stats_u(section, "proc_peak_at_ns");
    struct section_column *rss = stats_u(section, "proc_rss_bytes");
    VEC_EACH (struct model_process, process, &page->model->processes) {
        uint32_t command = process->command ? process->command : process->exe;
        section_add(pid, process->pid);
        section_add(parent, process->parent == MODEL_NONE ? 0 : process->parent + 1ull);
        section_add(name, stats_string(page, command));
        section_add(why, stats_why(page, process));
        section_add(start, process->start_ns);
        section_add(end, process->end == PROCESS_RUNNING ? 0 : process->end_ns);
        section_add(status, stats_status(process));
        section_add(peak, process->sums.peak_bytes);
        section_add(peak_at, process->sums.peak_at_ns);
        section_add(rss, process->rss_peak_bytes);
    }
}

static void stats_threads(struct section *section, struct page *page)
{
    struct section_column *tid = stats_u(section, "thread_tid");
    struct section_column *name = stats_u(section, "thread_name");
    struct section_column *start = stats_u(section, "thread_start_ns");
    struct section_column *end = stats_u(section, "thread_end_ns");
    VEC_EACH (struct model_thread, thread, &page->model->threads) {
        section_add(tid, thread->tid);
        section_add(name, stats_string(page, thread->name));
        section_add(start, thread->start_ns);
        section_add(end, thread->end_ns);
    }
}

static void stats_tasks(struct section *section, struct page *page)
{
    const struct model *model = page->model;
    struct section_column *id = stats_u(section, "task_id"), *name = stats_u(section, "task_name");
    struct section_column *parent = stats_u(section, "task_parent");
    struct section_column *start = stats_u(section, "task_start_ns");
    struct section_column *end = stats_u(section, "task_end_ns");
    struct section_column *polls = stats_u(section, "task_polls"), *n = stats_u(section, "task_n");
    for (size_t i = 1; i < model->tasks.n; i++) {
        const struct model_task *task = &model->tasks.at[i];
        section_add(id, task->runtime_id);
        section_add(name, 0);
        section_add(parent, task->parent < model->tasks.n ? task->parent : 0);
        section_add(start, task->created_ns ? task->created_ns : task->first_poll_ns);
        section_add(end, task->ended_ns);
        section_add(polls, task->poll_n);
        /* Groups are not tasks, nor are entries that wait to be used anew. */
        section_add(n, task->group != i && task->runtime ? 1 : 0);
    }
    struct section_column *group = stats_u(section, "group_name");
    struct section_column *kind = stats_u(section, "group_kind");
    struct section_column *evidence = stats_u(section, "group_evidence");
    struct section_column *node = stats_u(section, "group_node");
    VEC_EACH (struct page_group, each, &page->groups) {
        section_add(group, each->name);
        section_add(kind, each->kind);
        section_add(evidence, each->evidence);
        section_add(node, each->node);
    }
}

static void stats_sites(struct section *section, const struct page *page)
{
    struct section_column *least = stats_u(section, "site_min"),
                          *most = stats_u(section, "site_max");
    struct section_column *temporary = stats_u(section, "site_tmp_n");
    struct section_column *reallocs = stats_u(section, "site_realloc_n");
    struct section_column *samples = stats_u(section, "site_samples_n");
    struct section_column *p50 = stats_u(section, "site_life_p50_ns");
    struct section_column *p99 = stats_u(section, "site_life_p99_ns");
    VEC_EACH (struct page_site, site, &page->sites) {
        section_add(least, site->figures.size_min);
        section_add(most, site->figures.size_max);
        section_add(temporary, site->figures.temporary_n);
        section_add(reallocs, site->figures.realloc_n);
        section_add(samples, site->figures.sample_n);
        section_add(p50, figures_life_at(&site->figures, 0.5));
        section_add(p99, figures_life_at(&site->figures, 0.99));
    }
    struct section_column *crossed = stats_u(section, "cell_xfree_n");
    VEC_EACH (struct page_cell, cell, &page->cells) {
        section_add(crossed, cell->other_thread_free_n);
    }
}

/* The model's quarter powers of two as whole ones: class 0 is size 0, class k begins at 2^(k-1). */
static unsigned stats_size_class(unsigned fine)
{
    return fine < 2 ? fine : 2 + (fine - 2) / 4;
}

/* The model's quarter decades as half ones. */
static unsigned stats_life_class(unsigned fine)
{
    unsigned half = (fine + 1) / 2;
    return half < MODEL_CELL_LIFE_CLASSES ? half : MODEL_CELL_LIFE_CLASSES - 1;
}

static void stats_histograms(struct section *section, const struct page *page)
{
    uint64_t n[MODEL_SLICE_SIZE_CLASSES] = {0}, bytes[MODEL_SLICE_SIZE_CLASSES] = {0};
    uint64_t life[MODEL_CELL_LIFE_CLASSES] = {0};
    double life_bytes[MODEL_CELL_LIFE_CLASSES] = {0}; /* by the mean size of each size class */
    uint64_t both[MODEL_SLICE_SIZE_CLASSES][MODEL_CELL_LIFE_CLASSES] = {{0}};
    const struct model_histograms *from = page->model->histograms;
    for (unsigned s = 0; from && s < MODEL_SIZE_CLASSES; s++) {
        unsigned size = stats_size_class(s);
        if (size >= MODEL_SLICE_SIZE_CLASSES)
            size = MODEL_SLICE_SIZE_CLASSES - 1;
        n[size] += from->size_n[s];
        bytes[size] += from->size_bytes[s];
        double mean = from->size_n[s] ? (double)from->size_bytes[s] / (double)from->size_n[s] : 0;
        for (unsigned l = 0; l < MODEL_LIFE_CLASSES; l++) {
            unsigned half = stats_life_class(l);
            both[size][half] += from->size_life_n[s][l];
            life_bytes[half] += mean * (double)from->size_life_n[s][l];
        }
    }
    struct section_column *size_class = stats_u(section, "size_class");
    struct section_column *size_n = stats_u(section, "size_hist_n");
    struct section_column *size_bytes = stats_u(section, "size_hist_bytes");
    struct section_column *size_life = stats_u(section, "size_life_n");
    for (unsigned s = 0; s < MODEL_SLICE_SIZE_CLASSES; s++) {
        section_add(size_class, s ? UINT64_C(1) << (s - 1) : 0);
        section_add(size_n, n[s]);
        section_add(size_bytes, bytes[s]);
        for (unsigned l = 0; l < MODEL_CELL_LIFE_CLASSES; l++) {
            section_add(size_life, both[s][l]);
            life[l] += both[s][l];
        }
    }
    struct section_column *life_class = stats_u(section, "life_class");
    struct section_column *life_n = stats_u(section, "life_hist_n");
    struct section_column *bytes_of_life = stats_u(section, "life_hist_bytes");
    for (unsigned l = 0; l < MODEL_CELL_LIFE_CLASSES; l++) {
        section_add(life_class, figures_life_class_least(l));
        section_add(life_n, life[l]);
        section_add(bytes_of_life, (uint64_t)(life_bytes[l] + 0.5));
    }
}

/* Heat maps over time: neighbouring slices together, so that there are at most 96 columns. */
static void stats_heat(struct section *section, const struct page *page)
{
    const struct model *model = page->model;
    size_t slices = model->slice_histograms.n;
    size_t step = (slices + HEAT_COLUMNS_MOST - 1) / HEAT_COLUMNS_MOST;
    size_t merged = (size_t)1 << page->merge_shift; /* columns begin where slices of the page do */
    step = (step + merged - 1) / merged * merged;
    step = step ? step : merged;
    struct section_column *first = stats_u(section, "heat_slice");
    for (size_t i = 0; i < slices; i += step)
        section_add(first, i >> page->merge_shift);
    struct section_column *sizes = stats_u(section, "size_time_n");
    for (unsigned s = 0; s < MODEL_SLICE_SIZE_CLASSES; s++) {
        for (size_t i = 0; i < slices; i += step) {
            uint64_t n = 0;
            for (size_t k = i; k < i + step && k < slices; k++)
                n += model->slice_histograms.at[k].size_n[s];
            section_add(sizes, n);
        }
    }
    struct section_column *lives = stats_u(section, "life_time_n");
    for (unsigned l = 0; l < MODEL_CELL_LIFE_CLASSES; l++) {
        for (size_t i = 0; i < slices; i += step) {
            uint64_t n = 0;
            for (size_t k = i; k < i + step && k < slices; k++)
                n += model->slice_histograms.at[k].life_n[l];
            section_add(lives, n);
        }
    }
}

struct stats_leak {
    uint32_t site;
    uint64_t bytes;
};

static int stats_compare_leaks(const void *a, const void *b)
{
    const struct stats_leak *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x->site < y->site ? -1 : x->site > y->site;
}

static const struct leak *stats_leak_of(const struct analysis *analysis, uint32_t function)
{
    VEC_EACH (struct leak, leak, &analysis->leaks) {
        if (leak->function == function)
            return leak;
    }
    return NULL;
}

static void stats_leaks(struct section *section, const struct page *page)
{
    size_t n = 0;
    struct stats_leak *leaks = calloc(page->sites.n + 1, sizeof *leaks);
    for (uint32_t i = 0; leaks && i < page->sites.n; i++) {
        if (page->sites.at[i].figures.leak_n)
            leaks[n++] = (struct stats_leak){i, page->sites.at[i].figures.leak_bytes};
    }
    if (n)
        qsort(leaks, n, sizeof *leaks, stats_compare_leaks);
    n = n < LEAK_SITES_MOST ? n : LEAK_SITES_MOST;
    struct section_column *site = stats_u(section, "leak_site"),
                          *blocks = stats_u(section, "leak_n");
    struct section_column *bytes = stats_u(section, "leak_bytes");
    struct section_column *class = stats_u(section, "leak_class");
    struct section_column *slope = section_column(section, "leak_slope", CODEC_DOUBLE);
    struct section_column *r2 = section_column(section, "leak_r2", CODEC_DOUBLE);
    struct section_column *first = stats_u(section, "leak_first_ns");
    struct section_column *last = stats_u(section, "leak_last_ns");
    struct section_column *hidden = stats_u(section, "leak_suppr");
    for (size_t i = 0; i < n; i++) {
        const struct page_site *from = &page->sites.at[leaks[i].site];
        const struct leak *leak = stats_leak_of(page->analysis, from->function);
        double share = leak && leak->bytes ? (double)leaks[i].bytes / (double)leak->bytes : 0;
        section_add(site, leaks[i].site);
        section_add(blocks, from->figures.leak_n);
        section_add(bytes, leaks[i].bytes);
        section_add(class, leak ? leak->verdict.class : LEAK_UNCLEAR);
        section_add_double(slope, leak ? leak->verdict.slope_bytes_per_s * share : 0);
        section_add_double(r2, leak ? leak->verdict.r2 : 0);
        section_add(first, from->figures.first_ns);
        section_add(last, from->figures.last_ns);
        section_add(hidden, 0);
    }
    free(leaks);
}

void html_fill_stats(struct section *section, struct page *page)
{
    stats_processes(section, page);
    stats_threads(section, page);
    stats_tasks(section, page);
    stats_sites(section, page);
    stats_histograms(section, page);
    stats_heat(section, page);
    stats_leaks(section, page);
}
