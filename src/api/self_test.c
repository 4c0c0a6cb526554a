/* SPDX-License-Identifier: Apache-2.0 */
/* Each part once: what it reports is what a user would run into. */
#include <stdbool.h>
#include <stdlib.h>

#include "api/fault.h"
#include "memscope/memscope.h"

enum { SELF_TEST_BLOCKS = 100, SELF_TEST_BLOCK_BYTES = 1000 };

/* Allocates and frees what the recording should then say. */
static void self_test_work(void)
{
    void *volatile blocks[SELF_TEST_BLOCKS];
    for (int i = 0; i < SELF_TEST_BLOCKS; i++)
        blocks[i] = malloc(SELF_TEST_BLOCK_BYTES);
    for (int i = 0; i < SELF_TEST_BLOCKS; i++)
        free(blocks[i]);
}

static int self_test_analysis(const memscope_analysis *analysis, struct memscope_self_test *result,
                              struct memscope_error *error)
{
    struct memscope_statistics statistics;
    memscope_buffer *buffer;
    uint64_t bytes = (uint64_t)SELF_TEST_BLOCKS * SELF_TEST_BLOCK_BYTES;
    memscope_analysis_statistics(analysis, &statistics);
    result->collector = 1;
    /* Other threads may have allocated meanwhile. */
    bool enough = statistics.alloc_n >= SELF_TEST_BLOCKS && statistics.alloc_bytes >= bytes;
    bool equal = statistics.alloc_n == SELF_TEST_BLOCKS && statistics.alloc_bytes == bytes &&
                 statistics.free_n == SELF_TEST_BLOCKS && statistics.free_bytes == bytes;
    bool is_sampled = statistics.sample_rate < 1;
    result->exact = is_sampled || (statistics.thread_n > 1 ? enough : equal);
    if (!result->exact)
        return fault_set(error, MEMSCOPE_E_NOT_HOOKED,
                         "what was recorded is not what the test allocated", NULL);
    int err = memscope_analysis_export_memory(analysis, "json", &buffer, error);
    if (err < 0)
        return err;
    memscope_buffer_free(buffer);
    result->exports = 1;
    return MEMSCOPE_OK;
}

static int self_test_session(memscope_backend *backend, struct memscope_self_test *result,
                             struct memscope_error *error)
{
    memscope_session *session;
    memscope_analysis *analysis;
    int err = memscope_backend_start_tracking(backend, &session, error);
    if (err < 0)
        return err;
    result->hooked = 1;
    self_test_work();
    err = memscope_session_end(session, &analysis, error);
    if (err == MEMSCOPE_OK) {
        err = self_test_analysis(analysis, result, error);
        memscope_analysis_free(analysis);
    }
    memscope_session_free(session);
    return err;
}

int memscope_self_test(struct memscope_self_test *ret_result, struct memscope_error *ret_error)
{
    struct memscope_self_test result = {0};
    struct memscope_error error = {0};
    struct memscope_environment environment;
    memscope_backend *backend;
    int err = memscope_detect_environment(&environment, &error);
    result.detection = err == MEMSCOPE_OK;
    struct memscope_error later = {0};
    int session_err = memscope_quick_start(&backend, &later);
    if (session_err == MEMSCOPE_OK) {
        session_err = self_test_session(backend, &result, &later);
        memscope_backend_shutdown(backend, NULL, NULL);
    }
    if (err == MEMSCOPE_OK && session_err < 0) {
        err = session_err;
        error = later;
    }
    fault_copy(result.text, sizeof result.text, error.text);
    if (ret_result)
        *ret_result = result;
    return err < 0 ? fault_set(ret_error, err, error.text, NULL) : MEMSCOPE_OK;
}
