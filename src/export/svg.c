/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SVG export: a poster of three panels, or one panel as a slide of 16:9. Plain SVG 1.1 with a
 * style sheet: no script, no font, no link, so that it is safe and looks the same everywhere.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "export/columns.h"
#include "export/svg_parts.h"

enum {
    SVG_WIDTH = 1600,
    SVG_SLIDE = 900,
    SVG_POSTER = 1480,
    SVG_MARGIN = 50,
    SVG_HEAD = 110,
    SVG_FOOT = 50
};

static const char svg_style[] =
        "<style>"
        "text{font-family:system-ui,sans-serif;font-size:20px;fill:#1b1f24}"
        ".title{font-size:32px;font-weight:700}.head{font-size:24px;font-weight:600}"
        ".dim{fill:#5b6570}.small{font-size:17px}.name{font-size:16px;fill:#111}"
        ".strong{font-weight:600}"
        ".page{fill:#fff}.grid{stroke:#d9dee4;stroke-width:1}.live{fill:#0b62d0;fill-opacity:.2}"
        ".edge{fill:none;stroke:#0b62d0;stroke-width:2.5}"
        ".rss{fill:none;stroke:#5b6570;stroke-width:2;stroke-dasharray:7 5}"
        ".end{stroke:#b35900;stroke-width:2;stroke-dasharray:3 5}"
        ".kept{fill:#0b62d0}.gone{fill:#9db9da}.peak{fill:#c0392b}.hover{fill:#000;fill-opacity:0}"
        ".block{stroke:#fff;stroke-width:1}"
        "@media (prefers-color-scheme:dark){text{fill:#e6e9ed}.dim{fill:#9aa4af}"
        ".name{fill:#111}.page{fill:#14171b}.grid{stroke:#333a42}.block{stroke:#14171b}"
        ".edge{stroke:#5aa0ff}.live{fill:#5aa0ff}.kept{fill:#5aa0ff}.gone{fill:#3c5675}"
        ".rss{stroke:#9aa4af}}"
        "</style>\n";

void svg_text(struct svg *svg, double x, double y, const char *class, enum svg_anchor anchor,
              size_t columns, const char *string)
{
    static const char *const anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
    struct text fitted = {0};
    columns_add_short(&fitted, string, columns ? columns : 4096);
    text_printf(&svg->out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\"%s>", x, y, class,
                anchors[anchor]);
    xml_add_escaped(&svg->out, text_string(&fitted), fitted.n);
    text_add(&svg->out, "</text>\n");
    text_done(&fitted);
}

void svg_rect(struct svg *svg, const struct svg_box *box, const char *class, const char *fill,
              const char *title)
{
    text_printf(&svg->out,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"%s\"", box->x,
                box->y, box->w, box->h, class);
    if (fill)
        text_printf(&svg->out, " fill=\"%s\"", fill);
    if (!title) {
        text_add(&svg->out, "/>\n");
        return;
    }
    text_add(&svg->out, "><title>");
    xml_add_escaped(&svg->out, title, strlen(title));
    text_add(&svg->out, "</title></rect>\n");
}

void svg_line(struct svg *svg, double x1, double y1, double x2, double y2, const char *class)
{
    text_printf(&svg->out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n",
                x1, y1, x2, y2, class);
}

void svg_heading(struct svg *svg, struct svg_box *box, const char *heading)
{
    svg_text(svg, box->x, box->y + 24, "head", SVG_START, 0, heading);
    box->y += 44;
    box->h -= 44;
}

uint64_t svg_step_bytes(uint64_t most)
{
    uint64_t step = 1;
    while (most / step > 5 && step < UINT64_MAX / 4)
        step *= 2;
    return step;
}

/* Command and the three figures that matter. */
static void svg_head(struct svg *svg)
{
    struct session session = session_of(svg->model);
    struct text line = {0};
    text_add(&line, session.command);
    svg_text(svg, SVG_MARGIN, 58, "title", SVG_START, 80, text_string(&line));
    text_clear(&line);
    text_add(&line, "peak ");
    text_add_bytes_iec(&line, svg->model->sums.peak_bytes);
    text_add(&line, " at ");
    session_add_time(&line, svg->model->sums.peak_at_ns);
    text_add(&line, "  ·  allocated ");
    text_add_bytes_iec(&line, svg->model->sums.alloc_bytes);
    text_add(&line, " in ");
    text_add_counted(&line, svg->model->sums.alloc_n, "block");
    text_add(&line, "  ·  never freed ");
    text_add_bytes_iec(&line, svg->analysis->figures.leak_bytes);
    text_add(&line, "  ·  ");
    session_add_time(&line, svg->model->end_ns);
    text_add(&line, ", ");
    session_add_end(&line, &session);
    svg_text(svg, SVG_MARGIN, 92, "dim", SVG_START, 0, text_string(&line));
    text_done(&line);
}

static void svg_foot(struct svg *svg, const struct export_request *request, double height)
{
    struct session session = session_of(svg->model);
    struct text line = {0};
    char date[32] = "";
    struct tm parts;
    time_t seconds = (time_t)(svg->model->start_unix_ns / 1000000000);
    if (gmtime_r(&seconds, &parts))
        strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &parts);
    text_printf(&line, "memscope %s  ·  %s  ·  %s  ·  ", request->version ? request->version : "",
                date, session.strategy);
    text_add(&line, svg->analysis->exact && !session.is_sampled ? "every event recorded"
                                                                : "estimated from samples");
    if (svg->model->loss.event_n) {
        text_add(&line, "  ·  ");
        text_add_counted(&line, svg->model->loss.event_n, "event");
        text_add(&line, " lost");
    }
    svg_text(svg, SVG_MARGIN, height - 20, "dim small", SVG_START, 0, text_string(&line));
    text_done(&line);
}

static void svg_panels(struct svg *svg, enum export_panel panel)
{
    struct svg_box box = {SVG_MARGIN, SVG_HEAD + 20, SVG_WIDTH - 2 * SVG_MARGIN,
                          SVG_SLIDE - SVG_HEAD - SVG_FOOT - 20};
    if (panel == PANEL_TIMELINE)
        svg_timeline(svg, box);
    else if (panel == PANEL_PATTERNS)
        svg_patterns(svg, box);
    else if (panel == PANEL_HOTSPOTS)
        svg_hotspots(svg, box);
    if (panel != PANEL_ALL)
        return;
    box.h = 400;
    svg_timeline(svg, box);
    box.y += 420;
    box.h = 370;
    svg_patterns(svg, box);
    box.y += 390;
    box.h = SVG_POSTER - SVG_FOOT - box.y;
    svg_hotspots(svg, box);
}

int export_svg(const struct analysis *analysis, const struct export_request *request,
               struct file_out *out, struct diag *diag)
{
    struct page page;
    int err = page_build(&page, analysis, 0, diag);
    if (err)
        return err;
    struct svg svg = {.analysis = analysis, .model = analysis->model, .page = &page};
    int height = request->panel == PANEL_ALL ? SVG_POSTER : SVG_SLIDE;
    struct session session = session_of(analysis->model);
    text_printf(&svg.out,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg "
                "xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"100%%\" "
                "role=\"img\">\n<title>memscope: ",
                SVG_WIDTH, height);
    xml_add_escaped(&svg.out, session.command, strlen(session.command));
    text_add(&svg.out, "</title>\n<desc>Heap memory over time, allocation patterns and the "
                       "functions that hold it</desc>\n");
    text_add(&svg.out, svg_style);
    svg_rect(&svg, &(struct svg_box){0, 0, SVG_WIDTH, height}, "page", NULL, NULL);
    svg_head(&svg);
    svg_panels(&svg, request->panel);
    svg_foot(&svg, request, height);
    text_add(&svg.out, "</svg>\n");
    err = svg.out.failed ? diag_set(diag, ERR_MEMORY, "no memory for the SVG export")
                         : file_out_write(out, svg.out.bytes, svg.out.n, diag);
    text_done(&svg.out);
    page_done(&page);
    return err;
}
