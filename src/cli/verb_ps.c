/* SPDX-License-Identifier: Apache-2.0 */
/* ps: the sessions under way and the processes that each records. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli.h"
#include "cli/running.h"

static void ps_add_process(struct text *text, const struct running_process *row)
{
    const struct control_process *process = row->process;
    const struct control_status *status = row->status;
    uint64_t age_s = (status->now_ns - process->start_ns) / 1000000000u;
    struct text bytes = {0};
    text_add_bytes_iec(&bytes, process->live_bytes);
    text_printf(text, "%-8u %-10s %3llu:%02llu:%02llu %11s %12llu %10.0f  ", process->pid,
                running_state_name(status->state), (unsigned long long)(age_s / 3600),
                (unsigned long long)(age_s / 60 % 60), (unsigned long long)(age_s % 60),
                text_string(&bytes), (unsigned long long)(process->alloc_n + process->free_n),
                row->rate);
    text_add_shown(text, process->program, strlen(process->program));
    text_printf(text, "  (%s)\n", status->session);
    text_done(&bytes);
}

static void ps_add_json(struct json *json, const struct running_process *row)
{
    const struct control_process *process = row->process;
    json_object_begin(json);
    json_key_u64(json, "pid", process->pid);
    json_key_u64(json, "parent_pid", process->parent_pid);
    json_key_string(json, "program", process->program);
    json_key_string(json, "session", row->status->session);
    json_key_string(json, "state", running_state_name(row->status->state));
    json_key_u64(json, "since_unix_ms",
                 (row->status->start_unix_ns + process->start_ns) / 1000000u);
    json_key_u64(json, "live_bytes", process->live_bytes);
    json_key_u64(json, "live_blocks", process->live_n);
    json_key_u64(json, "peak_bytes", process->peak_bytes);
    json_key_u64(json, "rss_bytes", process->rss_bytes);
    json_key_u64(json, "allocations", process->alloc_n);
    json_key_u64(json, "frees", process->free_n);
    json_key_double(json, "events_per_second", row->rate, 6);
    json_object_end(json);
}

static int ps_sink(void *context, const char *bytes, size_t n)
{
    text_add_n(context, bytes, n);
    return 0;
}

static void ps_json(struct text *text, const struct running *running)
{
    struct json json;
    json_init(&json, ps_sink, text);
    json.indented = true;
    json_object_begin(&json);
    json_key(&json, "processes");
    json_array_begin(&json);
    for (size_t i = 0; i < running->n; i++)
        ps_add_json(&json, &running->rows[i]);
    json_array_end(&json);
    json_object_end(&json);
    if (json_finish(&json) < 0)
        text->failed = true;
}

int verb_ps(const struct cli *cli, const struct settings *settings)
{
    struct diag diag = {""};
    struct running running;
    struct text text = {0};
    if (running_look(&running, &diag) < 0)
        return cli_fail(cli, &diag);
    if (settings->given[OPTION_JSON]) {
        ps_json(&text, &running);
    } else {
        text_add(&text, "PID      STATE            SINCE        LIVE       EVENTS   EVENTS/S  "
                        "PROGRAM\n");
        for (size_t i = 0; i < running.n; i++)
            ps_add_process(&text, &running.rows[i]);
    }
    int status = cli_print(cli, &text);
    text_done(&text);
    running_done(&running);
    return status;
}
