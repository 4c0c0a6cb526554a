/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 7, 33: what the program can see of its heap is the same to the byte: mallinfo2, usable
 * sizes, distances between blocks, malloc_info's document. Run it twice and compare the output.
 */
#include <malloc.h>

#include "ground.h"

static void say_heap(const char *moment)
{
    struct mallinfo2 info = mallinfo2();
    say("%s: arena %zu ordblks %zu smblks %zu hblks %zu hblkhd %zu fsmblks %zu uordblks %zu "
        "fordblks %zu keepcost %zu\n",
        moment, info.arena, info.ordblks, info.smblks, info.hblks, info.hblkhd, info.fsmblks,
        info.uordblks, info.fordblks, info.keepcost);
}

int main(void)
{
    static char *block[2000];
    say_heap("start");
    for (size_t i = 0; i < 2000; i++)
        block[i] = malloc(i * 7 % 3000);
    for (size_t i = 0; i < 2000; i += 97)
        say("%zu: usable %zu, %td from the first\n", i, malloc_usable_size(block[i]),
            block[i] - block[0]);
    say_heap("full");
    for (size_t i = 0; i < 2000; i += 3) {
        free(block[i]);
        block[i] = NULL;
    }
    say_heap("holes");
    for (size_t i = 0; i < 2000; i += 6)
        block[i] = aligned_alloc(256, 512);
    say("aligned: %td from the first\n", block[6] - block[1]);
    char *big = malloc(1 << 20);
    say("big: usable %zu, offset in page %zu\n", malloc_usable_size(big), (size_t)big % 4096);
    say_heap("big");
    say("mallopt %d, trim %d\n", mallopt(M_TRIM_THRESHOLD, 1 << 16), malloc_trim(0));
    say_heap("trimmed");
    free(big);
    for (size_t i = 0; i < 2000; i++)
        free(block[i]);
    say_heap("empty");
    char text[16384] = "";
    FILE *stream = fmemopen(text, sizeof text, "w");
    EXPECT(stream && malloc_info(0, stream) == 0);
    fclose(stream);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        say("%s\n", line);
    return 0;
}
