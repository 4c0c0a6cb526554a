/* SPDX-License-Identifier: Apache-2.0 */
/* stop: ends a recording; the program runs on. */
#include <string.h>

#include "cli/cli.h"
#include "cli/running.h"

/* Symbols of a large program may still have to be read. */
enum { STOP_TIMEOUT_S = 120 };

int verb_stop(const struct cli *cli, const struct settings *settings)
{
    struct diag diag = {""};
    const struct control_request request = {.kind = CONTROL_STOP};
    struct control_session session;
    struct control_result result;
    if (control_session_open(settings->words[0], &session, &diag) < 0)
        return cli_fail(cli, &diag);
    int err = control_ask(&session, &request, NULL, STOP_TIMEOUT_S, &result, &diag);
    control_session_done(&session);
    if (err < 0)
        return cli_fail(cli, &diag);
    struct text text = {0};
    text_add(&text, "Recording  ");
    text_add_shown(&text, result.body, result.reply.body_bytes);
    text_add(&text, "\n");
    int status = cli_print(cli, &text);
    text_done(&text);
    control_result_done(&result);
    return status;
}
