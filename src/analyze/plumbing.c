/* SPDX-License-Identifier: Apache-2.0 */
/* Functions between the code that wants memory and the allocator that gives it. */
#include <string.h>

#include "analyze/name.h"

/* Whole names. */
static const char *const plumbing_names[] = {
        "malloc",
        "calloc",
        "realloc",
        "reallocarray",
        "aligned_alloc",
        "posix_memalign",
        "memalign",
        "valloc",
        "pvalloc",
        "strdup",
        "strndup",
        "asprintf",
        "vasprintf",
        "getdelim",
        "getline",
        "operator new",
        "operator new[]",
        "xmalloc",
        "xcalloc",
        "xrealloc",
        "xstrdup",
        "xmemdup",
        "xzalloc",
        "safe_malloc",
        "safe_realloc",
        "zmalloc",
        "zcalloc",
        "zrealloc",
        "ztrymalloc",
        "ztryrealloc",
        "g_malloc",
        "g_malloc0",
        "g_realloc",
        "g_try_malloc",
        "g_strdup",
        "g_slice_alloc",
        "g_slice_alloc0",
        "g_malloc_n",
        "g_malloc0_n",
        "g_realloc_n",
        "g_memdup",
        "g_memdup2",
        "g_strndup",
        "g_strdup_printf",
        "g_strdup_vprintf",
        "__rust_alloc",
        "__rust_alloc_zeroed",
        "__rust_realloc",
        "__rdl_alloc",
        "__rdl_alloc_zeroed",
        "__rdl_realloc",
        "PyMem_Malloc",
        "PyUnicode_New",
        "_PyBytes_FromSize",
        "default_malloc", /* numpy */
        "default_calloc",
        "default_realloc",
        "PyMem_Calloc",
        "PyMem_Realloc",
        "PyMem_RawMalloc",
        "PyMem_RawCalloc",
        "PyMem_RawRealloc",
        "PyObject_Malloc",
        "PyObject_Calloc",
        "PyObject_Realloc",
        "_PyObject_Malloc",
        "_PyObject_GC_New",
        "_PyObject_GC_NewVar",
        "_PyObject_GC_Malloc",
        "_PyObject_New",
        "_PyObject_NewVar",
        "PyType_GenericAlloc",
        "_PyType_AllocNoTrack",
        "gc_alloc",
        "xrealloc2",
        "MemoryContextAlloc",
        "palloc",
        "palloc0",
        "repalloc",
        "palloc_extended",
        "palloc_aligned",
        "repalloc_huge",
        "pstrdup",
        "pnstrdup",
        "psprintf",
        "MemoryContextAllocZero",
        "MemoryContextAllocZeroAligned",
        "MemoryContextAllocExtended",
        "MemoryContextAllocHuge",
        "MemoryContextStrdup",
        "AllocSetContextCreateInternal",
        "GenerationAlloc",
        "SlabAlloc",
        "enlargeStringInfo",
        "ggc_internal_alloc",
        "ggc_internal_cleared_alloc",
        "ggc_realloc",
        "CRYPTO_malloc",
        "CRYPTO_zalloc",
        "CRYPTO_realloc",
        "CRYPTO_strdup",
        "CRYPTO_strndup",
        "CRYPTO_memdup",
        "AllocSetAlloc",
        "AllocSetRealloc",
        "sqlite3MemMalloc",
        "sqlite3MemRealloc",
        "sqlite3Malloc",
        "sqlite3_malloc",
        "sqlite3_malloc64",
        "sqlite3Realloc",
        "sqlite3DbMallocRaw",
        "sqlite3DbMallocRawNN",
        "sqlite3DbMallocZero",
        "dbMallocRawFinish",
        "mallocWithAlarm",
        "sqlite3MallocZero",
        "sqlite3DbRealloc",
        "sqlite3_realloc",
        "sqlite3_realloc64",
        "jv_mem_alloc",
        "jv_mem_realloc",
        "jv_mem_calloc",
        "do_xmalloc",
        "do_xmallocz",
        "xmallocz",
        "xmemdupz",
        "strbuf_grow",
        "_IO_file_doallocate",
        "_IO_doallocbuf",
        "rust_alloc",
        "do_rallocx",
        /* jemalloc without a prefix, between its entries and its hooks. */
        "hook_invoke_alloc",
        "hook_invoke_expand",
        "malloc_default",
        "imalloc",
        "imalloc_body",
        "large_ralloc",
        "large_malloc",
        "large_palloc",
        "arena_ralloc",
        "arena_palloc",
        "arena_malloc_hard",
        "irallocx_prof",
};

/* Beginnings of names: namespaces of containers, and families. */
static const char *const plumbing_starts[] = {
        "std::",
        "__gnu_cxx::",
        "alloc::",
        "core::",
        "hashbrown::",
        "__libc_",
        "__GI_",
        "_PyMem_",
        "pymalloc_",
        "_PyObject_GC_",
        "__rg_",
        "__rustc::__r",
        "_IO_",
        "__interceptor_",
        "je_",
        "_rjem_",
        "tikv_jemallocator::",
        "jemallocator::",
        "mimalloc::",
        "mi_malloc",
        "mi_calloc",
        "mi_realloc",
        "mi_heap_",
        "memscope_",
        "__cxxabiv1::",
        "smallvec::",
        "slice::",
        "boost::container::",
        "absl::container_internal::",
        "bytes::bytes_mut",
        "indexmap::",
        "__cxa_allocate",
};

/* Object files whose functions are never the answer; matched at their beginning. */
static const char *const plumbing_modules[] = {
        "libmemscope.so", "libc.so",  "libc-2.",     "libstdc++.so", "libc++.so",
        "libc++abi.so",   "ld-linux", "libjemalloc", "libmimalloc",  "libtcmalloc",
};

static bool plumbing_starts_with(const char *word, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strncmp(word, list[i], strlen(list[i])) == 0)
            return true;
    }
    return false;
}

/* Source files of a language's library: beginnings of their paths, and parts. */
static const char *const plumbing_folders[] = {
        "/rustc/", "/rust/deps/", "library/alloc/src/", "library/core/src/", "library/std/src/",
};
static const char *const plumbing_paths[] = {"/rustlib/src/rust/library/", "/include/c++/"};

static bool plumbing_is_library(const char *file)
{
    for (size_t i = 0; i < sizeof plumbing_paths / sizeof plumbing_paths[0]; i++) {
        if (strstr(file, plumbing_paths[i]))
            return true;
    }
    return plumbing_starts_with(file, plumbing_folders,
                                sizeof plumbing_folders / sizeof plumbing_folders[0]);
}

bool name_is_plumbing(const char *short_name, const char *module, const char *file)
{
    if (plumbing_is_library(file))
        return true;
    size_t modules = sizeof plumbing_modules / sizeof plumbing_modules[0];
    if (plumbing_starts_with(module, plumbing_modules, modules))
        return true;
    size_t starts = sizeof plumbing_starts / sizeof plumbing_starts[0];
    if (plumbing_starts_with(short_name, plumbing_starts, starts))
        return true;
    for (size_t i = 0; i < sizeof plumbing_names / sizeof plumbing_names[0]; i++) {
        if (strcmp(short_name, plumbing_names[i]) == 0)
            return true;
    }
    return false;
}
