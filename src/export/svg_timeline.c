/* SPDX-License-Identifier: Apache-2.0 */
/* The first panel: live memory and RSS over time, and what was allocated when. */
#include <string.h>

#include "analyze/timeline.h"
#include "export/svg_parts.h"

enum { TIMELINE_POINTS = 480, TIMELINE_BARS = 120, TIMELINE_LABEL = 110, TIMELINE_FINDINGS = 3 };

/* What the curves and bars are drawn from, over equal parts of the run. */
struct timeline {
    uint64_t live[TIMELINE_POINTS], rss[TIMELINE_POINTS];
    uint64_t alloc[TIMELINE_BARS], kept[TIMELINE_BARS];
    uint64_t most_live, most_alloc;
};

/* Spreads a slice's bytes over the parts that it covers. */
static void timeline_spread(uint64_t *parts, size_t n, const struct model *model, size_t i,
                            uint64_t bytes)
{
    double run_ns = (double)(model->end_ns ? model->end_ns : 1);
    double from = (double)model->slices.at[i].start_ns / run_ns * (double)n;
    double to = (double)timeline_slice_end(model, i) / run_ns * (double)n;
    for (size_t part = (size_t)from; part < n && (double)part < to; part++) {
        double left = from > (double)part ? from : (double)part;
        double right = to < (double)part + 1 ? to : (double)part + 1;
        parts[part] += (uint64_t)((double)bytes * (right - left) / (to - from));
    }
}

static void timeline_gather(struct timeline *timeline, const struct svg *svg)
{
    const struct model *model = svg->model;
    memset(timeline, 0, sizeof *timeline);
    timeline_high(model, TIMELINE_POINTS, timeline->live);
    for (size_t i = 0; i < model->slices.n; i++) {
        const struct model_slice *slice = &model->slices.at[i];
        size_t at =
                (size_t)((double)slice->start_ns / (double)(model->end_ns + 1) * TIMELINE_POINTS);
        if (at < TIMELINE_POINTS && slice->rss_bytes > timeline->rss[at])
            timeline->rss[at] = slice->rss_bytes;
        timeline_spread(timeline->alloc, TIMELINE_BARS, model, i, slice->alloc_bytes);
    }
    VEC_EACH (struct model_row, row, &model->rows) {
        if (row->freed == MODEL_OPEN && row->born < model->slices.n)
            timeline_spread(timeline->kept, TIMELINE_BARS, model, row->born, row->bytes);
    }
    timeline->most_live = 1;
    timeline->most_alloc = 1;
    for (size_t i = 0; i < TIMELINE_POINTS; i++) {
        uint64_t high = timeline->live[i] > timeline->rss[i] ? timeline->live[i] : timeline->rss[i];
        timeline->most_live = high > timeline->most_live ? high : timeline->most_live;
    }
    for (size_t i = 0; i < TIMELINE_BARS; i++)
        timeline->most_alloc = timeline->alloc[i] > timeline->most_alloc ? timeline->alloc[i]
                                                                         : timeline->most_alloc;
}

static void timeline_grid(struct svg *svg, const struct svg_box *plot, uint64_t most)
{
    uint64_t step = svg_step_bytes(most);
    /* Counted: a hostile recording's most is next to the highest number. */
    for (uint64_t i = 0; i <= most / step; i++) {
        uint64_t value = i * step;
        struct text label = {0};
        double y = plot->y + plot->h * (1 - (double)value / (double)most);
        text_add_bytes_iec(&label, value);
        svg_line(svg, plot->x, y, plot->x + plot->w, y, "grid");
        svg_text(svg, plot->x - 10, y + 6, "dim small", SVG_END, 0, text_string(&label));
        text_done(&label);
    }
    for (int i = 0; i <= 8; i++) {
        struct text label = {0};
        session_add_time(&label, svg->model->end_ns / 8 * (uint64_t)i);
        svg_text(svg, plot->x + plot->w * i / 8, plot->y + plot->h + 24, "dim small",
                 i == 0   ? SVG_START
                 : i == 8 ? SVG_END
                          : SVG_MIDDLE,
                 0, text_string(&label));
        text_done(&label);
    }
}

static void timeline_curves(struct svg *svg, const struct svg_box *plot,
                            const struct timeline *timeline)
{
    struct text curve = {0}, rss = {0};
    double scale = plot->h / (double)timeline->most_live;
    for (size_t i = 0; i < TIMELINE_POINTS; i++) {
        double x = plot->x + plot->w * ((double)i + 0.5) / TIMELINE_POINTS;
        text_printf(&curve, "%s%.1f %.1f", i ? "L" : "M", x,
                    plot->y + plot->h - (double)timeline->live[i] * scale);
        if (timeline->rss[i])
            text_printf(&rss, "%s%.1f %.1f", rss.n ? "L" : "M", x,
                        plot->y + plot->h - (double)timeline->rss[i] * scale);
    }
    text_printf(&svg->out, "<path class=\"live\" d=\"%sL%.1f %.1fL%.1f %.1fZ\"/>\n",
                text_string(&curve), plot->x + plot->w, plot->y + plot->h, plot->x,
                plot->y + plot->h);
    text_printf(&svg->out, "<path class=\"edge\" d=\"%s\"/>\n", text_string(&curve));
    if (rss.n)
        text_printf(&svg->out, "<path class=\"rss\" d=\"%s\"/>\n", text_string(&rss));
    text_done(&curve);
    text_done(&rss);
}

static void timeline_peak(struct svg *svg, const struct svg_box *plot,
                          const struct timeline *timeline)
{
    const struct model_sums *sums = &svg->model->sums;
    struct text label = {0};
    if (sums->peak_bytes == 0)
        return;
    double share = (double)sums->peak_at_ns / (double)(svg->model->end_ns + 1);
    double x = plot->x + plot->w * (share < 1 ? share : 1);
    double y = plot->y + plot->h * (1 - (double)sums->peak_bytes / (double)timeline->most_live);
    text_printf(&svg->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"6\" class=\"peak\"/>\n", x, y);
    text_add(&label, "peak ");
    text_add_bytes_iec(&label, sums->peak_bytes);
    text_add(&label, " at ");
    session_add_time(&label, sums->peak_at_ns);
    svg_text(svg, share > 0.7 ? x - 14 : x + 14, y < plot->y + 20 ? y + 24 : y - 8, "strong",
             share > 0.7 ? SVG_END : SVG_START, 0, text_string(&label));
    text_done(&label);
}

/* Two-tone bars: what is still live at the end, and what was freed since. */
static void timeline_bars(struct svg *svg, const struct svg_box *plot,
                          const struct timeline *timeline)
{
    double width = plot->w / TIMELINE_BARS;
    for (size_t i = 0; i < TIMELINE_BARS; i++) {
        uint64_t kept =
                timeline->kept[i] < timeline->alloc[i] ? timeline->kept[i] : timeline->alloc[i];
        double all = (double)timeline->alloc[i] / (double)timeline->most_alloc * plot->h;
        double low = (double)kept / (double)timeline->most_alloc * plot->h;
        struct svg_box bar = {plot->x + width * (double)i, plot->y + plot->h - all, width - 1,
                              all - low};
        struct text title = {0};
        session_add_time(&title,
                         (uint64_t)((double)svg->model->end_ns * (double)i / TIMELINE_BARS));
        text_add(&title, ": ");
        text_add_bytes_iec(&title, timeline->alloc[i]);
        text_add(&title, " allocated, ");
        text_add_bytes_iec(&title, kept);
        text_add(&title, " of it still live at the end");
        if (all > 0)
            svg_rect(svg, &bar, "gone", NULL, NULL);
        bar.y += bar.h;
        bar.h = low;
        if (low > 0)
            svg_rect(svg, &bar, "kept", NULL, NULL);
        struct svg_box hover = {bar.x, plot->y, width, plot->h};
        svg_rect(svg, &hover, "hover", NULL, text_string(&title));
        text_done(&title);
    }
}

static void timeline_legend(struct svg *svg, const struct svg_box *box)
{
    double x = box->x + box->w, y = box->y - 20;
    svg_text(svg, x, y, "dim small", SVG_END, 0,
             "line: live heap · dashes: resident memory · bars: allocated (dark: still live at the "
             "end)");
}

void svg_timeline(struct svg *svg, struct svg_box box)
{
    struct timeline timeline;
    svg_heading(svg, &box, "Memory over time");
    timeline_legend(svg, &box);
    timeline_gather(&timeline, svg);
    size_t findings = svg->analysis->findings.n;
    findings = findings < TIMELINE_FINDINGS ? findings : TIMELINE_FINDINGS;
    double below = 34 + 26 * (double)findings;
    struct svg_box plot = {box.x + TIMELINE_LABEL, box.y, box.w - TIMELINE_LABEL, box.h - below};
    struct svg_box bars = plot;
    plot.h *= 0.72;
    bars.y += bars.h * 0.86;
    bars.h *= 0.14;
    timeline_grid(svg, &plot, timeline.most_live);
    timeline_curves(svg, &plot, &timeline);
    timeline_peak(svg, &plot, &timeline);
    timeline_bars(svg, &bars, &timeline);
    for (size_t i = 0; i < findings; i++) {
        struct text line = {0};
        text_printf(&line, "%s %s", i ? "·" : "▲",
                    text_string(&svg->analysis->findings.at[i].title));
        svg_text(svg, plot.x, bars.y + bars.h + 28 + 26 * (double)i, i ? "" : "strong", SVG_START,
                 130, text_string(&line));
        text_done(&line);
    }
}
