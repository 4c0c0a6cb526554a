/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timeline of the page. Live figures come from the rows, so that the page's sums and its curve
 * agree by construction, also where a process ended in the last slice.
 */
#include <stdlib.h>
#include <string.h>

#include "export/html_parts.h"

enum { HTML_MARKS_MOST = 200 };

int html_live_build(struct html_live *ret_live, const struct page *page)
{
    size_t slices = page->slice_n + 1u, at = 0;
    struct html_live live = {
            .bytes = calloc(slices, 8), .n = calloc(slices, 8), .kept_bytes = calloc(slices, 8)};
    if (!live.bytes || !live.n || !live.kept_bytes) {
        html_live_done(&live);
        return ERR_MEMORY;
    }
    VEC_EACH (struct page_cell, cell, &page->cells) {
        uint32_t process = page->contexts.at[cell->context].process;
        uint32_t gone =
                process < page->process_gone.n ? page->process_gone.at[process] : page->slice_n;
        for (uint32_t i = 0; i < cell->row_n; i++, at++) {
            const struct page_row *row = &page->rows.at[at];
            uint32_t end = row->born + row->life;
            if (end == page->slice_n)
                end = gone > row->born ? gone : row->born;
            live.bytes[row->born] += row->bytes;
            live.n[row->born] += row->n;
            if (end < page->slice_n) { /* modular arithmetic: the running sum is never negative */
                live.bytes[end] -= row->bytes;
                live.n[end] -= row->n;
            } else {
                live.kept_bytes[row->born] += row->bytes;
            }
        }
    }
    for (size_t i = 1; i < page->slice_n; i++) {
        live.bytes[i] += live.bytes[i - 1];
        live.n[i] += live.n[i - 1];
    }
    *ret_live = live;
    return 0;
}

void html_live_done(struct html_live *live)
{
    free(live->bytes);
    free(live->n);
    free(live->kept_bytes);
}

static void html_add_array(struct json *json, const char *key, const uint64_t *values, size_t n)
{
    json_key(json, key);
    json_array_begin(json);
    for (size_t i = 0; i < n; i++)
        json_u64(json, values[i]);
    json_array_end(json);
}

static void html_add_slices(struct json *json, const struct page *page, const char *key,
                            size_t offset, bool null_for_0)
{
    json_key(json, key);
    json_array_begin(json);
    VEC_EACH (struct model_slice, slice, &page->slices) {
        uint64_t value;
        memcpy(&value, (const char *)slice + offset, sizeof value);
        if (value == 0 && null_for_0)
            json_null(json);
        else
            json_u64(json, value);
    }
    json_array_end(json);
}

static void html_add_marker(struct json *json, uint64_t at_ns, const char *kind, const char *label)
{
    json_object_begin(json);
    json_key_u64(json, "t_ns", at_ns);
    json_key_string(json, "kind", kind);
    json_key_string(json, "label", label);
    json_object_end(json);
}

static void html_add_markers(struct json *json, const struct model *model)
{
    json_key(json, "markers");
    json_array_begin(json);
    if (model->sums.peak_bytes)
        html_add_marker(json, model->sums.peak_at_ns, "peak", "peak");
    for (size_t i = 0; i < model->marks.n && i < HTML_MARKS_MOST; i++) {
        const struct model_mark *mark = &model->marks.at[i];
        html_add_marker(json, mark->at_ns, model_string_at(model, mark->kind),
                        model_string_at(model, mark->text));
    }
    json_array_end(json);
}

void html_add_timeline(struct json *json, const struct page *page, const struct html_live *live)
{
    static const struct {
        const char *key;
        size_t offset;
        bool null_for_0;
    } columns[] = {
            {"hwm_bytes", offsetof(struct model_slice, high_bytes), false},
            {"alloc_bytes", offsetof(struct model_slice, alloc_bytes), false},
            {"alloc_n", offsetof(struct model_slice, alloc_n), false},
            {"free_bytes", offsetof(struct model_slice, free_bytes), false},
            {"free_n", offsetof(struct model_slice, free_n), false},
            {"rss_bytes", offsetof(struct model_slice, rss_bytes), true},
            {"tasks_alive", offsetof(struct model_slice, tasks_alive), false},
    };
    const struct model *model = page->model;
    json_object_begin(json);
    json_key(json, "edge_ns");
    json_array_begin(json);
    VEC_EACH (struct model_slice, slice, &page->slices) {
        json_u64(json, slice->start_ns);
    }
    if (page->slices.n)
        json_u64(json, page_slice_end(page, page->slices.n - 1));
    json_array_end(json);
    html_add_array(json, "live_bytes", live->bytes, page->slice_n);
    html_add_array(json, "live_n", live->n, page->slice_n);
    html_add_array(json, "kept_bytes", live->kept_bytes, page->slice_n);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        html_add_slices(json, page, columns[i].key, columns[i].offset, columns[i].null_for_0);
    html_add_markers(json, model);
    json_key(json, "gaps");
    json_array_begin(json);
    json_array_end(json);
    json_object_end(json);
}
