/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of the summary: title, the facts, and which sections follow. */
#include "export/summary.h"

#include <string.h>

#include "analyze/estimate.h"
#include "analyze/timeline.h"
#include "export/columns.h"
#include "export/summary_parts.h"

enum {
    SUMMARY_COLUMNS_LEAST = 60,
    SUMMARY_COLUMNS_MOST = 120,
    SUMMARY_COLUMNS_WIDE = 80,
    SUMMARY_LABEL = 14
};

void summary_ink(struct summary *summary, enum summary_ink ink)
{
    static const char *const codes[] = {"\033[0m",  "\033[1m",  "\033[2m",
                                        "\033[33m", "\033[31m", "\033[32m"};
    if (summary->style.color)
        text_add(&summary->out, codes[ink]);
}

static const char *summary_bytes(struct summary *summary, uint64_t bytes)
{
    text_clear(&summary->part);
    text_add_bytes_iec(&summary->part, bytes);
    return text_string(&summary->part);
}

/* "  label     value   " */
static void summary_fact(struct summary *summary, const char *label, const char *value)
{
    text_add(&summary->out, "  ");
    columns_add_left(&summary->out, label, SUMMARY_LABEL - 2);
    summary_ink(summary, INK_HEAD);
    columns_add_right(&summary->out, value, 11);
    summary_ink(summary, INK_PLAIN);
    text_add(&summary->out, "   ");
}

/* " · AsyncOptimized/tokio" where there is room. */
static void summary_strategy(struct summary *summary, struct text *right)
{
    const char *runtime = model_fact_get(summary->model, "runtime");
    if (summary->width < 70)
        return;
    text_printf(right, " · %s", summary->session.strategy);
    if (runtime && *runtime) {
        text_add_char(right, '/');
        text_add_shown(right, runtime, strnlen(runtime, 24));
    }
}

/* The command to the left, how long and how it ended to the right. */
static void summary_title(struct summary *summary)
{
    struct text right = {0}, command = {0};
    session_add_time(&right, summary->model->end_ns);
    text_add(&right, " · ");
    session_add_end(&right, &summary->session);
    summary_strategy(summary, &right);
    const char *brief = session_brief(summary->session.command);
    text_add_shown(&command, brief, strnlen(brief, 1024));
    size_t right_width = columns_width(text_string(&right), right.n);
    size_t left = summary->width > right_width + 22 ? summary->width - right_width - 12 : 10;
    summary_ink(summary, INK_HEAD);
    text_add(&summary->out, "memscope");
    summary_ink(summary, INK_PLAIN);
    text_add(&summary->out, "  ");
    columns_add_left(&summary->out, text_string(&command), left);
    text_printf(&summary->out, "  %s\n", text_string(&right));
    text_done(&right);
    text_done(&command);
}

static void summary_peak_fact(struct summary *summary)
{
    const struct model *model = summary->model;
    enum { BARS_MOST = 60 };
    uint64_t bars[BARS_MOST];
    size_t used = SUMMARY_LABEL + 11 + 3, start;
    summary_fact(summary, "peak live", summary_bytes(summary, model->sums.peak_bytes));
    start = summary->out.n;
    if (model->sampled) {
        struct estimate peak = estimate_of(&summary->analysis->figures, ESTIMATE_PEAK_BYTES);
        if (peak.few || peak.value <= 0)
            text_printf(&summary->out, "few samples%s", model->sums.peak_bytes ? ", " : "");
        else
            text_printf(&summary->out, "±%.0f %%, ", 50 * (peak.high - peak.low) / peak.value);
    }
    if (model->sums.peak_bytes) {
        text_add(&summary->out, "at ");
        session_add_time(&summary->out, model->sums.peak_at_ns);
    }
    used += summary->out.n - start;
    struct text rss = {0};
    if (summary->analysis->rss.peak_bytes) {
        text_add(&rss, "peak RSS ");
        text_add_bytes_iec(&rss, summary->analysis->rss.peak_bytes);
    }
    size_t room = summary->width > used + rss.n + 8 ? summary->width - used - rss.n - 6 : 0;
    size_t n = room > BARS_MOST ? BARS_MOST : room;
    if (n >= 8 && model->sums.peak_bytes) {
        timeline_high(model, n, bars);
        text_add(&summary->out, "   ");
        summary_ink(summary, INK_DIM);
        columns_add_bars(&summary->out, bars, n, n);
        summary_ink(summary, INK_PLAIN);
    }
    if (rss.n)
        text_printf(&summary->out, "%s%s", summary->out.n > start ? "   " : "", text_string(&rss));
    else if (summary->out.n == start)
        summary->out.n -= strlen("   "); /* nothing follows the figure */
    text_add_char(&summary->out, '\n');
    text_done(&rss);
}

/* When what is still live was: of many processes the sum may be above the peak of all together. */
static void summary_when(struct summary *summary)
{
    size_t n = summary->model->processes.n;
    if (!summary->model->finished)
        text_add(&summary->out, "now in ");
    else if (n <= 1)
        text_add(&summary->out, "at the end in ");
    else if (summary->width < SUMMARY_COLUMNS_WIDE)
        text_add(&summary->out, "at each one's end in ");
    else
        text_printf(&summary->out, "at the end of each of %zu processes in ", n);
}

static void summary_facts(struct summary *summary)
{
    const struct model_sums *sums = &summary->model->sums;
    const struct figures *figures = &summary->analysis->figures;
    double seconds = (double)summary->model->end_ns / 1e9;
    summary_peak_fact(summary);
    summary_fact(summary, "allocated", summary_bytes(summary, sums->alloc_bytes));
    text_add_counted(&summary->out, sums->alloc_n, "block");
    if (seconds > 0 && sums->alloc_n) {
        text_add(&summary->out, ", ");
        columns_add_count(&summary->out, (uint64_t)((double)sums->alloc_n / seconds));
        text_add(&summary->out, "/s");
        if (summary->width >= 70) {
            text_add(&summary->out, ", avg ");
            text_add_bytes_iec(&summary->out, sums->alloc_bytes / sums->alloc_n);
        }
    }
    text_add_char(&summary->out, '\n');
    summary_fact(summary, "still live", summary_bytes(summary, figures->live_bytes));
    summary_when(summary);
    text_add_counted(&summary->out, figures->live_n, "block");
    if (summary->model->sampled) {
        struct estimate live = estimate_of(figures, ESTIMATE_LIVE_BYTES);
        if (live.value > 0 && !live.few)
            text_printf(&summary->out, ", ±%.0f %%", 50 * (live.high - live.low) / live.value);
        if (live.few)
            text_add(&summary->out, ", few samples");
    }
    text_add_char(&summary->out, '\n');
    text_clear(&summary->part);
    text_printf(&summary->part, "%.0f %%", 100 * estimate_share(sums->temporary_n, sums->alloc_n));
    summary_fact(summary, "temporary", text_string(&summary->part));
    text_add(&summary->out, "freed before the next allocation\n");
}

void summary_heading(struct summary *summary, const char *heading, const char *titles)
{
    size_t n = strlen(heading), right = columns_width(titles, strlen(titles));
    if (columns_width(heading, n) + 3 + right > summary->width)
        n = strcspn(heading, ",");
    size_t used = columns_width(heading, n) + 2;
    text_add(&summary->out, summary->style.full || !summary->has_list ? "\n  " : "  ");
    summary->has_list = true;
    summary_ink(summary, INK_HEAD);
    text_add_n(&summary->out, heading, n);
    summary_ink(summary, INK_DIM);
    if (right)
        columns_add_blanks(&summary->out,
                           summary->width > used + right ? summary->width - used - right : 1);
    text_add(&summary->out, titles);
    summary_ink(summary, INK_PLAIN);
    text_add_char(&summary->out, '\n');
}

static void summary_sections(struct summary *summary)
{
    bool full = summary->style.full;
    summary_peak(summary, full ? 10 : 3);
    summary_leaks(summary, full ? 10 : 2);
    summary_churn(summary, full ? 10 : summary->width < 80 ? 1 : 2);
    if (full) {
        summary_temporary(summary, 5);
        summary_threads(summary, 8);
        summary_task_names(summary, 8);
        summary_task_tree(summary, 16);
        summary_processes(summary, 10);
        summary_mapped(summary);
    }
    summary_tasks(summary);
    summary_phases(summary);
    summary_findings(summary, full ? FINDINGS_MAX : 2);
}

void summary_add(struct text *text, const struct analysis *analysis,
                 const struct summary_style *style, const struct summary_files *files)
{
    struct summary summary = {.analysis = analysis,
                              .model = analysis->model,
                              .session = session_of(analysis->model),
                              .style = *style,
                              .width = style->columns};
    if (summary.width < SUMMARY_COLUMNS_LEAST)
        summary.width = SUMMARY_COLUMNS_LEAST;
    if (summary.width > SUMMARY_COLUMNS_MOST)
        summary.width = SUMMARY_COLUMNS_MOST;
    summary_title(&summary);
    summary_facts(&summary);
    summary_sections(&summary);
    summary_suppressed(&summary);
    summary_resident(&summary);
    summary_cost(&summary);
    summary_notices(&summary);
    summary_outputs(&summary, files);
    if (style->utf8)
        text_add_n(text, text_string(&summary.out), summary.out.n);
    else
        columns_add_ascii(text, text_string(&summary.out), summary.out.n);
    text->failed |= summary.out.failed;
    text_done(&summary.out);
    text_done(&summary.part);
}
