/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of task groups in the full summary: who spawned whom, how many, and what they took. */
#include <stdlib.h>
#include <string.h>

#include "export/columns.h"
#include "export/summary_parts.h"

enum { TREE_INDENT = 2, TREE_DEPTH_SHOWN = 12, TREE_COUNT = 8, TREE_BYTES = 12 };

static const char tree_titles[] = "   tasks   allocated  still held";

struct tree_node {
    uint32_t parent; /* group, 0 = no task spawned it */
    uint32_t depth;
    bool is_group;
    uint64_t task_n, alloc_bytes, live_bytes;
    uint64_t below_bytes; /* allocated by it and all that it spawned */
};

struct tree {
    const struct model *model;
    struct tree_node *nodes; /* by index of the model's tasks */
    size_t n;
};

/* The group that an entry's figures count for; 0 for what is none. */
static uint32_t tree_group(const struct model *model, size_t i)
{
    uint32_t group = i && i < model->tasks.n ? model->tasks.at[i].group : 0;
    return group < model->tasks.n && model->tasks.at[group].group == group ? group : 0;
}

/*
 * A group is begun after the one that spawned its first task, so parents make a tree. A file may
 * say otherwise: a walk up that is longer than there are groups ends at the root.
 */
static void tree_measure(struct tree *tree)
{
    for (size_t i = 1; i < tree->n; i++) {
        if (!tree->nodes[i].is_group)
            continue;
        uint32_t up = tree->nodes[i].parent;
        size_t depth = 0;
        while (up && depth < tree->n) {
            depth++;
            up = tree->nodes[up].parent;
        }
        if (depth == tree->n)
            tree->nodes[i].parent = 0;
        tree->nodes[i].depth = depth == tree->n ? 0 : (uint32_t)depth;
    }
    for (size_t i = 1; i < tree->n; i++) {
        uint32_t up = tree->nodes[i].is_group ? (uint32_t)i : 0;
        for (size_t step = 0; up && step < tree->n; step++) {
            tree->nodes[up].below_bytes += tree->nodes[i].alloc_bytes;
            up = tree->nodes[up].parent;
        }
    }
}

static bool tree_build(struct tree *tree, const struct model *model)
{
    bool branches = false;
    *tree = (struct tree){.model = model, .n = model->tasks.n};
    tree->nodes = calloc(tree->n + 1, sizeof *tree->nodes);
    for (size_t i = 1; tree->nodes && i < tree->n; i++) {
        const struct model_task *task = &model->tasks.at[i];
        uint32_t group = tree_group(model, i);
        if (!group)
            continue;
        tree->nodes[group].is_group = true;
        tree->nodes[group].task_n += group == i ? task->folded_n : 1;
        if (group == i && tree_group(model, task->parent) != group)
            tree->nodes[group].parent = tree_group(model, task->parent);
        branches = branches || tree->nodes[group].parent;
    }
    if (!tree->nodes || !branches)
        return false;
    VEC_EACH (struct model_cell, cell, &model->cells) {
        uint32_t group = tree_group(model, cell->key.task);
        if (!group)
            continue;
        tree->nodes[group].alloc_bytes += cell->alloc_bytes;
        tree->nodes[group].live_bytes += cell->live_bytes;
    }
    tree_measure(tree);
    return true;
}

static void tree_line(struct summary *summary, const struct tree *tree, uint32_t group)
{
    const struct tree_node *node = &tree->nodes[group];
    struct text *out = &summary->out;
    struct text shown = {0};
    size_t depth = node->depth < TREE_DEPTH_SHOWN ? node->depth : TREE_DEPTH_SHOWN;
    size_t before = 5 + TREE_INDENT * depth, behind = TREE_COUNT + 2 * TREE_BYTES;
    size_t width = summary->width > before + behind + 8 ? summary->width - before - behind : 8;
    const char *name = model_string_at(tree->model, tree->model->tasks.at[group].name);
    text_add_shown(&shown, *name ? name : "(no name)", *name ? strnlen(name, 1024) : 9);
    columns_add_blanks(out, before);
    columns_add_left(out, text_string(&shown), width);
    text_clear(&shown);
    columns_add_count(&shown, node->task_n);
    columns_add_right(out, text_string(&shown), TREE_COUNT);
    text_clear(&shown);
    text_add_bytes_iec(&shown, node->alloc_bytes);
    columns_add_right(out, text_string(&shown), TREE_BYTES);
    text_clear(&shown);
    text_add_bytes_iec(&shown, node->live_bytes);
    columns_add_right(out, text_string(&shown), TREE_BYTES);
    text_add_char(out, '\n');
    text_done(&shown);
}

/* The next child of a group after the last one shown: the largest of the smaller ones. */
static uint32_t tree_next_child(const struct tree *tree, uint32_t parent, uint32_t last)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < tree->n; i++) {
        const struct tree_node *node = &tree->nodes[i];
        if (!node->is_group || node->parent != parent || i == last)
            continue;
        const struct tree_node *shown = &tree->nodes[last];
        if (last && (node->below_bytes > shown->below_bytes ||
                     (node->below_bytes == shown->below_bytes && i < last)))
            continue;
        if (!best || node->below_bytes > tree->nodes[best].below_bytes)
            best = i;
    }
    return best;
}

/* Depth first, children by what they and theirs allocated. */
static size_t tree_print(struct summary *summary, const struct tree *tree, size_t rows)
{
    uint32_t parent = 0, last = 0;
    size_t shown = 0;
    while (shown < rows) {
        uint32_t next = tree_next_child(tree, parent, last);
        if (next) {
            tree_line(summary, tree, next);
            shown++;
            parent = next;
            last = 0;
        } else if (parent) {
            last = parent;
            parent = tree->nodes[parent].parent;
        } else {
            break;
        }
    }
    return shown;
}

void summary_task_tree(struct summary *summary, size_t rows)
{
    struct tree tree;
    size_t groups = 0;
    if (tree_build(&tree, summary->model)) {
        for (size_t i = 1; i < tree.n; i++)
            groups += tree.nodes[i].is_group;
        summary_heading(summary, "Tasks, by who spawned them", tree_titles);
        size_t shown = tree_print(summary, &tree, rows);
        if (groups > shown)
            text_printf(&summary->out, "     and %zu more\n", groups - shown);
    }
    free(tree.nodes);
}
