/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code addresses to functions, source lines and inlined frames.
 *
 * The one seam behind which debug information is read. It parses hostile files: the collector
 * never calls it directly but through symbol/client.h, which runs it in a process of its own with
 * limits. One symbolizer belongs to one thread at a time.
 */
#ifndef MEMSCOPE_SYMBOL_SYMBOL_H
#define MEMSCOPE_SYMBOL_SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum {
    SYMBOL_BUILD_ID_BYTES_MAX = 64,
    SYMBOL_NAME_BYTES_MAX = 64 << 10, /* a longer name is cut, a longer demangled one is not used */
    SYMBOL_FRAMES_MAX = 256,          /* inlined frames of one address; the outermost go first */
    SYMBOL_MODULES_MAX = 1 << 16,
};

/* What is known of a module. Strings and descriptor belong to the caller. */
struct symbol_module {
    const char *path;      /* as the program named it; where messages and debuglink look */
    const char *open_path; /* where its bytes are now (/proc/PID/root/...); NULL: path */
    int fd;                /* its open file, used before any path; -1: none */
    uint8_t build_id[SYMBOL_BUILD_ID_BYTES_MAX];
    size_t build_id_bytes; /* 0: unknown, then the file found is believed */
};

/* One function at an address, innermost first; each inlined one stands before its caller. */
struct symbol_frame {
    const char *function; /* demangled; NULL: unknown */
    const char *file;     /* NULL: unknown */
    uint32_t line;        /* 0: unknown */
    bool inlined;         /* into the next frame */
};

/* What was found for a module; flags. */
enum {
    SYMBOL_HAS_TABLE = 1,      /* names from a symbol table */
    SYMBOL_HAS_DEBUG = 2,      /* lines and inlined frames */
    SYMBOL_SEPARATE_DEBUG = 4, /* from a debug file of its own */
    SYMBOL_OTHER_FILE = 8,     /* the file there now is not the one that ran (build-ids differ) */
    SYMBOL_MISSING = 16,       /* nothing could be read */
    SYMBOL_OVER_LIMIT = 32,    /* its compressed sections unpack to more than the limits allow */
};

/* How much of a module to read: less after it has done harm. */
enum symbol_level { SYMBOL_LEVEL_FULL, SYMBOL_LEVEL_TABLE, SYMBOL_LEVEL_NONE };

/* Zeroed = the defaults. Strings belong to the caller and must outlive the symbolizer. */
struct symbol_options {
    const char *const *debug_paths; /* searched before /usr/lib/debug */
    size_t debug_path_n;
    bool debuginfod;             /* ask debuginfod-find (the network) for what is not here */
    const char *debuginfod_find; /* absolute path; NULL: /usr/bin/debuginfod-find */
    bool cache;                  /* of the client: keep answers for later sessions */
    const char *cache_folder;    /* NULL: memscope/symbols in the user's cache folder */
    uint64_t section_bytes_max;  /* of one decompressed section; 0: 2 GiB */
    uint32_t section_ratio_max;  /* decompressed sections to file size; 0: 200 */
};

/* Frames of one address, valid during the call only. n == 0: nothing is known. */
typedef void symbol_sink(void *context, uint64_t offset, const struct symbol_frame *frames,
                         size_t n);

struct symbolizer;

/* NULL: no memory. */
struct symbolizer *symbolizer_new(const struct symbol_options *options);
void symbolizer_free(struct symbolizer *symbolizer);

/* Makes a module known. Strings are copied; a descriptor must stay open until it was resolved. */
int symbolizer_module_add(struct symbolizer *symbolizer, const struct symbol_module *module,
                          enum symbol_level level, uint32_t *ret_module);

/*
 * Resolves n offsets (ELF virtual addresses of call instructions) of a module. The sink gets each
 * of them once, by ascending offset; sorts `offsets` in place. Returns 0 or ERR_MEMORY.
 */
int symbolizer_resolve(struct symbolizer *symbolizer, uint32_t module, uint64_t *offsets, size_t n,
                       symbol_sink *sink, void *context);

/* SYMBOL_* flags of a module that was resolved from; 0 before. */
uint32_t symbolizer_module_flags(const struct symbolizer *symbolizer, uint32_t module);

/*
 * Appends the readable form of a mangled C++ or Rust name, without the hash of legacy Rust names;
 * false (nothing appended): not mangled, malformed or over SYMBOL_NAME_BYTES_MAX. A hostile name
 * may take long: call it where time is limited.
 */
bool symbol_demangle(struct text *text, const char *mangled);

#endif
