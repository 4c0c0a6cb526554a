/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading ELF, DWARF, mangled names and xz by Rust's crates: the C ABI of
 * bindings/rust/src/bin/memscope/symbols. Only builds by cargo have it; see object.h.
 *
 * Bytes given to it stay the caller's and must outlive what was made of them; strings that come
 * back end with 0 and live as long as that. Results are 0 or a negative number of base/diag.h.
 */
#ifndef MEMSCOPE_SYMBOL_CRATES_H
#define MEMSCOPE_SYMBOL_CRATES_H

#include "symbol/names.h"

struct crates_debug;

/* A function of a chain, innermost first. */
struct crates_frame {
    const char *name; /* mangled or plain; NULL: none */
    const char *file; /* NULL: unknown */
    uint32_t line;    /* 0: unknown */
    uint32_t is_last; /* the function that the others were inlined into */
};

/* Sections that are packed may unfold to section_bytes_max, in each case. */
int crates_elf_open(const uint8_t *bytes, size_t n, uint64_t section_bytes_max,
                    struct Elf **ret_elf);
void crates_elf_free(struct Elf *elf);

/* Copies the build-id's bytes, at most max; 0: none, or a longer one. */
size_t crates_elf_build_id(const struct Elf *elf, uint8_t *ret_build_id, size_t max);

/* As they are in the file, NULL: no such section or an empty one. name: of name_n bytes. */
const uint8_t *crates_elf_section(const struct Elf *elf, const uint8_t *name, size_t name_n,
                                  size_t *ret_n);

/* Calls sink for each symbol; a result of it that is not 0 ends it and is handed up. */
typedef int crates_symbol_sink(void *context, const struct names_symbol *symbol);
int crates_elf_symbols(const struct Elf *elf, bool is_dynamic, crates_symbol_sink *sink,
                       void *context);

/* alternate: dwz's, NULL: none. */
int crates_debug_open(const struct Elf *elf, const struct Elf *alternate,
                      struct crates_debug **ret_debug);
void crates_debug_free(struct crates_debug *debug);

/* Fills at most max frames and returns how many; past that the middle is left out. */
size_t crates_debug_frames(struct crates_debug *debug, uint64_t address,
                           struct crates_frame *frames, size_t max);

/* Hands the readable form of a mangled name to sink, unless it is longer than max bytes. */
typedef void crates_text_sink(void *context, const uint8_t *bytes, size_t n);
bool crates_demangle(const uint8_t *mangled, size_t n, size_t max, crates_text_sink *sink,
                     void *context);

/* Unpacks xz's format and hands it to sink, unless it is longer than max bytes. */
int crates_unpack(const uint8_t *packed, size_t n, size_t max, crates_text_sink *sink,
                  void *context);

#endif
