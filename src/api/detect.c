/* SPDX-License-Identifier: Apache-2.0 */
/* Detection of this process's environment: asked for, since reading ELF files needs a heap. */
#include <stdbool.h>
#include <string.h>

#include "api/ask.h"
#include "api/fault.h"
#include "api/strategy.h"
#include "capture/cpu/x86_64/syscall.h"
#include "memscope/memscope.h"
#include "wire/answer.h"

enum { DETECT_NUMBER = 24 };

_Static_assert((int)ANSWER_EVIDENCE_MAX == MEMSCOPE_EVIDENCE_MAX &&
                       (int)ANSWER_ENVIRONMENTS == MEMSCOPE_ENVIRONMENT_KINDS,
               "the API holds what an answer holds");

static void detect_copy(char *to, size_t size, const char *from, size_t from_size)
{
    size_t n = from_size < size ? from_size : size;
    memcpy(to, from, n);
    to[n - 1] = 0;
}

static void detect_take(struct memscope_detection *detection, const struct answer_detect *answer)
{
    memset(detection, 0, sizeof *detection);
    struct memscope_environment *environment = &detection->environment;
    environment->kind = answer->environment < MEMSCOPE_ENVIRONMENT_KINDS ? (int)answer->environment
                                                                         : MEMSCOPE_MULTI_THREADED;
    detect_copy(environment->runtime, sizeof environment->runtime, answer->runtime,
                sizeof answer->runtime);
    detect_copy(environment->runtime_version, sizeof environment->runtime_version, answer->version,
                sizeof answer->version);
    detection->confidence = answer->confidence;
    detection->recommended_strategy = strategy_from_wire(answer->strategy);
    detection->is_complete = answer->is_complete != 0;
    detection->evidence_n =
            answer->evidence_n < MEMSCOPE_EVIDENCE_MAX ? answer->evidence_n : MEMSCOPE_EVIDENCE_MAX;
    for (size_t i = 0; i < ANSWER_ENVIRONMENTS; i++)
        detection->alternatives[i] = answer->alternatives[i];
    for (size_t i = 0; i < detection->evidence_n; i++) {
        const struct answer_evidence *from = &answer->evidence[i];
        struct memscope_evidence *to = &detection->evidence[i];
        detect_copy(to->text, sizeof to->text, from->text, sizeof from->text);
        to->weight = from->weight;
        to->kind = (int)from->kind;
        to->is_running = from->is_running != 0;
    }
}

int memscope_detect_environment_detailed(const struct memscope_detection_config *config,
                                         struct memscope_detection *ret_detection,
                                         struct memscope_error *ret_error)
{
    const struct memscope_detection_config defaults = MEMSCOPE_DETECTION_CONFIG_INIT;
    if (!config)
        config = &defaults;
    if (!ret_detection)
        return fault_set(ret_error, MEMSCOPE_E_INVALID, "ret_detection is NULL", NULL);
    if (!(config->confidence_threshold >= 0 && config->confidence_threshold <= 1))
        return fault_set(ret_error, MEMSCOPE_E_INVALID, "confidence_threshold is not in 0.0 to 1.0",
                         NULL);
    if (config->timeout_ms == 0 || config->timeout_ms > UINT32_MAX)
        return fault_set(ret_error, MEMSCOPE_E_INVALID, "timeout_ms is out of range", NULL);
    char pid[DETECT_NUMBER] = "", threshold[DETECT_NUMBER] = "", timeout[DETECT_NUMBER] = "";
    /* A decimal fraction without stdio, in millionths; 0 would mean the default. */
    uint64_t millionths = (uint64_t)(config->confidence_threshold * 1e6);
    fault_add_number(threshold, sizeof threshold, millionths ? millionths : 1);
    fault_add(threshold, sizeof threshold, "e-6");
    fault_add_number(pid, sizeof pid, (uint64_t)syscall_3(SYS_getpid, 0, 0, 0));
    fault_add_number(timeout, sizeof timeout, config->timeout_ms);
    const char *words[] = {"detect",  pid,     config->deep_analysis ? "1" : "0",
                           threshold, timeout, NULL};
    struct ask_bytes answer;
    int err = ask_answer(words, NULL, sizeof(struct answer_detect), &answer, ret_error);
    if (err < 0)
        return err;
    detect_take(ret_detection, (const struct answer_detect *)(const void *)answer.at);
    ask_unmap(&answer);
    return MEMSCOPE_OK;
}

int memscope_detect_environment(struct memscope_environment *ret_environment,
                                struct memscope_error *ret_error)
{
    if (!ret_environment)
        return fault_set(ret_error, MEMSCOPE_E_INVALID, "ret_environment is NULL", NULL);
    struct memscope_detection detection;
    int err = memscope_detect_environment_detailed(NULL, &detection, ret_error);
    if (err == MEMSCOPE_OK)
        *ret_environment = detection.environment;
    return err;
}
