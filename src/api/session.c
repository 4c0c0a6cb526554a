/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: windows over the process's recording, from a barrier to a barrier. */
#include "api/session.h"

#include <stdatomic.h>
#include <time.h>

#include "api/ask.h"
#include "api/fault.h"
#include "api/object.h"
#include "capture/cpu/x86_64/syscall.h"

/* A name for the session: milliseconds since 1970, later for one that would get another's. */
static void session_name(char *id)
{
    static _Atomic uint64_t last;
    struct timespec now = {0};
    syscall_3(SYS_clock_gettime, CLOCK_REALTIME, (long)(uintptr_t)&now, 0);
    uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    uint64_t before = atomic_load(&last);
    do {
        if (ms <= before)
            ms = before + 1;
    } while (!atomic_compare_exchange_weak(&last, &before, ms));
    fault_copy(id, ANALYSIS_ID_BYTES, "session_");
    fault_add_number(id, ANALYSIS_ID_BYTES, ms);
}

int session_analyse(const struct session_begin *begin, memscope_analysis **ret_analysis,
                    struct memscope_error *error)
{
    struct control_status status;
    bool partial, late;
    long fd;
    int err = recorder_status(&status, &partial, error);
    if (err == MEMSCOPE_OK)
        err = recorder_snapshot(&fd, &late, error);
    if (err < 0)
        return err;
    const struct analysis_window window = {
            .from = &begin->status,
            .to = &status,
            .duration_ns = ask_now_ns() - begin->at_ns,
            .init_ns = begin->init_ns,
            .session_id = begin->id,
            .strategy = begin->strategy,
            .partial = partial || late,
    };
    return analysis_new(ret_analysis, fd, &window, error);
}

/* The session's beginning; its events come after the barrier that gave the status. */
static int session_open(memscope_session *session, memscope_backend *backend,
                        struct memscope_error *error)
{
    struct session_begin *begin = &session->begin;
    uint64_t asked_ns = ask_now_ns();
    int err = recorder_take(&backend->plan, &session->hold, &begin->status, error);
    if (err < 0)
        return err;
    begin->at_ns = ask_now_ns();
    begin->init_ns = begin->at_ns - asked_ns;
    begin->strategy = recorder_strategy();
    session_name(begin->id);
    session->backend = backend;
    lock_take(&backend->lock);
    if (backend->first.at_ns == 0)
        backend->first = *begin;
    backend->plan.strategy = begin->strategy;
    backend->reference_n++;
    session->next = backend->sessions;
    backend->sessions = session;
    lock_give(&backend->lock);
    return MEMSCOPE_OK;
}

int memscope_backend_start_tracking(memscope_backend *backend, memscope_session **ret_session,
                                    struct memscope_error *ret_error)
{
    if (!backend || !ret_session)
        return fault_set(ret_error, MEMSCOPE_E_INVALID, "backend or ret_session is NULL", NULL);
    memscope_session *session = object_take(sizeof *session);
    if (!session)
        return fault_set(ret_error, MEMSCOPE_E_MEMORY, "no memory for a session", NULL);
    int err = session_open(session, backend, ret_error);
    if (err < 0) {
        object_give(session, sizeof *session);
        return err;
    }
    *ret_session = session;
    return MEMSCOPE_OK;
}

void session_stop(memscope_session *session)
{
    if (!session->hold.image)
        return;
    if (!recorder_forked(&session->hold))
        recorder_give(&session->hold);
    session->hold.image = 0;
    session->end_ns = ask_now_ns();
}

const char *memscope_session_id(const memscope_session *session)
{
    return session ? session->begin.id : "";
}

uint64_t memscope_session_elapsed_ns(const memscope_session *session)
{
    if (!session)
        return 0;
    return (session->end_ns ? session->end_ns : ask_now_ns()) - session->begin.at_ns;
}

int memscope_session_state(const memscope_session *session)
{
    if (!session)
        return MEMSCOPE_E_INVALID;
    if (!session->hold.image)
        return MEMSCOPE_SESSION_ENDED;
    if (recorder_forked(&session->hold))
        return MEMSCOPE_SESSION_FORKED;
    return session->lost ? MEMSCOPE_SESSION_LOST : MEMSCOPE_SESSION_ACTIVE;
}

int memscope_session_strategy(const memscope_session *session)
{
    return session ? session->begin.strategy : MEMSCOPE_E_INVALID;
}

int memscope_session_collect(memscope_session *session, memscope_analysis **ret_analysis,
                             struct memscope_error *ret_error)
{
    if (!session || !ret_analysis)
        return fault_set(ret_error, MEMSCOPE_E_INVALID, "session or ret_analysis is NULL", NULL);
    int state = memscope_session_state(session);
    if (state == MEMSCOPE_SESSION_ENDED)
        return fault_set(ret_error, MEMSCOPE_E_ENDED, "the session has ended", NULL);
    if (state == MEMSCOPE_SESSION_FORKED)
        return fault_set(ret_error, MEMSCOPE_E_ENDED,
                         "the session is the parent's: it ended here with the fork", NULL);
    int err = session_analyse(&session->begin, ret_analysis, ret_error);
    if (err == MEMSCOPE_E_COLLECTOR_LOST)
        session->lost = true;
    return err;
}

int memscope_session_end(memscope_session *session, memscope_analysis **ret_analysis,
                         struct memscope_error *ret_error)
{
    memscope_analysis *analysis = NULL;
    if (!session)
        return fault_set(ret_error, MEMSCOPE_E_INVALID, "session is NULL", NULL);
    int err = MEMSCOPE_OK;
    if (ret_analysis)
        err = memscope_session_collect(session, &analysis, ret_error);
    else if (memscope_session_state(session) == MEMSCOPE_SESSION_ENDED ||
             memscope_session_state(session) == MEMSCOPE_SESSION_FORKED)
        err = fault_set(ret_error, MEMSCOPE_E_ENDED, "the session has ended", NULL);
    lock_take(&session->backend->lock);
    session_stop(session);
    lock_give(&session->backend->lock);
    if (ret_analysis && err == MEMSCOPE_OK)
        *ret_analysis = analysis;
    return err;
}

void memscope_session_free(memscope_session *session)
{
    if (!session)
        return;
    memscope_backend *backend = session->backend;
    lock_take(&backend->lock);
    session_stop(session);
    memscope_session **at = &backend->sessions;
    while (*at && *at != session)
        at = &(*at)->next;
    if (*at)
        *at = session->next;
    lock_give(&backend->lock);
    object_give(session, sizeof *session);
    backend_release(backend);
}
