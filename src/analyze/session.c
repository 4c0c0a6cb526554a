/* SPDX-License-Identifier: Apache-2.0 */
/* Who ran, how long, how it ended. */
#include "analyze/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct model_process *session_root(const struct model *model)
{
    VEC_EACH (struct model_process, process, &model->processes) {
        if (process->parent == MODEL_NONE)
            return process;
    }
    return model->processes.n ? model->processes.at : NULL;
}

/* The image that a chain of execs in the root's pid ended with. */
static const struct model_process *session_last(const struct model *model,
                                                const struct model_process *root)
{
    const struct model_process *last = root;
    for (size_t i = 0; root && i < model->processes.n; i++) {
        const struct model_process *process = &model->processes.at[i];
        if (process->is_exec && process->pid == root->pid && process->start_ns >= last->start_ns)
            last = process;
    }
    return last;
}

struct session session_of(const struct model *model)
{
    static const char *const strategies[] = {"SingleThread", "ThreadLocal", "AsyncOptimized",
                                             "Hybrid", "Legacy"};
    struct session session = {.duration_ms = model->end_ns / 1000000, .root = session_root(model)};
    snprintf(session.id, sizeof session.id, "session_%llu",
             (unsigned long long)(model->start_unix_ns / 1000000));
    session.last = session_last(model, session.root);
    const char *strategy = model_fact_get(model, "strategy");
    if (!strategy && session.last)
        strategy = model_string_at(model, session.last->strategy);
    session.strategy = "ThreadLocal";
    for (size_t i = 0; strategy && i < sizeof strategies / sizeof strategies[0]; i++) {
        if (strcmp(strategies[i], strategy) == 0)
            session.strategy = strategies[i];
    }
    session.command = model_fact_get(model, "command");
    if (!session.command && session.root)
        session.command = model_string_at(model, session.root->command);
    if (!session.command || !*session.command)
        session.command = session.root ? model_string_at(model, session.root->exe) : "";
    session.is_sampled = model->sampled;
    return session;
}

const char *session_brief(const char *command)
{
    const char *brief = command;
    for (const char *at = command; *at && *at != ' '; at++) {
        if (*at == '/' && at[1] && at[1] != ' ')
            brief = at + 1;
    }
    return brief;
}

void session_add_end(struct text *text, const struct session *session)
{
    if (!session->last) {
        text_add(text, "nothing recorded");
        return;
    }
    const char *name;
    switch (session->last->end) {
    case PROCESS_RUNNING:
        text_add(text, "still running");
        break;
    case PROCESS_EXITED:
        text_printf(text, "exit %d", session->last->status);
        break;
    case PROCESS_SIGNALED:
        name = sigabbrev_np(session->last->status);
        text_printf(text, "killed by signal %d%s%s%s", session->last->status, name ? " (SIG" : "",
                    name ? name : "", name ? ")" : "");
        break;
    default:
        text_add(text, "end not seen");
        break;
    }
}

void session_add_time(struct text *text, uint64_t ns)
{
    unsigned long long seconds = ns / 1000000000;
    if (ns == 0)
        text_add(text, "0 s");
    else if (ns < 1000000)
        text_printf(text, "%.*f µs", ns < 100000 ? 1 : 0, (double)ns / 1e3);
    else if (ns < 10000000)
        text_printf(text, "%.2f ms", (double)ns / 1e6);
    else if (ns < 1000000000)
        text_printf(text, "%.0f ms", (double)ns / 1e6);
    else if (seconds < 120)
        text_printf(text, "%.2f s", (double)ns / 1e9);
    else if (seconds < 7200)
        text_printf(text, "%llu min %llu s", seconds / 60, seconds % 60);
    else
        text_printf(text, "%llu h %llu min", seconds / 3600, seconds / 60 % 60);
}

double session_fact_double(const struct model *model, const char *key, double fallback)
{
    const char *value = model_fact_get(model, key);
    char *end = NULL;
    double number = value ? strtod(value, &end) : fallback;
    return value && (end == value || number != number) ? fallback : number;
}

uint64_t session_fact_u64(const struct model *model, const char *key, uint64_t fallback)
{
    const char *value = model_fact_get(model, key);
    if (!value || *value < '0' || *value > '9')
        return fallback;
    return strtoull(value, NULL, 10);
}
