/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the symbolizer with whole ELF files: symbol tables, DWARF, what it says about them.
 *
 * Much of the reading is libdw's; a crash in there is the helper process's to survive, and is here
 * to be known.
 */
#include "target.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbol/symbol.h"

enum { ADDRESSES = 96, STEP = 12, CODE_BEGIN = 0x1000 };

static size_t answered_n;

static void check_answer(void *context, uint64_t offset, const struct symbol_frame *frames,
                         size_t n)
{
    (void)context;
    (void)offset;
    answered_n++;
    if (n > SYMBOL_FRAMES_MAX)
        abort();
    for (size_t i = 0; i < n; i++) {
        if (frames[i].function && strlen(frames[i].function) > SYMBOL_NAME_BYTES_MAX)
            abort();
        if (frames[i].file && strlen(frames[i].file) == SIZE_MAX)
            abort();
        if (frames[i].inlined && i + 1 == n && n < SYMBOL_FRAMES_MAX)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0)
        return 0;
    if (n == 0 || write(fd, bytes, n) != (ssize_t)n) {
        close(fd);
        return 0;
    }
    struct symbol_options options = {.section_bytes_max = 1 << 22};
    struct symbolizer *symbolizer = symbolizer_new(&options);
    struct symbol_module module = {.path = "[fuzz]", .fd = fd};
    uint32_t index;
    uint64_t offsets[ADDRESSES + 1];
    for (size_t i = 0; i < ADDRESSES; i++)
        offsets[i] = CODE_BEGIN + i * STEP;
    offsets[ADDRESSES] = UINT64_MAX;
    answered_n = 0;
    if (symbolizer && symbolizer_module_add(symbolizer, &module, SYMBOL_LEVEL_FULL, &index) == 0 &&
        symbolizer_resolve(symbolizer, index, offsets, ADDRESSES + 1, check_answer, NULL) == 0 &&
        answered_n != ADDRESSES + 1)
        abort();
    symbolizer_free(symbolizer);
    close(fd);
    return 0;
}
