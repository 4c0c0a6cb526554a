/* SPDX-License-Identifier: Apache-2.0 */
/* Matching functions of two analyses by their short names. */
#include "analyze/compare.h"

#include <stdlib.h>
#include <string.h>

static const char *compare_short(const struct analysis *analysis, uint32_t function)
{
    return analysis->names.bytes + analysis->functions.at[function].short_name;
}

/* Adds one side's functions; rows of a name are shared by the index. */
static int compare_side(struct comparison *comparison, struct map *index, bool is_after)
{
    const struct analysis *side = is_after ? comparison->after : comparison->before;
    for (uint32_t i = 0; i < side->functions.n; i++) {
        const struct function *function = &side->functions.at[i];
        if (function->site_n == 0)
            continue;
        const char *name = compare_short(side, i);
        uint64_t key = map_hash_bytes(name, strlen(name));
        int64_t found = map_find(index, key);
        if (found == MAP_NONE) {
            struct compare_row row = {.before = MODEL_NONE, .after = MODEL_NONE};
            if (!VEC_PUSH(&comparison->rows, MODEL_SYMBOLS_MAX, row) ||
                !map_put(index, key, (uint32_t)comparison->rows.n - 1))
                return ERR_MEMORY;
            found = (int64_t)comparison->rows.n - 1;
        }
        struct compare_row *row = &comparison->rows.at[found];
        if (is_after)
            row->after = i;
        else
            row->before = i;
        figures_add(is_after ? &row->is : &row->was, &function->self);
    }
    return 0;
}

static uint64_t compare_change(const struct compare_row *row)
{
    uint64_t was = row->was.peak_bytes, is = row->is.peak_bytes;
    return was > is ? was - is : is - was;
}

static int compare_order(const void *a, const void *b)
{
    const struct compare_row *x = a, *y = b;
    uint64_t x_change = compare_change(x), y_change = compare_change(y);
    if (x_change != y_change)
        return x_change < y_change ? 1 : -1;
    if (x->is.alloc_bytes != y->is.alloc_bytes)
        return x->is.alloc_bytes < y->is.alloc_bytes ? 1 : -1;
    if (x->after != y->after)
        return x->after < y->after ? -1 : 1;
    return x->before < y->before ? -1 : x->before > y->before;
}

int compare_build(struct comparison *ret_comparison, const struct analysis *before,
                  const struct analysis *after, struct diag *diag)
{
    struct comparison comparison = {.before = before, .after = after};
    struct map index = {0};
    int err = compare_side(&comparison, &index, false);
    err = err ? err : compare_side(&comparison, &index, true);
    map_done(&index);
    if (err) {
        compare_done(&comparison);
        return diag_set(diag, err, "no memory to compare");
    }
    if (comparison.rows.n)
        qsort(comparison.rows.at, comparison.rows.n, sizeof(struct compare_row), compare_order);
    *ret_comparison = comparison;
    return 0;
}

void compare_done(struct comparison *comparison)
{
    vec_done(&comparison->rows);
}

void compare_add_name(struct text *text, const struct comparison *comparison,
                      const struct compare_row *row)
{
    if (row->after != MODEL_NONE)
        analysis_add_name(text, comparison->after, row->after);
    else
        analysis_add_name(text, comparison->before, row->before);
}
