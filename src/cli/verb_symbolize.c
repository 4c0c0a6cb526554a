/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbolize: names and lines for addresses that had none when the program was recorded.
 *
 * Debug files are found by build-id in --debug-path and on this machine; a module without a
 * build-id is read only if its file is older than the recording. The result takes the recording's
 * place by rename, or goes where -o says; events are carried over as they are.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"
#include "heap/store.h"
#include "symbol/client.h"

enum {
    SYMBOLIZE_WAIT_S = 3600,
    SYMBOLIZE_MODULES_SHOWN = 10,
};

struct symbolize {
    struct model *model;
    struct symbol_client *client;
    VEC(uint32_t) model_module; /* by module of the client */
    struct map locations;       /* hash of module and offset -> location */
    size_t asked_n, named_n, lined_n;
};

/* Modules with addresses that are still unknown. */
struct symbolize_rest {
    uint32_t module;
    size_t n;
};

static uint64_t symbolize_key(uint32_t module, uint64_t offset)
{
    return map_mix(offset ^ map_mix(module));
}

/* A location that a debug file may tell more of. */
static bool symbolize_wants(const struct model *model, const struct model_location *location)
{
    return location->module &&
           (location->symbol_n == 0 || model->symbols.at[location->symbol_first].line == 0);
}

static uint32_t symbolize_string(struct model *model, const char *text)
{
    uint32_t index = text ? model_string_add(model, text, strlen(text)) : 0;
    return index == MODEL_NONE ? 0 : index;
}

static void symbolize_answer(void *context, uint32_t client_module, uint64_t offset,
                             const struct symbol_frame *frames, size_t n)
{
    struct symbolize *work = context;
    struct model *model = work->model;
    uint32_t module = work->model_module.at[client_module];
    int64_t found = map_find(&work->locations, symbolize_key(module, offset));
    if (n == 0 || found < 0 || model->locations.at[found].offset != offset)
        return;
    struct model_location *location = &model->locations.at[found];
    if (location->symbol_n && !frames[0].line)
        return;
    uint32_t first = (uint32_t)model->symbols.n;
    for (size_t i = 0; i < n; i++) {
        struct model_symbol symbol = {
                .function = symbolize_string(model, frames[i].function),
                .file = symbolize_string(model, frames[i].file),
                .line = frames[i].line,
                .inlined = frames[i].inlined,
        };
        if (!VEC_PUSH(&model->symbols, MODEL_SYMBOLS_MAX, symbol))
            return;
    }
    location->symbol_first = first;
    location->symbol_n = (uint32_t)n;
    work->named_n++;
    work->lined_n += frames[0].line != 0;
}

/* A file that nothing proves to be the one that ran must at least be older than the recording. */
static bool symbolize_may_read(const struct model *model, const struct model_module *module,
                               const char *path)
{
    struct stat status;
    if (module->build_id_bytes)
        return true;
    return path[0] == '/' && stat(path, &status) == 0 &&
           (uint64_t)status.st_mtime < model->start_unix_ns / 1000000000u;
}

/* The module's number at the client, MODEL_NONE: it is not to be asked for. */
static uint32_t symbolize_module(struct symbolize *work, uint32_t module)
{
    const struct model_module *known = &work->model->modules.at[module];
    const char *path = model_string_at(work->model, known->path);
    struct symbol_module asked = {.path = path, .fd = -1, .build_id_bytes = known->build_id_bytes};
    memcpy(asked.build_id, known->build_id, known->build_id_bytes);
    uint32_t number;
    if (!symbolize_may_read(work->model, known, path) ||
        symbol_client_module(work->client, &asked, &number) < 0)
        return MODEL_NONE;
    while (work->model_module.n <= number) {
        if (!VEC_PUSH(&work->model_module, MODEL_MODULES_MAX, 0))
            return MODEL_NONE;
    }
    work->model_module.at[number] = module;
    return number;
}

/* Asks for all that is wanted. numbers: of the modules at the client. */
static int symbolize_submit(struct symbolize *work, const uint32_t *numbers)
{
    struct model *model = work->model;
    for (size_t i = 0; i < model->locations.n; i++) {
        const struct model_location *location = &model->locations.at[i];
        if (!symbolize_wants(model, location))
            continue;
        work->asked_n++;
        uint32_t number = numbers[location->module];
        if (number == MODEL_NONE)
            continue;
        uint64_t key = symbolize_key(location->module, location->offset);
        if (!map_put(&work->locations, key, (uint32_t)i))
            return ERR_MEMORY;
        int err = symbol_client_submit(work->client, number, &location->offset, 1);
        if (err < 0)
            return err;
    }
    return 0;
}

static uint64_t symbolize_deadline_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return ((uint64_t)now.tv_sec + SYMBOLIZE_WAIT_S) * 1000000000u + (uint64_t)now.tv_nsec;
}

static int symbolize_resolve(struct symbolize *work, const struct settings *settings,
                             struct diag *diag)
{
    struct symbol_options options = {
            .debug_paths = &settings->debug_path,
            .debug_path_n = settings->debug_path ? 1 : 0,
    };
    int err = symbol_client_new(&options, NULL, symbolize_answer, work, &work->client, diag);
    if (err < 0)
        return err;
    uint32_t *numbers = malloc((work->model->modules.n + 1) * sizeof *numbers);
    if (!numbers)
        return diag_set(diag, ERR_MEMORY, "no memory for modules");
    for (uint32_t i = 0; i < work->model->modules.n; i++)
        numbers[i] = i ? symbolize_module(work, i) : MODEL_NONE;
    err = symbolize_submit(work, numbers);
    free(numbers);
    if (err < 0)
        return diag_set(diag, err, "too many addresses");
    err = symbol_client_drain(work->client, symbolize_deadline_ns());
    return err < 0 ? diag_set(diag, err, "the symbol helper cannot be reached") : 0;
}

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
static void symbolize_add_report(struct text *text, const struct symbolize *work, const char *name)
{
    const struct model *model = work->model;
    text_add_shown(text, name, strlen(name));
    text_printf(text,
                ": of %zu addresses without name or line %zu are found, %zu with their line\n",
                work->asked_n, work->named_n, work->lined_n);
    struct symbolize_rest *rests = calloc(model->modules.n + 1, sizeof *rests);
    if (!rests)
        return;
    for (uint32_t i = 0; i < model->modules.n; i++)
        rests[i].module = i;
    size_t rest_n = 0;
    for (size_t i = 0; i < model->locations.n; i++) {
        const struct model_location *location = &model->locations.at[i];
        if (symbolize_wants(model, location))
            rest_n += rests[location->module].n++ == 0;
    }
    qsort(rests, model->modules.n, sizeof *rests, symbolize_rest_compare);
    if (rest_n)
        text_add(text, "still without lines:\n");
    for (size_t i = 0; i < rest_n && i < SYMBOLIZE_MODULES_SHOWN; i++)
        symbolize_add_module(text, model, &rests[i]);
    if (rest_n > SYMBOLIZE_MODULES_SHOWN)
        text_printf(text, "          and %zu more modules\n", rest_n - SYMBOLIZE_MODULES_SHOWN);
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

static int symbolize_write(struct symbolize *work, struct recording_reader *reader,
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
static int symbolize_save(struct symbolize *work, struct recording_reader *reader, const char *name,
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

static int symbolize_run(const struct cli *cli, const struct settings *settings,
                         struct symbolize *work, struct recording_reader *reader, struct diag *diag)
{
    const char *name = settings->words[0];
    struct diag damage = {""};
    int err = store_load(reader, &work->model, &damage);
    if (err < 0)
        return diag_set(diag, err, "%.200s: %.280s", name, damage.text);
    if (err > 0)
        log_line(&cli->log, RUN_LOG_WARN, "%s: %s", name, damage.text);
    err = symbolize_resolve(work, settings, diag);
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
    struct symbolize work = {.model = NULL};
    struct recording_reader *reader = NULL;
    int err = recording_open(&reader, settings->words[0], &diag);
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
    symbol_client_free(work.client);
    if (work.model)
        model_free_all(work.model);
    vec_done(&work.model_module);
    map_done(&work.locations);
    return status;
}
