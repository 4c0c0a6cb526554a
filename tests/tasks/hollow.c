/* SPDX-License-Identifier: Apache-2.0 */
/* Says that it has _asyncio in it, and has none of its types. */
#include <stdlib.h>

void *PyInit__asyncio(void);

void *PyInit__asyncio(void)
{
    return malloc(100);
}

int main(void)
{
    free(PyInit__asyncio());
    return 0;
}
