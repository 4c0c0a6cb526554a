/* SPDX-License-Identifier: Apache-2.0 */
/* report: the summary of a recording, and exports from it. */
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/outputs.h"
#include "cli/results.h"

static bool report_uses_stdout(const struct outputs *outputs)
{
    for (size_t i = 0; i < outputs->n; i++) {
        if (outputs->exports[i].name && strcmp(outputs->exports[i].name, "-") == 0)
            return true;
    }
    return false;
}

int verb_report(const struct cli *cli, const struct settings *settings)
{
    struct diag diag = {""};
    struct outputs outputs;
    struct text note = {0};
    int err = outputs_plan(&outputs, settings, false, &note, &diag);
    if (err) {
        text_done(&note);
        return cli_fail(cli, &diag);
    }
    if (note.n)
        log_line(&cli->log, RUN_LOG_WARN, "%s", text_string(&note));
    struct settings quiet = *settings;
    bool piped = report_uses_stdout(&outputs);
    if (piped && !settings->given[OPTION_SUMMARY])
        quiet.summary = SUMMARY_NONE;
    struct results results = {.outputs = &outputs,
                              .recording = settings->words[0],
                              .summary_fd = piped ? STDERR_FILENO : STDOUT_FILENO};
    err = results_give(cli, &quiet, &results);
    outputs_done(&outputs);
    text_done(&note);
    return err ? STATUS_OURS : STATUS_DONE;
}
