/* SPDX-License-Identifier: Apache-2.0 */
/* Hazard 1: heap calls from preinit_array, before any constructor of any library has run. */
#include "ground.h"

static void *early[64];

static void preinit_allocate(int argc, char **argv, char **envp)
{
    (void)envp;
    ground_open(argc > 1 ? argv[1] : NULL);
    for (size_t i = 0; i < 64; i++)
        early[i] = ground_malloc(i * 10);
    for (size_t i = 0; i < 64; i += 2)
        ground_free(early[i]);
    early[1] = ground_realloc(early[1], 5000);
}

__attribute__((section(".preinit_array"), used)) static void (*preinit)(int, char **,
                                                                        char **) = preinit_allocate;

int main(void)
{
    for (size_t i = 1; i < 64; i += 2)
        ground_free(early[i]);
    say("preinit: %d blocks came and went\n", 64);
    return 0;
}
