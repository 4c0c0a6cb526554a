/* SPDX-License-Identifier: Apache-2.0 */
/* Names of tasks, from the best evidence that there is. */
#include "collect/task_names.h"

#include <string.h>

#include "collect/task_code.h"
#include "collect/task_symbols.h"

enum { NAMES_DEPTH_MAX = 4096, NAMES_REACH_MAX = 64 };

static const char names_by[] = "spawned by ";

static uint32_t names_string(struct model *model, const struct text *text)
{
    const char *bytes = text_string(text);
    uint32_t string = text->failed || !bytes ? 0 : model_string_add(model, bytes, strlen(bytes));
    return string == MODEL_NONE ? 0 : string;
}

/* What names are read from in one module; either may be missing. */
struct names_source {
    struct task_code *code;
    struct task_symbols *symbols;
};

/* The type of the future: by the poll function's own symbol, or by the drop glue that it reaches.
 */
static bool names_future(const struct names_source *source, uint64_t entry, struct text *text)
{
    uint64_t starts[NAMES_REACH_MAX];
    if (!source->symbols)
        return false;
    if (task_symbols_future(source->symbols, entry, text))
        return true;
    uint32_t n = source->code ? task_code_reach(source->code, entry, starts, NAMES_REACH_MAX) : 0;
    for (uint32_t i = 1; i < n; i++) {
        if (task_symbols_future(source->symbols, starts[i], text))
            return true;
    }
    return false;
}

/* TYPE @ POSITION, or what is known of it. */
static uint32_t names_of_type(struct model *model, const struct names_source *source, uint32_t rule,
                              uint64_t entry)
{
    struct text text = {0}, place = {0};
    uint32_t name = 0;
    bool placed = rule != WIRE_RULE_COROUTINE && source->code &&
                  task_code_name(source->code, entry, &place) && text_string(&place);
    bool typed = rule == WIRE_RULE_COROUTINE
                         ? source->symbols && task_symbols_coroutine(source->symbols, entry, &text)
                         : names_future(source, entry, &text);
    if (placed)
        text_printf(&text, "%s%s", typed ? " @ " : "async ", text_string(&place));
    if (typed || placed)
        name = names_string(model, &text);
    text_done(&place);
    text_done(&text);
    return name;
}

/* Names the types of one module. */
static void names_of_module(struct tasks *tasks, const struct stacks *stacks, uint32_t module)
{
    struct model *model = tasks->model;
    const char *path = model_string_at(model, model->modules.at[module].path);
    struct names_source source = {task_code_open(path), task_symbols_open(path)};
    for (size_t i = 0; (source.code || source.symbols) && i < tasks->types.n; i++) {
        struct tasks_type *type = &tasks->types.at[i];
        const struct stacks_module *in = stacks_module_of(stacks, type->entry);
        if (!type->name && type->entry && in && in->module == module)
            type->name = names_of_type(model, &source, type->rule, type->entry - in->bias);
    }
    if (source.code)
        task_code_close(source.code);
    if (source.symbols)
        task_symbols_close(source.symbols);
}

/* Hands the names of types to the groups and tasks that have none. */
static void names_apply(struct tasks *tasks)
{
    struct model *model = tasks->model;
    for (size_t i = 0; i < tasks->groups.n; i++) {
        const struct tasks_group *group = &tasks->groups.at[i];
        struct model_task *entry = &model->tasks.at[group->task];
        if (!entry->name && group->type < tasks->types.n)
            entry->name = tasks->types.at[group->type].name;
    }
    for (size_t i = 1; i < model->tasks.n; i++) {
        struct model_task *task = &model->tasks.at[i];
        if (!task->name && task->process == tasks->process && task->group < model->tasks.n)
            task->name = model->tasks.at[task->group].name;
    }
}

void task_names_from_code(struct tasks *tasks, const struct stacks *stacks)
{
    VEC(uint32_t) done = {0};
    for (size_t i = 0; i < tasks->types.n; i++) {
        const struct tasks_type *type = &tasks->types.at[i];
        const struct stacks_module *in = stacks_module_of(stacks, type->entry);
        bool known = !type->entry || !in || in->module >= tasks->model->modules.n;
        for (size_t k = 0; k < done.n && !known; k++)
            known = done.at[k] == in->module;
        if (known || !VEC_PUSH(&done, MODEL_MODULES_MAX, in->module))
            continue;
        names_of_module(tasks, stacks, in->module);
    }
    vec_done(&done);
    names_apply(tasks);
}

/* Functions of runtimes and of the language's libraries: not what a developer looks for. */
static bool names_is_plumbing(const char *function)
{
    static const char *const prefixes[] = {
            "tokio::",
            "core::",
            "std::",
            "alloc::",
            "<tokio::",
            "<core::",
            "<std::",
            "<alloc::",
            "async_task::",
            "<async_task::",
            "async_executor::",
            "<async_executor::",
            "async_global_executor::",
            "smol::",
            "async_std::task",
            "__rust",
            "__rdl",
            "malloc",
            "calloc",
            "posix_memalign",
            "aligned_alloc",
            "memalign",
            "operator new",
            "task_slot_call",
            "start_thread",
            "__libc_start",
            "_start",
            "clone",
            "__clone",
            "futures_util::",
            "<futures_util::",
    };
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (strncmp(function, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    }
    return false;
}

/* The innermost function of a stack that is the program's own; "" when none is. */
static const char *names_spawner(const struct model *model, uint32_t node)
{
    for (int depth = 0; node && node < model->nodes.n && depth < NAMES_DEPTH_MAX; depth++) {
        uint32_t at = model->nodes.at[node].location;
        const struct model_location *location =
                at < model->locations.n ? &model->locations.at[at] : NULL;
        for (uint32_t i = 0; location && i < location->symbol_n; i++) {
            const char *function =
                    model_string_at(model, model->symbols.at[location->symbol_first + i].function);
            if (*function && !names_is_plumbing(function))
                return function;
        }
        node = model->nodes.at[node].parent;
    }
    return "";
}

/* What has no name of its own is known by the task that spawned it; groups' parents make a tree. */
static void names_from_parents(struct model *model)
{
    for (size_t i = 1; i < model->tasks.n; i++) {
        struct model_task *task = &model->tasks.at[i];
        struct text text = {0};
        if (task->name || !task->runtime || task->group >= model->tasks.n)
            continue;
        uint32_t up = model->tasks.at[task->group].parent;
        for (int depth = 0; depth < NAMES_DEPTH_MAX && up && !model->tasks.at[up].name; depth++)
            up = model->tasks.at[up].parent;
        const char *parent = up ? model_string_at(model, model->tasks.at[up].name) : "";
        bool nested = strncmp(parent, names_by, strlen(names_by)) == 0;
        if (*parent)
            text_printf(&text, "%s%s", nested ? "" : names_by, parent);
        else
            text_add(&text, "spawned outside of tasks");
        task->name = names_string(model, &text);
        text_done(&text);
    }
}

void task_names_from_spawn(struct model *model)
{
    for (size_t i = 1; i < model->tasks.n; i++) {
        struct model_task *task = &model->tasks.at[i];
        struct text text = {0};
        if (task->name)
            continue;
        const char *spawner = names_spawner(model, task->spawn_node);
        if (!*spawner)
            continue;
        text_printf(&text, "spawned in %s", spawner);
        task->name = names_string(model, &text);
        text_done(&text);
    }
    names_from_parents(model);
}
