/* SPDX-License-Identifier: Apache-2.0 */
/* Hazards 38, 39, 88: a plain single-threaded use of the heap, with a status of its own. */
#include "ground.h"

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 10000;
    void *block[64] = {NULL};
    uint32_t dice = 12345;
    for (size_t i = 0; i < rounds; i++) {
        dice = dice * 1664525 + 1013904223;
        void **slot = &block[dice >> 26];
        size_t size_bytes = dice >> 8 & 0xfff;
        if (!*slot) {
            *slot = ground_malloc(size_bytes);
        } else if (dice & 1) {
            *slot = ground_realloc(*slot, size_bytes + 1);
        } else {
            ground_free(*slot);
            *slot = NULL;
        }
    }
    say("plain: %zu rounds\n", rounds);
    return argc > 3 ? atoi(argv[3]) : 0;
}
