/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, loading, analysing, each with its sentence. */
#include "cli/load.h"

#include <stdlib.h>

#include "heap/store.h"
#include "recording/reader.h"

static int load_model(const struct cli *cli, const char *path, struct loaded *loaded,
                      struct diag *diag)
{
    struct recording_reader *reader = NULL;
    struct diag damage = {""};
    int err = recording_open(&reader, path, diag);
    if (err)
        return err;
    loaded->bytes = recording_extent(reader)->file_bytes;
    err = store_load(reader, &loaded->model, &damage);
    recording_reader_close(reader);
    if (err < 0)
        return diag_set(diag, err, "%.200s: %.280s", path,
                        *damage.text ? damage.text : "cannot be read");
    if (err > 0)
        log_line(&cli->log, RUN_LOG_WARN, "%s: %s", path, damage.text);
    return 0;
}

int load_recording(const struct cli *cli, const char *path, struct loaded *ret_loaded,
                   struct diag *diag)
{
    struct loaded loaded = {.model = NULL};
    int err = load_model(cli, path, &loaded, diag);
    if (err)
        return err;
    loaded.suppress = calloc(1, sizeof *loaded.suppress);
    err = loaded.suppress ? 0 : diag_set(diag, ERR_MEMORY, "no memory for suppressions");
    if (err == 0 && cli->suppressions)
        err = suppress_read(loaded.suppress, cli->suppressions, diag);
    if (err == 0)
        err = analysis_new_suppressed(loaded.model, loaded.suppress, &loaded.analysis, diag);
    if (err) {
        load_done(&loaded);
        return err;
    }
    log_line(&cli->log, RUN_LOG_DEBUG, "%s: %zu sites, %zu functions, %zu cells, %zu rows", path,
             loaded.analysis->sites.n, loaded.analysis->functions.n, loaded.model->cells.n,
             loaded.model->rows.n);
    *ret_loaded = loaded;
    return 0;
}

void load_done(struct loaded *loaded)
{
    analysis_free(loaded->analysis);
    model_free_all(loaded->model);
    if (loaded->suppress)
        suppress_done(loaded->suppress);
    free(loaded->suppress);
}
