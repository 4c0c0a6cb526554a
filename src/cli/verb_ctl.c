/* SPDX-License-Identifier: Apache-2.0 */
/* ctl: pause, resume, sampling rate, marks and the status of a recording under way. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/running.h"

enum { CTL_TIMEOUT_S = 10 };

struct ctl_command {
    const char *name;
    enum control_kind kind;
    const char *argument; /* what it takes; NULL = nothing */
};

static const struct ctl_command ctl_commands[] = {
        {"pause", CONTROL_PAUSE, NULL},   {"resume", CONTROL_RESUME, NULL},
        {"rate", CONTROL_RATE, "a rate"}, {"mark", CONTROL_MARK, "a name"},
        {"status", CONTROL_STATUS, NULL},
};

static const struct ctl_command *ctl_find(const char *name)
{
    for (size_t i = 0; i < sizeof ctl_commands / sizeof *ctl_commands; i++) {
        if (strcmp(ctl_commands[i].name, name) == 0)
            return &ctl_commands[i];
    }
    return NULL;
}

/* Reads the words behind the pid. */
static int ctl_read(const struct settings *settings, const struct ctl_command **ret_command,
                    struct control_request *request, struct diag *diag)
{
    const char *name = settings->words[1], *argument = settings->words[2];
    const struct ctl_command *command = ctl_find(name);
    if (!command)
        return diag_set(diag, ERR_USAGE,
                        "ctl has no '%.80s': it takes pause, resume, rate R, mark NAME or status",
                        name);
    if (command->argument && !argument)
        return diag_set(diag, ERR_USAGE, "ctl %s needs %s", name, command->argument);
    if (!command->argument && argument)
        return diag_set(diag, ERR_USAGE, "ctl %s takes nothing behind it, not '%.80s'", name,
                        argument);
    request->kind = (uint16_t)command->kind;
    if (command->kind == CONTROL_RATE) {
        char *end = NULL;
        errno = 0;
        double rate = strtod(argument, &end);
        if (!(rate > 0 && rate <= 1) || *end || errno)
            return diag_set(diag, ERR_USAGE,
                            "ctl rate takes a number above 0 and up to 1, not '%.80s'", argument);
        request->value = (uint64_t)(rate * (double)CONTROL_RATE_ONE);
        request->value += request->value == 0;
    }
    *ret_command = command;
    return 0;
}

static void ctl_add_status(struct text *text, const struct control_status *status)
{
    text_printf(text, "session      %s\n", status->session);
    text_add(text, "program      ");
    text_add_shown(text, status->program, strlen(status->program));
    text_printf(text, "\nstate        %s\n", running_state_name(status->state));
    text_printf(text, "processes    %u\n", status->process_n);
    text_printf(text, "threads      %llu\n", (unsigned long long)status->thread_n);
    text_printf(text, "tasks        %llu\n", (unsigned long long)status->task_n);
    text_printf(text, "seconds      %.1f\n", (double)status->now_ns / 1e9);
    text_printf(text, "live bytes   %llu\n", (unsigned long long)status->live_bytes);
    text_printf(text, "live blocks  %llu\n", (unsigned long long)status->live_n);
    text_printf(text, "peak bytes   %llu\n", (unsigned long long)status->peak_bytes);
    text_printf(text, "allocations  %llu\n", (unsigned long long)status->alloc_n);
    text_printf(text, "frees        %llu\n", (unsigned long long)status->free_n);
    text_printf(text, "events       %llu\n", (unsigned long long)status->event_n);
    text_printf(text, "lost         %llu\n", (unsigned long long)status->lost_n);
    text_printf(text, "rate         %g\n", (double)status->rate / (double)CONTROL_RATE_ONE);
}

int verb_ctl(const struct cli *cli, const struct settings *settings)
{
    struct diag diag = {""};
    const struct ctl_command *command = NULL;
    struct control_request request = {.kind = 0};
    struct control_session session;
    struct control_result result;
    if (ctl_read(settings, &command, &request, &diag) < 0 ||
        control_session_open(settings->words[0], &session, &diag) < 0)
        return cli_fail(cli, &diag);
    const char *text = command->kind == CONTROL_MARK ? settings->words[2] : NULL;
    int err = control_ask(&session, &request, text, CTL_TIMEOUT_S, &result, &diag);
    control_session_done(&session);
    if (err < 0)
        return cli_fail(cli, &diag);
    int status = STATUS_DONE;
    if (command->kind == CONTROL_STATUS) {
        struct text out = {0};
        ctl_add_status(&out, &session.status);
        status = cli_print(cli, &out);
        text_done(&out);
    }
    control_result_done(&result);
    return status;
}
