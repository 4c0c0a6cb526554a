/* SPDX-License-Identifier: Apache-2.0 */
/* Writes one export of one sample model to a file: dump SAMPLE FORMAT FILE [PANEL [ROWS]]. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "export/export.h"
#include "sample.h"

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*make)(struct story *);
    } samples[] = {{"server", sample_server}, {"hostile", sample_hostile}, {"empty", sample_empty}};
    const struct export_format *format = argc >= 4 ? export_find(argv[2]) : NULL;
    struct story story = {.model = NULL};
    for (size_t i = 0; format && i < 3; i++) {
        if (strcmp(samples[i].name, argv[1]) == 0)
            samples[i].make(&story);
    }
    if (!story.model)
        return 77;
    struct analysis *analysis = NULL;
    struct diag diag = {""};
    struct file_out out;
    struct export_request request = {.recording_bytes = 2048, .version = "test"};
    if (argc > 4)
        request.panel = (enum export_panel)(argv[4][0] - '0');
    if (argc > 5)
        request.most_rows = strtoul(argv[5], NULL, 10);
    int err = analysis_new(story.model, &analysis, &diag);
    err = err ? err : file_out_open(&out, argv[3], &diag);
    err = err ? err : format->write(analysis, &request, &out, &diag);
    err = err ? err : file_out_commit(&out, &diag);
    if (err)
        (void)fprintf(stderr, "%s\n", diag.text);
    analysis_free(analysis);
    story_done(&story);
    return err ? 1 : 0;
}
