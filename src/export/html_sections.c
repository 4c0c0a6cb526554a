/* SPDX-License-Identifier: Apache-2.0 */
/* The page's first two sections: names and tree, then what answers every window. */
#include "analyze/frame.h"
#include "analyze/name.h"
#include "export/html_parts.h"

static struct section_column *html_u(struct section *section, const char *name)
{
    return section_column(section, name, CODEC_UNSIGNED);
}

static void html_fill_modules(struct section *section, const struct page *page)
{
    struct section_column *name = html_u(section, "mod_name"), *kind = html_u(section, "mod_kind");
    struct section_column *path = html_u(section, "mod_path");
    VEC_EACH (struct page_module, module, &page->modules) {
        section_add(name, module->name);
        section_add(kind, module->kind);
        section_add(path, module->path);
    }
}

/* Bit 0: it only passes allocations on, bit 1: it has no symbol. The page names sites by them. */
static unsigned html_function_flags(const struct page *page, const struct page_function *function)
{
    const char *path = page_string_at(page, page->modules.at[function->module].path);
    const char *name = page_string_at(page, function->short_name);
    return (name_is_plumbing(name, frame_base_name(path), page_string_at(page, function->file))
                    ? 1u
                    : 0) |
           (function->nameless ? 2u : 0);
}

static void html_fill_functions(struct section *section, const struct page *page)
{
    struct section_column *name = html_u(section, "func_name");
    struct section_column *short_name = html_u(section, "func_short");
    struct section_column *file = html_u(section, "func_file");
    struct section_column *module = html_u(section, "func_mod");
    struct section_column *passes = html_u(section, "func_flags");
    VEC_EACH (struct page_function, function, &page->functions) {
        section_add(name, function->name);
        section_add(short_name, function->short_name);
        section_add(file, function->file);
        section_add(module, function->module);
        section_add(passes, html_function_flags(page, function));
    }
    struct section_column *of = html_u(section, "frame_func"),
                          *line = html_u(section, "frame_line");
    struct section_column *flags = html_u(section, "frame_flags");
    VEC_EACH (struct page_frame, frame, &page->frames) {
        section_add(of, frame->function);
        section_add(line, frame->line);
        section_add(flags, frame->flags);
    }
}

void html_fill_names(struct section *section, const struct page *page)
{
    struct section_column *strings = section_column(section, "str", CODEC_STRINGS);
    for (uint32_t i = 0; i < page->strings.n; i++)
        section_add_string(strings, page_string_at(page, i));
    html_fill_modules(section, page);
    html_fill_functions(section, page);
    struct section_column *parent = html_u(section, "node_parent");
    struct section_column *frame = html_u(section, "node_frame");
    for (size_t i = 0; i < page->nodes.n; i++) {
        section_add(parent, i - page->nodes.at[i].parent);
        section_add(frame, page->nodes.at[i].frame);
    }
}

static void html_fill_contexts(struct section *section, const struct page *page)
{
    const struct model *model = page->model;
    struct section_column *process = html_u(section, "ctx_proc");
    struct section_column *thread = html_u(section, "ctx_thread");
    struct section_column *task = html_u(section, "ctx_task");
    VEC_EACH (struct page_context, context, &page->contexts) {
        section_add(process, context->process);
        section_add(thread, context->thread);
        section_add(task, context->task);
    }
    struct section_column *gone = html_u(section, "proc_end_slice");
    struct section_column *kind = html_u(section, "proc_end_kind");
    for (size_t i = 0; i < model->processes.n; i++) {
        enum process_end end = model->processes.at[i].end;
        section_add(gone, page->process_gone.at[i]);
        section_add(kind, end == PROCESS_RUNNING    ? 0
                          : end == PROCESS_SIGNALED ? 2
                          : end == PROCESS_EXECED   ? 3
                                                    : 1);
    }
    struct section_column *of = html_u(section, "thread_proc");
    VEC_EACH (struct model_thread, each, &model->threads) {
        section_add(of, each->process < model->processes.n ? each->process : 0);
    }
    struct section_column *group = html_u(section, "task_group");
    for (size_t i = 0; i < page->task_group.n; i++)
        section_add(group, page->task_group.at[i]);
}

void html_fill_rows(struct section *section, const struct page *page)
{
    html_fill_contexts(section, page);
    struct section_column *node = section_column(section, "site_node", CODEC_DELTA);
    struct section_column *cells = html_u(section, "site_cells");
    VEC_EACH (struct page_site, site, &page->sites) {
        section_add(node, site->node);
        section_add(cells, site->cell_n);
    }
    struct section_column *context = section_column(section, "cell_ctx", CODEC_DELTA);
    struct section_column *rows = html_u(section, "cell_rows");
    struct section_column *peak_n = html_u(section, "cell_peak_n");
    struct section_column *peak_bytes = html_u(section, "cell_peak_bytes");
    struct section_column *own_n = html_u(section, "cell_own_n");
    struct section_column *own_bytes = html_u(section, "cell_own_bytes");
    VEC_EACH (struct page_cell, cell, &page->cells) {
        section_add(context, cell->context);
        section_add(rows, cell->row_n);
        section_add(peak_n, cell->peak_n);
        section_add(peak_bytes, cell->peak_bytes);
        section_add(own_n, cell->own_n);
        section_add(own_bytes, cell->own_bytes);
    }
    struct section_column *born = section_column(section, "row_a", CODEC_DELTA);
    struct section_column *life = html_u(section, "row_life"), *n = html_u(section, "row_n");
    struct section_column *bytes = html_u(section, "row_bytes");
    VEC_EACH (struct page_row, row, &page->rows) {
        section_add(born, row->born);
        section_add(life, row->life);
        section_add(n, row->n);
        section_add(bytes, row->bytes);
    }
}
