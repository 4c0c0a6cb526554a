/* SPDX-License-Identifier: Apache-2.0 */
/* Part of start_ifunc: a library whose IFUNC resolver allocates while it is being relocated. */
#include <stdlib.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))
EXPORTED int ifunc_answer(void);
EXPORTED void *ifunc_block(int *ret_calls);

static void *resolver_block;
static int resolver_calls;

static int answer(void)
{
    return 42;
}

__attribute__((used)) static int (*answer_resolve(void))(void)
{
    char *block = malloc(333);
    if (block) {
        memset(block, 7, 333);
        block = realloc(block, 777);
        free(malloc(10));
    }
    resolver_block = block;
    resolver_calls++;
    return answer;
}

static int answer_chosen(void) __attribute__((ifunc("answer_resolve")));

int ifunc_answer(void)
{
    return answer_chosen();
}

void *ifunc_block(int *ret_calls)
{
    *ret_calls = resolver_calls;
    return resolver_block;
}
