/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for models in recordings where the build has none. */
#include "heap/store.h"

struct store *store_new(struct recording_writer *writer)
{
    return NULL;
}

void store_free(struct store *store)
{
}

int store_checkpoint(struct store *store, struct model *model, bool finished, struct diag *diag)
{
    return diag_set(diag, ERR_MISSING, "this build cannot write models");
}

int store_load(struct recording_reader *reader, struct model **ret_model, struct diag *diag)
{
    return diag_set(diag, ERR_MISSING, "this build cannot read models");
}
