/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the opening of ELF files: headers, build-id, and how far compressed sections may unfold.
 */
#include "target.h"

#include <stdlib.h>
#include <string.h>

#include "symbol/object.h"

static void read_sections(const struct object *object)
{
    static const char *const names[] = {".symtab", ".debug_info", ".gnu_debuglink",
                                        ".note.gnu.build-id"};
    volatile uint8_t read;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n = 0;
        const uint8_t *bytes = object_section_bytes(object, names[i], &n);
        for (size_t at = 0; bytes && at < n; at++)
            read = bytes[at];
    }
    (void)read;
    object_has_debug(object);
    object_bytes(object, &(size_t){0});
    if (object->build_id_bytes > SYMBOL_BUILD_ID_BYTES_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct object_limits limits = {.section_bytes_max = 1 << 20,
                                                .section_ratio_max = 50};
    char *copy = malloc(n ? n : 1);
    struct object object;
    if (!copy)
        return 0;
    if (n)
        memcpy(copy, bytes, n);
    if (object_open_memory(&object, copy, n, &limits) == 0) {
        read_sections(&object);
        object_done(&object);
    }
    free(copy);
    return 0;
}
