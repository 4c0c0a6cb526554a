/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the symbol helper for what a loaded model does not know, and puts the answers into it. */
#include "cli/resolve.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static uint64_t resolve_key(uint32_t module, uint64_t offset)
{
    return map_mix(offset ^ map_mix(module));
}

bool resolve_wants(const struct model *model, const struct model_location *location)
{
    return location->module &&
           (location->symbol_n == 0 || model->symbols.at[location->symbol_first].line == 0);
}

static uint32_t resolve_string(struct model *model, const char *text)
{
    uint32_t index = text ? model_string_add(model, text, strlen(text)) : 0;
    return index == MODEL_NONE ? 0 : index;
}

static void resolve_answer(void *context, uint32_t client_module, uint64_t offset,
                           const struct symbol_frame *frames, size_t n)
{
    struct resolve *work = context;
    struct model *model = work->model;
    uint32_t module = work->model_module.at[client_module];
    int64_t found = map_find(&work->locations, resolve_key(module, offset));
    if (n == 0 || found < 0 || model->locations.at[found].offset != offset)
        return;
    struct model_location *location = &model->locations.at[found];
    if (location->symbol_n && !frames[0].line)
        return;
    uint32_t first = (uint32_t)model->symbols.n;
    for (size_t i = 0; i < n; i++) {
        struct model_symbol symbol = {
                .function = resolve_string(model, frames[i].function),
                .file = resolve_string(model, frames[i].file),
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
static bool resolve_may_read(const struct model *model, const struct model_module *module,
                             const char *path)
{
    struct stat status;
    if (module->build_id_bytes)
        return true;
    return path[0] == '/' && stat(path, &status) == 0 &&
           (uint64_t)status.st_mtime < model->start_unix_ns / 1000000000u;
}

/* The module's number at the client, MODEL_NONE: it is not to be asked for. */
static uint32_t resolve_module(struct resolve *work, uint32_t module)
{
    const struct model_module *known = &work->model->modules.at[module];
    const char *path = model_string_at(work->model, known->path);
    struct symbol_module asked = {.path = path, .fd = -1, .build_id_bytes = known->build_id_bytes};
    memcpy(asked.build_id, known->build_id, known->build_id_bytes);
    uint32_t number;
    if (!resolve_may_read(work->model, known, path) ||
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
static int resolve_submit(struct resolve *work, const uint32_t *numbers)
{
    struct model *model = work->model;
    for (size_t i = 0; i < model->locations.n; i++) {
        const struct model_location *location = &model->locations.at[i];
        if (!resolve_wants(model, location))
            continue;
        work->asked_n++;
        uint32_t number = numbers[location->module];
        if (number == MODEL_NONE)
            continue;
        uint64_t key = resolve_key(location->module, location->offset);
        if (!map_put(&work->locations, key, (uint32_t)i))
            return ERR_MEMORY;
        int err = symbol_client_submit(work->client, number, &location->offset, 1);
        if (err < 0)
            return err;
    }
    return 0;
}

static uint64_t resolve_deadline_ns(unsigned wait_s)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return ((uint64_t)now.tv_sec + wait_s) * 1000000000u + (uint64_t)now.tv_nsec;
}

int resolve_model(struct resolve *work, const char *debug_path, bool debuginfod, unsigned wait_s,
                  struct diag *diag)
{
    struct symbol_options options = {
            .debug_paths = &debug_path,
            .debug_path_n = debug_path ? 1 : 0,
            .debuginfod = debuginfod,
    };
    int err = symbol_client_new(&options, NULL, resolve_answer, work, &work->client, diag);
    if (err < 0)
        return err;
    uint32_t *numbers = malloc((work->model->modules.n + 1) * sizeof *numbers);
    if (!numbers)
        return diag_set(diag, ERR_MEMORY, "no memory for modules");
    for (uint32_t i = 0; i < work->model->modules.n; i++)
        numbers[i] = i ? resolve_module(work, i) : MODEL_NONE;
    err = resolve_submit(work, numbers);
    free(numbers);
    if (err < 0)
        return diag_set(diag, err, "too many addresses");
    err = symbol_client_drain(work->client, resolve_deadline_ns(wait_s));
    return err < 0 ? diag_set(diag, err, "the symbol helper cannot be reached") : 0;
}

void resolve_done(struct resolve *work)
{
    symbol_client_free(work->client);
    vec_done(&work->model_module);
    map_done(&work->locations);
}
