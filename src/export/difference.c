/* SPDX-License-Identifier: Apache-2.0 */
/* What changed between two runs. */
#include "export/difference.h"

#include <string.h>

#include "analyze/session.h"
#include "export/columns.h"
#include "export/json_parts.h"

enum { DIFFERENCE_VALUE = 12, DIFFERENCE_ROWS = 20, DIFFERENCE_JSON_ROWS = 2000 };

struct difference {
    const struct comparison *comparison;
    struct summary_style style;
    size_t width;
    struct text out, part;
};

static void difference_colour(struct difference *difference, const char *code)
{
    if (difference->style.color)
        text_printf(&difference->out, "\033[%sm", code);
}

static void difference_add_value(struct text *text, uint64_t value, bool is_count)
{
    if (is_count)
        columns_add_count(text, value);
    else
        text_add_bytes_iec(text, value);
}

/* "  before   after   change  share" */
static void difference_figures(struct difference *difference, uint64_t was, uint64_t is,
                               bool is_count)
{
    struct text *part = &difference->part;
    const uint64_t values[2] = {was, is};
    for (int i = 0; i < 2; i++) {
        text_clear(part);
        difference_add_value(part, values[i], is_count);
        columns_add_right(&difference->out, text_string(part), DIFFERENCE_VALUE);
    }
    text_clear(part);
    text_add_char(part, is > was ? '+' : is < was ? '-' : ' ');
    difference_add_value(part, is > was ? is - was : was - is, is_count);
    difference_colour(difference, is > was ? "33" : is < was ? "34" : "0");
    columns_add_right(&difference->out, text_string(part), DIFFERENCE_VALUE + 1);
    text_clear(part);
    if (was)
        text_printf(part, "%+.1f %%", 100.0 * ((double)is - (double)was) / (double)was);
    else
        text_add(part, is ? "new" : "");
    columns_add_right(&difference->out, text_string(part), DIFFERENCE_VALUE - 1);
    difference_colour(difference, "0");
    text_add_char(&difference->out, '\n');
}

static void difference_total(struct difference *difference, const char *label, uint64_t was,
                             uint64_t is, bool is_count)
{
    text_add(&difference->out, "  ");
    columns_add_left(&difference->out, label, difference->width - 2 - 4 * DIFFERENCE_VALUE);
    difference_figures(difference, was, is, is_count);
}

static void difference_totals(struct difference *difference)
{
    const struct analysis *before = difference->comparison->before;
    const struct analysis *after = difference->comparison->after;
    const struct model_sums *was = &before->model->sums, *is = &after->model->sums;
    text_add(&difference->out, "  ");
    columns_add_left(&difference->out, "", difference->width - 2 - 4 * DIFFERENCE_VALUE);
    columns_add_right(&difference->out, "before", DIFFERENCE_VALUE);
    columns_add_right(&difference->out, "after", DIFFERENCE_VALUE);
    columns_add_right(&difference->out, "change", DIFFERENCE_VALUE + 1);
    text_add_char(&difference->out, '\n');
    difference_total(difference, "peak live", was->peak_bytes, is->peak_bytes, false);
    difference_total(difference, "allocated", was->alloc_bytes, is->alloc_bytes, false);
    difference_total(difference, "allocations", was->alloc_n, is->alloc_n, true);
    difference_total(difference, "never freed", before->figures.leak_bytes,
                     after->figures.leak_bytes, false);
    difference_total(difference, "blocks never freed", before->figures.leak_n,
                     after->figures.leak_n, true);
    difference_total(difference, "peak RSS", before->rss.peak_bytes, after->rss.peak_bytes, false);
}

static void difference_rows(struct difference *difference)
{
    const struct comparison *comparison = difference->comparison;
    size_t shown = 0;
    text_add(&difference->out, "\n  Functions, by the change at the peak\n");
    for (size_t i = 0; i < comparison->rows.n && shown < DIFFERENCE_ROWS; i++) {
        const struct compare_row *row = &comparison->rows.at[i];
        struct text name = {0}, safe = {0};
        if (row->was.peak_bytes == row->is.peak_bytes)
            break;
        compare_add_name(&name, comparison, row);
        text_add_shown(&safe, text_string(&name), name.n);
        difference_total(difference, text_string(&safe), row->was.peak_bytes, row->is.peak_bytes,
                         false);
        text_done(&name);
        text_done(&safe);
        shown++;
    }
    if (shown == 0)
        text_add(&difference->out, "  none: each function holds the same at the peak\n");
}

void difference_add(struct text *text, const struct comparison *comparison,
                    const struct summary_style *style)
{
    struct difference difference = {
            .comparison = comparison, .style = *style, .width = style->columns};
    difference.width = difference.width < 70 ? 70 : difference.width > 120 ? 120 : difference.width;
    difference_totals(&difference);
    difference_rows(&difference);
    if (style->utf8)
        text_add_n(text, text_string(&difference.out), difference.out.n);
    else
        columns_add_ascii(text, text_string(&difference.out), difference.out.n);
    text->failed |= difference.out.failed;
    text_done(&difference.out);
    text_done(&difference.part);
}

static void difference_json_side(struct json *json, const char *key,
                                 const struct analysis *analysis)
{
    struct session session = session_of(analysis->model);
    json_key(json, key);
    json_object_begin(json);
    json_key_string(json, "session_id", session.id);
    json_key_string(json, "command", session.command);
    json_key_count(json, "peak_bytes", analysis->model->sums.peak_bytes);
    json_key_count(json, "allocated_bytes", analysis->model->sums.alloc_bytes);
    json_key_count(json, "allocations", analysis->model->sums.alloc_n);
    json_key_count(json, "leaked_bytes", analysis->figures.leak_bytes);
    json_key_count(json, "leaked_blocks", analysis->figures.leak_n);
    json_key_count(json, "peak_rss_bytes", analysis->rss.peak_bytes);
    json_object_end(json);
}

static void difference_json_figures(struct json *json, const char *key,
                                    const struct figures *figures)
{
    json_key(json, key);
    json_object_begin(json);
    json_key_count(json, "peak_bytes", figures->peak_bytes);
    json_key_count(json, "allocated_bytes", figures->alloc_bytes);
    json_key_count(json, "allocations", figures->alloc_n);
    json_key_count(json, "leaked_bytes", figures->leak_bytes);
    json_object_end(json);
}

int difference_write_json(const struct comparison *comparison, struct file_out *out,
                          struct diag *diag)
{
    struct export_sink sink = {.out = out, .diag = diag};
    struct json json;
    json_init(&json, export_sink_write, &sink);
    json_object_begin(&json);
    json_key_string(&json, "schema", "memscope-compare");
    difference_json_side(&json, "before", comparison->before);
    difference_json_side(&json, "after", comparison->after);
    json_key(&json, "functions");
    json_array_begin(&json);
    for (size_t i = 0; i < comparison->rows.n && i < DIFFERENCE_JSON_ROWS; i++) {
        const struct compare_row *row = &comparison->rows.at[i];
        struct text name = {0};
        json.indented = true;
        json_object_begin(&json);
        json.indented = false;
        compare_add_name(&name, comparison, row);
        json_key(&json, "function");
        json_string_n(&json, text_string(&name), name.n);
        text_done(&name);
        difference_json_figures(&json, "before", &row->was);
        difference_json_figures(&json, "after", &row->is);
        json_object_end(&json);
    }
    json.indented = true;
    json_array_end(&json);
    json_object_end(&json);
    int err = json_finish(&json);
    if (sink.err)
        return sink.err;
    return err ? diag_set(diag, ERR_MEMORY, "no memory for the comparison") : 0;
}
