/* SPDX-License-Identifier: Apache-2.0 */
/* Building an analysis step by step, and its small questions. */
#include "analyze/analysis.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/frame.h"
#include "analyze/tables.h"

static bool analysis_is_exact(const struct analysis *analysis)
{
    return !analysis->model->sampled && analysis->figures.sample_n == analysis->figures.alloc_n;
}

int analysis_new(const struct model *model, struct analysis **ret_analysis, struct diag *diag)
{
    return analysis_new_suppressed(model, NULL, ret_analysis, diag);
}

int analysis_new_suppressed(const struct model *model, struct suppress *suppress,
                            struct analysis **ret_analysis, struct diag *diag)
{
    struct analysis *analysis = calloc(1, sizeof *analysis);
    if (!analysis)
        return diag_set(diag, ERR_MEMORY, "no memory for the analysis");
    analysis->model = model;
    int err = sites_build(analysis, diag);
    if (err == 0)
        suppress_apply(suppress, analysis);
    analysis->suppress = suppress;
    err = err ? err : functions_build(analysis, diag);
    err = err ? err : leaks_build(analysis, diag);
    if (err == 0) {
        analysis->exact = analysis_is_exact(analysis);
        analysis->rss = rss_explain(model);
        findings_collect(analysis);
    }
    if (err) {
        analysis_free(analysis);
        return err;
    }
    *ret_analysis = analysis;
    return 0;
}

void analysis_free(struct analysis *analysis)
{
    if (!analysis)
        return;
    VEC_EACH (struct finding, finding, &analysis->findings) {
        finding_done(finding);
    }
    text_done(&analysis->names);
    vec_done(&analysis->cell_order);
    vec_done(&analysis->site_order);
    vec_done(&analysis->row_order);
    vec_done(&analysis->row_first);
    vec_done(&analysis->sites);
    vec_done(&analysis->functions);
    vec_done(&analysis->leaks);
    vec_done(&analysis->findings);
    free(analysis);
}

void analysis_add_name(struct text *text, const struct analysis *analysis, uint32_t function)
{
    text_add(text, analysis->names.bytes + analysis->functions.at[function].short_name);
}

void analysis_add_place(struct text *text, const struct analysis *analysis, uint32_t function)
{
    const struct function *at = &analysis->functions.at[function];
    struct frame frame = {.file = at->file, .line = at->line, .module = at->module};
    frame_add_place(text, analysis->model, &frame);
}

uint64_t analysis_metric(const struct function *function, enum function_metric metric)
{
    switch (metric) {
    case FUNCTION_PEAK:
        return function->self.peak_bytes;
    case FUNCTION_LEAK:
        return function->self.leak_bytes;
    case FUNCTION_ALLOC:
        return function->self.alloc_bytes;
    default:
        return function->self.temporary_n;
    }
}

size_t analysis_top(const struct analysis *analysis, enum function_metric metric, size_t most,
                    uint32_t *ret_functions)
{
    size_t n = 0;
    for (uint32_t i = 0; i < analysis->functions.n; i++) {
        uint64_t value = analysis_metric(&analysis->functions.at[i], metric);
        if (value == 0)
            continue;
        size_t at = n < most ? n : most - 1;
        if (n == most &&
            value <= analysis_metric(&analysis->functions.at[ret_functions[at]], metric))
            continue;
        for (; at > 0 &&
               value > analysis_metric(&analysis->functions.at[ret_functions[at - 1]], metric);
             at--)
            ret_functions[at] = ret_functions[at - 1];
        ret_functions[at] = i;
        n += n < most;
    }
    return n;
}
