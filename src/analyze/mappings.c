/* SPDX-License-Identifier: Apache-2.0 */
/* Sums, order and names of what the program mapped itself. */
#include "analyze/mappings.h"

#include <stdlib.h>

#include "analyze/frame.h"
#include "analyze/name.h"
#include "base/map.h"

struct mappings_sums mappings_sum(const struct model *model)
{
    struct mappings_sums sums = {0};
    VEC_EACH (struct model_process, process, &model->processes) {
        sums.n += process->map_n;
        sums.bytes += process->map_bytes;
        sums.live_bytes += process->mapped_bytes;
        sums.peak_bytes += process->mapped_peak_bytes;
    }
    return sums;
}

size_t mappings_top(const struct model *model, size_t most, uint32_t *ret_mappings)
{
    size_t n = 0;
    for (uint32_t i = 0; i < model->mappings.n; i++) {
        uint64_t peak = model->mappings.at[i].peak_bytes;
        size_t at = n;
        while (at > 0 && peak > model->mappings.at[ret_mappings[at - 1]].peak_bytes)
            at--;
        if (at == most)
            continue;
        for (size_t j = n < most ? n : most - 1; j > at; j--)
            ret_mappings[j] = ret_mappings[j - 1];
        ret_mappings[at] = i;
        n += n < most;
    }
    return n;
}

static const char *mappings_module(const struct model *model, uint32_t module)
{
    if (module >= model->modules.n)
        return "";
    return frame_base_name(model_string_at(model, model->modules.at[module].path));
}

static void mappings_frame_name(struct text *text, const struct model *model,
                                const struct frame *frame)
{
    if (frame->function)
        name_add_short(text, model_string_at(model, frame->function));
    else
        frame_add_name(text, model, frame);
}

void mappings_add_name(struct text *text, const struct model *model, uint32_t mapping)
{
    struct frame_walk walk;
    struct frame frame, naming = {0};
    struct text name = {0};
    bool any = false;
    frame_walk_begin(&walk, model, model->mappings.at[mapping].node);
    while (frame_walk_next(&walk, &frame)) {
        text_clear(&name);
        mappings_frame_name(&name, model, &frame);
        bool plumbing = name_is_plumbing(text_string(&name), mappings_module(model, frame.module),
                                         model_string_at(model, frame.file));
        if (!any || !plumbing)
            naming = frame;
        any = true;
        if (!plumbing)
            break;
    }
    text_done(&name);
    mappings_frame_name(text, model, &naming);
}

struct mappings_named {
    uint64_t key; /* of the name */
    uint32_t mapping;
};

static int mappings_compare_names(const void *a, const void *b)
{
    const struct mappings_named *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->mapping < y->mapping ? -1 : x->mapping > y->mapping;
}

static int mappings_compare_places(const void *a, const void *b)
{
    const struct mappings_place *x = a, *y = b;
    if (x->peak_bytes != y->peak_bytes)
        return x->peak_bytes < y->peak_bytes ? 1 : -1;
    return x->mapping < y->mapping ? -1 : x->mapping > y->mapping;
}

static void mappings_place_add(struct mappings_place *place, const struct model *model,
                               uint32_t mapping)
{
    const struct model_mapping *from = &model->mappings.at[mapping];
    if (place->stack_n == 0 || from->peak_bytes > model->mappings.at[place->mapping].peak_bytes)
        place->mapping = mapping;
    place->stack_n++;
    place->n += from->n;
    place->live_bytes += from->live_bytes;
    place->peak_bytes += from->peak_bytes;
}

size_t mappings_places(const struct model *model, size_t most, struct mappings_place *ret_places,
                       size_t *ret_total)
{
    size_t n = model->mappings.n, total = 0;
    struct mappings_named *named = calloc(n + 1, sizeof *named);
    struct mappings_place *places = calloc(n + 1, sizeof *places);
    struct text name = {0};
    for (uint32_t i = 0; named && i < n; i++) {
        text_clear(&name);
        mappings_add_name(&name, model, i);
        named[i] = (struct mappings_named){.key = map_hash_bytes(text_string(&name), name.n),
                                           .mapping = i};
    }
    if (named && places && n) {
        qsort(named, n, sizeof *named, mappings_compare_names);
        for (size_t i = 0; i < n; i++) {
            total += i == 0 || named[i].key != named[i - 1].key;
            mappings_place_add(&places[total - 1], model, named[i].mapping);
        }
        qsort(places, total, sizeof *places, mappings_compare_places);
    }
    size_t shown = total < most ? total : most;
    for (size_t i = 0; i < shown; i++)
        ret_places[i] = places[i];
    text_done(&name);
    free(named);
    free(places);
    *ret_total = total;
    return shown;
}
