/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target once over each file of a folder, and reports each as a test (TAP). */
#include "target.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The file's bytes in memory of exactly their size, so that ASan sees the first byte past them. */
static uint8_t *replay_read(const char *name, size_t *ret_n)
{
    FILE *file = fopen(name, "rb");
    if (!file)
        return NULL;
    uint8_t *bytes = NULL;
    if (fseek(file, 0, SEEK_END) == 0) {
        long n = ftell(file);
        rewind(file);
        bytes = n >= 0 ? malloc(n ? (size_t)n : 1) : NULL;
        if (bytes && fread(bytes, 1, (size_t)n, file) == (size_t)n) {
            *ret_n = (size_t)n;
        } else {
            free(bytes);
            bytes = NULL;
        }
    }
    fclose(file);
    return bytes;
}

static bool replay_one(const char *folder, const char *name)
{
    char path[4096];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    uint8_t *bytes = replay_read(path, &n);
    if (!bytes)
        return false;
    LLVMFuzzerTestOneInput(bytes, n);
    free(bytes);
    return true;
}

int main(int argc, char **argv)
{
    struct dirent **entries;
    int entry_n = argc == 2 ? scandir(argv[1], &entries, NULL, alphasort) : -1;
    if (entry_n < 0) {
        fprintf(stderr, "usage: replay FOLDER\n");
        return 2;
    }
    int test_n = 0, failed_n = 0;
    for (int i = 0; i < entry_n; i++) {
        const char *name = entries[i]->d_name;
        if (name[0] != '.') {
            bool passed = replay_one(argv[1], name);
            printf("%sok %d - %s\n", passed ? "" : "not ", ++test_n, name);
            failed_n += !passed;
        }
        free(entries[i]);
    }
    free(entries);
    printf("1..%d\n", test_n);
    return test_n && !failed_n ? 0 : 1;
}
