/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pprof's profile.proto, gzipped. Field numbers are those of the message definitions; every message
 * is built whole before it goes out, since its length stands before it.
 */
#include <string.h>

#include "analyze/session.h"
#include "export/export.h"
#include "export/gzip.h"
#include "export/page.h"
#include "export/path.h"

enum { /* Profile */
       PROFILE_SAMPLE_TYPE = 1,
       PROFILE_SAMPLE = 2,
       PROFILE_MAPPING = 3,
       PROFILE_LOCATION = 4,
       PROFILE_FUNCTION = 5,
       PROFILE_STRING = 6,
       PROFILE_TIME_NS = 9,
       PROFILE_DURATION_NS = 10,
       PROFILE_PERIOD_TYPE = 11,
       PROFILE_PERIOD = 12,

       PROFILE_DEFAULT_TYPE = 14,
};

struct pprof {
    const struct page *page;
    struct gzip gzip;
    struct text message; /* the message under construction */
    struct text part;    /* one inside it */
    uint32_t string_n;   /* strings of the page come first, ours behind */
};

/* Our own strings, in this order behind the page's. */
static const char *const pprof_words[] = {"alloc_objects", "count",         "alloc_space",
                                          "bytes",         "inuse_objects", "inuse_space",
                                          "peak_objects",  "peak_space",    "space"};
enum { PPROF_COUNT = 1, PPROF_BYTES = 3, PPROF_PEAK_SPACE = 7, PPROF_SPACE = 8, PPROF_TYPES = 6 };
static const struct {
    uint8_t type, unit;
} pprof_types[PPROF_TYPES] = {{0, PPROF_COUNT}, {2, PPROF_BYTES}, {4, PPROF_COUNT},
                              {5, PPROF_BYTES}, {6, PPROF_COUNT}, {PPROF_PEAK_SPACE, PPROF_BYTES}};

static void pprof_varint(struct text *text, uint64_t value)
{
    while (value > 0x7f) {
        text_add_char(text, (char)(value | 0x80));
        value >>= 7;
    }
    text_add_char(text, (char)value);
}

static void pprof_number(struct text *text, unsigned field, uint64_t value)
{
    pprof_varint(text, field << 3);
    pprof_varint(text, value);
}

static void pprof_bytes(struct text *text, unsigned field, const char *bytes, size_t n)
{
    pprof_varint(text, field << 3 | 2);
    pprof_varint(text, n);
    text_add_n(text, bytes, n);
}

/* Sends the message as a field of the profile. */
static void pprof_send(struct pprof *pprof, unsigned field)
{
    text_clear(&pprof->part);
    pprof_varint(&pprof->part, field << 3 | 2);
    pprof_varint(&pprof->part, pprof->message.n);
    gzip_write(&pprof->gzip, pprof->part.bytes, pprof->part.n);
    gzip_write(&pprof->gzip, pprof->message.bytes, pprof->message.n);
    text_clear(&pprof->message);
}

static void pprof_send_number(struct pprof *pprof, unsigned field, uint64_t value)
{
    text_clear(&pprof->part);
    pprof_number(&pprof->part, field, value);
    gzip_write(&pprof->gzip, pprof->part.bytes, pprof->part.n);
}

static void pprof_value_type(struct pprof *pprof, unsigned field, unsigned type, unsigned unit)
{
    pprof_number(&pprof->message, 1, pprof->string_n + type);
    pprof_number(&pprof->message, 2, pprof->string_n + unit);
    pprof_send(pprof, field);
}

/* Field 1: location ids, innermost first; field 2: one value for each sample type. */
static bool pprof_sample(struct pprof *pprof, struct path *path, const struct page_site *site)
{
    const struct figures *figures = &site->figures;
    const uint64_t values[PPROF_TYPES] = {figures->alloc_n, figures->alloc_bytes,
                                          figures->live_n,  figures->live_bytes,
                                          figures->peak_n,  figures->peak_bytes};
    if (!path_of(path, pprof->page, site->node))
        return false;
    text_clear(&pprof->part);
    for (size_t i = 0; i < path->n; i++)
        pprof_varint(&pprof->part, path->frames.at[i] + 1ull);
    pprof_bytes(&pprof->message, 1, text_string(&pprof->part), pprof->part.n);
    text_clear(&pprof->part);
    for (size_t i = 0; i < PPROF_TYPES; i++)
        pprof_varint(&pprof->part, values[i]);
    pprof_bytes(&pprof->message, 2, text_string(&pprof->part), pprof->part.n);
    pprof_send(pprof, PROFILE_SAMPLE);
    return true;
}

static void pprof_mappings(struct pprof *pprof)
{
    const struct page *page = pprof->page;
    for (size_t i = 0; i < page->modules.n; i++) {
        const struct page_module *module = &page->modules.at[i];
        pprof_number(&pprof->message, 1, i + 1);
        pprof_number(&pprof->message, 5, module->path ? module->path : module->name);
        for (unsigned has = 7; has <= 10; has++) /* functions, files, lines, inlined frames */
            pprof_number(&pprof->message, has, 1);
        pprof_send(pprof, PROFILE_MAPPING);
    }
}

static void pprof_locations(struct pprof *pprof)
{
    const struct page *page = pprof->page;
    for (size_t i = 0; i < page->frames.n; i++) {
        const struct page_frame *frame = &page->frames.at[i];
        text_clear(&pprof->part);
        pprof_number(&pprof->part, 1, frame->function + 1ull);
        pprof_number(&pprof->part, 2, frame->line);
        pprof_number(&pprof->message, 1, i + 1);
        pprof_number(&pprof->message, 2, page->functions.at[frame->function].module + 1ull);
        pprof_bytes(&pprof->message, 4, pprof->part.bytes, pprof->part.n);
        pprof_send(pprof, PROFILE_LOCATION);
    }
    for (size_t i = 0; i < page->functions.n; i++) {
        const struct page_function *function = &page->functions.at[i];
        pprof_number(&pprof->message, 1, i + 1);
        pprof_number(&pprof->message, 2, function->name);
        pprof_number(&pprof->message, 3, function->name);
        pprof_number(&pprof->message, 4, function->file);
        pprof_send(pprof, PROFILE_FUNCTION);
    }
}

/* pprof prints names as they are: controls become visible here. */
static void pprof_strings(struct pprof *pprof)
{
    const struct page *page = pprof->page;
    for (uint32_t i = 0; i < page->strings.n; i++) {
        const char *string = page_string_at(page, i);
        text_add_shown(&pprof->message, string, strlen(string));
        pprof_send(pprof, PROFILE_STRING);
    }
    for (size_t i = 0; i < sizeof pprof_words / sizeof pprof_words[0]; i++) {
        text_add(&pprof->message, pprof_words[i]);
        pprof_send(pprof, PROFILE_STRING);
    }
}

static int pprof_write(struct pprof *pprof)
{
    const struct page *page = pprof->page;
    struct path path = {.n = 0};
    bool made = true;
    for (size_t i = 0; i < PPROF_TYPES; i++)
        pprof_value_type(pprof, PROFILE_SAMPLE_TYPE, pprof_types[i].type, pprof_types[i].unit);
    VEC_EACH (struct page_site, site, &page->sites) {
        made = made && pprof_sample(pprof, &path, site);
    }
    pprof_mappings(pprof);
    pprof_locations(pprof);
    pprof_strings(pprof);
    pprof_send_number(pprof, PROFILE_TIME_NS, page->model->start_unix_ns);
    pprof_send_number(pprof, PROFILE_DURATION_NS, page->model->end_ns);
    pprof_value_type(pprof, PROFILE_PERIOD_TYPE, PPROF_SPACE, PPROF_BYTES);
    pprof_send_number(pprof, PROFILE_PERIOD, 1);
    pprof_send_number(pprof, PROFILE_DEFAULT_TYPE, pprof->string_n + PPROF_PEAK_SPACE);
    path_done(&path);
    int err = gzip_finish(&pprof->gzip);
    return err ? err : made && !pprof->message.failed && !pprof->part.failed ? 0 : ERR_MEMORY;
}

int export_pprof(const struct analysis *analysis, const struct export_request *request,
                 struct file_out *out, struct diag *diag)
{
    struct export_sink sink = {.out = out, .diag = diag};
    struct page page;
    int err = page_build(&page, analysis, 0, diag);
    if (err)
        return err;
    struct pprof pprof = {.page = &page, .string_n = (uint32_t)page.strings.n};
    err = gzip_begin(&pprof.gzip, gzip_to_file, &sink);
    err = err ? err : pprof_write(&pprof);
    text_done(&pprof.message);
    text_done(&pprof.part);
    page_done(&page);
    return err ? diag_set(diag, err, "no memory for the pprof export") : 0;
}
