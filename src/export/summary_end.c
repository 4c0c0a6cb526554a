/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the summary: tasks, findings, what it cost, what to trust, and what next. */
#include <stdio.h>
#include <string.h>

#include "analyze/estimate.h"
#include "analyze/mappings.h"
#include "analyze/phases.h"
#include "export/columns.h"
#include "export/notice.h"
#include "export/summary_parts.h"

enum { END_LABEL = 12 };

/* "  Label     " */
static void end_label(struct summary *summary, const char *label)
{
    text_add(&summary->out, "  ");
    summary_ink(summary, INK_HEAD);
    columns_add_left(&summary->out, label, END_LABEL - 2);
    summary_ink(summary, INK_PLAIN);
}

/* Adds words wrapped behind a label. */
static void end_wrap(struct summary *summary, const char *words, size_t indent)
{
    size_t at = indent;
    for (const char *word = words; *word;) {
        size_t n = strcspn(word, " ");
        size_t width = columns_width(word, n);
        if (at > indent && at + 1 + width > summary->width) {
            text_add_char(&summary->out, '\n');
            columns_add_blanks(&summary->out, indent);
            at = indent;
        } else if (at > indent) {
            text_add_char(&summary->out, ' ');
            at++;
        }
        text_add_n(&summary->out, word, n);
        at += width;
        word += n + (word[n] == ' ');
    }
    text_add_char(&summary->out, '\n');
}

void summary_tasks(struct summary *summary)
{
    const struct model *model = summary->model;
    uint64_t task_n = 0, alive = 0, held = 0;
    if (model->tasks.n < 2)
        return;
    for (size_t i = 1; i < model->tasks.n; i++) {
        const struct model_task *task = &model->tasks.at[i];
        /* Groups are not tasks, nor are entries that wait to be used anew. */
        bool real = task->group != i && task->runtime;
        task_n += real;
        alive += real && task->ended_ns == 0;
    }
    VEC_EACH (struct model_cell, cell, &model->cells) {
        if (cell->key.task && cell->key.task < model->tasks.n &&
            model->tasks.at[cell->key.task].ended_ns)
            held += cell->live_bytes;
    }
    uint64_t seen = session_fact_u64(model, "tasks_seen", 0);
    text_add(&summary->out, summary->style.full ? "\n" : "");
    end_label(summary, "Tasks");
    text_add_grouped(&summary->out, seen > task_n ? seen : task_n);
    text_add(&summary->out, " (");
    text_add_grouped(&summary->out, alive);
    text_add(&summary->out, " alive at the end); ended tasks still hold ");
    text_add_bytes_iec(&summary->out, held);
    text_add_char(&summary->out, '\n');
}

void summary_phases(struct summary *summary)
{
    struct phase phases[PHASES_MAX];
    size_t n = phases_of(summary->model, phases);
    if (n < 2)
        return;
    end_label(summary, "Phases");
    for (size_t i = 0; i < n; i++) {
        text_printf(&summary->out, "%s%s", i ? ", " : "", phases[i].strategy);
        text_add(&summary->out, i ? " from " : "");
        if (i)
            session_add_time(&summary->out, phases[i].from_ns);
    }
    text_add_char(&summary->out, '\n');
}

/* What was never freed is listed above: it is no finding while it does not grow, but it is there.
 */
static void end_no_findings(struct summary *summary)
{
    uint64_t n = 0, bytes = 0;
    VEC_EACH (struct leak, leak, &summary->analysis->leaks) {
        n += leak->n;
        bytes += leak->bytes;
    }
    struct text *part = &summary->part;
    text_clear(part);
    text_add(part, !summary->session.root ? "nothing was recorded: see memscope doctor"
                   : n                    ? "nothing grows, no hot churn; never freed: "
                                          : "no leak, no growth, no hot churn: nothing to do here");
    if (n) {
        text_add_counted(part, n, "block");
        text_add(part, ", ");
        text_add_bytes_iec(part, bytes);
    }
    summary_ink(summary, INK_GOOD);
    end_wrap(summary, text_string(part), END_LABEL);
    summary_ink(summary, INK_PLAIN);
}

void summary_findings(struct summary *summary, size_t most)
{
    const struct analysis *analysis = summary->analysis;
    text_add(&summary->out, summary->style.full ? "\n" : "");
    if (analysis->findings.n == 0) {
        end_label(summary, "Findings");
        end_no_findings(summary);
        return;
    }
    for (size_t i = 0; i < analysis->findings.n && i < most; i++) {
        const struct finding *finding = &analysis->findings.at[i];
        end_label(summary, i == 0 ? "Findings" : "");
        summary_ink(summary, finding->severity == FINDING_HIGH ? INK_BAD : INK_WARN);
        text_add(&summary->out, finding->severity == FINDING_LOW ? "- " : "! ");
        summary_ink(summary, INK_PLAIN);
        end_wrap(summary, text_string(&finding->title), END_LABEL + 2);
        if (!summary->style.full)
            continue;
        columns_add_blanks(&summary->out, END_LABEL + 2);
        end_wrap(summary, text_string(&finding->text), END_LABEL + 2);
    }
    if (analysis->findings.n > most) {
        end_label(summary, "");
        text_printf(&summary->out, "  and %zu more: memscope report\n",
                    analysis->findings.n - most);
    }
}

static void end_part(struct text *text, const char *name, uint64_t bytes)
{
    if (bytes == 0)
        return;
    text_add(text, text->n ? ", " : "");
    text_printf(text, "%s ", name);
    text_add_bytes_iec(text, bytes);
}

void summary_resident(struct summary *summary)
{
    const struct rss_line *rss = &summary->analysis->rss;
    struct text parts = {0};
    if (rss->peak_bytes == 0)
        return;
    end_part(&parts, "heap", rss->heap_bytes);
    end_part(&parts, "mapped by the program", rss->mapped_bytes);
    end_part(&parts, "held free by malloc", rss->held_bytes);
    end_part(&parts, "of an allocator not seen", rss->unseen_bytes);
    end_part(&parts, "code and files", rss->file_bytes);
    end_part(&parts, "stacks", rss->stack_bytes);
    end_part(&parts, "memscope", rss->self_bytes);
    end_part(&parts,
             rss->looked ? "between two looks" : "data, stacks, free (it ended before a look)",
             rss->other_bytes);
    end_label(summary, "Resident");
    end_wrap(summary, text_string(&parts), END_LABEL);
    text_done(&parts);
}

void summary_suppressed(struct summary *summary)
{
    const struct suppress *suppress = summary->analysis->suppress;
    uint64_t n = 0, bytes = 0, used = 0;
    for (size_t i = 0; suppress && i < suppress->rules.n; i++) {
        n += suppress->rules.at[i].n;
        bytes += suppress->rules.at[i].bytes;
        used += suppress->rules.at[i].n > 0;
    }
    if (!suppress || suppress->rules.n == 0)
        return;
    struct text *part = &summary->part;
    text_clear(part);
    text_add_bytes_iec(part, bytes);
    text_add(part, " never freed in ");
    text_add_counted(part, n, "block");
    text_printf(part, ", by %llu of ", (unsigned long long)used);
    text_add_counted(part, suppress->rules.n, "suppression");
    end_label(summary, "Quiet");
    end_wrap(summary, text_string(part), END_LABEL);
}

void summary_mapped(struct summary *summary)
{
    enum { MAPPED_SHOWN = 5 };
    const struct model *model = summary->model;
    struct mappings_place top[MAPPED_SHOWN];
    size_t total, n = mappings_places(model, MAPPED_SHOWN, top, &total);
    struct text *part = &summary->part;
    for (size_t i = 0; i < n; i++) {
        struct text name = {0};
        mappings_add_name(&name, model, top[i].mapping);
        text_clear(part);
        text_add_bytes_iec(part, top[i].peak_bytes);
        text_add(part, " at most, ");
        text_add_counted(part, top[i].n, "call");
        text_add(part, " by ");
        text_add_shown(part, text_string(&name), name.n);
        if (top[i].stack_n > 1)
            text_printf(part, " (%u stacks)", (unsigned)top[i].stack_n);
        end_label(summary, i == 0 ? "Mapped" : "");
        end_wrap(summary, text_string(part), END_LABEL);
        text_done(&name);
    }
}

/* --performance-monitoring: the figures of an event, and of the rings. */
static void summary_performance(struct summary *summary)
{
    const struct model *model = summary->model;
    struct text *part = &summary->part;
    double per_s = session_fact_double(model, "perf_events_per_s", -1);
    if (per_s < 0)
        return;
    text_clear(part);
    text_add_grouped(part, (uint64_t)per_s);
    text_printf(part, " events a second of %.3g bytes",
                session_fact_double(model, "perf_event_bytes", 0));
    double hook_ns = session_fact_double(model, "perf_hook_ns_p50", -1);
    if (hook_ns >= 0)
        text_printf(part, ", hooks %.0f ns (99 %%: %.0f ns)", hook_ns,
                    session_fact_double(model, "perf_hook_ns_p99", 0));
    double same = session_fact_double(model, "perf_stacks_unchanged_percent", -1);
    if (same >= 0)
        text_printf(part, ", %.0f %% of stacks as before (%.2g frames changed)", same,
                    session_fact_double(model, "perf_frames_changed_mean", 0));
    text_printf(part, ", rings %.2g %% full at most",
                session_fact_double(model, "perf_ring_full_most_percent", 0));
    text_printf(part, ", %.0f waits", session_fact_double(model, "perf_stalls", 0));
    end_label(summary, "Events");
    end_wrap(summary, text_string(part), END_LABEL);
}

void summary_cost(struct summary *summary)
{
    const struct model *model = summary->model;
    struct text *part = &summary->part;
    text_clear(part);
    double cpu = session_fact_double(model, "overhead_cpu_percent", -1);
    if (cpu >= 0)
        text_printf(part, "+%.1f %% CPU, ", cpu);
    uint64_t held = session_fact_u64(model, "overhead_bytes", 0);
    uint64_t most = session_fact_u64(model, "budget_bytes", 0);
    if (held && most)
        text_printf(part, "%.1f of %.0f MB in the program, ", (double)held / 1e6,
                    (double)most / 1e6);
    uint64_t recorder = session_fact_u64(model, "recorder_peak_bytes", 0);
    if (recorder)
        text_printf(part, "recorder %.0f MB, ", (double)recorder / 1e6);
    if (summary->analysis->exact)
        text_add(part, "every event recorded");
    else
        text_printf(part, "sampled: %.3g %% of blocks, %.3g %% of bytes",
                    100 * estimate_rate_n(model, &summary->analysis->figures),
                    100 * estimate_rate_bytes(model, &summary->analysis->figures));
    if (model->loss.event_n == 0)
        text_add(part, ", 0 lost");
    end_label(summary, "Cost");
    end_wrap(summary, text_string(part), END_LABEL);
    summary_performance(summary);
}

void summary_notices(struct summary *summary)
{
    struct notice notices[NOTICES_MAX];
    size_t n = notices_collect(summary->model, notices);
    size_t shown = 0;
    for (size_t i = 0; i < n; i++) {
        if (notices[i].severity == NOTICE_NOTE && !summary->style.full)
            continue;
        end_label(summary, shown++ ? "" : "Notice");
        bool grave = notices[i].severity == NOTICE_ERROR;
        summary_ink(summary, grave ? INK_BAD : INK_WARN);
        text_add(&summary->out, notices[i].severity == NOTICE_NOTE ? "- " : "! ");
        summary_ink(summary, INK_PLAIN);
        end_wrap(summary, notices[i].text, END_LABEL + 2);
    }
}

void summary_outputs(struct summary *summary, const struct summary_files *files)
{
    struct text shown = {0};
    for (size_t i = 0; i < files->n; i++) {
        const struct summary_file *file = &files->at[i];
        text_clear(&shown);
        text_add_shown(&shown, file->name, strlen(file->name));
        if (file->bytes)
            text_printf(&shown, " (%.1f %s)",
                        (double)file->bytes / (file->bytes < 1000000 ? 1e3 : 1e6),
                        file->bytes < 1000000 ? "kB" : "MB");
        end_label(summary, file->label);
        text_add(&summary->out, text_string(&shown));
        text_add_char(&summary->out, '\n');
    }
    if (files->recording) {
        text_clear(&shown);
        text_add_shown(&shown, files->recording, strlen(files->recording));
        end_label(summary, "Next");
        text_printf(&summary->out, "memscope report%s %s\n", summary->style.full ? " -e html" : "",
                    text_string(&shown));
    }
    text_done(&shown);
}
