/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolves addresses of an ELF file and prints what was found, or only how long it took.
 *
 * usage: symbolize [-q] [-c] [-d DEBUG_PATH] [-b BUILD_ID] FILE < ADDRESSES (hexadecimal, one a
 * line) -q  print no frames   -c  through the helper process   -b  the build-id that FILE must have
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/vec.h"
#include "symbol/client.h"

struct tally {
    bool quiet;
    size_t named, lined, frames;
};

struct request {
    struct symbol_options options;
    struct symbol_module module;
    VEC(uint64_t) offsets;
    bool through_client;
    struct tally tally;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
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
        printf("\t%s\t%s:%u\t%s\n", frames[i].function ? frames[i].function : "??",
               frames[i].file ? frames[i].file : "??", frames[i].line,
               frames[i].inlined ? "inlined" : "");
}

static void show_from_client(void *context, uint32_t module, uint64_t offset,
                             const struct symbol_frame *frames, size_t n)
{
    (void)module;
    show(context, offset, frames, n);
}

/* Returns the module's flags, or -1. */
static int run_client(struct request *request)
{
    struct symbol_client *client;
    struct diag diag = {0};
    uint32_t module;
    if (symbol_client_new(&request->options, NULL, show_from_client, &request->tally, &client,
                          &diag) < 0 ||
        symbol_client_module(client, &request->module, &module) < 0 ||
        symbol_client_submit(client, module, request->offsets.at, request->offsets.n) < 0)
        return -1;
    int left = symbol_client_drain(client, now_ns() + UINT64_C(120000000000));
    int flags = left ? -1 : (int)symbol_client_module_flags(client, module);
    if (symbol_client_failures(client, &diag))
        fprintf(stderr, "%s\n", diag.text);
    symbol_client_free(client);
    return flags;
}

static int run_here(struct request *request)
{
    struct symbolizer *symbolizer = symbolizer_new(&request->options);
    uint32_t module;
    if (!symbolizer || symbolizer_module_add(symbolizer, &request->module, 0, &module) < 0)
        return -1;
    struct tally ignored = {.quiet = true};
    uint64_t first = request->offsets.at[0], start_ns = now_ns();
    symbolizer_resolve(symbolizer, module, &first, 1, show, &ignored);
    fprintf(stderr, "first %.3f s\n", (double)(now_ns() - start_ns) * 1e-9);
    symbolizer_resolve(symbolizer, module, request->offsets.at, request->offsets.n, show,
                       &request->tally);
    int flags = (int)symbolizer_module_flags(symbolizer, module);
    symbolizer_free(symbolizer);
    return flags;
}

static void read_build_id(struct symbol_module *module, const char *digits)
{
    while (digits[0] && digits[1] && module->build_id_bytes < SYMBOL_BUILD_ID_BYTES_MAX) {
        char pair[3] = {digits[0], digits[1], 0};
        module->build_id[module->build_id_bytes++] = (uint8_t)strtoul(pair, NULL, 16);
        digits += 2;
    }
}

int main(int argc, char **argv)
{
    static struct request request;
    const char *debug_path = NULL;
    int option;
    request.module.fd = -1;
    request.options.debug_paths = &debug_path;
    while ((option = getopt(argc, argv, "qcd:b:")) != -1) {
        request.tally.quiet |= option == 'q';
        request.through_client |= option == 'c';
        if (option == 'd') {
            debug_path = optarg;
            request.options.debug_path_n = 1;
        }
        if (option == 'b')
            read_build_id(&request.module, optarg);
    }
    request.module.path = argv[optind];
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        if (!VEC_PUSH(&request.offsets, 1 << 26, strtoull(line, NULL, 16)))
            return 1;
    }
    if (!request.module.path || !request.offsets.n)
        return 1;
    uint64_t start_ns = now_ns();
    int flags = request.through_client ? run_client(&request) : run_here(&request);
    const struct tally *tally = &request.tally;
    fprintf(stderr, "all %zu in %.3f s: %zu named, %zu with lines, %zu frames, flags %d\n",
            request.offsets.n, (double)(now_ns() - start_ns) * 1e-9, tally->named, tally->lined,
            tally->frames, flags);
    vec_done(&request.offsets);
    return flags < 0;
}
