/* SPDX-License-Identifier: Apache-2.0 */
/* Not linked with the library: every call is a no-op, unless somebody else brought it. */
#include "memscope/optional.h"

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    memscope_backend *backend = NULL;
    memscope_session *session = NULL;
    int err = memscope_quick_start(&backend, NULL);
    memscope_mark("a mark");
    memscope_scope_enter("a scope");
    void *volatile block = malloc(100);
    memscope_scope_leave();
    MEMSCOPE_TASK_ENTER(7, "a task");
    MEMSCOPE_TASK_LEAVE();
    free(block);
    if (memscope_backend_start_tracking(backend, &session, NULL) != err)
        return 1;
    memscope_session_free(session);
    memscope_backend_shutdown(backend, NULL, NULL);
    puts("optional");
    return err != (memscope_version() ? 0 : MEMSCOPE_E_ABSENT);
}
