/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the reader of models where the build has none. */
#include "heap/store.h"

int store_load(struct recording_reader *reader, struct model **ret_model, struct diag *diag)
{
    return diag_set(diag, ERR_MISSING, "this build cannot read models");
}
