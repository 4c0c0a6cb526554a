/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer: what the library cannot work out in the program, it asks of this verb: tables of a
 * recording, exports of it, what kind of program a process is. The recording comes on standard
 * input, the answer goes to standard output, a sentence about what went wrong to standard error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/answer_tables.h"
#include "cli/cli.h"
#include "cli/resolve.h"
#include "export/export.h"
#include "heap/store.h"
#include "launch/detect.h"
#include "wire/answer.h"
#include "wire/segment.h"

enum { ANSWER_RESOLVE_S = 20 };

/* A recording from standard input. */
struct answer_input {
    void *bytes;
    size_t n;
    struct model *model;
    struct analysis *analysis;
};

static int answer_load(struct answer_input *input, struct diag *diag)
{
    struct stat status;
    if (fstat(STDIN_FILENO, &status) < 0 || status.st_size <= 0)
        return diag_set(diag, ERR_FORMAT, "there is no recording on standard input");
    input->n = (size_t)status.st_size;
    input->bytes = mmap(NULL, input->n, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);
    if (input->bytes == MAP_FAILED) {
        input->bytes = NULL;
        return diag_set(diag, ERR_IO, "standard input cannot be mapped");
    }
    struct recording_reader *reader = NULL;
    struct diag damage = {""}; /* it is a running session's: never finished */
    int err = recording_open_memory(&reader, input->bytes, input->n, diag);
    if (err < 0)
        return err;
    err = store_load(reader, &input->model, &damage);
    recording_reader_close(reader);
    if (err < 0)
        return diag_set(diag, err, "the recording cannot be read: %.300s", damage.text);
    struct resolve work = {.model = input->model};
    struct diag ignored = {""}; /* without names it is still an answer */
    (void)resolve_model(&work, NULL, false, ANSWER_RESOLVE_S, &ignored);
    resolve_done(&work);
    return analysis_new(input->model, &input->analysis, diag);
}

static void answer_unload(struct answer_input *input)
{
    analysis_free(input->analysis);
    if (input->model)
        model_free_all(input->model);
    if (input->bytes)
        munmap(input->bytes, input->n);
}

static int answer_tables(const struct analysis *analysis, struct diag *diag)
{
    struct text text = {0};
    int err = answer_tables_add(&text, analysis, diag);
    if (err == 0 && file_write_all(STDOUT_FILENO, text.bytes, text.n) < 0)
        err = diag_set(diag, ERR_IO, "standard output cannot be written");
    text_done(&text);
    return err;
}

static int answer_export(const struct analysis *analysis, const struct export_format *format,
                         uint64_t recording_bytes, struct diag *diag)
{
    const struct export_request request = {.recording_bytes = recording_bytes,
                                           .version = MEMSCOPE_VERSION_TEXT};
    struct file_out out = {.fd = STDOUT_FILENO, .is_stdout = true};
    return format->write(analysis, &request, &out, diag);
}

static uint32_t answer_strategy(enum run_strategy strategy)
{
    static const uint32_t wire[] = {
            [RUN_STRATEGY_AUTO] = WIRE_THREAD_LOCAL,
            [RUN_STRATEGY_SINGLE_THREAD] = WIRE_SINGLE_THREAD,
            [RUN_STRATEGY_THREAD_LOCAL] = WIRE_THREAD_LOCAL,
            [RUN_STRATEGY_ASYNC] = WIRE_ASYNC,
            [RUN_STRATEGY_HYBRID] = WIRE_HYBRID,
    };
    return wire[strategy];
}

static void answer_fill(struct answer_detect *answer, const struct detect *detect)
{
    _Static_assert((int)ANSWER_ENVIRONMENTS == DETECT_ENVIRONMENTS &&
                           (int)ANSWER_EVIDENCE_MAX >= DETECT_EVIDENCE_MAX,
                   "an answer holds what detection finds");
    *answer = (struct answer_detect){.magic = ANSWER_MAGIC,
                                     .environment = detect->environment,
                                     .strategy = answer_strategy(detect->recommended),
                                     .is_complete = detect->complete,
                                     .evidence_n = detect->evidence_n,
                                     .confidence = detect->confidence};
    memcpy(answer->alternatives, detect->alternatives, sizeof answer->alternatives);
    snprintf(answer->runtime, sizeof answer->runtime, "%s", detect->runtime);
    snprintf(answer->version, sizeof answer->version, "%s", detect->version);
    for (uint32_t i = 0; i < detect->evidence_n; i++) {
        const struct detect_evidence *from = &detect->evidence[i];
        struct answer_evidence *to = &answer->evidence[i];
        snprintf(to->text, sizeof to->text, "%s", from->text);
        to->weight = from->weight;
        to->is_running = from->seen_running;
        to->kind = from->for_async     ? DETECT_ASYNC
                   : from->for_threads ? DETECT_MULTI_THREADED
                                       : DETECT_SINGLE_THREADED;
    }
}

/* detect PID DEEP THRESHOLD TIMEOUT_MS */
static int answer_detect(char *const *words, size_t word_n, struct diag *diag)
{
    enum { PID = 1, DEEP, THRESHOLD, TIMEOUT, WORDS };
    if (word_n != WORDS)
        return diag_set(diag, ERR_USAGE, "detect needs PID DEEP THRESHOLD TIMEOUT_MS");
    const struct detect_options options = {
            .shallow = strcmp(words[DEEP], "1") != 0,
            .confidence_threshold = strtod(words[THRESHOLD], NULL),
            .timeout_ms = (uint32_t)strtoul(words[TIMEOUT], NULL, 10),
    };
    struct detect detect;
    struct answer_detect answer;
    int err = detect_process((pid_t)strtol(words[PID], NULL, 10), &options, &detect, diag);
    if (err < 0)
        return err;
    answer_fill(&answer, &detect);
    if (file_write_all(STDOUT_FILENO, &answer, sizeof answer) < 0)
        return diag_set(diag, ERR_IO, "standard output cannot be written");
    return 0;
}

int verb_answer(const struct cli *cli, const struct settings *settings)
{
    struct diag diag = {""};
    const char *what = settings->words[0];
    const struct export_format *format = export_find(what);
    bool tables = strcmp(what, "tables") == 0;
    int err;
    if (strcmp(what, "detect") == 0) {
        err = answer_detect(settings->words, settings->word_n, &diag);
    } else if (!tables && !format) {
        err = diag_set(&diag, ERR_MISSING, "there is no format '%.40s'", what);
    } else {
        struct answer_input input = {.n = 0};
        err = answer_load(&input, &diag);
        if (err == 0 && tables)
            err = answer_tables(input.analysis, &diag);
        else if (err == 0)
            err = answer_export(input.analysis, format, input.n, &diag);
        answer_unload(&input);
    }
    return err < 0 ? cli_fail(cli, &diag) : STATUS_DONE;
}
