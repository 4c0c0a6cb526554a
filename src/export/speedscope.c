/* SPDX-License-Identifier: Apache-2.0 */
/* speedscope's file format: one sampled profile for each figure. */
#include "analyze/session.h"
#include "base/json.h"
#include "export/export.h"
#include "export/page.h"
#include "export/path.h"

struct speedscope_profile {
    const char *name, *unit;
    uint64_t (*value)(const struct figures *figures);
};

static uint64_t speedscope_peak(const struct figures *figures)
{
    return figures->peak_bytes;
}

static uint64_t speedscope_leak(const struct figures *figures)
{
    return figures->leak_bytes;
}

static uint64_t speedscope_bytes(const struct figures *figures)
{
    return figures->alloc_bytes;
}

static uint64_t speedscope_blocks(const struct figures *figures)
{
    return figures->alloc_n;
}

static void speedscope_frames(struct json *json, const struct page *page)
{
    json_key(json, "shared");
    json_object_begin(json);
    json_key(json, "frames");
    json_array_begin(json);
    VEC_EACH (struct page_frame, frame, &page->frames) {
        const struct page_function *function = &page->functions.at[frame->function];
        json_object_begin(json);
        json_key_string(json, "name", page_string_at(page, function->name));
        if (function->file) {
            json_key_string(json, "file", page_string_at(page, function->file));
            if (frame->line)
                json_key_u64(json, "line", frame->line);
        }
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

static bool speedscope_samples(struct json *json, const struct page *page,
                               const struct speedscope_profile *profile)
{
    struct path path = {.n = 0};
    bool made = true;
    json_key(json, "samples");
    json_array_begin(json);
    VEC_EACH (struct page_site, site, &page->sites) {
        if (profile->value(&site->figures) == 0)
            continue;
        made = made && path_of(&path, page, site->node);
        json_array_begin(json);
        for (size_t i = path.n; i-- > 0;)
            json_u64(json, path.frames.at[i]);
        json_array_end(json);
    }
    json_array_end(json);
    path_done(&path);
    return made;
}

static bool speedscope_profile(struct json *json, const struct page *page,
                               const struct speedscope_profile *profile)
{
    uint64_t sum = 0;
    VEC_EACH (struct page_site, site, &page->sites) {
        sum += profile->value(&site->figures);
    }
    json_object_begin(json);
    json_key_string(json, "type", "sampled");
    json_key_string(json, "name", profile->name);
    json_key_string(json, "unit", profile->unit);
    json_key_u64(json, "startValue", 0);
    json_key_u64(json, "endValue", sum);
    bool made = speedscope_samples(json, page, profile);
    json_key(json, "weights");
    json_array_begin(json);
    VEC_EACH (struct page_site, site, &page->sites) {
        if (profile->value(&site->figures))
            json_u64(json, profile->value(&site->figures));
    }
    json_array_end(json);
    json_object_end(json);
    return made;
}

static int speedscope_write(const struct page *page, const struct export_request *request,
                            struct export_sink *sink)
{
    static const struct speedscope_profile profiles[] = {
            {"Held at the peak", "bytes", speedscope_peak},
            {"Never freed", "bytes", speedscope_leak},
            {"Allocated", "bytes", speedscope_bytes},
            {"Allocations", "none", speedscope_blocks},
    };
    struct session session = session_of(page->model);
    struct json json;
    bool made = true;
    json_init(&json, export_sink_write, sink);
    json_object_begin(&json);
    json_key_string(&json, "$schema", "https://www.speedscope.app/file-format-schema.json");
    json_key_string(&json, "exporter", "memscope");
    json_key_string(&json, "name", session.command);
    json_key_u64(&json, "activeProfileIndex", 0);
    speedscope_frames(&json, page);
    json_key(&json, "profiles");
    json_array_begin(&json);
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
        made = speedscope_profile(&json, page, &profiles[i]) && made;
    json_array_end(&json);
    json_object_end(&json);
    int err = json_finish(&json);
    if (sink->err)
        return sink->err;
    return err || !made ? ERR_MEMORY : 0;
}

int export_speedscope(const struct analysis *analysis, const struct export_request *request,
                      struct file_out *out, struct diag *diag)
{
    struct export_sink sink = {.out = out, .diag = diag};
    struct page page;
    int err = page_build(&page, analysis, 0, diag);
    if (err)
        return err;
    err = speedscope_write(&page, request, &sink);
    page_done(&page);
    return err ? diag_set(diag, err, "no memory for the speedscope export") : 0;
}
