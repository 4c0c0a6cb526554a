/* SPDX-License-Identifier: Apache-2.0 */
/* Perf maps of the session's processes; "name file:line:column", as V8 writes it, is taken apart.
 */
#include "collect/jit.h"

#include <stdlib.h>
#include <string.h>

#include "symbol/perfmap.h"

enum {
    JIT_MAPS_MAX = 64,
    JIT_NAME_MAX = 4096,
};

struct jit {
    struct model *model;
    struct perfmap *maps[JIT_MAPS_MAX];
    size_t map_n;
};

static bool jit_has_unnamed(const struct model *model)
{
    for (size_t i = 0; i < model->locations.n; i++) {
        if (model->locations.at[i].module == 0 && model->locations.at[i].symbol_n == 0 &&
            model->locations.at[i].offset)
            return true;
    }
    return false;
}

/* Opens the map of each process, if it is no older than the session: pids come again. */
static void jit_open(struct jit *jit)
{
    const struct model *model = jit->model;
    for (size_t i = 0; i < model->processes.n && jit->map_n < JIT_MAPS_MAX; i++) {
        const struct model_process *process = &model->processes.at[i];
        struct perfmap *map = NULL;
        if (process->is_exec ||
            perfmap_open_process((pid_t)process->pid, (pid_t)process->pid, &map, NULL) < 0)
            continue;
        if (perfmap_changed_unix_ns(map) >= model->start_unix_ns)
            jit->maps[jit->map_n++] = map;
        else
            perfmap_free(map);
    }
}

/* The one name that the maps have for an address; NULL: none, or more than one. */
static const char *jit_find(const struct jit *jit, uint64_t address, size_t *ret_n)
{
    const char *found = NULL;
    size_t found_n = 0;
    for (size_t i = 0; i < jit->map_n; i++) {
        size_t n;
        const char *name = perfmap_find(jit->maps[i], address, &n);
        if (!name)
            continue;
        if (found && (n != found_n || memcmp(name, found, n) != 0))
            return NULL;
        found = name;
        found_n = n;
    }
    *ret_n = found_n < JIT_NAME_MAX ? found_n : JIT_NAME_MAX;
    return found;
}

/* A number behind a ':' at the end of the n bytes; moves *n before the ':'. */
static bool jit_take_number(const char *bytes, size_t *n, uint32_t *ret_value)
{
    size_t at = *n;
    uint64_t value = 0, unit = 1;
    while (at > 0 && bytes[at - 1] >= '0' && bytes[at - 1] <= '9' && unit < 1000000000) {
        value += unit * (uint64_t)(bytes[--at] - '0');
        unit *= 10;
    }
    if (at == *n || at == 0 || bytes[at - 1] != ':')
        return false;
    *n = at - 1;
    *ret_value = (uint32_t)value;
    return true;
}

static uint32_t jit_string(struct model *model, const char *bytes, size_t n)
{
    uint32_t index = n ? model_string_add(model, bytes, n) : 0;
    return index == MODEL_NONE ? 0 : index;
}

static struct model_symbol jit_symbol(struct model *model, const char *name, size_t n)
{
    uint32_t line = 0, column = 0;
    size_t end = n;
    if (jit_take_number(name, &end, &column) && jit_take_number(name, &end, &line)) {
        const char *blank = memrchr(name, ' ', end);
        size_t at = blank ? (size_t)(blank - name) : 0;
        if (at > 0 && memchr(name + at, '/', end - at))
            return (struct model_symbol){
                    .function = jit_string(model, name, at),
                    .file = jit_string(model, name + at + 1, end - at - 1),
                    .line = line,
            };
    }
    return (struct model_symbol){.function = jit_string(model, name, n)};
}

void jit_name(struct model *model)
{
    struct jit jit = {.model = model};
    if (!jit_has_unnamed(model))
        return;
    jit_open(&jit);
    for (size_t i = 0; jit.map_n && i < model->locations.n; i++) {
        struct model_location *location = &model->locations.at[i];
        size_t n;
        const char *name = location->module == 0 && location->symbol_n == 0
                                   ? jit_find(&jit, location->offset, &n)
                                   : NULL;
        if (!name)
            continue;
        struct model_symbol symbol = jit_symbol(model, name, n);
        if (!VEC_PUSH(&model->symbols, MODEL_SYMBOLS_MAX, symbol))
            break;
        location->symbol_first = (uint32_t)(model->symbols.n - 1);
        location->symbol_n = 1;
    }
    for (size_t i = 0; i < jit.map_n; i++)
        perfmap_free(jit.maps[i]);
}
