/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two runs side by side as one page: totals, and the functions that changed most by three measures.
 * It has no script: everything is in the markup, so that it can be mailed and opened anywhere. Less
 * is blue and to the left, more is orange and to the right.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/session.h"
#include "export/columns.h"
#include "export/difference.h"
#include "export/json_parts.h"
#include "export/xml.h"

enum { DIFFERENCE_HTML_ROWS = 200 };

static const char difference_head[] =
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
        "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<title>memscope compare</title>\n<style>\n"
        ":root{color-scheme:light dark;--text:#191c22;--muted:#555e6b;--page:#f4f5f8;--panel:#fff;"
        "--line:#d5d9e0;--less:#0a5fd0;--more:#b45309;--less-bar:#4c8fe8;--more-bar:#e68a2e}\n"
        "@media(prefers-color-scheme:dark){:root{--text:#e8eaee;--muted:#a6adba;--page:#14161a;"
        "--panel:#1c1f25;--line:#363b45;--less:#82b4ff;--more:#f5b066}}\n"
        "body{margin:0;padding:20px;background:var(--page);color:var(--text);"
        "font:14px/1.5 system-ui,sans-serif}main{max-width:1200px;margin:0 auto}\n"
        "h1{font-size:21px;margin:0 0 4px}h2{font-size:16px;margin:26px 0 8px}"
        "p{margin:0 0 6px;color:var(--muted);overflow-wrap:anywhere}\n"
        ".wide{overflow-x:auto;background:var(--panel);border:1px solid var(--line);"
        "border-radius:8px}table{border-collapse:collapse;width:100%}\n"
        "th,td{padding:4px 10px;text-align:right;white-space:nowrap;"
        "border-bottom:1px solid var(--line);font-variant-numeric:tabular-nums}\n"
        "tr:last-child>*{border-bottom:0}"
        "th:first-child{text-align:left;font-weight:400;white-space:normal;"
        "overflow-wrap:anywhere}thead th,thead th:first-child{font-weight:600}\n"
        ".f th:first-child{font-family:ui-monospace,monospace;font-size:12px}"
        ".f thead th:first-child{font-family:inherit;font-size:14px}\n"
        ".less{color:var(--less)}.more{color:var(--more)}"
        ".b{width:180px;min-width:120px;padding:4px 10px}"
        ".b>span{display:flex}.b i{flex:1;height:10px;display:flex}"
        ".b i:first-child{justify-content:flex-end;border-right:1px solid var(--muted)}"
        ".b i>span{background:var(--less-bar)}.b i+i>span{background:var(--more-bar)}\n"
        "</style></head><body><main>\n";

struct difference_measure {
    const char *title, *about;
    uint64_t (*of)(const struct figures *figures);
};

static uint64_t difference_peak(const struct figures *figures)
{
    return figures->peak_bytes;
}

static uint64_t difference_leak(const struct figures *figures)
{
    return figures->leak_bytes;
}

static uint64_t difference_alloc(const struct figures *figures)
{
    return figures->alloc_bytes;
}

static const struct difference_measure difference_measures[] = {
        {"Live at the peak", "peak", difference_peak},
        {"Never freed", "leak", difference_leak},
        {"Allocated in all", "alloc", difference_alloc},
};

static uint64_t difference_change(uint64_t was, uint64_t is)
{
    return was > is ? was - is : is - was;
}

static int difference_order(const void *a, const void *b, void *context)
{
    const struct difference_measure *measure = context;
    const struct compare_row *x = *(const struct compare_row *const *)a;
    const struct compare_row *y = *(const struct compare_row *const *)b;
    uint64_t by = difference_change(measure->of(&x->was), measure->of(&x->is));
    uint64_t other = difference_change(measure->of(&y->was), measure->of(&y->is));
    if (by != other)
        return by < other ? 1 : -1;
    return x < y ? -1 : x > y;
}

static void difference_cell(struct text *text, const char *class, const char *sign, uint64_t value,
                            bool is_count)
{
    text_printf(text, "<td class=\"%s\" title=\"%s%llu\">%s", class, sign,
                (unsigned long long)value, sign);
    if (is_count)
        text_add_grouped(text, value);
    else
        text_add_bytes_iec(text, value);
    text_add(text, "</td>");
}

/* The cells behind a row's name, with a bar in proportion to `most` when that is given. */
static void difference_cells(struct text *text, uint64_t was, uint64_t is, bool is_count,
                             uint64_t most)
{
    uint64_t change = difference_change(was, is);
    const char *class = is > was ? "more" : is < was ? "less" : "";
    difference_cell(text, "", "", was, is_count);
    difference_cell(text, "", "", is, is_count);
    difference_cell(text, class, is > was ? "+" : is < was ? "−" : "", change, is_count);
    if (was)
        text_printf(text, "<td class=\"%s\">%+.1f %%</td>", class,
                    100.0 * ((double)is - (double)was) / (double)was);
    else
        text_printf(text, "<td class=\"%s\">%s</td>", class, is ? "new" : "");
    if (most) {
        double share = 100.0 * (double)change / (double)most;
        text_printf(text,
                    "<td class=\"b\"><span><i><span style=\"width:%.1f%%\"></span></i>"
                    "<i><span style=\"width:%.1f%%\"></span></i></span></td>",
                    is < was ? share : 0.0, is > was ? share : 0.0);
    }
    text_add(text, "</tr>\n");
}

static void difference_head_row(struct text *text, const char *label, const char *first,
                                const char *class, bool bar)
{
    text_printf(text,
                "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">"
                "<table class=\"%s\"><thead><tr><th scope=\"col\">%s</th>"
                "<th scope=\"col\">before</th><th scope=\"col\">after</th>"
                "<th scope=\"col\">change</th><th scope=\"col\">share</th>%s</tr></thead><tbody>\n",
                label, class, first, bar ? "<th scope=\"col\">less or more</th>" : "");
}

static void difference_total_row(struct text *text, const char *name, uint64_t was, uint64_t is,
                                 bool is_count)
{
    text_printf(text, "<tr><th scope=\"row\">%s</th>", name);
    difference_cells(text, was, is, is_count, 0);
}

static void difference_html_totals(struct text *text, const struct comparison *comparison)
{
    const struct analysis *before = comparison->before, *after = comparison->after;
    const struct model_sums *was = &before->model->sums, *is = &after->model->sums;
    const struct analysis *const sides[] = {before, after};
    text_add(text, "<h1>What changed between two runs</h1>\n");
    for (int i = 0; i < 2; i++) {
        struct session session = session_of(sides[i]->model);
        text_printf(text, "<p>%s: <strong>", i ? "after" : "before");
        xml_add_escaped(text, session.command, strlen(session.command));
        text_printf(text, "</strong>, %s, %.2f s</p>\n", session.id,
                    (double)sides[i]->model->end_ns / 1e9);
    }
    text_add(text, "<h2>Totals</h2>\n");
    difference_head_row(text, "Totals", "Total", "t", false);
    difference_total_row(text, "peak live", was->peak_bytes, is->peak_bytes, false);
    difference_total_row(text, "allocated", was->alloc_bytes, is->alloc_bytes, false);
    difference_total_row(text, "allocations", was->alloc_n, is->alloc_n, true);
    difference_total_row(text, "never freed", before->figures.leak_bytes, after->figures.leak_bytes,
                         false);
    difference_total_row(text, "blocks never freed", before->figures.leak_n, after->figures.leak_n,
                         true);
    difference_total_row(text, "peak RSS", before->rss.peak_bytes, after->rss.peak_bytes, false);
    text_add(text, "</tbody></table></div>\n");
}

static void difference_html_functions(struct text *text, const struct comparison *comparison,
                                      const struct compare_row **order,
                                      const struct difference_measure *measure)
{
    size_t n = comparison->rows.n, shown = 0;
    for (size_t i = 0; i < n; i++)
        order[i] = &comparison->rows.at[i];
    qsort_r(order, n, sizeof *order, difference_order, (void *)measure);
    uint64_t most =
            n ? difference_change(measure->of(&order[0]->was), measure->of(&order[0]->is)) : 0;
    text_printf(text, "<h2>%s</h2>\n", measure->title);
    if (most == 0) {
        text_add(text, "<p>Nothing changed: each function has the same.</p>\n");
        return;
    }
    text_printf(text, "<section id=\"%s\">", measure->about);
    difference_head_row(text, measure->title, "Function", "f", true);
    for (; shown < n && shown < DIFFERENCE_HTML_ROWS; shown++) {
        uint64_t was = measure->of(&order[shown]->was), is = measure->of(&order[shown]->is);
        struct text name = {0};
        if (was == is)
            break;
        compare_add_name(&name, comparison, order[shown]);
        text_add(text, "<tr><th scope=\"row\">");
        xml_add_escaped(text, text_string(&name), name.n);
        text_add(text, "</th>");
        difference_cells(text, was, is, false, most);
        text->failed |= name.failed;
        text_done(&name);
    }
    text_add(text, "</tbody></table></div></section>\n");
    if (shown == DIFFERENCE_HTML_ROWS)
        text_printf(text, "<p>The %d that changed most; the JSON has all.</p>\n",
                    DIFFERENCE_HTML_ROWS);
}

int difference_write_html(const struct comparison *comparison, struct file_out *out,
                          struct diag *diag)
{
    struct text text = {0};
    const struct compare_row **order = calloc(comparison->rows.n + 1, sizeof *order);
    text.failed = !order;
    text_add(&text, difference_head);
    difference_html_totals(&text, comparison);
    for (size_t i = 0; order && i < sizeof difference_measures / sizeof *difference_measures; i++)
        difference_html_functions(&text, comparison, order, &difference_measures[i]);
    text_add(&text, "</main></body></html>\n");
    struct export_sink sink = {.out = out, .diag = diag};
    int err = text.failed ? diag_set(diag, ERR_MEMORY, "no memory for the comparison")
                          : export_sink_write(&sink, text.bytes, text.n);
    free(order);
    text_done(&text);
    return err;
}
