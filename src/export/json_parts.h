/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the JSON export; only its own files use this. */
#ifndef MEMSCOPE_EXPORT_JSON_PARTS_H
#define MEMSCOPE_EXPORT_JSON_PARTS_H

#include "analyze/analysis.h"
#include "analyze/figures.h"
#include "analyze/mappings.h"
#include "base/json.h"

/* A whole number below 2^53, which every reader of JSON holds exactly; larger ones are cut to it.
 */
void json_key_count(struct json *json, const char *key, uint64_t value);

/* The string with this index of the model, any bytes. */
void json_key_model_string(struct json *json, const char *key, const struct model *model,
                           uint32_t string);

/* How the name of a task is known, in one word. */
const char *json_task_evidence(const char *name, const char *runtime);
void json_add_mapped(struct json *json, const struct model *model);
/* The members of `mapped` that are about all mappings. */
void json_add_mapped_sums(struct json *json, const struct model *model,
                          const struct mappings_sums *sums);
void json_add_processes(struct json *json, const struct model *model);
void json_add_threads(struct json *json, const struct model *model);
/* A row of a list: an object on one line of its own. And the list's end. */
void json_row_begin(struct json *json);
void json_rows_end(struct json *json);
/* An index, or null for "none". */
void json_key_index(struct json *json, const char *key, uint32_t index);
void json_add_figures(struct json *json, const struct figures *figures);
/* Sums cells by one part of their key; NULL: no memory, or nothing to sum. */
struct figures *json_sum_cells(const struct model *model, size_t n, bool by_task);

/* Tasks, their groups, and the phases of the strategy. */
void json_add_tasks(struct json *json, const struct model *model);
void json_add_sites(struct json *json, const struct analysis *analysis);
void json_add_functions(struct json *json, const struct analysis *analysis);
void json_add_leaks(struct json *json, const struct analysis *analysis);
void json_add_findings(struct json *json, const struct analysis *analysis);
/* Of a group that rests on samples: how many, and 95 % intervals. Nothing where it is exact. */
void json_add_estimates(struct json *json, const struct figures *figures);
void json_add_sampling(struct json *json, const struct analysis *analysis);
void json_add_performance(struct json *json, const struct model *model);
void json_add_timeline(struct json *json, const struct model *model);

#endif
