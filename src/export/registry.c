/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of this build. */
#include <string.h>

#include "export/export.h"

static const struct export_format registry_formats[] = {
        {"json", export_json},   {"html", export_html},     {"svg", export_svg},
        {"pprof", export_pprof}, {"folded", export_folded}, {"speedscope", export_speedscope},
};

const struct export_format *export_find(const char *name)
{
    for (size_t i = 0; i < sizeof registry_formats / sizeof registry_formats[0]; i++) {
        bool has = registry_formats[i].write != export_html || export_has_html();
        if (has && strcmp(registry_formats[i].name, name) == 0)
            return &registry_formats[i];
    }
    return NULL;
}

int export_sink_write(void *sink, const char *bytes, size_t n)
{
    struct export_sink *to = sink;
    if (to->err == 0)
        to->err = file_out_write(to->out, bytes, n, to->diag);
    return to->err;
}
