/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbolize: names and lines for addresses that had none when the program was recorded.
 *
 * The result takes the recording's
 * place by rename, or goes where -o says; events are carried over as they are.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/outputs.h"
#include "cli/resolve.h"
#include "heap/store.h"

enum {
    SYMBOLIZE_WAIT_S = 3600,
    SYMBOLIZE_MODULES_SHOWN = 10,
};

/* Modules with addresses that are still unknown. */
struct symbolize_rest {
    uint32_t module;
    size_t n;
};

static int symbolize_rest_compare(const void *left, const void *right)
{
    const struct symbolize_rest *a = left, *b = right;
    if (a->n != b->n)
        return a->n > b->n ? -1 : 1;
    return a->module < b->module ? -1 : a->module > b->module;
}

static void symbolize_add_module(struct text *text, const struct model *model,
                                 const struct symbolize_rest *rest)
{
    const struct model_module *module = &model->modules.at[rest->module];
    const char *path = model_string_at(model, module->path);
    text_printf(text, "%8zu  ", rest->n);
    text_add_shown(text, path, strlen(path));
    if (module->build_id_bytes)
        text_add(text, "  build-id ");
    for (size_t i = 0; i < module->build_id_bytes; i++)
        text_printf(text, "%02x", module->build_id[i]);
    text_add_char(text, '\n');
}

/* What was found, and the modules that most is missing of. */
static void symbolize_add_report(struct text *text, const struct resolve *work, const char *name)
{
    const struct model *model = work->model;
    text_add_shown(text, name, strlen(name));
    text_printf(text, ": of %zu address%s without name or line %zu %s found, %zu with their line\n",
                work->asked_n, work->asked_n == 1 ? "" : "es", work->named_n,
                work->named_n == 1 ? "is" : "are", work->lined_n);
    struct symbolize_rest *rests = calloc(model->modules.n + 1, sizeof *rests);
    if (!rests)
        return;
    for (uint32_t i = 0; i < model->modules.n; i++)
        rests[i].module = i;
    size_t rest_n = 0;
    for (size_t i = 0; i < model->locations.n; i++) {
        const struct model_location *location = &model->locations.at[i];
        if (resolve_wants(model, location))
            rest_n += rests[location->module].n++ == 0;
    }
    qsort(rests, model->modules.n, sizeof *rests, symbolize_rest_compare);
    if (rest_n)
        text_add(text, "still without lines:\n");
    for (size_t i = 0; i < rest_n && i < SYMBOLIZE_MODULES_SHOWN; i++)
        symbolize_add_module(text, model, &rests[i]);
    if (rest_n > SYMBOLIZE_MODULES_SHOWN)
        text_printf(text, "          and %zu more module%s\n", rest_n - SYMBOLIZE_MODULES_SHOWN,
                    rest_n - SYMBOLIZE_MODULES_SHOWN == 1 ? "" : "s");
    free(rests);
}

/* Carries the events of the old file over. */
static int symbolize_copy_events(struct recording_reader *reader, struct recording_writer *writer,
                                 struct diag *diag)
{
    int err = recording_rewind(reader, UINT64_MAX, diag);
    while (err == 0) {
        struct recording_chunk chunk;
        err = recording_next(reader, &chunk, diag);
        if (err == RECORDING_END)
            return 0;
        if (err == 0 && chunk.type == RECORDING_EVENTS)
            err = recording_write(writer, RECORDING_EVENTS, chunk.bytes, chunk.n, diag);
    }
    return err;
}

static int symbolize_write(struct resolve *work, struct recording_reader *reader,
                           const char *temporary, int fd, struct diag *diag)
{
    struct recording_writer *writer = NULL;
    int err = recording_adopt(&writer, fd, temporary, work->model->start_unix_ns, diag);
    if (err < 0)
        return err;
    struct store *store = store_new(writer);
    err = store ? symbolize_copy_events(reader, writer, diag) : ERR_MEMORY;
    if (err == 0)
        err = store_checkpoint(store, work->model, work->model->finished, diag);
    store_free(store);
    recording_close(writer);
    return err;
}

/* Writes the recording beside `name` and gives it the name. */
static int symbolize_save(struct resolve *work, struct recording_reader *reader, const char *name,
                          struct diag *diag)
{
    const char *slash = strrchr(name, '/');
    char *folder = slash ? strndup(name, (size_t)(slash - name) + 1) : strdup("./");
    char *temporary = NULL;
    int fd = -1;
    int err = folder ? file_create_new(folder, ".symbolize", ".mscope", &temporary, &fd, diag)
                     : ERR_MEMORY;
    if (err == 0)
        err = symbolize_write(work, reader, temporary, fd, diag);
    if (err == 0 && rename(temporary, name) != 0)
        err = diag_set_errno(diag, ERR_IO, errno, "cannot replace %s", name);
    if (err && temporary)
        unlink(temporary);
    free(temporary);
    free(folder);
    return err;
}

/* Before the work: what is written is a recording, and needs a file. */
static int symbolize_check_output(const char *name, struct diag *diag)
{
    if (strcmp(name, "-") == 0)
        return diag_set(diag, ERR_USAGE, "symbolize writes a recording, which needs a file: not -");
    const char *format = outputs_format_of(name);
    if (!format || strcmp(format, "recording") != 0)
        return diag_set(diag, ERR_USAGE,
                        "%s: symbolize writes a recording: a name with .mscope or without a suffix",
                        name);
    return file_check_replaceable(name, diag);
}

static int symbolize_run(const struct cli *cli, const struct settings *settings,
                         struct resolve *work, struct recording_reader *reader, struct diag *diag)
{
    const char *name = settings->words[0];
    struct diag damage = {""};
    int err = store_load(reader, &work->model, &damage);
    if (err < 0)
        return diag_set(diag, err, "%.200s: %.280s", name, damage.text);
    if (err > 0)
        log_line(&cli->log, RUN_LOG_WARN, "%s: %s", name, damage.text);
    err = resolve_model(work, settings->debug_path, settings->given[OPTION_DEBUGINFOD],
                        SYMBOLIZE_WAIT_S, diag);
    if (err < 0)
        return err;
    bool elsewhere = settings->outputs.n > 0;
    if (work->named_n || elsewhere)
        err = symbolize_save(work, reader, elsewhere ? settings->outputs.at[0] : name, diag);
    return err;
}

int verb_symbolize(const struct cli *cli, const struct settings *settings)
{
    struct diag diag = {""};
    struct resolve work = {.model = NULL};
    struct recording_reader *reader = NULL;
    int err = 0;
    if (settings->outputs.n)
        err = symbolize_check_output(settings->outputs.at[0], &diag);
    err = err ? err : recording_open(&reader, settings->words[0], &diag);
    if (err == 0)
        err = symbolize_run(cli, settings, &work, reader, &diag);
    int status = err ? cli_fail(cli, &diag) : STATUS_DONE;
    if (err == 0 && !settings->given[OPTION_QUIET]) {
        struct text text = {0};
        symbolize_add_report(&text, &work, settings->words[0]);
        status = cli_print(cli, &text);
        text_done(&text);
    }
    if (reader)
        recording_reader_close(reader);
    resolve_done(&work);
    if (work.model)
        model_free_all(work.model);
    return status;
}
