/* SPDX-License-Identifier: Apache-2.0 */
/* Locations go out by module as they appear; answers become symbols of the model. */
#include "collect/symbols.h"

#include <string.h>
#include <time.h>

#include "collect/jit.h"

enum { SYMBOLS_BATCH = 4096 };

static uint32_t symbols_string(struct model *model, const char *text)
{
    uint32_t index = text ? model_string_add(model, text, strlen(text)) : 0;
    return index == MODEL_NONE ? 0 : index;
}

/* An answer of the helper: the frames of one address, innermost first. */
static void symbols_answer(void *context, uint32_t client_module, uint64_t offset,
                           const struct symbol_frame *frames, size_t n)
{
    struct symbols *symbols = context;
    struct model *model = symbols->model;
    if (client_module >= symbols->model_module.n || n == 0)
        return;
    uint32_t index = model_location_add(model, symbols->model_module.at[client_module], offset);
    if (index == MODEL_NONE || model->locations.at[index].symbol_n)
        return;
    uint32_t first = (uint32_t)model->symbols.n;
    for (size_t i = 0; i < n; i++) {
        struct model_symbol symbol = {
                .function = symbols_string(model, frames[i].function),
                .file = symbols_string(model, frames[i].file),
                .line = frames[i].line,
                .inlined = frames[i].inlined,
        };
        if (!VEC_PUSH(&model->symbols, MODEL_SYMBOLS_MAX, symbol))
            return;
    }
    model->locations.at[index].symbol_first = first;
    model->locations.at[index].symbol_n = (uint32_t)n;
}

void symbols_init(struct symbols *symbols, struct model *model)
{
    *symbols = (struct symbols){.model = model};
    struct symbol_options options = {.cache = true};
    struct symbol_limits limits = {0};
    if (symbol_client_new(&options, &limits, symbols_answer, symbols, &symbols->client, NULL) < 0)
        symbols->client = NULL;
}

void symbols_done(struct symbols *symbols)
{
    if (symbols->client)
        symbol_client_free(symbols->client);
    vec_done(&symbols->client_module);
    vec_done(&symbols->model_module);
    vec_done(&symbols->offsets);
}

void symbols_module(struct symbols *symbols, uint32_t module, const char *path, int fd)
{
    if (!symbols->client)
        return;
    while (symbols->client_module.n <= module) {
        if (!VEC_PUSH(&symbols->client_module, MODEL_MODULES_MAX, MODEL_NONE))
            return;
    }
    if (symbols->client_module.at[module] != MODEL_NONE)
        return;
    const struct model_module *known = &symbols->model->modules.at[module];
    struct symbol_module asked = {.path = path, .fd = fd, .build_id_bytes = known->build_id_bytes};
    memcpy(asked.build_id, known->build_id, known->build_id_bytes);
    uint32_t number;
    if (symbol_client_module(symbols->client, &asked, &number) < 0)
        return;
    while (symbols->model_module.n <= number) {
        if (!VEC_PUSH(&symbols->model_module, MODEL_MODULES_MAX, 0))
            return;
    }
    symbols->client_module.at[module] = number;
    symbols->model_module.at[number] = module;
}

/* Submits runs of locations of one module. False: the client wants no more just now. */
static bool symbols_submit(struct symbols *symbols)
{
    struct model *model = symbols->model;
    while (symbols->submitted_n < model->locations.n) {
        uint32_t module = model->locations.at[symbols->submitted_n].module;
        size_t to = symbols->submitted_n;
        symbols->offsets.n = 0;
        while (to < model->locations.n && model->locations.at[to].module == module &&
               symbols->offsets.n < SYMBOLS_BATCH) {
            if (!VEC_PUSH(&symbols->offsets, SYMBOLS_BATCH, model->locations.at[to].offset))
                return false;
            to++;
        }
        uint32_t number =
                module < symbols->client_module.n ? symbols->client_module.at[module] : MODEL_NONE;
        if (number != MODEL_NONE &&
            symbol_client_submit(symbols->client, number, symbols->offsets.at, symbols->offsets.n) <
                    0)
            return false;
        symbols->submitted_n = to;
    }
    return true;
}

void symbols_step(struct symbols *symbols)
{
    if (!symbols->client)
        return;
    symbols_submit(symbols);
    symbol_client_poll(symbols->client, 0);
}

void symbols_finish(struct symbols *symbols, uint64_t wait_ns)
{
    jit_name(symbols->model);
    if (!symbols->client)
        return;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t deadline = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec + wait_ns;
    while (!symbols_submit(symbols)) {
        if (symbol_client_poll(symbols->client, 100) < 0)
            return;
    }
    symbol_client_drain(symbols->client, deadline);
}

uint64_t symbols_cpu_ns(const struct symbols *symbols)
{
    return symbols->client ? symbol_client_cpu_ns(symbols->client) : 0;
}
