/* SPDX-License-Identifier: Apache-2.0 */
/* Drawing helpers of the SVG export; only its own files use this. */
#ifndef MEMSCOPE_EXPORT_SVG_PARTS_H
#define MEMSCOPE_EXPORT_SVG_PARTS_H

#include "analyze/session.h"
#include "export/export.h"
#include "export/page.h"
#include "export/xml.h"

struct svg {
    struct text out;
    const struct analysis *analysis;
    const struct model *model;
    const struct page *page;
};

/* A panel's place, in units of the 1600 wide view box. */
struct svg_box {
    double x, y, w, h;
};

enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };

/* A line of text, shortened to `columns` characters (0: as it is). */
void svg_text(struct svg *svg, double x, double y, const char *class, enum svg_anchor anchor,
              size_t columns, const char *string);

/* A rectangle; title NULL: no tooltip. */
void svg_rect(struct svg *svg, const struct svg_box *box, const char *class, const char *fill,
              const char *title);

void svg_line(struct svg *svg, double x1, double y1, double x2, double y2, const char *class);

/* The heading of a panel; shrinks the box to what is left below it. */
void svg_heading(struct svg *svg, struct svg_box *box, const char *heading);

/* A round number of bytes such that `most` needs at most five steps. */
uint64_t svg_step_bytes(uint64_t most);

void svg_timeline(struct svg *svg, struct svg_box box);
void svg_patterns(struct svg *svg, struct svg_box box);
void svg_hotspots(struct svg *svg, struct svg_box box);

#endif
