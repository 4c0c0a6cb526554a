/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a process went over from one strategy to the next: with its second thread, with its first
 * task. Both are known from their first event on.
 */
#include "analyze/phases.h"

#include "analyze/session.h"

/* When the process had its second thread; 0: it never had. */
static uint64_t phases_second_thread(const struct model *model, uint32_t process)
{
    uint64_t first = UINT64_MAX, second = UINT64_MAX;
    for (size_t i = 0; i < model->threads.n; i++) {
        uint64_t start = model->threads.at[i].start_ns;
        if (model->threads.at[i].process != process)
            continue;
        second = start < first ? first : start < second ? start : second;
        first = start < first ? start : first;
    }
    return second == UINT64_MAX ? 0 : second;
}

static uint64_t phases_first_task(const struct model *model, uint32_t process)
{
    uint64_t first = UINT64_MAX;
    for (size_t i = 1; i < model->tasks.n; i++) {
        const struct model_task *task = &model->tasks.at[i];
        if (task->process == process && task->group != i && task->runtime &&
            task->first_poll_ns < first)
            first = task->first_poll_ns;
    }
    return first == UINT64_MAX ? 0 : first;
}

static bool phases_is_hybrid(const char *strategy)
{
    static const char hybrid[] = "Hybrid";
    size_t i = 0;
    while (hybrid[i] && strategy[i] == hybrid[i])
        i++;
    return hybrid[i] == strategy[i];
}

size_t phases_of(const struct model *model, struct phase *ret_phases)
{
    struct session session = session_of(model);
    if (!session.root || !phases_is_hybrid(session.strategy))
        return 0;
    uint32_t process = (uint32_t)(session.root - model->processes.at);
    uint64_t threads = phases_second_thread(model, process);
    uint64_t tasks = phases_first_task(model, process);
    size_t n = 0;
    ret_phases[n++] = (struct phase){"SingleThread", 0};
    if (threads && (!tasks || threads <= tasks))
        ret_phases[n++] = (struct phase){"ThreadLocal", threads};
    if (tasks)
        ret_phases[n++] = (struct phase){"AsyncOptimized", tasks};
    return n;
}
