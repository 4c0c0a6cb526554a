/* SPDX-License-Identifier: Apache-2.0 */
/* Walking a stack: nodes are physical frames, their symbols the inlined ones too. */
#include "analyze/frame.h"

#include <string.h>

void frame_walk_begin(struct frame_walk *ret_walk, const struct model *model, uint32_t node)
{
    *ret_walk = (struct frame_walk){.model = model, .node = node};
}

static const struct model_symbol *frame_symbol(const struct model *model,
                                               const struct model_location *location, uint32_t i)
{
    uint64_t at = (uint64_t)location->symbol_first + i;
    return i < location->symbol_n && at < model->symbols.n ? &model->symbols.at[at] : NULL;
}

bool frame_walk_next(struct frame_walk *walk, struct frame *ret_frame)
{
    const struct model *model = walk->model;
    if (walk->node == 0 || walk->node >= model->nodes.n)
        return false;
    const struct model_node *node = &model->nodes.at[walk->node];
    struct frame frame = {.node = walk->node, .guessed = node->flags & NODE_GUESSED};
    bool last = true;
    if (node->location < model->locations.n) {
        const struct model_location *location = &model->locations.at[node->location];
        const struct model_symbol *symbol = frame_symbol(model, location, walk->symbol);
        frame.module = location->module;
        frame.offset = location->offset;
        if (symbol) {
            frame.function = symbol->function;
            frame.file = symbol->file;
            frame.line = symbol->line;
            frame.inlined = symbol->inlined;
            last = walk->symbol + 1 >= location->symbol_n;
        }
    }
    if (!last) {
        walk->symbol++;
    } else {
        walk->symbol = 0;
        walk->node = node->parent < walk->node ? node->parent : 0;
    }
    *ret_frame = frame;
    return true;
}

const char *frame_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static const char *frame_module_name(const struct model *model, uint32_t module)
{
    if (module == 0 || module >= model->modules.n)
        return "";
    return frame_base_name(model_string_at(model, model->modules.at[module].path));
}

void frame_add_name(struct text *text, const struct model *model, const struct frame *frame)
{
    const char *function = model_string_at(model, frame->function);
    const char *module = frame_module_name(model, frame->module);
    if (*function)
        text_add(text, function);
    else if (frame->module == 0 && frame->offset == 0)
        text_add(text, "(no stack)");
    else
        text_printf(text, "%s+0x%llx", *module ? module : "[unknown]",
                    (unsigned long long)frame->offset);
}

void frame_add_place(struct text *text, const struct model *model, const struct frame *frame)
{
    const char *file = model_string_at(model, frame->file);
    if (!*file)
        text_add(text, frame_module_name(model, frame->module));
    else if (frame->line)
        text_printf(text, "%s:%u", frame_base_name(file), frame->line);
    else
        text_add(text, frame_base_name(file));
}
