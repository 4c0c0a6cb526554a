/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes what `memscope report` does: a model out of a recording, its analysis, every export.
 *
 * The input is a recording; its checksums are put right first. A recording that loads is written in
 * each format that this build has, to nowhere: names, numbers and indices in it are hostile.
 */
#include "sums.h"
#include "target.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "analyze/analysis.h"
#include "export/export.h"
#include "heap/store.h"

static void export_all(const struct analysis *analysis, size_t recording_bytes)
{
    static const char *const formats[] = {"json", "html", "svg", "folded", "pprof", "speedscope"};
    struct export_request request = {.recording_bytes = recording_bytes, .version = "fuzz"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const struct export_format *format = export_find(formats[i]);
        struct diag diag = {0};
        struct file_out out = {.fd = open("/dev/null", O_WRONLY | O_CLOEXEC), .is_stdout = true};
        if (format && out.fd >= 0)
            format->write(analysis, &request, &out, &diag);
        if (out.fd >= 0)
            close(out.fd);
    }
}

static void report(struct recording_reader *reader, size_t recording_bytes)
{
    struct diag diag = {0};
    struct model *model = NULL;
    struct analysis *analysis = NULL;
    if (store_load(reader, &model, &diag) < 0)
        return;
    if (analysis_new(model, &analysis, &diag) == 0) {
        export_all(analysis, recording_bytes);
        analysis_free(analysis);
    }
    model_free_all(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct diag diag = {0};
    struct recording_reader *reader;
    uint8_t *mended = malloc(n ? n : 1);
    if (!mended)
        return 0;
    if (n)
        memcpy(mended, bytes, n);
    sums_mend(mended, n);
    if (recording_open_memory(&reader, mended, n, &diag) == 0) {
        report(reader, n);
        recording_reader_close(reader);
    }
    free(mended);
    return 0;
}
