/* SPDX-License-Identifier: Apache-2.0 */
/* A read-only symbol lookup over the start-up link map (DT_GNU_HASH, or DT_HASH without it). */
#include "capture/next.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>

struct next next;

/* The tables of one module that a lookup reads. */
struct next_tables {
    const uint32_t *gnu_hash;
    const uint32_t *hash;
    const ElfW(Sym) * symbols;
    const char *strings;
    const uint16_t *versions;
    ElfW(Addr) bias;
};

static const void *next_address(const struct link_map *map, ElfW(Addr) value)
{
    /* glibc relocates these entries in place, but not those of the vDSO. */
    return (const void *)(value < map->l_addr ? value + map->l_addr : value);
}

static bool next_read_tables(const struct link_map *map, struct next_tables *ret_tables)
{
    struct next_tables tables = {.bias = map->l_addr};
    if (!map->l_ld)
        return false;
    for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
        const void *address = next_address(map, entry->d_un.d_ptr);
        if (entry->d_tag == DT_GNU_HASH)
            tables.gnu_hash = address;
        else if (entry->d_tag == DT_HASH)
            tables.hash = address;
        else if (entry->d_tag == DT_SYMTAB)
            tables.symbols = address;
        else if (entry->d_tag == DT_STRTAB)
            tables.strings = address;
        else if (entry->d_tag == DT_VERSYM)
            tables.versions = address;
    }
    *ret_tables = tables;
    return tables.symbols && tables.strings && (tables.gnu_hash || tables.hash);
}

static bool next_same(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* The address of symbol i if it is a default definition of that name. */
static void *next_match(const struct next_tables *tables, uint32_t i, const char *name)
{
    enum { VERSION_HIDDEN = 0x8000 };
    const ElfW(Sym) *symbol = &tables->symbols[i];
    unsigned type = ELF64_ST_TYPE(symbol->st_info);
    bool is_address = type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_OBJECT;
    if (symbol->st_shndx == SHN_UNDEF || !is_address ||
        !next_same(tables->strings + symbol->st_name, name))
        return NULL;
    if (tables->versions && tables->versions[i] & VERSION_HIDDEN)
        return NULL;
    void *address = (void *)(tables->bias + symbol->st_value);
    return type == STT_GNU_IFUNC ? ((void *(*)(void))address)() : address;
}

static void *next_by_gnu_hash(const struct next_tables *tables, const char *name)
{
    uint32_t hash = 5381;
    for (const char *at = name; *at; at++)
        hash = hash * 33 + (unsigned char)*at;
    uint32_t bucket_n = tables->gnu_hash[0], first = tables->gnu_hash[1];
    uint32_t bloom_n = tables->gnu_hash[2];
    const uint32_t *buckets =
            tables->gnu_hash + 4 + bloom_n * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
    const uint32_t *chain = buckets + bucket_n;
    if (bucket_n == 0)
        return NULL;
    for (uint32_t i = buckets[hash % bucket_n]; i >= first && i; i++) {
        uint32_t value = chain[i - first];
        void *found = (value | 1) == (hash | 1) ? next_match(tables, i, name) : NULL;
        if (found || value & 1)
            return found;
    }
    return NULL;
}

static void *next_by_hash(const struct next_tables *tables, const char *name)
{
    uint32_t n = tables->hash[1];
    for (uint32_t i = 1; i < n; i++) {
        void *found = next_match(tables, i, name);
        if (found)
            return found;
    }
    return NULL;
}

static void *next_in(const struct link_map *map, const char *name)
{
    struct next_tables tables;
    if (!next_read_tables(map, &tables))
        return NULL;
    return tables.gnu_hash ? next_by_gnu_hash(&tables, name) : next_by_hash(&tables, name);
}

/* Our own dynamic section marks our place in the link map. */
static const struct link_map *next_self(void)
{
    const struct link_map *map = _r_debug.r_map;
    while (map && map->l_ld != _DYNAMIC)
        map = map->l_next;
    return map;
}

const char *next_own_path(void)
{
    const struct link_map *self = next_self();
    return self && self->l_name ? self->l_name : "";
}

static void *next_lookup(const struct link_map *from, const char *name)
{
    for (const struct link_map *map = from; map; map = map->l_next) {
        void *found = map->l_ld == _DYNAMIC ? NULL : next_in(map, name);
        if (found)
            return found;
    }
    return NULL;
}

#define NEXT_EACH(apply)                                                                           \
    apply(free) apply(calloc) apply(realloc) apply(reallocarray) apply(posix_memalign)             \
            apply(aligned_alloc) apply(memalign) apply(valloc) apply(pvalloc) apply(cfree)         \
                    apply(free_sized) apply(free_aligned_sized) apply(malloc_usable_size)          \
                            apply(mmap) apply(munmap) apply(mremap) apply(brk) apply(sbrk)         \
                                    apply(dlclose) apply(dlsym) apply(prctl) apply(syscall)        \
                                            apply(execve) apply(execvpe) apply(fexecve)            \
                                                    apply(execveat) apply(posix_spawn)             \
                                                            apply(posix_spawnp) apply(system)      \
                                                                    apply(popen) apply(_exit)      \
                                                                            apply(_Exit)

bool next_find(void)
{
    const struct link_map *self = next_self();
    if (!self)
        return false;
    /* Loaded late we are the last of all: then the program's own are the real ones. */
    const struct link_map *from = self->l_next;
    if (!next_lookup(from, "malloc"))
        from = _r_debug.r_map;
    struct next found = {0};
#define NEXT_FIND(name) *(void **)&found.name = next_lookup(from, #name);
    NEXT_EACH(NEXT_FIND)
#undef NEXT_FIND
    *(void **)&found.malloc = next_lookup(from, "malloc");
    if (!found.malloc || !found.free || !found.calloc || !found.realloc)
        return false;
    /* malloc last: a hook that finds it set finds the others set. */
    void *(*real_malloc)(size_t) = found.malloc;
    found.malloc = NULL;
    next = found;
    __atomic_store_n(&next.malloc, real_malloc, __ATOMIC_RELEASE);
    return true;
}

void *next_symbol(const char *name)
{
    return next_lookup(_r_debug.r_map, name);
}

void *next_symbol_of(const struct link_map *map, const char *name)
{
    return next_in(map, name);
}

bool next_is_bypassed(void)
{
    for (const struct link_map *map = _r_debug.r_map; map; map = map->l_next) {
        if (map->l_ld == _DYNAMIC)
            return false;
        if (next_in(map, "malloc"))
            return true;
    }
    return false;
}

bool next_exe_imports(const char *name)
{
    struct next_tables tables;
    if (!_r_debug.r_map || !next_read_tables(_r_debug.r_map, &tables))
        return false;
    /* Symbols below the first hashed one are those that are not defined. */
    uint32_t n = tables.gnu_hash ? tables.gnu_hash[1] : tables.hash[1];
    for (uint32_t i = 1; i < n; i++) {
        if (tables.symbols[i].st_shndx == SHN_UNDEF &&
            next_same(tables.strings + tables.symbols[i].st_name, name))
            return true;
    }
    return false;
}
