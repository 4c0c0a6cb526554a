/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the launcher where the build has none. */
#include <stdlib.h>

#include "launch/request.h"

int launch_run(const struct run_request *request, struct launch_result *ret_result,
               struct diag *diag)
{
    return diag_set(diag, ERR_MISSING, "this build cannot run programs");
}

void launch_result_done(struct launch_result *result)
{
    free(result->recording_path);
    for (size_t i = 0; i < result->warnings.n; i++)
        free(result->warnings.at[i]);
    vec_done(&result->warnings);
}
