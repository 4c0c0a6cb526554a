/* SPDX-License-Identifier: Apache-2.0 */
/* What recording decided while the program ran and what it saw beside the heap, in the manifest. */
#include <string.h>

#include "analyze/mappings.h"
#include "analyze/phases.h"
#include "export/html_parts.h"
#include "export/json_parts.h"

enum { HTML_CHANGES_MOST = 200, HTML_MAPPINGS_MOST = 10 };

static void html_add_change(struct json *json, uint64_t at_ns, const char *what, const char *from,
                            const char *to, const char *why)
{
    json_object_begin(json);
    json_key_count(json, "at_ns", at_ns);
    json_key_string(json, "what", what);
    json_key_string(json, "from", from);
    json_key_string(json, "to", to);
    json_key_string(json, "why", why);
    json_object_end(json);
}

void html_add_changes(struct json *json, const struct model *model)
{
    struct phase phases[PHASES_MAX];
    size_t phase_n = phases_of(model, phases), next = 1, n = 0;
    json_key(json, "changes");
    json_array_begin(json);
    VEC_EACH (struct model_mark, mark, &model->marks) {
        const char *kind = model_string_at(model, mark->kind);
        if (strcmp(kind, "rate") != 0 && strcmp(kind, "budget") != 0)
            continue;
        for (; next < phase_n && phases[next].from_ns <= mark->at_ns; next++)
            html_add_change(json, phases[next].from_ns, "strategy", phases[next - 1].strategy,
                            phases[next].strategy, "");
        if (n++ < HTML_CHANGES_MOST)
            html_add_change(json, mark->at_ns, kind, "", "", model_string_at(model, mark->text));
    }
    for (; next < phase_n; next++)
        html_add_change(json, phases[next].from_ns, "strategy", phases[next - 1].strategy,
                        phases[next].strategy, "");
    json_array_end(json);
}

void html_add_mapped(struct json *json, const struct model *model)
{
    uint32_t top[HTML_MAPPINGS_MOST];
    size_t n = mappings_top(model, HTML_MAPPINGS_MOST, top);
    struct mappings_sums sums = mappings_sum(model);
    struct text name = {0};
    if (sums.n == 0)
        return;
    json_key(json, "mapped");
    json_object_begin(json);
    json_add_mapped_sums(json, model, &sums);
    json_key(json, "sites");
    json_array_begin(json);
    for (size_t i = 0; i < n; i++) {
        const struct model_mapping *mapping = &model->mappings.at[top[i]];
        text_clear(&name);
        mappings_add_name(&name, model, top[i]);
        json_object_begin(json);
        json_key(json, "name");
        json_string_n(json, text_string(&name), name.n);
        json_key_count(json, "calls", mapping->n);
        json_key_count(json, "peak_bytes", mapping->peak_bytes);
        json_key_count(json, "end_bytes", mapping->live_bytes);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
    text_done(&name);
}
