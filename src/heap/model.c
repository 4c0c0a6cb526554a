/* SPDX-License-Identifier: Apache-2.0 */
/* Makes models, and keeps entries of their tables unique. */
#include "heap/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "heap/feed.h"

static bool model_init(struct model *model)
{
    static const struct model_string no_string = {"", 0};
    static const struct model_module no_module;
    static const struct model_node no_node;
    static const struct model_task no_task = {.process = MODEL_NONE, .group = MODEL_NONE};
    model->histograms = calloc(1, sizeof *model->histograms);
    return model->histograms && VEC_PUSH(&model->strings, MODEL_STRINGS_MAX, no_string) &&
           VEC_PUSH(&model->modules, MODEL_MODULES_MAX, no_module) &&
           VEC_PUSH(&model->nodes, MODEL_NODES_MAX, no_node) &&
           VEC_PUSH(&model->tasks, MODEL_TASKS_MAX, no_task);
}

struct model *model_new(void)
{
    struct model *model = calloc(1, sizeof *model);
    if (model && !model_init(model)) {
        model_free_all(model);
        return NULL;
    }
    return model;
}

void model_free_all(struct model *model)
{
    if (!model)
        return;
    feed_close(model);
    vec_done(&model->strings);
    vec_done(&model->modules);
    vec_done(&model->locations);
    vec_done(&model->symbols);
    vec_done(&model->nodes);
    vec_done(&model->processes);
    vec_done(&model->threads);
    vec_done(&model->tasks);
    vec_done(&model->cells);
    vec_done(&model->lives);
    vec_done(&model->rows);
    vec_done(&model->slices);
    vec_done(&model->slice_histograms);
    vec_done(&model->marks);
    vec_done(&model->mappings);
    vec_done(&model->facts);
    map_done(&model->string_index);
    map_done(&model->module_index);
    map_done(&model->location_index);
    nodes_done(&model->node_index);
    free(model->histograms);
    arena_done(&model->arena);
    free(model);
}

/*
 * The indices map a hash to an entry. Where two contents share a hash, the later one lives under
 * the next free hash: a search goes on until it meets its content or a free key.
 */
static bool string_is(const struct model_string *string, const char *bytes, size_t n)
{
    return string->n == n && (n == 0 || memcmp(string->bytes, bytes, n) == 0);
}

uint32_t model_string_add(struct model *model, const char *bytes, size_t n)
{
    if (n == 0)
        return 0;
    if (n > MODEL_STRING_BYTES_MAX)
        n = MODEL_STRING_BYTES_MAX;
    uint64_t hash = map_hash_bytes(bytes, n);
    int64_t found;
    while ((found = map_find(&model->string_index, hash)) != MAP_NONE) {
        if (string_is(&model->strings.at[found], bytes, n))
            return (uint32_t)found;
        hash++;
    }
    struct model_string string = {arena_copy(&model->arena, bytes, n), (uint32_t)n};
    uint32_t index = (uint32_t)model->strings.n;
    if (!string.bytes || !VEC_PUSH(&model->strings, MODEL_STRINGS_MAX, string))
        return MODEL_NONE;
    if (!map_put(&model->string_index, hash, index)) {
        model->strings.n--;
        return MODEL_NONE;
    }
    return index;
}

uint32_t model_module_add(struct model *model, uint32_t path, const uint8_t *build_id,
                          size_t build_id_bytes)
{
    struct model_module module;
    memset(&module, 0, sizeof module); /* padding, too: it is hashed and compared whole */
    module.path = path;
    if (build_id_bytes > MODEL_BUILD_ID_BYTES)
        build_id_bytes = MODEL_BUILD_ID_BYTES;
    module.build_id_bytes = (uint8_t)build_id_bytes;
    if (build_id_bytes)
        memcpy(module.build_id, build_id, build_id_bytes);
    uint64_t hash = map_hash_bytes(&module, sizeof module);
    int64_t found;
    while ((found = map_find(&model->module_index, hash)) != MAP_NONE) {
        if (memcmp(&model->modules.at[found], &module, sizeof module) == 0)
            return (uint32_t)found;
        hash++;
    }
    uint32_t index = (uint32_t)model->modules.n;
    if (!VEC_PUSH(&model->modules, MODEL_MODULES_MAX, module))
        return MODEL_NONE;
    if (!map_put(&model->module_index, hash, index)) {
        model->modules.n--;
        return MODEL_NONE;
    }
    return index;
}

uint32_t model_location_add(struct model *model, uint32_t module, uint64_t offset)
{
    uint64_t hash = map_mix(offset ^ map_mix(module));
    int64_t found;
    while ((found = map_find(&model->location_index, hash)) != MAP_NONE) {
        const struct model_location *location = &model->locations.at[found];
        if (location->module == module && location->offset == offset)
            return (uint32_t)found;
        hash++;
    }
    struct model_location location = {.module = module, .offset = offset};
    uint32_t index = (uint32_t)model->locations.n;
    if (!VEC_PUSH(&model->locations, MODEL_LOCATIONS_MAX, location))
        return MODEL_NONE;
    if (!map_put(&model->location_index, hash, index)) {
        model->locations.n--;
        return MODEL_NONE;
    }
    return index;
}

uint32_t model_node_add(struct model *model, uint32_t parent, uint32_t location, uint32_t flags)
{
    return model_nodes_add(model, parent, &location, 1, flags);
}

const char *model_string_at(const struct model *model, uint32_t index)
{
    return index < model->strings.n ? model->strings.at[index].bytes : "";
}

static struct model_fact *model_fact_find(const struct model *model, const char *key)
{
    for (size_t i = 0; i < model->facts.n; i++) {
        if (strcmp(model_string_at(model, model->facts.at[i].key), key) == 0)
            return &model->facts.at[i];
    }
    return NULL;
}

int model_fact_set(struct model *model, const char *key, const char *value)
{
    struct model_fact fact = {.value = model_string_add(model, value, strlen(value))};
    if (fact.value == MODEL_NONE)
        return ERR_MEMORY;
    struct model_fact *found = model_fact_find(model, key);
    if (found) {
        found->value = fact.value;
        return 0;
    }
    fact.key = model_string_add(model, key, strlen(key));
    if (fact.key == MODEL_NONE || !VEC_PUSH(&model->facts, MODEL_STRINGS_MAX, fact))
        return ERR_MEMORY;
    return 0;
}

const char *model_fact_get(const struct model *model, const char *key)
{
    const struct model_fact *found = model_fact_find(model, key);
    return found ? model_string_at(model, found->value) : NULL;
}
