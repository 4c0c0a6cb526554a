/* SPDX-License-Identifier: Apache-2.0 */
/* The report page: the template with its marks replaced (web/CONTRACT.md, section 1). */
#include <string.h>

#include "analyze/frame.h"
#include "analyze/session.h"
#include "export/html_parts.h"
#include "export/summary.h"

enum { HTML_SECTIONS = 3, HTML_TITLE_MOST = 200 };

struct html {
    struct page page;
    struct html_live live;
    struct section sections[HTML_SECTIONS];
    const struct export_request *request;
    struct export_sink sink;
};

bool export_has_html(void)
{
    return html_template_end - html_template > 1;
}

/* Escapes text for an element's content; what is not valid UTF-8 or a control becomes visible. */
static void html_add_escaped(struct text *text, const char *bytes, size_t n)
{
    struct text shown = {0};
    for (size_t line = 0; line <= n;) {
        const char *end = memchr(bytes + line, '\n', n - line);
        size_t length = end ? (size_t)(end - bytes) - line : n - line;
        text_add_shown(&shown, bytes + line, length);
        if (end)
            text_add_char(&shown, '\n');
        line += length + 1;
    }
    for (size_t i = 0; i < shown.n; i++) {
        char c = shown.bytes[i];
        const char *name = c == '&'    ? "&amp;"
                           : c == '<'  ? "&lt;"
                           : c == '>'  ? "&gt;"
                           : c == '"'  ? "&quot;"
                           : c == '\'' ? "&#39;"
                                       : NULL;
        if (name)
            text_add(text, name);
        else
            text_add_char(text, c);
    }
    text_done(&shown);
}

static int html_write_text(struct html *html, struct text *text)
{
    int err = text->failed
                      ? diag_set(html->sink.diag, ERR_MEMORY, "no memory for the report")
                      : file_out_write(html->sink.out, text_string(text), text->n, html->sink.diag);
    text_done(text);
    return err;
}

static int html_write_title(struct html *html)
{
    struct text text = {0};
    struct session session = session_of(html->page.model);
    const char *program = model_fact_get(html->page.model, "program");
    if (!program && session.root)
        program = frame_base_name(model_string_at(html->page.model, session.root->exe));
    text_add(&text, "memscope · ");
    html_add_escaped(&text, program ? program : "",
                     strnlen(program ? program : "", HTML_TITLE_MOST));
    return html_write_text(html, &text);
}

static int html_write_noscript(struct html *html)
{
    struct text summary = {0}, text = {0};
    struct summary_style style = {.columns = 100, .utf8 = true, .full = true};
    struct summary_files files = {.n = 0};
    summary_add(&summary, html->page.analysis, &style, &files);
    text_add(&text, "<pre>");
    html_add_escaped(&text, text_string(&summary), summary.n);
    text_add(&text, "</pre>");
    text.failed |= summary.failed;
    text_done(&summary);
    return html_write_text(html, &text);
}

static int html_write_json(struct html *html, bool manifest)
{
    struct json json;
    json_init(&json, export_sink_write, &html->sink);
    json.for_html = true;
    if (manifest)
        html_add_manifest(&json, &html->page, &html->live, html->request, html->sections,
                          HTML_SECTIONS);
    else
        html_add_timeline(&json, &html->page, &html->live);
    int err = json_finish(&json);
    if (html->sink.err)
        return html->sink.err;
    return err ? diag_set(html->sink.diag, ERR_MEMORY, "no memory for the report") : 0;
}

static int html_write_mark(struct html *html, const char *name, size_t n)
{
    int err = 0;
    if (n == 5 && strncmp(name, "title", n) == 0)
        return html_write_title(html);
    if (n == 8 && strncmp(name, "noscript", n) == 0)
        return html_write_noscript(html);
    if (n == 8 && strncmp(name, "manifest", n) == 0)
        return html_write_json(html, true);
    if (n == 8 && strncmp(name, "timeline", n) == 0)
        return html_write_json(html, false);
    for (size_t i = 0; i < HTML_SECTIONS && err == 0; i++)
        err = section_write(&html->sections[i], html->sink.out, html->sink.diag);
    return err;
}

/* Copies the template; at each mark @@ms:name@@ its part. */
static int html_write(struct html *html)
{
    const char *at = html_template;
    size_t left = (size_t)(html_template_end - html_template);
    while (left) {
        const char *mark = memmem(at, left, "@@ms:", 5);
        const char *end = mark ? memmem(mark + 5, left - (size_t)(mark + 5 - at), "@@", 2) : NULL;
        size_t n = end ? (size_t)(mark - at) : left;
        int err = file_out_write(html->sink.out, at, n, html->sink.diag);
        if (err == 0 && end)
            err = html_write_mark(html, mark + 5, (size_t)(end - mark) - 5);
        if (err)
            return err;
        size_t used = end ? (size_t)(end + 2 - at) : left;
        at += used;
        left -= used;
    }
    return 0;
}

static int html_fill(struct html *html)
{
    static const char *const elements[HTML_SECTIONS] = {"ms-s1", "ms-s2", "ms-s3"};
    for (size_t i = 0; i < HTML_SECTIONS; i++)
        html->sections[i].element = elements[i];
    html_fill_stats(&html->sections[2], &html->page); /* first: it adds strings */
    html_fill_names(&html->sections[0], &html->page);
    html_fill_rows(&html->sections[1], &html->page);
    for (size_t i = 0; i < HTML_SECTIONS; i++) {
        if (section_failed(&html->sections[i]))
            return diag_set(html->sink.diag, ERR_MEMORY, "no memory for the report");
    }
    return 0;
}

int export_html(const struct analysis *analysis, const struct export_request *request,
                struct file_out *out, struct diag *diag)
{
    struct html html = {.request = request, .sink = {.out = out, .diag = diag}};
    int err = page_build(&html.page, analysis, request->most_rows, diag);
    if (err)
        return err;
    err = html_live_build(&html.live, &html.page);
    if (err)
        diag_set(diag, err, "no memory for the report");
    err = err ? err : html_fill(&html);
    err = err ? err : html_write(&html);
    for (size_t i = 0; i < HTML_SECTIONS; i++)
        section_done(&html.sections[i]);
    html_live_done(&html.live);
    page_done(&html.page);
    return err;
}
