/* SPDX-License-Identifier: Apache-2.0 */
/* info: what a recording holds, as plain facts. */
#include <string.h>
#include <unistd.h>

#include "analyze/session.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/load.h"
#include "export/export.h"
#include "export/notice.h"

static void info_add_text(struct text *text, const char *label, const char *value)
{
    text_printf(text, "%-20s ", label);
    text_add_shown(text, value, strlen(value));
    text_add_char(text, '\n');
}

static void info_add_bytes(struct text *text, const char *label, uint64_t bytes)
{
    text_printf(text, "%-20s ", label);
    text_add_bytes_iec(text, bytes);
    if (bytes >= 1024) {
        text_add(text, " (");
        text_add_grouped(text, bytes);
        text_add(text, " bytes)");
    }
    text_add_char(text, '\n');
}

static void info_add_count(struct text *text, const char *label, uint64_t n)
{
    text_printf(text, "%-20s ", label);
    text_add_grouped(text, n);
    text_add_char(text, '\n');
}

static void info_add_session(struct text *text, const struct model *model)
{
    struct session session = session_of(model);
    struct text part = {0};
    info_add_text(text, "session", session.id);
    info_add_text(text, "command", session.command);
    session_add_end(&part, &session);
    info_add_text(text, "end", text_string(&part));
    text_clear(&part);
    session_add_time(&part, model->end_ns);
    info_add_text(text, "duration", text_string(&part));
    info_add_text(text, "strategy", session.strategy);
    VEC_EACH (struct model_fact, fact, &model->facts) {
        const char *key = model_string_at(model, fact->key);
        if (strcmp(key, "command") != 0 && strcmp(key, "strategy") != 0)
            info_add_text(text, key, model_string_at(model, fact->value));
    }
    text_done(&part);
}

static void info_add_totals(struct text *text, const struct loaded *loaded)
{
    const struct model *model = loaded->model;
    const struct figures *figures = &loaded->analysis->figures;
    info_add_count(text, "allocations", model->sums.alloc_n);
    info_add_bytes(text, "allocated", model->sums.alloc_bytes);
    info_add_count(text, "frees", model->sums.free_n);
    info_add_count(text, "reallocs", model->sums.realloc_n);
    info_add_bytes(text, "peak", model->sums.peak_bytes);
    info_add_count(text, "blocks at the peak", model->sums.peak_n);
    info_add_bytes(text, "never freed", figures->leak_bytes);
    info_add_count(text, "blocks never freed", figures->leak_n);
    info_add_bytes(text, "peak resident", loaded->analysis->rss.peak_bytes);
    info_add_count(text, "processes", model->processes.n);
    info_add_count(text, "threads", model->threads.n);
    info_add_count(text, "tasks", model->tasks.n ? model->tasks.n - 1 : 0);
    info_add_count(text, "sites", loaded->analysis->sites.n);
    info_add_count(text, "functions", loaded->analysis->functions.n);
    info_add_count(text, "slices", model->slices.n);
    info_add_count(text, "rows", model->rows.n);
    info_add_bytes(text, "recording", loaded->bytes);
}

static void info_add_notices(struct text *text, const struct model *model)
{
    struct notice notices[NOTICES_MAX];
    size_t n = notices_collect(model, notices);
    if (n == 0)
        info_add_text(text, "notices", "none: nothing lost, nothing estimated");
    for (size_t i = 0; i < n; i++)
        info_add_text(text, notice_severity_name(notices[i].severity), notices[i].text);
}

int verb_info(const struct cli *cli, const struct settings *settings)
{
    struct diag diag = {""};
    struct loaded loaded;
    if (load_recording(cli, settings->words[0], &loaded, &diag) < 0)
        return cli_fail(cli, &diag);
    int status;
    if (settings->given[OPTION_JSON]) {
        struct file_out out = {.fd = STDOUT_FILENO, .is_stdout = true};
        struct export_request request = {.recording_bytes = loaded.bytes,
                                         .version = MEMSCOPE_VERSION_TEXT};
        int err = export_json(loaded.analysis, &request, &out, &diag);
        status = err ? cli_fail(cli, &diag) : STATUS_DONE;
    } else {
        struct text text = {0};
        info_add_session(&text, loaded.model);
        info_add_totals(&text, &loaded);
        info_add_notices(&text, loaded.model);
        status = cli_print(cli, &text);
        text_done(&text);
    }
    load_done(&loaded);
    return status;
}
