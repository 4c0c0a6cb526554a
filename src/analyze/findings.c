/* SPDX-License-Identifier: Apache-2.0 */
/* The findings: one function for each question, thresholds beside it. */
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "analyze/estimate.h"
#include "analyze/frame.h"
#include "analyze/mappings.h"

static const double findings_peak_share = 0.5;      /* one function holds half of the peak */
static const double findings_churn_share = 0.5;     /* one function makes half of all bytes */
static const double findings_temporary_share = 0.3; /* of all blocks */
static const double findings_crossing_share = 0.8;
enum {
    FINDINGS_BYTES_LEAST = 1 << 20,   /* what is smaller is nobody's problem */
    FINDINGS_GROWTH_LEAST = 64 << 10, /* bytes kept by something that grows */
    FINDINGS_BLOCKS_LEAST = 1000,
    FINDINGS_GROWING_MAX = 3,
    FINDINGS_GROWING_BLOCKS = 8, /* growth in fewer steps may be anything */
    FINDINGS_GAP_LEAST_NS = 100000000,
    FINDINGS_RSS_LEAST = 16 << 20, /* above the live heap */
    FINDINGS_RSS_TIMES = 3,        /* the highest live heap */
};

enum findings_rss_part {
    FINDINGS_RSS_MAPPED,
    FINDINGS_RSS_HELD,
    FINDINGS_RSS_UNSEEN,
    FINDINGS_RSS_FILES,
    FINDINGS_RSS_OTHER,
    FINDINGS_RSS_PARTS,
};

static const struct {
    const char *title, *text;
    enum finding_severity severity;
} findings_rss_texts[FINDINGS_RSS_PARTS] = {
        {"are mapped by the program itself",
         "An arena or an allocator of its own: such memory is not in the heap's figures.",
         FINDING_MEDIUM},
        {"are held free by malloc",
         "Freed, and not given back: fragmentation, or a peak that is over. malloc_trim or fewer "
         "arenas (MALLOC_ARENA_MAX) may help.",
         FINDING_MEDIUM},
        {"are in allocators that are not recorded",
         "An allocator of the program's own passes malloc by: the heap's figures leave it out.",
         FINDING_MEDIUM},
        {"are code, stacks and mapped files",
         "Pages of files are shared, and count in each process that has them.", FINDING_LOW},
        {"are not explained", "They came and went between two looks, or belong to the kernel.",
         FINDING_LOW},
};

const char *finding_severity_name(enum finding_severity severity)
{
    static const char *const names[] = {"high", "medium", "low", "good"};
    return names[severity];
}

void finding_done(struct finding *finding)
{
    text_done(&finding->title);
    text_done(&finding->text);
}

static void findings_push(struct analysis *analysis, struct finding *finding)
{
    if (finding->title.failed || finding->text.failed ||
        !VEC_PUSH(&analysis->findings, FINDINGS_MAX, *finding))
        finding_done(finding);
}

static struct finding findings_make(const char *id, enum finding_severity severity, double value,
                                    const char *unit, const char *view, const char *metric)
{
    return (struct finding){
            .id = id,
            .severity = severity,
            .value = value,
            .unit = unit,
            .confidence = -1,
            .link = {.view = view, .metric = metric, .function = MODEL_NONE, .site = MODEL_NONE}};
}

/* Names come from the program: made harmless once, here. */
static void findings_add_name(struct text *text, const struct analysis *analysis, uint32_t function)
{
    struct text name = {0};
    analysis_add_name(&name, analysis, function);
    text_add_shown(text, text_string(&name), name.n);
    text_done(&name);
}

static void findings_growth(struct analysis *analysis)
{
    int found = 0;
    for (size_t i = 0; i < analysis->leaks.n && found < FINDINGS_GROWING_MAX; i++) {
        const struct leak *leak = &analysis->leaks.at[i];
        if (leak->verdict.class != LEAK_GROWING || leak->bytes < FINDINGS_GROWTH_LEAST ||
            leak->n < FINDINGS_GROWING_BLOCKS)
            continue;
        double per_second = leak->verdict.slope_bytes_per_s;
        struct finding finding =
                findings_make("steady-growth",
                              leak->bytes >= FINDINGS_BYTES_LEAST ? FINDING_HIGH : FINDING_MEDIUM,
                              per_second, "bytes/s", "leaks", "leak");
        finding.link.function = leak->function;
        finding.weight = UINT64_MAX / 2 + leak->bytes; /* what grows has no bound */
        finding.confidence = leak->verdict.r2;
        findings_add_name(&finding.title, analysis, leak->function);
        text_add(&finding.title, " grows steadily: +");
        text_add_bytes_iec(&finding.title, (uint64_t)per_second);
        text_printf(&finding.title, "/s (R² %.2f)", leak->verdict.r2);
        text_add_bytes_iec(&finding.text, leak->bytes);
        text_add(&finding.text, " in ");
        text_add_counted(&finding.text, leak->n, "block");
        text_add(&finding.text, " were never freed, and the level rose up to the end. Look "
                                "at what should have removed them.");
        findings_push(analysis, &finding);
        found++;
    }
}

static void findings_peak(struct analysis *analysis)
{
    uint32_t top;
    uint64_t peak = analysis->model->sums.peak_bytes;
    if (peak < FINDINGS_BYTES_LEAST || !analysis_top(analysis, FUNCTION_PEAK, 1, &top))
        return;
    const struct function *function = &analysis->functions.at[top];
    double share = estimate_share(function->self.peak_bytes, peak);
    if (share < findings_peak_share)
        return;
    struct finding finding =
            findings_make("dominant-peak", FINDING_MEDIUM, share, "ratio", "flame", "peak");
    finding.link.function = top;
    finding.weight = function->self.peak_bytes;
    findings_add_name(&finding.title, analysis, top);
    text_printf(&finding.title, " holds %.0f %% of the peak: ", share * 100);
    text_add_bytes_iec(&finding.title, function->self.peak_bytes);
    text_printf(&finding.text, "Whatever lowers the peak has to begin here: ");
    text_add_counted(&finding.text, function->self.peak_n, "block");
    text_add(&finding.text, function->self.peak_n == 1 ? " was" : " were");
    text_add(&finding.text, " live at that moment.");
    findings_push(analysis, &finding);
}

static void findings_churn(struct analysis *analysis)
{
    uint32_t top;
    const struct model_sums *sums = &analysis->model->sums;
    uint64_t churned = sums->alloc_bytes > sums->peak_bytes ? sums->alloc_bytes : 0;
    if (churned < 8 * sums->peak_bytes || churned < (uint64_t)64 * FINDINGS_BYTES_LEAST ||
        !analysis_top(analysis, FUNCTION_ALLOC, 1, &top))
        return;
    const struct function *function = &analysis->functions.at[top];
    double share = estimate_share(function->self.alloc_bytes, sums->alloc_bytes);
    if (share < findings_churn_share)
        return;
    struct finding finding =
            findings_make("churn", FINDING_MEDIUM, share, "ratio", "table", "alloc");
    finding.link.function = top;
    finding.weight = function->self.alloc_bytes / 16;
    text_printf(&finding.title, "%.0f %% of all bytes churn through ", share * 100);
    findings_add_name(&finding.title, analysis, top);
    text_add_bytes_iec(&finding.text, function->self.alloc_bytes);
    text_add(&finding.text, " were allocated there in ");
    text_add_counted(&finding.text, function->self.alloc_n, "block");
    text_add(&finding.text, " and freed again: a buffer that is kept would save the calls.");
    findings_push(analysis, &finding);
}

static void findings_temporary(struct analysis *analysis)
{
    const struct model_sums *sums = &analysis->model->sums;
    double share = estimate_share(sums->temporary_n, sums->alloc_n);
    uint32_t top;
    if (share < findings_temporary_share || sums->temporary_n < FINDINGS_BLOCKS_LEAST ||
        !analysis_top(analysis, FUNCTION_TEMPORARY, 1, &top))
        return;
    struct finding finding =
            findings_make("temporary", FINDING_LOW, share, "ratio", "table", "temp");
    finding.link.function = top;
    finding.weight = sums->temporary_n;
    text_printf(&finding.title,
                "%.0f %% of the blocks are freed before the next allocation, most "
                "from ",
                share * 100);
    findings_add_name(&finding.title, analysis, top);
    text_add_counted(&finding.text, sums->temporary_n, "block");
    text_add(&finding.text, " lived for nothing but the next few calls: they cost time, not "
                            "memory.");
    findings_push(analysis, &finding);
}

static void findings_tasks(struct analysis *analysis)
{
    const struct model *model = analysis->model;
    uint64_t bytes = 0, tasks = 0;
    bool *counted = calloc(model->tasks.n + 1, sizeof *counted);
    for (size_t i = 0; counted && i < model->cells.n; i++) {
        const struct model_cell *cell = &model->cells.at[i];
        uint32_t task = cell->key.task;
        if (task == 0 || task >= model->tasks.n || !model->tasks.at[task].ended_ns ||
            !cell->live_bytes)
            continue;
        bytes += cell->live_bytes;
        tasks += !counted[task];
        counted[task] = true;
    }
    free(counted);
    if (bytes < FINDINGS_BYTES_LEAST)
        return;
    struct finding finding =
            findings_make("task-retains", FINDING_HIGH, (double)bytes, "bytes", "tasks", "live");
    finding.weight = bytes;
    text_add_counted(&finding.title, tasks, "ended task");
    text_add(&finding.title, tasks == 1 ? " still holds " : " still hold ");
    text_add_bytes_iec(&finding.title, bytes);
    text_add(&finding.text, tasks == 1
                                    ? "The task is gone, what it allocated is not: something it "
                                      "filled outlives it."
                                    : "The tasks are gone, what they allocated is not: something "
                                      "they filled outlives them.");
    findings_push(analysis, &finding);
}

static void findings_crossing(struct analysis *analysis)
{
    uint32_t best = MODEL_NONE;
    uint64_t most = 0;
    for (uint32_t i = 0; i < analysis->functions.n; i++) {
        const struct figures *self = &analysis->functions.at[i].self;
        if (self->other_thread_free_n >= FINDINGS_BLOCKS_LEAST * 10 &&
            estimate_share(self->other_thread_free_n, self->free_n) >= findings_crossing_share &&
            self->free_bytes > most) {
            best = i;
            most = self->free_bytes;
        }
    }
    if (best == MODEL_NONE)
        return;
    const struct figures *self = &analysis->functions.at[best].self;
    double share = estimate_share(self->other_thread_free_n, self->free_n);
    struct finding finding =
            findings_make("cross-thread-free", FINDING_LOW, share, "ratio", "tasks", "freed");
    finding.link.function = best;
    finding.weight = self->other_thread_free_n;
    text_printf(&finding.title, "%.0f %% of the blocks of ", share * 100);
    findings_add_name(&finding.title, analysis, best);
    text_add(&finding.title, " are freed by another thread");
    text_add(&finding.text, "Allocators pay for memory that changes threads: hand over fewer, "
                            "larger blocks.");
    findings_push(analysis, &finding);
}

static void findings_realloc(struct analysis *analysis)
{
    uint32_t best = MODEL_NONE;
    uint64_t most = 0;
    for (uint32_t i = 0; i < analysis->functions.n; i++) {
        const struct figures *self = &analysis->functions.at[i].self;
        if (self->realloc_n >= FINDINGS_BLOCKS_LEAST && self->realloc_n * 2 > self->alloc_n &&
            self->alloc_bytes > most && self->alloc_bytes >= (uint64_t)16 * FINDINGS_BYTES_LEAST) {
            best = i;
            most = self->alloc_bytes;
        }
    }
    if (best == MODEL_NONE)
        return;
    const struct figures *self = &analysis->functions.at[best].self;
    struct finding finding = findings_make("realloc-growth", FINDING_LOW, (double)self->realloc_n,
                                           "count", "patterns", "alloc");
    finding.link.function = best;
    finding.weight = self->alloc_bytes / 32;
    findings_add_name(&finding.title, analysis, best);
    text_add(&finding.title, " grows its buffers by ");
    text_add_counted(&finding.title, self->realloc_n, "realloc");
    text_add(&finding.text, "Reserve the size at once where it is known.");
    findings_push(analysis, &finding);
}

static uint64_t findings_rss_largest(const struct rss_line *rss, enum findings_rss_part *ret_part)
{
    const uint64_t parts[FINDINGS_RSS_PARTS] = {
            rss->mapped_bytes, rss->held_bytes, rss->unseen_bytes,
            rss->file_bytes + rss->stack_bytes, rss->other_bytes};
    size_t largest = 0;
    for (size_t i = 1; i < FINDINGS_RSS_PARTS; i++)
        largest = parts[i] > parts[largest] ? i : largest;
    *ret_part = (enum findings_rss_part)largest;
    return parts[largest];
}

static void findings_rss_explain(struct finding *finding, const struct analysis *analysis,
                                 enum findings_rss_part part)
{
    struct mappings_place place;
    size_t total;
    text_add(&finding->text, findings_rss_texts[part].text);
    if (part != FINDINGS_RSS_MAPPED || !mappings_places(analysis->model, 1, &place, &total))
        return;
    struct text name = {0};
    mappings_add_name(&name, analysis->model, place.mapping);
    text_add(&finding->text, " The most is mapped by ");
    text_add_shown(&finding->text, text_string(&name), name.n);
    text_add(&finding->text, ": ");
    text_add_bytes_iec(&finding->text, place.peak_bytes);
    text_add_char(&finding->text, '.');
    text_done(&name);
}

static void findings_rss(struct analysis *analysis)
{
    const struct rss_line *rss = &analysis->rss;
    uint64_t live = analysis->model->sums.peak_bytes;
    uint64_t above = rss->peak_bytes > rss->heap_bytes ? rss->peak_bytes - rss->heap_bytes : 0;
    if (above < (uint64_t)FINDINGS_RSS_LEAST || rss->peak_bytes / FINDINGS_RSS_TIMES < live)
        return;
    enum findings_rss_part part;
    uint64_t largest = findings_rss_largest(rss, &part);
    struct finding finding =
            findings_make("rss-above-heap", findings_rss_texts[part].severity,
                          live ? (double)rss->peak_bytes / (double)live : 0, "ratio", "run", NULL);
    finding.weight = above;
    text_add(&finding.title, "resident memory is far above the live heap: ");
    text_add_bytes_iec(&finding.title, largest);
    text_add(&finding.title, " of ");
    text_add_bytes_iec(&finding.title, rss->peak_bytes);
    text_add_char(&finding.title, ' ');
    text_add(&finding.title, findings_rss_texts[part].title);
    findings_rss_explain(&finding, analysis, part);
    findings_push(analysis, &finding);
}

static void findings_loss(struct analysis *analysis)
{
    const struct model_loss *loss = &analysis->model->loss;
    uint64_t lost = loss->event_n + loss->abandoned_record_n;
    if (lost == 0 && loss->gap_ns < FINDINGS_GAP_LEAST_NS)
        return;
    struct finding finding =
            findings_make("events-lost", FINDING_HIGH, (double)lost, "count", "run", NULL);
    finding.weight = UINT64_MAX;
    text_add(&finding.title, "recording was incomplete: ");
    text_add_counted(&finding.title, lost, "event");
    text_printf(&finding.title, " lost, off for %.1f s; the figures are too low",
                (double)loss->gap_ns / 1e9);
    text_add(&finding.text,
             "The recorder was stopped or could not keep up; see the run's notices.");
    findings_push(analysis, &finding);
}

static int findings_compare(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;
    if (x->severity != y->severity)
        return x->severity < y->severity ? -1 : 1;
    return x->weight == y->weight ? strcmp(x->id, y->id) : x->weight < y->weight ? 1 : -1;
}

void findings_collect(struct analysis *analysis)
{
    findings_loss(analysis);
    findings_growth(analysis);
    findings_tasks(analysis);
    findings_peak(analysis);
    findings_churn(analysis);
    findings_temporary(analysis);
    findings_crossing(analysis);
    findings_realloc(analysis);
    findings_rss(analysis);
    if (analysis->findings.n)
        qsort(analysis->findings.at, analysis->findings.n, sizeof(struct finding),
              findings_compare);
}
