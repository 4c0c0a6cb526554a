/* SPDX-License-Identifier: Apache-2.0 */
/* check: holds a recording to limits; 0 when all hold, 1 when one does not, 125 for our own. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/limit.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/load.h"
#include "export/gate.h"
#include "export/notice.h"

enum { CHECK_LIMITS_MAX = 1024, CHECK_BASELINE_BYTES_MAX = 16 << 20 };

struct check {
    struct loaded loaded;
    struct limit_baseline baseline;
    VEC(struct limit) limits;
    VEC(struct limit_result) results;
};

/* Limits are the words behind the recording, several in one word divided by commas. */
static int check_parse(struct check *check, const struct settings *settings, struct diag *diag)
{
    int err = 0;
    for (size_t i = 1; i < settings->word_n && err == 0; i++) {
        const char *at = settings->words[i];
        while (*at && err == 0) {
            size_t n = limit_length(at);
            struct limit limit;
            err = limit_parse(&limit, at, n, diag);
            if (err == 0 && !VEC_PUSH(&check->limits, CHECK_LIMITS_MAX, limit)) {
                limit_done(&limit);
                err = diag_set(diag, ERR_LIMIT, "more than %d limits", CHECK_LIMITS_MAX);
            }
            at += n + (at[n] == ',');
        }
    }
    return err;
}

/* A percentage without a baseline could neither hold nor fail. */
static int check_has_baseline(const struct check *check, struct diag *diag)
{
    VEC_EACH (const struct limit, limit, &check->limits) {
        if (limit->is_relative)
            return diag_set(diag, ERR_USAGE,
                            "'%.120s' needs --baseline FILE, the figures that it is a percentage "
                            "of; --write-baseline makes one",
                            text_string(&limit->word));
    }
    return 0;
}

static int check_read_baseline(struct check *check, const char *name, struct diag *diag)
{
    char *bytes = NULL;
    size_t n = 0;
    int err = file_read_all(name, CHECK_BASELINE_BYTES_MAX, &bytes, &n, diag);
    err = err ? err : limit_baseline_read(&check->baseline, bytes, n, diag);
    free(bytes);
    return err;
}

static int check_write(const char *name, const struct text *text, struct diag *diag)
{
    struct file_out out;
    int err = file_out_open(&out, name, diag);
    if (err)
        return err;
    err = text->failed ? diag_set(diag, ERR_MEMORY, "no memory")
                       : file_out_write(&out, text_string(text), text->n, diag);
    if (err)
        file_out_abandon(&out);
    else
        err = file_out_commit(&out, diag);
    return err;
}

static int check_write_baseline(const struct check *check, const char *name, struct diag *diag)
{
    struct text text = {0};
    text_add(&text, "# figures of one run, for memscope check --baseline\n");
    limit_baseline_add(&text, check->loaded.analysis, check->limits.at, check->limits.n);
    int err = check_write(name, &text, diag);
    text_done(&text);
    return err;
}

/* Holds every limit; true when all do. ERR_MEMORY leaves the rest out. */
static int check_hold(struct check *check, bool *ret_holds)
{
    *ret_holds = true;
    for (size_t i = 0; i < check->limits.n; i++) {
        struct limit_result result =
                limit_hold(&check->limits.at[i], check->loaded.analysis, &check->baseline);
        *ret_holds = *ret_holds && result.holds;
        if (!VEC_PUSH(&check->results, CHECK_LIMITS_MAX, result))
            return ERR_MEMORY;
    }
    return 0;
}

/* Limits of an incomplete recording hold too easily: what it lacks is said beside them. */
static void check_tell_notices(const struct cli *cli, const struct check *check, const char *name)
{
    struct notice notices[NOTICES_MAX];
    size_t n = notices_collect(check->loaded.model, notices);
    for (size_t i = 0; i < n; i++) {
        if (notices[i].severity != NOTICE_NOTE)
            log_line(&cli->log, RUN_LOG_WARN, "%s: %s", name, notices[i].text);
    }
}

static int check_tell(const struct cli *cli, const struct check *check,
                      const struct settings *settings, struct diag *diag)
{
    struct gate gate = {.limits = check->limits.at,
                        .results = check->results.at,
                        .n = check->results.n,
                        .name = settings->words[0]};
    struct text text = {0};
    int err = 0;
    if (!settings->given[OPTION_QUIET]) {
        check_tell_notices(cli, check, settings->words[0]);
        gate_add_lines(&text, &gate);
    }
    if (settings->given[OPTION_GITHUB])
        gate_add_github(&text, &gate);
    (void)cli_print(cli, &text);
    text_clear(&text);
    if (settings->junit) {
        gate_add_junit(&text, &gate);
        err = check_write(settings->junit, &text, diag);
    }
    text_done(&text);
    return err;
}

static void check_done(struct check *check)
{
    VEC_EACH (struct limit, limit, &check->limits) {
        limit_done(limit);
    }
    vec_done(&check->limits);
    vec_done(&check->results);
    limit_baseline_done(&check->baseline);
    if (check->loaded.model)
        load_done(&check->loaded);
}

int verb_check(const struct cli *cli, const struct settings *settings)
{
    struct check check = {.loaded = {.model = NULL}};
    struct diag diag = {""};
    bool holds = true;
    int err = check_parse(&check, settings, &diag);
    if (err == 0 && check.limits.n == 0 && !settings->write_baseline)
        err = diag_set(&diag, ERR_USAGE,
                       "check needs a limit, for example 'leaked==0' or 'peak<200MB'");
    if (err == 0 && !settings->baseline)
        err = check_has_baseline(&check, &diag);
    else if (err == 0)
        err = check_read_baseline(&check, settings->baseline, &diag);
    err = err ? err : load_recording(cli, settings->words[0], &check.loaded, &diag);
    err = err ? err : check_hold(&check, &holds);
    err = err ? err : check_tell(cli, &check, settings, &diag);
    if (err == 0 && settings->write_baseline)
        err = check_write_baseline(&check, settings->write_baseline, &diag);
    check_done(&check);
    if (err)
        return cli_fail(cli, &diag);
    return holds ? STATUS_DONE : STATUS_LIMIT;
}
