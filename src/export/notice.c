/* SPDX-License-Identifier: Apache-2.0 */
/* The model's loss in sentences. */
#include "export/notice.h"

#include <stdarg.h>
#include <stdio.h>

#include "analyze/session.h"

struct notice_list {
    struct notice *at;
    size_t n;
};

static void notice_push(struct notice_list *list, enum notice_severity severity, const char *kind,
                        uint64_t value, const char *unit, const char *format, ...)
        __attribute__((format(printf, 6, 7)));

static void notice_push(struct notice_list *list, enum notice_severity severity, const char *kind,
                        uint64_t value, const char *unit, const char *format, ...)
{
    if (value == 0 || list->n == NOTICES_MAX)
        return;
    struct notice *notice = &list->at[list->n++];
    *notice = (struct notice){.severity = severity, .kind = kind, .value = value, .unit = unit};
    va_list args;
    va_start(args, format);
    vsnprintf(notice->text, sizeof notice->text, format, args);
    va_end(args);
}

const char *notice_severity_name(enum notice_severity severity)
{
    static const char *const names[] = {"error", "warning", "note"};
    return names[severity];
}

static const char *notice_s(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static const char *notice_are(uint64_t n)
{
    return n == 1 ? "is" : "are";
}

/* Behind the noun that is counted. */
static const char *notice_s_were(uint64_t n)
{
    return n == 1 ? " was" : "s were";
}

static void notices_lost(struct notice_list *list, const struct model *model)
{
    const struct model_loss *loss = &model->loss;
    const char *names = model_fact_get(model, "unrecorded_names");
    notice_push(list, NOTICE_ERROR, "lost", loss->event_n, "count",
                "%llu event%s found no room and %s missing: all figures are too low.",
                (unsigned long long)loss->event_n, notice_s(loss->event_n),
                notice_are(loss->event_n));
    notice_push(list, NOTICE_ERROR, "gap", loss->gap_ns, "ns",
                "Recording was off for %.3f s because the recorder did not answer.",
                (double)loss->gap_ns / 1e9);
    notice_push(list, NOTICE_ERROR, "lost", loss->abandoned_record_n, "count",
                "%llu record%s begun and never finished.",
                (unsigned long long)loss->abandoned_record_n,
                notice_s_were(loss->abandoned_record_n));
    notice_push(list, NOTICE_WARNING, "checkpoint", loss->checkpoint_age_ns, "ns",
                "The recording was cut: its last %.1f s are missing.",
                (double)loss->checkpoint_age_ns / 1e9);
    notice_push(list, NOTICE_WARNING, "unrecorded", loss->unrecorded_process_n, "count",
                "%llu program%s of the tree could not be recorded%s%s.",
                (unsigned long long)loss->unrecorded_process_n,
                notice_s(loss->unrecorded_process_n), names ? ": " : "", names ? names : "");
    notice_push(list, NOTICE_WARNING, "lost", loss->unknown_stack_n, "count",
                "%llu event%s no call stack.", (unsigned long long)loss->unknown_stack_n,
                loss->unknown_stack_n == 1 ? " has" : "s have");
}

static void notices_guessed(struct notice_list *list, const struct model *model)
{
    const struct model_loss *loss = &model->loss;
    notice_push(list, NOTICE_NOTE, "truncated", loss->truncated_stack_n, "count",
                "%llu stack%s too deep and recorded without middle frames.",
                (unsigned long long)loss->truncated_stack_n,
                notice_s_were(loss->truncated_stack_n));
    notice_push(list, NOTICE_NOTE, "guessed", loss->guessed_stack_n, "count",
                "%llu stack%s code without unwind information: the frames there are guessed.",
                (unsigned long long)loss->guessed_stack_n,
                loss->guessed_stack_n == 1 ? " passes" : "s pass");
    notice_push(list, NOTICE_NOTE, "late", loss->late_record_n, "count",
                "%llu record%s late and applied out of order.",
                (unsigned long long)loss->late_record_n, notice_s_were(loss->late_record_n));
    notice_push(list, NOTICE_NOTE, "folded", loss->folded_row_n + loss->folded_cell_n, "count",
                "%llu rows and cells were merged to bound the recording; sums are unchanged.",
                (unsigned long long)(loss->folded_row_n + loss->folded_cell_n));
    notice_push(list, NOTICE_NOTE, "unseen", model->sums.unknown_free_n, "count",
                "%llu free%s of blocks whose allocation was not seen.",
                (unsigned long long)model->sums.unknown_free_n,
                notice_s_were(model->sums.unknown_free_n));
    notice_push(list, NOTICE_NOTE, "inherited", model->sums.inherited_free_n, "count",
                "%llu free%s in forked children, of their parent's blocks.",
                (unsigned long long)model->sums.inherited_free_n,
                notice_s_were(model->sums.inherited_free_n));
    uint64_t paused_ns = session_fact_u64(model, "paused_ns", 0);
    notice_push(list, NOTICE_NOTE, "paused", paused_ns, "ns",
                "Recording was paused for %.1f s: what was allocated meanwhile is not in here.",
                (double)paused_ns / 1e9);
    const char *passed = model_fact_get(model, "passed_over_names");
    notice_push(list, NOTICE_NOTE, "passed-over", session_fact_u64(model, "passed_over", 0),
                "count",
                "Launchers and tools were passed over (%.120s): --include NAME records them.",
                passed ? passed : "");
}

/* What is not known of tasks, and why. */
static void notices_tasks(struct notice_list *list, const struct model *model)
{
    const char *unverified = model_fact_get(model, "tasks_unverified");
    const char *missing = model_fact_get(model, "tasks_missing");
    const char *pool = model_fact_get(model, "tasks_pool");
    notice_push(list, NOTICE_WARNING, "tasks-unverified", unverified != NULL, "count",
                "What looked like task types did not hold at their first call and was put back "
                "(runtime, types: %s): what they run counts for no task.",
                unverified ? unverified : "");
    notice_push(list, NOTICE_WARNING, "tasks-missing", missing != NULL, "count",
                "%s is present, but its task boundary was not found: no task of it is seen.",
                missing ? missing : "");
    notice_push(
            list, NOTICE_NOTE, "pymalloc", pool != NULL, "count",
            "Python keeps objects up to 512 bytes in a pool of its own, which is not seen here: "
            "with PYTHONMALLOC=malloc each of them is.");
}

/* Allocators whose blocks are not, or not all, what the figures speak of. */
static void notices_allocators(struct notice_list *list, const struct model *model)
{
    VEC_EACH (struct model_process, process, &model->processes) {
        const struct model_resident *resident = &process->resident;
        const char *name = model_string_at(model, process->allocator);
        uint64_t outside = resident->heap_bytes + resident->mapped_bytes;
        outside -= resident->live_bytes < outside ? resident->live_bytes : outside;
        if (process->allocator_is == ALLOCATOR_UNSEEN)
            notice_push(list, NOTICE_ERROR, "unseen-allocator", outside + 1, "bytes",
                        "The executable of pid %u brings %s, whose blocks are in no figure: "
                        "%.1f MiB of its memory are not explained by recorded blocks.",
                        process->pid, name, (double)outside / (1 << 20));
        else if (process->allocator_is == ALLOCATOR_ARENAS)
            notice_push(list, NOTICE_WARNING, "arenas", outside + 1, "bytes",
                        "Python (pid %u) cuts small objects out of arenas, which count as mapped "
                        "memory: with PYTHONMALLOC=malloc each object is a block of its own.",
                        process->pid);
    }
}

size_t notices_collect(const struct model *model, struct notice *ret_notices)
{
    struct notice_list list = {.at = ret_notices};
    notices_lost(&list, model);
    notices_allocators(&list, model);
    double rate = session_fact_double(model, "sample_rate", 1);
    notice_push(&list, NOTICE_WARNING, "sampled", model->sampled, "ratio",
                "Allocations were sampled (asked for: %g): totals are exact, all other figures are "
                "estimates with 95 %% intervals.",
                rate);
    uint64_t refused = session_fact_u64(model, "refused_samples", 0);
    notice_push(&list, NOTICE_WARNING, "sampled", refused, "count",
                "%llu sample%s found no room and %s missing: estimates are a little low.",
                (unsigned long long)refused, notice_s(refused), notice_are(refused));
    notices_guessed(&list, model);
    notices_tasks(&list, model);
    return list.n;
}
