/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolves addresses of an ELF file and prints what was found, or only the time it took.
 *
 * usage: symbolize [-q] FILE < ADDRESSES (hexadecimal, one a line)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/vec.h"
#include "symbol/symbol.h"

struct tally {
    bool quiet;
    size_t named, lined, frames;
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void show(void *context, uint64_t offset, const struct symbol_frame *frames, size_t n)
{
    struct tally *tally = context;
    tally->named += n && frames[0].function;
    tally->lined += n && frames[0].line;
    tally->frames += n;
    if (tally->quiet)
        return;
    printf("0x%jx\n", (uintmax_t)offset);
    for (size_t i = 0; i < n; i++)
        printf("  %s\t%s:%u\n", frames[i].function ? frames[i].function : "??",
               frames[i].file ? frames[i].file : "??", frames[i].line);
}

int main(int argc, char **argv)
{
    struct tally tally = {.quiet = argc > 1 && strcmp(argv[1], "-q") == 0};
    const char *path = argv[argc - 1];
    VEC(uint64_t) offsets = {0};
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        if (!VEC_PUSH(&offsets, 1 << 26, strtoull(line, NULL, 16)))
            return 1;
    }
    struct symbolizer *symbolizer = symbolizer_new(NULL);
    struct symbol_module module = {.path = path, .fd = -1};
    uint32_t id;
    if (!symbolizer || !offsets.n || symbolizer_module_add(symbolizer, &module, 0, &id) < 0)
        return 1;
    double start = now_s();
    uint64_t first = offsets.at[0];
    struct tally ignored = {.quiet = true};
    symbolizer_resolve(symbolizer, id, &first, 1, show, &ignored);
    double after_first = now_s();
    symbolizer_resolve(symbolizer, id, offsets.at, offsets.n, show, &tally);
    double end = now_s();
    fprintf(stderr,
            "first %.3f s, all %zu in %.3f s, %zu named, %zu with lines, %zu frames, flags %u\n",
            after_first - start, offsets.n, end - start, tally.named, tally.lined, tally.frames,
            symbolizer_module_flags(symbolizer, id));
    symbolizer_free(symbolizer);
    vec_done(&offsets);
    return 0;
}
