/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks, their groups and the strategy's phases in the JSON export. */
#include <stdlib.h>
#include <string.h>

#include "analyze/phases.h"
#include "analyze/session.h"
#include "export/json_parts.h"

enum { JSON_TASKS_MOST = 2000, JSON_GROUPS_MOST = 2000, JSON_SPAWN_FRAMES = 64 };

/* What is summed of a group besides the figures of its cells. */
struct json_group {
    struct figures figures;
    uint64_t task_n, alive_n, poll_n, busy_ns, retained_bytes;
};

const char *json_task_evidence(const char *name, const char *runtime)
{
    if (!*name)
        return "none";
    if (strcmp(runtime, "program") == 0)
        return "program";
    if (strcmp(runtime, "asyncio") == 0)
        return "coroutine";
    if (strncmp(name, "spawned in ", 11) == 0)
        return "spawn";
    if (strncmp(name, "spawned ", 8) == 0)
        return "parent";
    if (strncmp(name, "async ", 6) == 0)
        return "position";
    return strstr(name, " @ ") ? "type+position" : strcmp(runtime, "c++20") ? "type" : "symbol";
}

/* The functions of the spawn stack, innermost first. */
static void json_add_spawn(struct json *json, const struct model *model, uint32_t node)
{
    json_key(json, "spawn");
    json_array_begin(json);
    for (int depth = 0; node && node < model->nodes.n && depth < JSON_SPAWN_FRAMES; depth++) {
        uint32_t at = model->nodes.at[node].location;
        const struct model_location *location =
                at < model->locations.n ? &model->locations.at[at] : NULL;
        for (uint32_t i = 0; location && i < location->symbol_n; i++) {
            const struct model_symbol *symbol = &model->symbols.at[location->symbol_first + i];
            json_string(json, model_string_at(model, symbol->function));
        }
        node = model->nodes.at[node].parent;
    }
    json_array_end(json);
}

static void json_add_task(struct json *json, const struct model *model, size_t i,
                          const struct figures *figures)
{
    const struct model_task *task = &model->tasks.at[i];
    json_row_begin(json);
    json_key_count(json, "index", i);
    json_key_index(json, "process", task->process);
    json_key_index(json, "group", task->group);
    json_key_bool(json, "is_group", task->group == i);
    json_key_count(json, "parent", task->parent);
    json_key_count(json, "runtime_id", task->runtime_id);
    json_key_model_string(json, "name", model, task->name);
    json_key_string(json, "name_evidence",
                    json_task_evidence(model_string_at(model, task->name),
                                       model_string_at(model, task->runtime)));
    json_key_model_string(json, "runtime", model, task->runtime);
    json_key_count(json, "created_ns", task->created_ns);
    json_key_count(json, "first_poll_ns", task->first_poll_ns);
    json_key_count(json, "last_poll_ns", task->last_poll_ns);
    json_key_count(json, "ended_ns", task->ended_ns);
    json_key_count(json, "polls", task->poll_n);
    json_key_count(json, "busy_ns", task->busy_ns);
    json_key_count(json, "cell_bytes", task->cell_bytes);
    json_key_count(json, "retained_bytes", task->ended_ns ? figures->live_bytes : 0);
    json_key_count(json, "freed_by_others", figures->other_task_free_n);
    json_add_figures(json, figures);
    json_object_end(json);
}

/* Tasks proper: an entry that is its own group stands for many, one without runtime for none. */
static bool json_is_task(const struct model *model, size_t i)
{
    return model->tasks.at[i].runtime && model->tasks.at[i].group != i;
}

static void json_group_add(struct json_group *group, const struct model *model, size_t i,
                           const struct figures *figures)
{
    const struct model_task *task = &model->tasks.at[i];
    figures_add(&group->figures, figures);
    group->poll_n += task->poll_n;
    group->busy_ns += task->busy_ns;
    if (!json_is_task(model, i))
        return;
    group->task_n++;
    group->alive_n += task->ended_ns == 0;
    group->retained_bytes += task->ended_ns ? figures->live_bytes : 0;
}

static void json_add_groups(struct json *json, const struct model *model,
                            const struct figures *sums)
{
    struct json_group *groups = calloc(model->tasks.n + 1, sizeof *groups);
    size_t shown = 0;
    json_key(json, "task_groups");
    json_array_begin(json);
    for (size_t i = 1; groups && i < model->tasks.n; i++) {
        uint32_t group = model->tasks.at[i].group;
        if (group < model->tasks.n)
            json_group_add(&groups[group], model, i, &sums[i]);
    }
    for (size_t i = 1; groups && i < model->tasks.n && shown < JSON_GROUPS_MOST; i++) {
        const struct model_task *task = &model->tasks.at[i];
        if (task->group != i)
            continue;
        shown++;
        json_row_begin(json);
        json_key_count(json, "index", i);
        json_key_model_string(json, "name", model, task->name);
        json_key_model_string(json, "runtime", model, task->runtime);
        json_key_count(json, "parent", task->parent);
        json_key_count(json, "tasks", groups[i].task_n + task->folded_n);
        json_key_count(json, "tasks_kept", groups[i].task_n);
        json_key_count(json, "tasks_alive", groups[i].alive_n);
        json_key_count(json, "polls", groups[i].poll_n);
        json_key_count(json, "busy_ns", groups[i].busy_ns);
        json_key_count(json, "retained_bytes", groups[i].retained_bytes);
        json_add_spawn(json, model, task->spawn_node);
        json_add_figures(json, &groups[i].figures);
        json_object_end(json);
    }
    json_rows_end(json);
    free(groups);
}

static void json_add_phases(struct json *json, const struct model *model)
{
    struct phase phases[PHASES_MAX];
    size_t n = phases_of(model, phases);
    json_key(json, "strategy_phases");
    json_array_begin(json);
    for (size_t i = 0; i < n; i++) {
        json_row_begin(json);
        json_key_string(json, "strategy", phases[i].strategy);
        json_key_count(json, "from_ns", phases[i].from_ns);
        json_object_end(json);
    }
    json_rows_end(json);
}

void json_add_tasks(struct json *json, const struct model *model)
{
    struct figures *sums = json_sum_cells(model, model->tasks.n, true);
    uint64_t kept = 0;
    json_key(json, "tasks");
    json_array_begin(json);
    for (size_t i = 1; sums && i < model->tasks.n; i++) {
        kept += json_is_task(model, i);
        if (i <= JSON_TASKS_MOST)
            json_add_task(json, model, i, &sums[i]);
    }
    json_rows_end(json);
    uint64_t seen = session_fact_u64(model, "tasks_seen", 0);
    json_key_count(json, "tasks_total", seen > kept ? seen : kept);
    json_key(json, "no_task");
    json_object_begin(json);
    json_add_figures(json, sums ? &sums[0] : &(struct figures){0});
    json_object_end(json);
    if (sums)
        json_add_groups(json, model, sums);
    free(sums);
    json_add_phases(json, model);
}
