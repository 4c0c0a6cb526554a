/* SPDX-License-Identifier: Apache-2.0 */
/* detect: which strategy fits a program or a running process, and what says so. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "cli/cli.h"
#include "launch/detect.h"
#include "launch/program.h"

/* A word of digits is a process, anything else a program. */
static pid_t detect_pid_of(const char *word)
{
    size_t n = strspn(word, "0123456789");
    return n && n < 10 && word[n] == 0 ? (pid_t)strtol(word, NULL, 10) : 0;
}

static void detect_add_text(struct text *text, const struct detect *detect, const char *name)
{
    text_add_shown(text, name, strlen(name));
    text_printf(text, ": %s", detect_environment_name(detect->environment));
    if (detect->runtime[0])
        text_printf(text, ", %s%s%s", detect->runtime, detect->version[0] ? " " : "",
                    detect->version);
    text_printf(text, " (confidence %.2f)\n", detect->confidence);
    text_printf(text, "strategy: %s\n", detect_strategy_name(detect->recommended));
    for (uint32_t i = 0; i < detect->evidence_n; i++) {
        const struct detect_evidence *evidence = &detect->evidence[i];
        const char *for_what = evidence->for_async     ? "async"
                               : evidence->for_threads ? "threads"
                                                       : "one thread";
        text_printf(text, "  %.2f for %-10s  ", evidence->weight, for_what);
        text_add_shown(text, evidence->text, strnlen(evidence->text, DETECT_TEXT_BYTES));
        text_add(text, evidence->seen_running ? " (seen running)\n" : "\n");
    }
    if (!detect->complete)
        text_add(text, "  time ran out: this is what was found so far\n");
}

static int detect_sink(void *context, const char *bytes, size_t n)
{
    text_add_n(context, bytes, n);
    return 0;
}

static void detect_add_json(struct text *text, const struct detect *detect)
{
    struct json json;
    json_init(&json, detect_sink, text);
    json.indented = true;
    json_object_begin(&json);
    json_key_string(&json, "environment", detect_environment_name(detect->environment));
    json_key_double(&json, "confidence", detect->confidence, 4);
    json_key_string(&json, "strategy", detect_strategy_name(detect->recommended));
    json_key_string(&json, "runtime", detect->runtime);
    json_key_string(&json, "version", detect->version);
    json_key_bool(&json, "complete", detect->complete);
    json_key(&json, "probabilities");
    json_object_begin(&json);
    for (int i = 0; i < DETECT_ENVIRONMENTS; i++)
        json_key_double(&json, detect_environment_name((enum detect_environment)i),
                        detect->alternatives[i], 4);
    json_object_end(&json);
    json_key(&json, "evidence");
    json_array_begin(&json);
    for (uint32_t i = 0; i < detect->evidence_n; i++) {
        const struct detect_evidence *evidence = &detect->evidence[i];
        json_object_begin(&json);
        json_key_string(&json, "text", evidence->text);
        json_key_double(&json, "weight", evidence->weight, 4);
        json_key_bool(&json, "for_async", evidence->for_async);
        json_key_bool(&json, "for_threads", evidence->for_threads);
        json_key_bool(&json, "seen_running", evidence->seen_running);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    if (json_finish(&json) < 0)
        text->failed = true;
}

static int detect_word(const struct settings *settings, struct detect *ret_detect,
                       struct diag *diag)
{
    const struct detect_options options = {.timeout_ms = (uint32_t)(settings->timeout_s * 1000)};
    const char *word = settings->words[0];
    struct program program;
    pid_t pid = detect_pid_of(word);
    if (settings->given[OPTION_DETECT_RUN])
        return pid ? diag_set(diag, ERR_USAGE, "process %s runs already: leave out --run", word)
                   : detect_run(settings->words, &options, ret_detect, diag);
    if (pid)
        return detect_process(pid, &options, ret_detect, diag);
    int err = program_find(word, &program, diag);
    return err ? err : detect_program(program.path, &options, ret_detect, diag);
}

int verb_detect(const struct cli *cli, const struct settings *settings)
{
    struct diag diag = {""};
    struct detect detect;
    struct text text = {0};
    if (detect_word(settings, &detect, &diag) < 0)
        return cli_fail(cli, &diag);
    if (settings->given[OPTION_JSON])
        detect_add_json(&text, &detect);
    else
        detect_add_text(&text, &detect, settings->words[0]);
    int status = cli_print(cli, &text);
    text_done(&text);
    return status;
}
