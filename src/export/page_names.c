/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and tree of the page. The model's nodes run from the innermost frame to the root; here the
 * tree is built from the root, inlined frames as nodes of their own, and then numbered in preorder.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/frame.h"
#include "analyze/name.h"
#include "export/page.h"

enum { PAGE_TABLE_MAX = 1 << 25, PAGE_DEPTH_MAX = 1 << 16 };

static uint32_t names_string(struct page *page, const char *string)
{
    return page_string(page, string, strlen(string));
}

static bool names_begins(const char *name, const char *const *list)
{
    for (; *list; list++) {
        if (strncmp(name, *list, strlen(*list)) == 0)
            return true;
    }
    return false;
}

static enum page_kind names_kind_of_file(const char *path, const char *base)
{
    static const char *const libc[] = {"libc.so", "libc-2",   "ld-linux", "libpthread",
                                       "libm.so", "libdl.so", NULL};
    static const char *const std[] = {"libstdc++", "libc++", "libgcc_s", "libgomp", NULL};
    static const char *const runtime[] = {"libpython", "libnode", "libruby",     "libjvm",
                                          "libglib",   "libuv",   "libmemscope", NULL};
    if (strncmp(base, "libpython", 9) == 0 || strncmp(base, "python", 6) == 0)
        return PAGE_PYTHON;
    if (names_begins(base, libc))
        return PAGE_LIBC;
    if (names_begins(base, std))
        return PAGE_STD;
    if (names_begins(base, runtime))
        return PAGE_RUNTIME;
    if (*path == '[')
        return strncmp(path, "[v", 2) == 0 ? PAGE_KERNEL : PAGE_JIT;
    return *path ? PAGE_USER : PAGE_UNKNOWN;
}

/* Crates are modules of their own: the first part of a Rust name. */
static enum page_kind names_kind_of_crate(const char *crate)
{
    static const char *const std[] = {"std", "core", "alloc", "hashbrown", NULL};
    static const char *const runtime[] = {"tokio", "async_std", "smol", "mio", "futures", NULL};
    return names_begins(crate, std)       ? PAGE_STD
           : names_begins(crate, runtime) ? PAGE_RUNTIME
                                          : PAGE_USER;
}

static uint32_t names_module_add(struct page *page, uint64_t key, const char *name,
                                 const char *path, enum page_kind kind)
{
    int64_t found = map_find(&page->module_index, key);
    if (found != MAP_NONE)
        return (uint32_t)found;
    struct page_module module = {
            .name = names_string(page, name), .path = names_string(page, path), .kind = kind};
    if (!VEC_PUSH(&page->modules, PAGE_TABLE_MAX, module) ||
        !map_put(&page->module_index, key, (uint32_t)page->modules.n - 1))
        return MODEL_NONE;
    return (uint32_t)page->modules.n - 1;
}

static uint32_t names_module(struct page *page, const struct frame *frame, const char *short_name)
{
    const struct model *model = page->model;
    const char *file = model_string_at(model, frame->file);
    size_t n = strlen(file), crate_n = strcspn(short_name, ":");
    if (n > 3 && strcmp(file + n - 3, ".rs") == 0 && short_name[crate_n] == ':' && crate_n < 64) {
        char crate[64];
        memcpy(crate, short_name, crate_n);
        crate[crate_n] = 0;
        return names_module_add(page, ~map_hash_bytes(crate, crate_n), crate, "",
                                names_kind_of_crate(crate));
    }
    const char *path = frame->module < model->modules.n
                               ? model_string_at(model, model->modules.at[frame->module].path)
                               : "";
    const char *base = frame_base_name(path);
    return names_module_add(page, map_mix(frame->module + 1), *base ? base : "[unknown]", path,
                            names_kind_of_file(path, base));
}

static uint32_t names_function(struct page *page, const struct frame *frame)
{
    uint64_t key = frame->function
                           ? map_mix(map_mix((uint64_t)frame->function << 32 | frame->file) ^
                                     frame->module)
                           : map_mix(~(frame->offset ^ (uint64_t)frame->module << 48));
    int64_t found = map_find(&page->function_index, key);
    if (found != MAP_NONE)
        return (uint32_t)found;
    struct text name = {0}, short_name = {0};
    frame_add_name(&name, page->model, frame);
    name_add_short(&short_name, text_string(&name));
    struct page_function function = {
            .name = page_string(page, text_string(&name), name.n),
            .short_name = page_string(page, text_string(&short_name), short_name.n),
            .file = names_string(page, model_string_at(page->model, frame->file)),
            .module = names_module(page, frame, text_string(&short_name)),
            .nameless = frame->function == 0,
    };
    bool made = !name.failed && !short_name.failed && function.module != MODEL_NONE &&
                VEC_PUSH(&page->functions, PAGE_TABLE_MAX, function) &&
                map_put(&page->function_index, key, (uint32_t)page->functions.n - 1);
    text_done(&name);
    text_done(&short_name);
    return made ? (uint32_t)page->functions.n - 1 : MODEL_NONE;
}

static uint32_t names_frame(struct page *page, const struct frame *seen)
{
    struct page_frame frame = {.function = names_function(page, seen),
                               .line = seen->line,
                               .flags = (seen->inlined ? PAGE_INLINED : 0u) |
                                        (seen->guessed ? PAGE_GUESSED : 0u)};
    if (frame.function == MODEL_NONE)
        return MODEL_NONE;
    uint64_t key =
            map_mix((uint64_t)frame.function << 34 ^ (uint64_t)frame.line << 2 ^ frame.flags);
    int64_t found = map_find(&page->frame_index, key);
    if (found != MAP_NONE)
        return (uint32_t)found;
    if (!VEC_PUSH(&page->frames, PAGE_TABLE_MAX, frame) ||
        !map_put(&page->frame_index, key, (uint32_t)page->frames.n - 1))
        return MODEL_NONE;
    return (uint32_t)page->frames.n - 1;
}

/* A tree under construction: nodes in the order in which they were met. */
struct names_tree {
    VEC(struct page_node) nodes;
    struct map children; /* (parent, frame) → node */
    VEC(uint32_t) path;  /* frames of one stack, innermost first */
};

/* The node of a stack; MODEL_NONE: no memory. */
static uint32_t names_tree_add(struct page *page, struct names_tree *tree, uint32_t model_node)
{
    struct frame_walk walk;
    struct frame frame;
    tree->path.n = 0;
    frame_walk_begin(&walk, page->model, model_node);
    while (frame_walk_next(&walk, &frame)) {
        uint32_t made = names_frame(page, &frame);
        if (made == MODEL_NONE || !VEC_PUSH(&tree->path, PAGE_DEPTH_MAX, made))
            return MODEL_NONE;
    }
    uint32_t node = 0;
    for (size_t i = tree->path.n; i-- > 0;) {
        uint32_t made = tree->path.at[i];
        uint64_t key = map_mix((uint64_t)node << 32 ^ made);
        int64_t found = map_find(&tree->children, key);
        if (found == MAP_NONE) {
            struct page_node child = {.parent = node, .frame = made};
            if (!VEC_PUSH(&tree->nodes, PAGE_TABLE_MAX, child) ||
                !map_put(&tree->children, key, (uint32_t)tree->nodes.n - 1))
                return MODEL_NONE;
            found = (int64_t)tree->nodes.n - 1;
        }
        node = (uint32_t)found;
    }
    return node;
}

/*
 * Preorder without recursion: sizes of subtrees first (children come after parents), then each
 * child's place behind its elder siblings.
 */
static int names_preorder(struct page *page, const struct names_tree *tree, uint32_t *ret_places)
{
    size_t n = tree->nodes.n;
    uint32_t *sizes = calloc(n, sizeof *sizes), *next = calloc(n, sizeof *next);
    bool made =
            sizes && next && vec_reserve(&page->nodes, sizeof(struct page_node), n, PAGE_TABLE_MAX);
    for (size_t i = n; made && i-- > 1;)
        sizes[tree->nodes.at[i].parent] += ++sizes[i];
    for (size_t i = 0; made && i < n; i++) {
        uint32_t parent = tree->nodes.at[i].parent;
        ret_places[i] = i ? next[parent] : 0;
        if (i)
            next[parent] += sizes[i];
        next[i] = ret_places[i] + 1;
        page->nodes.at[ret_places[i]] =
                (struct page_node){.parent = ret_places[parent], .frame = tree->nodes.at[i].frame};
    }
    if (made)
        page->nodes.n = n;
    free(sizes);
    free(next);
    return made ? 0 : ERR_MEMORY;
}

/* The stacks of all sites and of where tasks were spawned. */
static int names_add_stacks(struct page *page, struct names_tree *tree, uint32_t *ret_nodes)
{
    const struct analysis *analysis = page->analysis;
    for (size_t i = 0; i < analysis->sites.n; i++) {
        ret_nodes[i] = names_tree_add(page, tree, analysis->sites.at[i].node);
        if (ret_nodes[i] == MODEL_NONE)
            return ERR_MEMORY;
    }
    for (size_t i = 1; i < page->model->tasks.n; i++) {
        uint32_t node = names_tree_add(page, tree, page->model->tasks.at[i].spawn_node);
        if (node == MODEL_NONE || !VEC_PUSH(&page->task_node, MODEL_TASKS_MAX, node))
            return ERR_MEMORY;
    }
    return 0;
}

int page_names_build(struct page *page, uint32_t *ret_nodes)
{
    struct names_tree tree = {.path = {NULL, 0, 0}};
    struct page_node root = {0, 0};
    int err = VEC_PUSH(&tree.nodes, PAGE_TABLE_MAX, root) ? 0 : ERR_MEMORY;
    err = err ? err : names_add_stacks(page, &tree, ret_nodes);
    uint32_t *places = err ? NULL : malloc(tree.nodes.n * sizeof *places);
    err = err ? err : places ? names_preorder(page, &tree, places) : ERR_MEMORY;
    for (size_t i = 0; err == 0 && i < page->analysis->sites.n; i++)
        ret_nodes[i] = places[ret_nodes[i]];
    for (size_t i = 0; err == 0 && i < page->task_node.n; i++)
        page->task_node.at[i] = places[page->task_node.at[i]];
    free(places);
    vec_done(&tree.nodes);
    vec_done(&tree.path);
    map_done(&tree.children);
    return err;
}
