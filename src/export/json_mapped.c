/* SPDX-License-Identifier: Apache-2.0 */
/* What the program mapped itself, in the JSON export. */
#include "analyze/frame.h"
#include "export/json_parts.h"

enum { JSON_MAPPINGS_MOST = 100, JSON_MAPPING_FRAMES_MOST = 64 };

static void json_add_mapping(struct json *json, const struct model *model, uint32_t index)
{
    const struct model_mapping *mapping = &model->mappings.at[index];
    struct text text = {0};
    struct frame_walk walk;
    struct frame frame;
    json->indented = true;
    json_object_begin(json);
    json->indented = false;
    mappings_add_name(&text, model, index);
    json_key(json, "name");
    json_string_n(json, text_string(&text), text.n);
    json_key_count(json, "process", mapping->process);
    json_key_count(json, "calls", mapping->n);
    json_key_count(json, "mapped_bytes", mapping->bytes);
    json_key_count(json, "peak_bytes", mapping->peak_bytes);
    json_key_count(json, "end_bytes", mapping->live_bytes);
    json_key(json, "stack");
    json_array_begin(json);
    frame_walk_begin(&walk, model, mapping->node);
    for (int i = 0; i < JSON_MAPPING_FRAMES_MOST && frame_walk_next(&walk, &frame); i++) {
        text_clear(&text);
        frame_add_name(&text, model, &frame);
        text_add_char(&text, ' ');
        frame_add_place(&text, model, &frame);
        json_string_n(json, text_string(&text), text.n);
    }
    json_array_end(json);
    json_object_end(json);
    text_done(&text);
}

void json_add_mapped_sums(struct json *json, const struct model *model,
                          const struct mappings_sums *sums)
{
    json_key_count(json, "calls", sums->n);
    json_key_count(json, "mapped_bytes", sums->bytes);
    json_key_count(json, "peak_bytes", sums->peak_bytes);
    json_key_count(json, "end_bytes", sums->live_bytes);
    json_key_count(json, "sites_total", model->mappings.n);
}

void json_add_mapped(struct json *json, const struct model *model)
{
    uint32_t top[JSON_MAPPINGS_MOST];
    size_t n = mappings_top(model, JSON_MAPPINGS_MOST, top);
    struct mappings_sums sums = mappings_sum(model);
    json_key(json, "mapped");
    json_object_begin(json);
    json_add_mapped_sums(json, model, &sums);
    json_key(json, "sites");
    json_array_begin(json);
    for (size_t i = 0; i < n; i++)
        json_add_mapping(json, model, top[i]);
    json->indented = true;
    json_array_end(json);
    json_object_end(json);
}
