/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the API that this build does not carry: each call gives a defined error. */
#include "api/backend.h"
#include "api/fault.h"
#include "memscope/memscope.h"

int backend_new(const struct backend_plan *plan, memscope_backend **ret_backend,
                struct memscope_error *error)
{
    return fault_set(error, MEMSCOPE_E_UNSUPPORTED, memscope_status_text(MEMSCOPE_E_UNSUPPORTED),
                     NULL);
}

int memscope_is_recording(void)
{
    return 0;
}

int memscope_backend_initialize(const struct memscope_backend_config *config,
                                memscope_backend **ret_backend, struct memscope_error *ret_error)
{
    return fault_set(ret_error, MEMSCOPE_E_UNSUPPORTED,
                     memscope_status_text(MEMSCOPE_E_UNSUPPORTED), NULL);
}

int memscope_quick_start(memscope_backend **ret_backend, struct memscope_error *ret_error)
{
    return fault_set(ret_error, MEMSCOPE_E_UNSUPPORTED,
                     memscope_status_text(MEMSCOPE_E_UNSUPPORTED), NULL);
}

int memscope_backend_start_tracking(memscope_backend *backend, memscope_session **ret_session,
                                    struct memscope_error *ret_error)
{
    return fault_set(ret_error, MEMSCOPE_E_UNSUPPORTED,
                     memscope_status_text(MEMSCOPE_E_UNSUPPORTED), NULL);
}

int memscope_backend_collect(memscope_backend *backend, memscope_analysis **ret_analysis,
                             struct memscope_error *ret_error)
{
    return fault_set(ret_error, MEMSCOPE_E_UNSUPPORTED,
                     memscope_status_text(MEMSCOPE_E_UNSUPPORTED), NULL);
}

int memscope_backend_get_config(const memscope_backend *backend,
                                struct memscope_backend_config *ret_config)
{
    return MEMSCOPE_E_UNSUPPORTED;
}

int memscope_backend_strategy(const memscope_backend *backend)
{
    return MEMSCOPE_E_UNSUPPORTED;
}

unsigned memscope_backend_session_n(const memscope_backend *backend)
{
    return 0;
}

int memscope_backend_shutdown(memscope_backend *backend, memscope_analysis **ret_analysis,
                              struct memscope_error *ret_error)
{
    return fault_set(ret_error, MEMSCOPE_E_UNSUPPORTED,
                     memscope_status_text(MEMSCOPE_E_UNSUPPORTED), NULL);
}

int memscope_self_test(struct memscope_self_test *ret_result, struct memscope_error *ret_error)
{
    return fault_set(ret_error, MEMSCOPE_E_UNSUPPORTED,
                     memscope_status_text(MEMSCOPE_E_UNSUPPORTED), NULL);
}

const char *memscope_session_id(const memscope_session *session)
{
    return "";
}

uint64_t memscope_session_elapsed_ns(const memscope_session *session)
{
    return 0;
}

int memscope_session_state(const memscope_session *session)
{
    return MEMSCOPE_E_UNSUPPORTED;
}

int memscope_session_strategy(const memscope_session *session)
{
    return MEMSCOPE_E_UNSUPPORTED;
}

int memscope_session_collect(memscope_session *session, memscope_analysis **ret_analysis,
                             struct memscope_error *ret_error)
{
    return fault_set(ret_error, MEMSCOPE_E_UNSUPPORTED,
                     memscope_status_text(MEMSCOPE_E_UNSUPPORTED), NULL);
}

int memscope_session_end(memscope_session *session, memscope_analysis **ret_analysis,
                         struct memscope_error *ret_error)
{
    return fault_set(ret_error, MEMSCOPE_E_UNSUPPORTED,
                     memscope_status_text(MEMSCOPE_E_UNSUPPORTED), NULL);
}

void memscope_session_free(memscope_session *session)
{
}

int memscope_tracker_new(memscope_tracker **ret_tracker, struct memscope_error *ret_error)
{
    return fault_set(ret_error, MEMSCOPE_E_UNSUPPORTED,
                     memscope_status_text(MEMSCOPE_E_UNSUPPORTED), NULL);
}

int memscope_tracker_quick_start(memscope_tracker **ret_tracker, struct memscope_error *ret_error)
{
    return fault_set(ret_error, MEMSCOPE_E_UNSUPPORTED,
                     memscope_status_text(MEMSCOPE_E_UNSUPPORTED), NULL);
}

int memscope_tracker_statistics(memscope_tracker *tracker,
                                struct memscope_statistics *ret_statistics,
                                struct memscope_error *ret_error)
{
    return fault_set(ret_error, MEMSCOPE_E_UNSUPPORTED,
                     memscope_status_text(MEMSCOPE_E_UNSUPPORTED), NULL);
}

int memscope_tracker_collect(memscope_tracker *tracker, memscope_analysis **ret_analysis,
                             struct memscope_error *ret_error)
{
    return fault_set(ret_error, MEMSCOPE_E_UNSUPPORTED,
                     memscope_status_text(MEMSCOPE_E_UNSUPPORTED), NULL);
}

void memscope_tracker_free(memscope_tracker *tracker)
{
}

void memscope_mark(const char *text)
{
}

void memscope_scope_enter(const char *name)
{
}

void memscope_scope_leave(void)
{
}

void memscope_ignore_begin(void)
{
}

void memscope_ignore_end(void)
{
}

const void *memscope_analysis_raw(const memscope_analysis *analysis, size_t *ret_bytes)
{
    return NULL;
}

int memscope_analysis_statistics(const memscope_analysis *analysis,
                                 struct memscope_statistics *ret_statistics)
{
    return MEMSCOPE_E_UNSUPPORTED;
}

int memscope_analysis_environment(const memscope_analysis *analysis,
                                  struct memscope_environment *ret_environment)
{
    return MEMSCOPE_E_UNSUPPORTED;
}

const char *memscope_analysis_session_id(const memscope_analysis *analysis)
{
    return "";
}

int memscope_analysis_strategy(const memscope_analysis *analysis)
{
    return MEMSCOPE_E_UNSUPPORTED;
}

int memscope_analysis_is_partial(const memscope_analysis *analysis)
{
    return 0;
}

int memscope_analysis_is_exact(const memscope_analysis *analysis)
{
    return 0;
}

size_t memscope_analysis_metadata_n(const memscope_analysis *analysis)
{
    return 0;
}

int memscope_analysis_metadata(const memscope_analysis *analysis, size_t i, const char **ret_key,
                               const char **ret_value)
{
    return MEMSCOPE_E_UNSUPPORTED;
}

const char *memscope_analysis_metadata_get(const memscope_analysis *analysis, const char *key)
{
    return NULL;
}

size_t memscope_analysis_site_n(const memscope_analysis *analysis)
{
    return 0;
}

int memscope_analysis_site(const memscope_analysis *analysis, size_t i,
                           struct memscope_site *ret_site)
{
    return MEMSCOPE_E_UNSUPPORTED;
}

int memscope_analysis_frame(const memscope_analysis *analysis, size_t i, size_t frame,
                            struct memscope_frame *ret_frame)
{
    return MEMSCOPE_E_UNSUPPORTED;
}

size_t memscope_analysis_thread_n(const memscope_analysis *analysis)
{
    return 0;
}

int memscope_analysis_thread(const memscope_analysis *analysis, size_t i,
                             struct memscope_thread *ret_thread)
{
    return MEMSCOPE_E_UNSUPPORTED;
}

size_t memscope_analysis_task_n(const memscope_analysis *analysis)
{
    return 0;
}

int memscope_analysis_task(const memscope_analysis *analysis, size_t i,
                           struct memscope_task *ret_task)
{
    return MEMSCOPE_E_UNSUPPORTED;
}

size_t memscope_analysis_slice_n(const memscope_analysis *analysis)
{
    return 0;
}

int memscope_analysis_slice(const memscope_analysis *analysis, size_t i,
                            struct memscope_slice *ret_slice)
{
    return MEMSCOPE_E_UNSUPPORTED;
}

size_t memscope_analysis_mark_n(const memscope_analysis *analysis)
{
    return 0;
}

int memscope_analysis_mark(const memscope_analysis *analysis, size_t i,
                           struct memscope_mark_entry *ret_mark)
{
    return MEMSCOPE_E_UNSUPPORTED;
}

int memscope_analysis_export(const memscope_analysis *analysis, const char *format,
                             const char *path, struct memscope_error *ret_error)
{
    return fault_set(ret_error, MEMSCOPE_E_UNSUPPORTED,
                     memscope_status_text(MEMSCOPE_E_UNSUPPORTED), NULL);
}

int memscope_analysis_export_memory(const memscope_analysis *analysis, const char *format,
                                    memscope_buffer **ret_buffer, struct memscope_error *ret_error)
{
    return fault_set(ret_error, MEMSCOPE_E_UNSUPPORTED,
                     memscope_status_text(MEMSCOPE_E_UNSUPPORTED), NULL);
}

const char *memscope_buffer_bytes(const memscope_buffer *buffer, size_t *ret_bytes)
{
    return NULL;
}

void memscope_buffer_free(memscope_buffer *buffer)
{
}

void memscope_analysis_free(memscope_analysis *analysis)
{
}

int memscope_detect_environment(struct memscope_environment *ret_environment,
                                struct memscope_error *ret_error)
{
    return fault_set(ret_error, MEMSCOPE_E_UNSUPPORTED,
                     memscope_status_text(MEMSCOPE_E_UNSUPPORTED), NULL);
}

int memscope_detect_environment_detailed(const struct memscope_detection_config *config,
                                         struct memscope_detection *ret_detection,
                                         struct memscope_error *ret_error)
{
    return fault_set(ret_error, MEMSCOPE_E_UNSUPPORTED,
                     memscope_status_text(MEMSCOPE_E_UNSUPPORTED), NULL);
}
