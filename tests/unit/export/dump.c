/* SPDX-License-Identifier: Apache-2.0 */
/* Writes one export of one sample model to a file: dump SAMPLE FORMAT FILE [PANEL [ROWS]], or of
 * two side by side: dump SAMPLE:SAMPLE json|html FILE. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/compare.h"
#include "export/difference.h"
#include "export/export.h"
#include "sample.h"

/* Makes the model that a word names; n is its length. */
static bool dump_make(struct story *story, const char *word, size_t n)
{
    static const struct {
        const char *name;
        void (*make)(struct story *);
    } samples[] = {{"server", sample_server},
                   {"hostile", sample_hostile},
                   {"empty", sample_empty},
                   {"adapted", sample_adapted}};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        if (strlen(samples[i].name) == n && strncmp(samples[i].name, word, n) == 0)
            samples[i].make(story);
    }
    return story->model;
}

static int dump_comparison(char **argv, struct diag *diag)
{
    const char *colon = strchr(argv[1], ':');
    struct story before = {.model = NULL}, after = {.model = NULL};
    struct analysis *was = NULL, *is = NULL;
    struct comparison comparison;
    struct file_out out;
    assert_true(dump_make(&before, argv[1], (size_t)(colon - argv[1])));
    assert_true(dump_make(&after, colon + 1, strlen(colon + 1)));
    int err = analysis_new(before.model, &was, diag);
    err = err ? err : analysis_new(after.model, &is, diag);
    err = err ? err : compare_build(&comparison, was, is, diag);
    err = err ? err : file_out_open(&out, argv[3], diag);
    if (!err)
        err = strcmp(argv[2], "json") == 0 ? difference_write_json(&comparison, &out, diag)
                                           : difference_write_html(&comparison, &out, diag);
    err = err ? err : file_out_commit(&out, diag);
    if (!err)
        compare_done(&comparison);
    analysis_free(was);
    analysis_free(is);
    story_done(&before);
    story_done(&after);
    return err;
}

static int dump_export(int argc, char **argv, const struct export_format *format,
                       const struct story *story, struct diag *diag)
{
    struct analysis *analysis = NULL;
    struct file_out out;
    struct export_request request = {.recording_bytes = 2048, .version = "test"};
    if (argc > 4)
        request.panel = (enum export_panel)(argv[4][0] - '0');
    if (argc > 5)
        request.most_rows = strtoul(argv[5], NULL, 10);
    int err = analysis_new(story->model, &analysis, diag);
    err = err ? err : file_out_open(&out, argv[3], diag);
    err = err ? err : format->write(analysis, &request, &out, diag);
    err = err ? err : file_out_commit(&out, diag);
    analysis_free(analysis);
    return err;
}

int main(int argc, char **argv)
{
    struct diag diag = {""};
    struct story story = {.model = NULL};
    int err;
    if (argc == 4 && strchr(argv[1], ':')) {
        err = dump_comparison(argv, &diag);
    } else {
        const struct export_format *format = argc >= 4 ? export_find(argv[2]) : NULL;
        if (!format || !dump_make(&story, argv[1], strlen(argv[1])))
            return 77;
        err = dump_export(argc, argv, format, &story, &diag);
        story_done(&story);
    }
    if (err)
        (void)fprintf(stderr, "%s\n", diag.text);
    return err ? 1 : 0;
}
