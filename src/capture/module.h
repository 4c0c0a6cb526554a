/* SPDX-License-Identifier: Apache-2.0 */
/* Which module covers a code address, and where its unwind tables lie: without a lock, without
 * an allocation, and without trusting what the module says of itself. */
#ifndef MEMSCOPE_CAPTURE_MODULE_H
#define MEMSCOPE_CAPTURE_MODULE_H

#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { MODULE_RANGES_MAX = 6 };

struct module_range {
    uintptr_t start, end;
};

/* A copy by value: the table's own entry may be replaced while the caller reads. */
struct module {
    uintptr_t start, end;  /* of the whole mapping */
    uintptr_t frame_hdr;   /* .eh_frame_hdr, 0 when there is none */
    uint32_t ranges_count; /* readable segments; every table read stays inside one */
    struct module_range ranges[MODULE_RANGES_MAX];
};

/* The answer of _dl_find_object on x86-64 (glibc 2.35), whose layout is part of its ABI. */
struct module_object {
    unsigned long long flags;
    void *map_start, *map_end;
    struct link_map *link_map;
    void *eh_frame;
    unsigned long long reserved[7];
};

typedef int (*module_finder)(void *address, struct module_object *ret_object);

struct module_config {
    module_finder find_object; /* _dl_find_object, NULL before glibc 2.35 */
    /* AT_PHDR and AT_PHNUM: they lead to the debugger's list of modules, which is used when there
     * is no find_object. */
    const Elf64_Phdr *exe_headers;
    uint32_t exe_headers_count;
    const struct link_map *exe_map; /* the linker's entry of the executable, NULL = unknown */
    const char *exe_name; /* AT_EXECFN: the linker's list has no name for the executable */
};

void module_config_set(const struct module_config *config);

/* The module that covers `address`: true and *ret_module. The first look-up in a generation
 * writes the module's record to the stack log before it returns. */
bool module_find(uintptr_t address, struct module *ret_module);

/* The range of `module` that holds [at, at + bytes), NULL when none does. */
const struct module_range *module_range_of(const struct module *module, uintptr_t at,
                                           uint64_t bytes);

/* Whether every module that was looked up in this generation is still what it was. Asked when
 * the dynamic linker itself allocates: libc unloads its own plug-ins through no hook of ours. */
bool module_known_unchanged(void);

/* Writes the record of every module in use again, in the present generation: the child of a
 * fork has a log of its own. No other thread exists. */
void module_announce_all(void);

/* The module set's generation, from 1; a change invalidates every rule and every stack id. */
extern _Atomic uint32_t module_generation_now;

static inline uint32_t module_generation(void)
{
    return atomic_load_explicit(&module_generation_now, memory_order_relaxed);
}

void module_generation_bump(void);

#endif
