/* SPDX-License-Identifier: Apache-2.0 */
/* Sums, order and names of what the program mapped itself. */
#include "analyze/mappings.h"

#include "analyze/frame.h"
#include "analyze/name.h"

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
