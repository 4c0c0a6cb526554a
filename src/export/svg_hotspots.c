/* SPDX-License-Identifier: Apache-2.0 */
/* The third panel: the stacks that hold the peak as an icicle, and the ten functions in a table. */
#include <stdlib.h>
#include <string.h>

#include "export/svg_parts.h"

enum { HOTSPOTS_LEVELS = 14, HOTSPOTS_RECTS_MOST = 700, HOTSPOTS_TOP = 10 };

struct hotspots {
    struct svg *svg;
    struct svg_box box;
    uint64_t *bytes; /* live at the peak, of each node with all below it */
    uint64_t whole;
    double row_h;
    size_t rects;
    uint32_t root; /* frames above it hold everything and are left out */
    uint32_t root_level;
};

/* Stable colours: the module decides the hue. */
static const char *hotspots_colour(const struct page *page, uint32_t node)
{
    static const char *const hues[] = {"#88ccee", "#ddcc77", "#cc9fb8", "#8fd0a5",
                                       "#e6a57e", "#b3a6d9", "#c9d487", "#7fc7c0"};
    const struct page_function *function =
            &page->functions.at[page->frames.at[page->nodes.at[node].frame].function];
    const struct page_module *module = &page->modules.at[function->module];
    if (module->kind == PAGE_STD || module->kind == PAGE_RUNTIME || module->kind == PAGE_LIBC)
        return "#c9ced4";
    const char *name = page_string_at(page, module->name);
    return hues[map_hash_bytes(name, strlen(name)) % (sizeof hues / sizeof hues[0])];
}

/* Nodes come before their children: one pass from the end sums the subtrees. */
static bool hotspots_sum(struct hotspots *hotspots)
{
    const struct page *page = hotspots->svg->page;
    hotspots->bytes = calloc(page->nodes.n + 1, sizeof *hotspots->bytes);
    if (!hotspots->bytes)
        return false;
    VEC_EACH (struct page_site, site, &page->sites) {
        hotspots->bytes[site->node] += site->figures.peak_bytes;
    }
    for (size_t i = page->nodes.n; i-- > 1;)
        hotspots->bytes[page->nodes.at[i].parent] += hotspots->bytes[i];
    hotspots->whole = hotspots->bytes[0];
    return true;
}

/* Skips frames that everything passes: _start, main's callers, an event loop. */
static void hotspots_find_root(struct hotspots *hotspots)
{
    const struct page *page = hotspots->svg->page;
    uint32_t at = 0;
    for (uint32_t i = 1; i < page->nodes.n; i++) {
        if (page->nodes.at[i].parent != at || hotspots->bytes[i] == 0)
            continue;
        if (hotspots->bytes[i] < hotspots->whole)
            break;
        at = i;
    }
    hotspots->root =
            at && hotspots->bytes[page->nodes.at[at].parent] ? page->nodes.at[at].parent : at;
}

static void hotspots_rect(struct hotspots *hotspots, uint32_t node, double x, double w,
                          uint32_t level)
{
    struct svg *svg = hotspots->svg;
    const struct page *page = svg->page;
    const struct page_function *function =
            &page->functions.at[page->frames.at[page->nodes.at[node].frame].function];
    struct svg_box box = {x, hotspots->box.y + hotspots->row_h * level, w, hotspots->row_h - 1};
    struct text title = {0};
    text_add(&title, page_string_at(page, function->name));
    text_add_char(&title, '\n');
    text_add_bytes_iec(&title, hotspots->bytes[node]);
    text_printf(&title, ", %.1f %%",
                100.0 * (double)hotspots->bytes[node] / (double)hotspots->whole);
    svg_rect(svg, &box, "block", hotspots_colour(page, node), text_string(&title));
    hotspots->rects++;
    if (w >= 60)
        svg_text(svg, x + 5, box.y + hotspots->row_h * 0.72, "name", SVG_START,
                 (size_t)((w - 8) / 9.2), page_string_at(page, function->short_name));
    text_done(&title);
}

/* Preorder with a stack of levels: where the next child of each level begins. */
static void hotspots_draw(struct hotspots *hotspots)
{
    const struct page *page = hotspots->svg->page;
    double next[HOTSPOTS_LEVELS + 1];
    uint32_t path[HOTSPOTS_LEVELS + 1];
    double scale = hotspots->box.w / (double)hotspots->whole;
    uint32_t depth = 1;
    path[0] = hotspots->root;
    next[0] = hotspots->box.x;
    for (uint32_t i = hotspots->root + 1; i < page->nodes.n; i++) {
        while (depth && path[depth - 1] != page->nodes.at[i].parent &&
               path[depth - 1] >= page->nodes.at[i].parent && depth > 1)
            depth--;
        if (path[depth - 1] != page->nodes.at[i].parent)
            continue; /* below a frame that is not drawn, or outside of the root */
        double w = (double)hotspots->bytes[i] * scale;
        if (w < 1 || hotspots->rects >= HOTSPOTS_RECTS_MOST)
            continue;
        hotspots_rect(hotspots, i, next[depth - 1], w, depth - 1);
        if (depth < HOTSPOTS_LEVELS) {
            path[depth] = i;
            next[depth] = next[depth - 1];
            next[depth - 1] += w;
            depth++;
        } else {
            next[depth - 1] += w;
        }
    }
}

static void hotspots_table(struct svg *svg, struct svg_box box)
{
    uint32_t top[HOTSPOTS_TOP];
    size_t n = analysis_top(svg->analysis, FUNCTION_PEAK, HOTSPOTS_TOP, top);
    double row = (box.h - 34) / HOTSPOTS_TOP;
    row = row < 44 ? row : 44;
    svg_text(svg, box.x, box.y + 20, "dim small", SVG_START, 0, "function");
    svg_text(svg, box.x + box.w - 80, box.y + 20, "dim small", SVG_END, 0, "at the peak");
    svg_text(svg, box.x + box.w, box.y + 20, "dim small", SVG_END, 0, "%");
    for (size_t i = 0; i < n; i++) {
        const struct figures *self = &svg->analysis->functions.at[top[i]].self;
        double y = box.y + 34 + row * ((double)i + 0.7);
        struct text text = {0};
        analysis_add_name(&text, svg->analysis, top[i]);
        svg_text(svg, box.x, y, "small", SVG_START, 34, text_string(&text));
        text_clear(&text);
        text_add_bytes_iec(&text, self->peak_bytes);
        svg_text(svg, box.x + box.w - 80, y, "small", SVG_END, 0, text_string(&text));
        text_clear(&text);
        text_printf(&text, "%.1f",
                    100.0 * (double)self->peak_bytes / (double)svg->model->sums.peak_bytes);
        svg_text(svg, box.x + box.w, y, "small strong", SVG_END, 0, text_string(&text));
        text_done(&text);
    }
}

void svg_hotspots(struct svg *svg, struct svg_box box)
{
    struct hotspots hotspots = {.svg = svg};
    svg_heading(svg, &box, "Who holds the memory at the peak");
    struct svg_box table = {box.x + box.w * 0.66, box.y, box.w * 0.34, box.h};
    hotspots.box = (struct svg_box){box.x, box.y, box.w * 0.64, box.h};
    if (!hotspots_sum(&hotspots)) {
        svg->out.failed = true;
        return;
    }
    if (hotspots.whole) {
        hotspots_find_root(&hotspots);
        hotspots.row_h = hotspots.box.h / HOTSPOTS_LEVELS;
        hotspots_draw(&hotspots);
        hotspots_table(svg, table);
    } else {
        svg_text(svg, box.x, box.y + 40, "dim", SVG_START, 0, "Nothing was allocated.");
    }
    free(hotspots.bytes);
}
