/* SPDX-License-Identifier: Apache-2.0 */
/* Paths through many small functions, to make stacks of a wanted depth and pattern. */
#ifndef BENCH_UNWIND_PATHS_H
#define BENCH_UNWIND_PATHS_H

#include <stdint.h>

enum { PATH_FUNCTIONS = 600, PATH_END = 0xffff };

struct path_step {
    uint16_t function, site; /* the site, 0 to 3, from which the next step is called */
};

typedef uint64_t (*path_function)(const struct path_step *step);

extern const path_function path_functions[PATH_FUNCTIONS];

/* Calls along the path, and path_end at its end. */
static inline uint64_t path_walk(const struct path_step *path)
{
    return path_functions[path->function](path);
}

/* What happens at the end: given by the benchmark. */
uint64_t path_end(const struct path_step *step);

#endif
