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

/* "0.86 threads it calls pthread_create itself" */
static void html_add_piece(struct json *json, const char *line, size_t n)
{
    const char *for_what = memchr(line, ' ', n);
    const char *text =
            for_what ? memchr(for_what + 1, ' ', n - (size_t)(for_what + 1 - line)) : NULL;
    if (!text)
        return;
    json_object_begin(json);
    json_key(json, "fact");
    json_string_n(json, text + 1, n - (size_t)(text + 1 - line));
    json_key(json, "value");
    json_string_n(json, line, (size_t)(for_what - line));
    json_key(json, "points_to");
    json_string_n(json, for_what + 1, (size_t)(text - for_what - 1));
    json_object_end(json);
}

void html_add_evidence(struct json *json, const struct model *model)
{
    static const char between[] = " | ";
    const char *piece = model_fact_get(model, "evidence");
    if (!piece || !*piece)
        return;
    json_key(json, "evidence");
    json_array_begin(json);
    for (const char *end; (end = strstr(piece, between)); piece = end + sizeof between - 1)
        html_add_piece(json, piece, (size_t)(end - piece));
    html_add_piece(json, piece, strlen(piece));
    json_array_end(json);
}

void html_add_mapped(struct json *json, const struct model *model)
{
    struct mappings_place top[HTML_MAPPINGS_MOST];
    size_t total, n = mappings_places(model, HTML_MAPPINGS_MOST, top, &total);
    struct mappings_sums sums = mappings_sum(model);
    struct text name = {0};
    if (sums.n == 0)
        return;
    json_key(json, "mapped");
    json_object_begin(json);
    json_add_mapped_sums(json, model, &sums);
    json_key_count(json, "names_total", total);
    json_key(json, "sites");
    json_array_begin(json);
    for (size_t i = 0; i < n; i++) {
        text_clear(&name);
        mappings_add_name(&name, model, top[i].mapping);
        json_object_begin(json);
        json_key(json, "name");
        json_string_n(json, text_string(&name), name.n);
        json_key_count(json, "stacks", top[i].stack_n);
        json_key_count(json, "calls", top[i].n);
        json_key_count(json, "peak_bytes", top[i].peak_bytes);
        json_key_count(json, "end_bytes", top[i].live_bytes);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
    text_done(&name);
}
