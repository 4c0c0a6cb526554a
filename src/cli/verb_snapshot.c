/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot: a report, or a recording, of a program that runs on meanwhile. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/results.h"
#include "cli/running.h"

enum { SNAPSHOT_TIMEOUT_S = 60 };

/* Copies the recording out of the collector's memory. */
static int snapshot_keep(int fd, const char *name, struct diag *diag)
{
    struct file_out out;
    char bytes[1 << 16];
    ssize_t n;
    int err = file_out_open(&out, name, diag);
    if (err)
        return err;
    for (off_t at = 0; err == 0 && (n = pread(fd, bytes, sizeof bytes, at)) != 0; at += n) {
        if (n < 0)
            err = diag_set_errno(diag, ERR_IO, errno, "cannot read the snapshot");
        else
            err = file_out_write(&out, bytes, (size_t)n, diag);
    }
    if (err == 0)
        return file_out_commit(&out, diag);
    file_out_abandon(&out);
    return err;
}

/* The snapshot of the session of a word, as a descriptor. */
static int snapshot_take(const struct cli *cli, const char *word, struct control_result *ret_result,
                         struct diag *diag)
{
    const struct control_request request = {.kind = CONTROL_SNAPSHOT};
    struct control_session session;
    int err = control_session_open(word, &session, diag);
    if (err)
        return err;
    err = control_ask(&session, &request, NULL, SNAPSHOT_TIMEOUT_S, ret_result, diag);
    control_session_done(&session);
    if (err)
        return err;
    if (ret_result->fd < 0) {
        control_result_done(ret_result);
        return diag_set(diag, ERR_FORMAT, "the recorder's answer is malformed");
    }
    if (ret_result->reply.value == CONTROL_PARTIAL)
        log_line(&cli->log, RUN_LOG_WARN,
                 "the newest events are missing: a thread holds the recorder up");
    return 0;
}

/* Without -e and -o: the report page. */
static void snapshot_default(struct outputs *outputs)
{
    if (outputs->n == 0 && !outputs->recording)
        outputs->exports[outputs->n++] = (struct output){.format = "html"};
}

static bool snapshot_uses_stdout(const struct outputs *outputs)
{
    for (size_t i = 0; i < outputs->n; i++) {
        if (outputs->exports[i].name && strcmp(outputs->exports[i].name, "-") == 0)
            return true;
    }
    return false;
}

static int snapshot_give(const struct cli *cli, const struct settings *settings,
                         struct outputs *outputs, int fd)
{
    struct diag diag = {""};
    char path[64];
    struct settings quiet = *settings;
    bool piped = snapshot_uses_stdout(outputs);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (!settings->given[OPTION_SUMMARY])
        quiet.summary = piped ? SUMMARY_NONE : SUMMARY_SHORT;
    if (outputs->recording && snapshot_keep(fd, outputs->recording, &diag) < 0)
        return cli_fail(cli, &diag);
    struct results results = {.outputs = outputs,
                              .recording = outputs->recording ? outputs->recording : path,
                              .names_recording = outputs->recording != NULL,
                              .summary_fd = piped ? STDERR_FILENO : STDOUT_FILENO};
    return results_give(cli, &quiet, &results) ? STATUS_OURS : STATUS_DONE;
}

int verb_snapshot(const struct cli *cli, const struct settings *settings)
{
    struct diag diag = {""};
    struct outputs outputs;
    struct text note = {0};
    struct control_result result;
    if (outputs_plan(&outputs, settings, true, &note, &diag) < 0) {
        text_done(&note);
        return cli_fail(cli, &diag);
    }
    snapshot_default(&outputs);
    if (note.n)
        log_line(&cli->log, RUN_LOG_WARN, "%s", text_string(&note));
    int status;
    if (snapshot_take(cli, settings->words[0], &result, &diag) < 0) {
        status = cli_fail(cli, &diag);
    } else {
        status = snapshot_give(cli, settings, &outputs, result.fd);
        control_result_done(&result);
    }
    outputs_done(&outputs);
    text_done(&note);
    return status;
}
