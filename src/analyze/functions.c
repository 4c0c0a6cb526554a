/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions: every frame's function once, and the sites that carry its name.
 *
 * A site is named after its first frame that is no plumbing; a frame without a symbol passes that
 * on to a named caller of the same module when one is near. A function's total counts each site
 * once, however often the function stands in the stack: `seen` holds the last site that was
 * counted for each function.
 */
#include <string.h>

#include "analyze/frame.h"
#include "analyze/name.h"
#include "analyze/tables.h"

enum { FUNCTIONS_NAMELESS_MOST = 4 };

struct functions_builder {
    struct analysis *analysis;
    struct map index;
    VEC(uint32_t) seen; /* site + 1 that was last added to a function's total */
};

static uint64_t functions_key(const struct frame *frame)
{
    if (frame->function)
        return map_mix((uint64_t)frame->function << 20 ^ frame->module);
    return map_mix(~(frame->offset ^ (uint64_t)frame->module << 48));
}

static const char *functions_module_name(const struct model *model, uint32_t module)
{
    if (module >= model->modules.n)
        return "";
    return frame_base_name(model_string_at(model, model->modules.at[module].path));
}

/* Makes the entry of a frame's function. MODEL_NONE: no memory. */
static uint32_t functions_make(struct functions_builder *builder, const struct frame *frame)
{
    struct analysis *analysis = builder->analysis;
    const struct model *model = analysis->model;
    struct function function = {.name = frame->function,
                                .short_name = (uint32_t)analysis->names.n,
                                .module = frame->module,
                                .file = frame->file,
                                .line = frame->line,
                                .offset = frame->offset};
    if (frame->function)
        name_add_short(&analysis->names, model_string_at(model, frame->function));
    else
        frame_add_name(&analysis->names, model, frame);
    text_add_char(&analysis->names, 0);
    if (analysis->names.failed)
        return MODEL_NONE;
    function.plumbing = name_is_plumbing(analysis->names.bytes + function.short_name,
                                         functions_module_name(model, frame->module),
                                         model_string_at(model, frame->file));
    if (!VEC_PUSH(&analysis->functions, MODEL_SYMBOLS_MAX, function) ||
        !VEC_PUSH(&builder->seen, MODEL_SYMBOLS_MAX, 0))
        return MODEL_NONE;
    return (uint32_t)analysis->functions.n - 1;
}

static uint32_t functions_of_frame(struct functions_builder *builder, const struct frame *frame)
{
    uint64_t key = functions_key(frame);
    int64_t found = map_find(&builder->index, key);
    if (found != MAP_NONE)
        return (uint32_t)found;
    uint32_t made = functions_make(builder, frame);
    if (made != MODEL_NONE && !map_put(&builder->index, key, made))
        return MODEL_NONE;
    return made;
}

/* Whom a site is named after, as far as its stack has been walked. */
struct functions_naming {
    struct frame frame;
    uint32_t function;
    int nameless_n; /* frames without a symbol since the first that could have named it */
    bool settled;
};

static void functions_name(struct functions_naming *naming, const struct frame *frame,
                           uint32_t function, bool plumbing)
{
    if (naming->settled)
        return;
    bool first = naming->function == MODEL_NONE;
    if (naming->nameless_n &&
        (frame->module != naming->frame.module || naming->nameless_n == FUNCTIONS_NAMELESS_MOST)) {
        naming->settled = true;
        return;
    }
    if (first || (!plumbing && (frame->function || naming->nameless_n == 0))) {
        naming->frame = *frame;
        naming->function = function;
    }
    naming->settled = !plumbing && frame->function;
    naming->nameless_n += !plumbing && !frame->function;
}

/* Walks a site's stack: adds to totals, and finds whom the site is named after. */
static int functions_add_site(struct functions_builder *builder, uint32_t i)
{
    struct analysis *analysis = builder->analysis;
    struct site *site = &analysis->sites.at[i];
    struct frame_walk walk;
    struct frame frame;
    struct functions_naming naming = {.function = MODEL_NONE};
    frame_walk_begin(&walk, analysis->model, site->node);
    while (frame_walk_next(&walk, &frame)) {
        uint32_t function = functions_of_frame(builder, &frame);
        if (function == MODEL_NONE)
            return ERR_MEMORY;
        functions_name(&naming, &frame, function, analysis->functions.at[function].plumbing);
        if (builder->seen.at[function] == i + 1)
            continue;
        builder->seen.at[function] = i + 1;
        figures_add(&analysis->functions.at[function].total, &site->figures);
    }
    if (naming.function == MODEL_NONE) { /* an empty stack */
        naming.function = functions_of_frame(builder, &naming.frame);
        if (naming.function == MODEL_NONE)
            return ERR_MEMORY;
    }
    site->function = naming.function;
    site->file = naming.frame.file;
    site->line = naming.frame.line;
    return 0;
}

/* Sites by function, by counting; and each function's own figures and place. */
static int functions_group(struct analysis *analysis)
{
    if (!vec_reserve(&analysis->site_order, sizeof(uint32_t), analysis->sites.n + 1,
                     MODEL_CELLS_MAX))
        return ERR_MEMORY;
    VEC_EACH (struct site, site, &analysis->sites) {
        analysis->functions.at[site->function].site_n++;
    }
    uint32_t first = 0;
    VEC_EACH (struct function, function, &analysis->functions) {
        function->site_first = first;
        first += function->site_n;
        function->site_n = 0;
    }
    for (size_t i = 0; i < analysis->sites.n; i++) {
        const struct site *site = &analysis->sites.at[i];
        struct function *function = &analysis->functions.at[site->function];
        analysis->site_order.at[function->site_first + function->site_n++] = (uint32_t)i;
        figures_add(&function->self, &site->figures);
    }
    analysis->site_order.n = analysis->sites.n;
    return 0;
}

/* A function is shown at the line of its heaviest site. */
static void functions_place(struct analysis *analysis)
{
    VEC_EACH (struct function, function, &analysis->functions) {
        uint64_t heaviest = 0;
        for (uint32_t i = 0; i < function->site_n; i++) {
            const struct site *site =
                    &analysis->sites.at[analysis->site_order.at[function->site_first + i]];
            uint64_t weight = site->figures.peak_bytes + site->figures.leak_bytes + 1;
            if (weight <= heaviest || !site->line)
                continue;
            heaviest = weight;
            function->file = site->file;
            function->line = site->line;
        }
    }
}

int functions_build(struct analysis *analysis, struct diag *diag)
{
    struct functions_builder builder = {.analysis = analysis};
    int err = 0;
    for (size_t i = 0; i < analysis->sites.n && err == 0; i++)
        err = functions_add_site(&builder, (uint32_t)i);
    map_done(&builder.index);
    vec_done(&builder.seen);
    err = err ? err : functions_group(analysis);
    if (err)
        return diag_set(diag, err, "no memory to analyse the functions");
    functions_place(analysis);
    return 0;
}
