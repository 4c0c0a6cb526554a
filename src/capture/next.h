/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real functions: for each hook the next definition behind ours in the loader's order.
 *
 * Found by reading the loaded modules' hash tables, never by dlsym, which may allocate, lock and
 * touch the program's dlerror. All NULL until next_find has run.
 */
#ifndef MEMSCOPE_CAPTURE_NEXT_H
#define MEMSCOPE_CAPTURE_NEXT_H

#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct next {
    void *(*malloc)(size_t);
    void (*free)(void *);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*reallocarray)(void *, size_t, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    void *(*memalign)(size_t, size_t);
    void *(*valloc)(size_t);
    void *(*pvalloc)(size_t);
    void (*cfree)(void *);
    void (*free_sized)(void *, size_t);
    void (*free_aligned_sized)(void *, size_t, size_t);
    size_t (*malloc_usable_size)(void *);
    void *(*mmap)(void *, size_t, int, int, int, off_t);
    int (*munmap)(void *, size_t);
    void *(*mremap)(void *, size_t, size_t, int, ...);
    int (*brk)(void *);
    void *(*sbrk)(intptr_t);
    int (*dlclose)(void *);
    void *(*dlsym)(void *, const char *);
    int (*prctl)(int, ...);
    long (*syscall)(long, ...);
    int (*execve)(const char *, char *const[], char *const[]);
    int (*execvpe)(const char *, char *const[], char *const[]);
    int (*fexecve)(int, char *const[], char *const[]);
    int (*execveat)(int, const char *, char *const[], char *const[], int);
    int (*posix_spawn)(pid_t *, const char *, const posix_spawn_file_actions_t *,
                       const posix_spawnattr_t *, char *const[], char *const[]);
    int (*posix_spawnp)(pid_t *, const char *, const posix_spawn_file_actions_t *,
                        const posix_spawnattr_t *, char *const[], char *const[]);
    int (*system)(const char *);
    FILE *(*popen)(const char *, const char *);
    void (*_exit)(int);
    void (*_Exit)(int);
};

extern __attribute__((visibility("hidden"))) struct next next;

/* Fills `next`. Needs our own relocations done. Returns false when there is no real malloc. */
bool next_find(void);

/*
 * The symbol that the program itself would get by that name, NULL when its libc has none. For what
 * only newer libcs have: a reference, even a weak one, would demand that version of libc.
 */
void *next_symbol(const char *name);

/* What the module itself defines by that name. */
struct link_map;
void *next_symbol_of(const struct link_map *map, const char *name);

/* The path that the loader has for the module that holds us; "" for the executable. */
const char *next_own_path(void);

/* True when the executable takes a function of that name from a library. */
bool next_exe_imports(const char *name);

/* True when the first malloc in the loader's order is not ours: hooks see nothing. */
bool next_is_bypassed(void);

#endif
