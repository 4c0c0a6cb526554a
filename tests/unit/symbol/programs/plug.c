/* SPDX-License-Identifier: Apache-2.0 */
/* A module with one function; NAME and BYTES tell its builds apart. */
#include <stdlib.h>

void NAME(void);

__attribute__((noinline)) void NAME(void)
{
    void *volatile block = malloc(BYTES);
    free(block);
}
