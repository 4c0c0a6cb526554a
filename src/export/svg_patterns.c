/* SPDX-License-Identifier: Apache-2.0 */
/* The second panel: block sizes, and lifetimes over time. */
#include <math.h>
#include <string.h>

#include "export/svg_parts.h"

enum {
    PATTERNS_SIZES = MODEL_SLICE_SIZE_CLASSES,
    PATTERNS_LIVES = MODEL_CELL_LIFE_CLASSES,
    PATTERNS_COLUMNS = 48,
    PATTERNS_SHADES = 9
};

/* Blocks by powers of two, summed over the slices. */
static uint64_t patterns_sizes(const struct model *model, uint64_t sizes[PATTERNS_SIZES])
{
    uint64_t n = 0;
    memset(sizes, 0, PATTERNS_SIZES * sizeof *sizes);
    VEC_EACH (struct model_slice_histogram, histogram, &model->slice_histograms) {
        for (size_t i = 0; i < PATTERNS_SIZES; i++) {
            sizes[i] += histogram->size_n[i];
            n += histogram->size_n[i];
        }
    }
    return n;
}

static uint64_t patterns_size_least(size_t size_class)
{
    return size_class ? UINT64_C(1) << (size_class - 1) : 0;
}

static void patterns_size_bars(struct svg *svg, const struct svg_box *box,
                               const uint64_t sizes[PATTERNS_SIZES])
{
    size_t first = 0, last = PATTERNS_SIZES - 1;
    uint64_t most = 1;
    while (first < last && sizes[first] == 0)
        first++;
    while (last > first && sizes[last] == 0)
        last--;
    for (size_t i = first; i <= last; i++)
        most = sizes[i] > most ? sizes[i] : most;
    double width = box->w / (double)(last - first + 1);
    width = width < 90 ? width : 90;
    size_t every = width < 60 ? 60 / (size_t)(width < 1 ? 1 : width) + 1 : 1;
    for (size_t i = first; i <= last; i++) {
        double height = (double)sizes[i] / (double)most * box->h;
        struct svg_box bar = {box->x + width * (double)(i - first), box->y + box->h - height,
                              width - 3, height};
        struct text title = {0};
        text_add_bytes_iec(&title, patterns_size_least(i));
        if ((i - first) % every == 0)
            svg_text(svg, bar.x, box->y + box->h + 22, "dim small", SVG_START, 0,
                     text_string(&title));
        text_add(&title, " to below ");
        text_add_bytes_iec(&title, patterns_size_least(i + 1));
        text_add(&title, ": ");
        text_add_counted(&title, sizes[i], "block");
        svg_rect(svg, &bar, "kept", NULL, text_string(&title));
        text_done(&title);
    }
}

static void patterns_size_sentence(struct svg *svg, const struct svg_box *box,
                                   const uint64_t sizes[PATTERNS_SIZES], uint64_t n)
{
    struct text line = {0};
    uint64_t passed = 0;
    size_t half = 0;
    while (half < PATTERNS_SIZES - 1 && passed + sizes[half] < n - n / 2)
        passed += sizes[half++];
    if (n) {
        text_add(&line, "Half of the blocks are smaller than ");
        text_add_bytes_iec(&line, patterns_size_least(half + 1));
    } else {
        text_add(&line, "No blocks");
    }
    svg_text(svg, box->x, box->y + box->h + 54, "", SVG_START, 0, text_string(&line));
    text_done(&line);
}

/* Freed blocks by lifetime and time of their end. */
struct patterns_heat {
    uint64_t n[PATTERNS_LIVES][PATTERNS_COLUMNS];
    uint64_t most, all, under_ms;
    size_t first, last; /* lifetimes that occur */
};

static void patterns_gather(struct patterns_heat *heat, const struct model *model)
{
    double run_ns = (double)(model->end_ns + 1);
    memset(heat, 0, sizeof *heat);
    heat->first = PATTERNS_LIVES;
    for (size_t i = 0; i < model->slice_histograms.n && i < model->slices.n; i++) {
        size_t column = (size_t)((double)model->slices.at[i].start_ns / run_ns * PATTERNS_COLUMNS);
        for (size_t l = 0; l < PATTERNS_LIVES && column < PATTERNS_COLUMNS; l++) {
            uint32_t n = model->slice_histograms.at[i].life_n[l];
            heat->n[l][column] += n;
            heat->all += n;
            heat->under_ms += figures_life_class_least((unsigned)l) < 1000000 ? n : 0;
            if (n) {
                heat->first = l < heat->first ? l : heat->first;
                heat->last = l > heat->last ? l : heat->last;
            }
            heat->most = heat->n[l][column] > heat->most ? heat->n[l][column] : heat->most;
        }
    }
}

static const char *patterns_shade(uint64_t n, uint64_t most)
{
    static const char *const shades[PATTERNS_SHADES] = {"#440154", "#472d7b", "#3b528b",
                                                        "#2c728e", "#21918c", "#28ae80",
                                                        "#5ec962", "#addc30", "#fde725"};
    double share = most > 1 ? log((double)n) / log((double)most) : 1;
    size_t shade = (size_t)(share * (PATTERNS_SHADES - 1) + 0.5);
    return shades[shade < PATTERNS_SHADES ? shade : PATTERNS_SHADES - 1];
}

static void patterns_cells(struct svg *svg, const struct svg_box *box,
                           const struct patterns_heat *heat)
{
    size_t lives = heat->last - heat->first + 1;
    double width = box->w / PATTERNS_COLUMNS, height = box->h / (double)lives;
    for (size_t l = heat->first; l <= heat->last; l++) {
        double y = box->y + box->h - height * (double)(l - heat->first + 1);
        struct text label = {0};
        session_add_time(&label, figures_life_class_least((unsigned)l));
        if (lives <= 8 || (l - heat->first) % 2 == 0)
            svg_text(svg, box->x - 8, y + height, "dim small", SVG_END, 0, text_string(&label));
        for (size_t c = 0; c < PATTERNS_COLUMNS; c++) {
            struct svg_box cell = {box->x + width * (double)c, y, width, height};
            if (heat->n[l][c] == 0)
                continue;
            struct text title = {0};
            text_add_counted(&title, heat->n[l][c], "block");
            text_printf(&title, " that lived %s or more", text_string(&label));
            svg_rect(svg, &cell, "cell", patterns_shade(heat->n[l][c], heat->most),
                     text_string(&title));
            text_done(&title);
        }
        text_done(&label);
    }
}

static void patterns_lives(struct svg *svg, const struct svg_box *box)
{
    struct patterns_heat heat;
    struct text line = {0};
    patterns_gather(&heat, svg->model);
    if (heat.all == 0) {
        svg_text(svg, box->x, box->y + 40, "dim", SVG_START, 0, "No block was freed.");
        return;
    }
    patterns_cells(svg, box, &heat);
    text_add(&line, "0 s to ");
    session_add_time(&line, svg->model->end_ns);
    text_add(&line, ", colour: dark 1 block, yellow ");
    text_add_grouped(&line, heat.most);
    svg_text(svg, box->x, box->y + box->h + 22, "dim small", SVG_START, 0, text_string(&line));
    text_clear(&line);
    text_printf(&line, "%.0f %% of the freed blocks lived less than 1 ms",
                100.0 * (double)heat.under_ms / (double)heat.all);
    svg_text(svg, box->x, box->y + box->h + 54, "", SVG_START, 0, text_string(&line));
    text_done(&line);
}

void svg_patterns(struct svg *svg, struct svg_box box)
{
    uint64_t sizes[PATTERNS_SIZES];
    struct svg_box left = {box.x, box.y, box.w * 0.46, box.h};
    struct svg_box right = {box.x + box.w * 0.5, box.y, box.w * 0.5, box.h};
    svg_heading(svg, &left, "Block sizes");
    svg_heading(svg, &right, "Lifetimes of freed blocks over time");
    left.h -= 64;
    right.h -= 64;
    right.x += 100;
    right.w -= 100;
    uint64_t n = patterns_sizes(svg->model, sizes);
    if (n)
        patterns_size_bars(svg, &left, sizes);
    patterns_size_sentence(svg, &left, sizes, n);
    patterns_lives(svg, &right);
}
