/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public C API for programs that may run without the library: include this header instead of
 * memscope.h, and do not link the library. Under `memscope run`, or with the library linked by
 * somebody else, every call does what it says; without, functions that can fail give
 * MEMSCOPE_E_ABSENT (and fill no error text), those that return a pointer NULL, counts are 0, and
 * the rest does nothing. The arguments are evaluated only when the function is there. GCC and
 * Clang only.
 */
#ifndef MEMSCOPE_OPTIONAL_H
#define MEMSCOPE_OPTIONAL_H

#if defined(MEMSCOPE_STATUS_H) && !defined(MEMSCOPE_OPTIONAL)
#error "memscope/optional.h must come before memscope/memscope.h"
#endif
#ifndef MEMSCOPE_OPTIONAL
#define MEMSCOPE_OPTIONAL 1
#endif

#include "memscope/memscope.h"

/* clang-format off */
#define memscope_version() \
    (memscope_version ? (memscope_version)() : (const char *)0)
#define memscope_status_text(a) \
    (memscope_status_text ? (memscope_status_text)((a)) : (const char *)0)
#define memscope_strategy_name(a) \
    (memscope_strategy_name ? (memscope_strategy_name)((a)) : (const char *)0)
#define memscope_strategy_find(a) \
    (memscope_strategy_find ? (memscope_strategy_find)((a)) : MEMSCOPE_E_ABSENT)
#define memscope_is_recording() \
    (memscope_is_recording ? (memscope_is_recording)() : 0)
#define memscope_backend_initialize(a, b, c) \
    (memscope_backend_initialize ? (memscope_backend_initialize)((a), (b), (c)) : MEMSCOPE_E_ABSENT)
#define memscope_quick_start(a, b) \
    (memscope_quick_start ? (memscope_quick_start)((a), (b)) : MEMSCOPE_E_ABSENT)
#define memscope_backend_start_tracking(a, b, c) \
    (memscope_backend_start_tracking ? (memscope_backend_start_tracking)((a), (b), (c)) : MEMSCOPE_E_ABSENT)
#define memscope_backend_collect(a, b, c) \
    (memscope_backend_collect ? (memscope_backend_collect)((a), (b), (c)) : MEMSCOPE_E_ABSENT)
#define memscope_backend_get_config(a, b) \
    (memscope_backend_get_config ? (memscope_backend_get_config)((a), (b)) : MEMSCOPE_E_ABSENT)
#define memscope_backend_strategy(a) \
    (memscope_backend_strategy ? (memscope_backend_strategy)((a)) : MEMSCOPE_E_ABSENT)
#define memscope_backend_session_n(a) \
    (memscope_backend_session_n ? (memscope_backend_session_n)((a)) : 0)
#define memscope_backend_shutdown(a, b, c) \
    (memscope_backend_shutdown ? (memscope_backend_shutdown)((a), (b), (c)) : MEMSCOPE_E_ABSENT)
#define memscope_self_test(a, b) \
    (memscope_self_test ? (memscope_self_test)((a), (b)) : MEMSCOPE_E_ABSENT)
#define memscope_session_id(a) \
    (memscope_session_id ? (memscope_session_id)((a)) : (const char *)0)
#define memscope_session_elapsed_ns(a) \
    (memscope_session_elapsed_ns ? (memscope_session_elapsed_ns)((a)) : 0)
#define memscope_session_state(a) \
    (memscope_session_state ? (memscope_session_state)((a)) : MEMSCOPE_E_ABSENT)
#define memscope_session_strategy(a) \
    (memscope_session_strategy ? (memscope_session_strategy)((a)) : MEMSCOPE_E_ABSENT)
#define memscope_session_collect(a, b, c) \
    (memscope_session_collect ? (memscope_session_collect)((a), (b), (c)) : MEMSCOPE_E_ABSENT)
#define memscope_session_end(a, b, c) \
    (memscope_session_end ? (memscope_session_end)((a), (b), (c)) : MEMSCOPE_E_ABSENT)
#define memscope_session_free(a) \
    (memscope_session_free ? (memscope_session_free)((a)) : (void)0)
#define memscope_tracker_new(a, b) \
    (memscope_tracker_new ? (memscope_tracker_new)((a), (b)) : MEMSCOPE_E_ABSENT)
#define memscope_tracker_quick_start(a, b) \
    (memscope_tracker_quick_start ? (memscope_tracker_quick_start)((a), (b)) : MEMSCOPE_E_ABSENT)
#define memscope_tracker_statistics(a, b, c) \
    (memscope_tracker_statistics ? (memscope_tracker_statistics)((a), (b), (c)) : MEMSCOPE_E_ABSENT)
#define memscope_tracker_collect(a, b, c) \
    (memscope_tracker_collect ? (memscope_tracker_collect)((a), (b), (c)) : MEMSCOPE_E_ABSENT)
#define memscope_tracker_free(a) \
    (memscope_tracker_free ? (memscope_tracker_free)((a)) : (void)0)
#define memscope_mark(a) \
    (memscope_mark ? (memscope_mark)((a)) : (void)0)
#define memscope_task_enter(a, b) \
    (memscope_task_enter ? (memscope_task_enter)((a), (b)) : (void)0)
#define memscope_task_leave() \
    (memscope_task_leave ? (memscope_task_leave)() : (void)0)
#define memscope_task_end(a) \
    (memscope_task_end ? (memscope_task_end)((a)) : (void)0)
#define memscope_scope_enter(a) \
    (memscope_scope_enter ? (memscope_scope_enter)((a)) : (void)0)
#define memscope_scope_leave() \
    (memscope_scope_leave ? (memscope_scope_leave)() : (void)0)
#define memscope_ignore_begin() \
    (memscope_ignore_begin ? (memscope_ignore_begin)() : (void)0)
#define memscope_ignore_end() \
    (memscope_ignore_end ? (memscope_ignore_end)() : (void)0)
#define memscope_analysis_raw(a, b) \
    (memscope_analysis_raw ? (memscope_analysis_raw)((a), (b)) : (const void *)0)
#define memscope_analysis_statistics(a, b) \
    (memscope_analysis_statistics ? (memscope_analysis_statistics)((a), (b)) : MEMSCOPE_E_ABSENT)
#define memscope_analysis_measurement(a, b) \
    (memscope_analysis_measurement ? (memscope_analysis_measurement)((a), (b)) : MEMSCOPE_E_ABSENT)
#define memscope_analysis_environment(a, b) \
    (memscope_analysis_environment ? (memscope_analysis_environment)((a), (b)) : MEMSCOPE_E_ABSENT)
#define memscope_analysis_session_id(a) \
    (memscope_analysis_session_id ? (memscope_analysis_session_id)((a)) : (const char *)0)
#define memscope_analysis_strategy(a) \
    (memscope_analysis_strategy ? (memscope_analysis_strategy)((a)) : MEMSCOPE_E_ABSENT)
#define memscope_analysis_is_partial(a) \
    (memscope_analysis_is_partial ? (memscope_analysis_is_partial)((a)) : 0)
#define memscope_analysis_is_exact(a) \
    (memscope_analysis_is_exact ? (memscope_analysis_is_exact)((a)) : 0)
#define memscope_analysis_metadata_n(a) \
    (memscope_analysis_metadata_n ? (memscope_analysis_metadata_n)((a)) : 0)
#define memscope_analysis_metadata(a, b, c, d) \
    (memscope_analysis_metadata ? (memscope_analysis_metadata)((a), (b), (c), (d)) : MEMSCOPE_E_ABSENT)
#define memscope_analysis_metadata_get(a, b) \
    (memscope_analysis_metadata_get ? (memscope_analysis_metadata_get)((a), (b)) : (const char *)0)
#define memscope_analysis_site_n(a) \
    (memscope_analysis_site_n ? (memscope_analysis_site_n)((a)) : 0)
#define memscope_analysis_site(a, b, c) \
    (memscope_analysis_site ? (memscope_analysis_site)((a), (b), (c)) : MEMSCOPE_E_ABSENT)
#define memscope_analysis_frame(a, b, c, d) \
    (memscope_analysis_frame ? (memscope_analysis_frame)((a), (b), (c), (d)) : MEMSCOPE_E_ABSENT)
#define memscope_analysis_thread_n(a) \
    (memscope_analysis_thread_n ? (memscope_analysis_thread_n)((a)) : 0)
#define memscope_analysis_thread(a, b, c) \
    (memscope_analysis_thread ? (memscope_analysis_thread)((a), (b), (c)) : MEMSCOPE_E_ABSENT)
#define memscope_analysis_task_n(a) \
    (memscope_analysis_task_n ? (memscope_analysis_task_n)((a)) : 0)
#define memscope_analysis_task(a, b, c) \
    (memscope_analysis_task ? (memscope_analysis_task)((a), (b), (c)) : MEMSCOPE_E_ABSENT)
#define memscope_analysis_slice_n(a) \
    (memscope_analysis_slice_n ? (memscope_analysis_slice_n)((a)) : 0)
#define memscope_analysis_slice(a, b, c) \
    (memscope_analysis_slice ? (memscope_analysis_slice)((a), (b), (c)) : MEMSCOPE_E_ABSENT)
#define memscope_analysis_mark_n(a) \
    (memscope_analysis_mark_n ? (memscope_analysis_mark_n)((a)) : 0)
#define memscope_analysis_mark(a, b, c) \
    (memscope_analysis_mark ? (memscope_analysis_mark)((a), (b), (c)) : MEMSCOPE_E_ABSENT)
#define memscope_analysis_export(a, b, c, d) \
    (memscope_analysis_export ? (memscope_analysis_export)((a), (b), (c), (d)) : MEMSCOPE_E_ABSENT)
#define memscope_analysis_export_memory(a, b, c, d) \
    (memscope_analysis_export_memory ? (memscope_analysis_export_memory)((a), (b), (c), (d)) : MEMSCOPE_E_ABSENT)
#define memscope_buffer_bytes(a, b) \
    (memscope_buffer_bytes ? (memscope_buffer_bytes)((a), (b)) : (const char *)0)
#define memscope_buffer_free(a) \
    (memscope_buffer_free ? (memscope_buffer_free)((a)) : (void)0)
#define memscope_analysis_free(a) \
    (memscope_analysis_free ? (memscope_analysis_free)((a)) : (void)0)
#define memscope_detect_environment(a, b) \
    (memscope_detect_environment ? (memscope_detect_environment)((a), (b)) : MEMSCOPE_E_ABSENT)
#define memscope_detect_environment_detailed(a, b, c) \
    (memscope_detect_environment_detailed ? (memscope_detect_environment_detailed)((a), (b), (c)) : MEMSCOPE_E_ABSENT)
#define memscope_factory_new(a, b) \
    (memscope_factory_new ? (memscope_factory_new)((a), (b)) : MEMSCOPE_E_ABSENT)
#define memscope_factory_free(a) \
    (memscope_factory_free ? (memscope_factory_free)((a)) : (void)0)
#define memscope_factory_record_performance(a, b, c) \
    (memscope_factory_record_performance ? (memscope_factory_record_performance)((a), (b), (c)) : MEMSCOPE_E_ABSENT)
#define memscope_factory_record_analysis(a, b, c) \
    (memscope_factory_record_analysis ? (memscope_factory_record_analysis)((a), (b), (c)) : MEMSCOPE_E_ABSENT)
#define memscope_factory_measurement(a, b, c) \
    (memscope_factory_measurement ? (memscope_factory_measurement)((a), (b), (c)) : MEMSCOPE_E_ABSENT)
#define memscope_factory_performance(a, b, c) \
    (memscope_factory_performance ? (memscope_factory_performance)((a), (b), (c)) : MEMSCOPE_E_ABSENT)
#define memscope_factory_history_n(a) \
    (memscope_factory_history_n ? (memscope_factory_history_n)((a)) : 0)
#define memscope_factory_history(a, b, c, d) \
    (memscope_factory_history ? (memscope_factory_history)((a), (b), (c), (d)) : MEMSCOPE_E_ABSENT)
#define memscope_factory_recommend(a, b, c, d) \
    (memscope_factory_recommend ? (memscope_factory_recommend)((a), (b), (c), (d)) : MEMSCOPE_E_ABSENT)
#define memscope_factory_add_strategy(a, b, c, d) \
    (memscope_factory_add_strategy ? (memscope_factory_add_strategy)((a), (b), (c), (d)) : MEMSCOPE_E_ABSENT)
#define memscope_factory_strategy_n(a) \
    (memscope_factory_strategy_n ? (memscope_factory_strategy_n)((a)) : 0)
#define memscope_factory_strategy(a, b, c, d, e) \
    (memscope_factory_strategy ? (memscope_factory_strategy)((a), (b), (c), (d), (e)) : MEMSCOPE_E_ABSENT)
#define memscope_factory_set_chooser(a, b, c) \
    (memscope_factory_set_chooser ? (memscope_factory_set_chooser)((a), (b), (c)) : MEMSCOPE_E_ABSENT)
#define memscope_factory_backend(a, b, c, d, e) \
    (memscope_factory_backend ? (memscope_factory_backend)((a), (b), (c), (d), (e)) : MEMSCOPE_E_ABSENT)
/* clang-format on */

#endif
