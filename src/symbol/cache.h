/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers kept from one session to the next, one file for each module.
 *
 * A file counts for a module only if build-id, path, size and time of change are the same, so
 * that a program that lies about its build-id gives names to itself alone. The folder and its files
 * must be the user's own; what is in them is checked all the same.
 */
#ifndef MEMSCOPE_SYMBOL_CACHE_H
#define MEMSCOPE_SYMBOL_CACHE_H

#include "base/diag.h"
#include "symbol/symbol.h"

enum {
    CACHE_FILE_BYTES_MAX = 64 << 20,
    CACHE_ENTRIES_MAX = 1 << 20,
};

struct cache_file;

/*
 * Opens (and makes, 0700) the folder; NULL: memscope/symbols under $XDG_CACHE_HOME or ~/.cache.
 * Returns 0 and a descriptor; ERR_MISSING, ERR_DENIED: there is to be no cache.
 */
int cache_folder_open(const char *folder, int *ret_fd);

/* Removes the files longest unused until the folder holds at most max_bytes. */
void cache_folder_trim(int folder, uint64_t max_bytes);

/* What is kept for a module, maybe nothing yet. NULL: it cannot be kept, or no memory. */
struct cache_file *cache_file_load(int folder, const struct symbol_module *module);
void cache_file_free(struct cache_file *file);

/*
 * The frames kept for offset, their number in *ret_n (at most SYMBOL_FRAMES_MAX); false: not kept.
 * Strings are valid until the file is added to.
 */
bool cache_file_find(const struct cache_file *file, uint64_t offset, struct symbol_frame *frames,
                     size_t *ret_n);

/* Keeps an answer; without room it is forgotten. */
void cache_file_add(struct cache_file *file, uint64_t offset, const struct symbol_frame *frames,
                    size_t n);

/* Whether something was added since it was loaded. */
bool cache_file_has_more(const struct cache_file *file);

/* Writes the file if something was added to it. */
int cache_file_store(struct cache_file *file, int folder);

#endif
