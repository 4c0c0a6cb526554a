/* SPDX-License-Identifier: Apache-2.0 */
/* Sites: cells brought together by their stack. */
#include "analyze/tables.h"

/* Orders cells by node with one counting pass: nodes may be many, cells are more. */
static bool sites_order_cells(struct analysis *analysis)
{
    const struct model *model = analysis->model;
    VEC(uint32_t) first = {0};
    if (!vec_reserve(&first, sizeof(uint32_t), model->nodes.n + 2, (size_t)MODEL_NODES_MAX + 2) ||
        !vec_reserve(&analysis->cell_order, sizeof(uint32_t), model->cells.n + 1,
                     (size_t)MODEL_CELLS_MAX + 1)) {
        vec_done(&first);
        return false;
    }
    for (size_t i = 0; i < model->nodes.n + 2; i++)
        first.at[i] = 0;
    for (size_t i = 0; i < model->cells.n; i++) {
        uint32_t node = model->cells.at[i].key.node;
        first.at[(node < model->nodes.n ? node : 0) + 1]++;
    }
    for (size_t i = 1; i < model->nodes.n + 2; i++)
        first.at[i] += first.at[i - 1];
    for (size_t i = 0; i < model->cells.n; i++) {
        uint32_t node = model->cells.at[i].key.node;
        analysis->cell_order.at[first.at[node < model->nodes.n ? node : 0]++] = (uint32_t)i;
    }
    analysis->cell_order.n = model->cells.n;
    vec_done(&first);
    return true;
}

int sites_build(struct analysis *analysis, struct diag *diag)
{
    const struct model *model = analysis->model;
    if (!sites_order_cells(analysis))
        return diag_set(diag, ERR_MEMORY, "no memory to analyse %zu cells", model->cells.n);
    for (size_t i = 0; i < analysis->cell_order.n; i++) {
        const struct model_cell *cell = &model->cells.at[analysis->cell_order.at[i]];
        uint32_t node = cell->key.node < model->nodes.n ? cell->key.node : 0;
        size_t n = analysis->sites.n;
        if (n == 0 || analysis->sites.at[n - 1].node != node) {
            struct site site = {.node = node, .cell_first = (uint32_t)i};
            if (!VEC_PUSH(&analysis->sites, MODEL_CELLS_MAX, site))
                return diag_set(diag, ERR_MEMORY, "no memory to analyse the sites");
            n++;
        }
        struct site *site = &analysis->sites.at[n - 1];
        site->cell_n++;
        figures_add_cell(&site->figures, model, cell);
        figures_add_cell(&analysis->figures, model, cell);
    }
    return 0;
}
