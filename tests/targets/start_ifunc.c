/* SPDX-License-Identifier: Apache-2.0 */
/* Hazard 1: an IFUNC resolver of a library allocates before a preloaded library is relocated. */
#include "ground.h"

extern int ifunc_answer(void);
extern void *ifunc_block(int *ret_calls);

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    EXPECT(ifunc_answer() == 42);
    int calls = 0;
    unsigned char *bytes = ifunc_block(&calls);
    EXPECT(bytes != NULL && calls == 1);
    for (int i = 0; i < 333; i++)
        EXPECT(bytes[i] == 7);
    bytes = realloc(bytes, 100000);
    EXPECT(bytes && bytes[332] == 7);
    free(bytes);
    for (size_t i = 0; i < 100; i++)
        ground_free(ground_malloc(i));
    say("ifunc: the resolver's block lived and died\n");
    return 0;
}
