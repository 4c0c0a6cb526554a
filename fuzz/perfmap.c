/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes perf maps: every name found lies within the file and covers the address. */
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbol/perfmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char path[] = "/tmp/memscope-fuzz-perfmap-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0)
        return 0;
    struct perfmap *map = NULL;
    if (write(fd, bytes, n) == (ssize_t)n && perfmap_open(path, geteuid(), &map, NULL) == 0) {
        for (uint64_t i = 0; i < 64; i++) {
            size_t name_n = 0;
            const char *name =
                    perfmap_find(map, i < 32 ? i * 0x1000 : UINT64_MAX >> (i - 32), &name_n);
            if (name && (name_n == 0 || name_n >= n || memchr(name, '\n', name_n)))
                abort();
        }
        perfmap_free(map);
    }
    close(fd);
    unlink(path);
    return 0;
}
