/* SPDX-License-Identifier: Apache-2.0 */
/* Six hundred functions with four call sites each, through which a path of any depth leads. */
#include "paths.h"

enum { SITES = 4 };

/* Each function has a frame of its own size, and keeps something across the call. */
#define BODY(name, words)                                                                          \
    __attribute__((noinline)) static uint64_t name(const struct path_step *step)                   \
    {                                                                                              \
        volatile uint64_t local[words];                                                            \
        const struct path_step *next = step + 1;                                                   \
        local[words / 2] = step->site;                                                             \
        uint64_t sum = 0;                                                                          \
        path_function call =                                                                       \
                next->function == PATH_END ? path_end : path_functions[next->function];            \
        switch (step->site) {                                                                      \
        case 0:                                                                                    \
            sum = call(next) + 1;                                                                  \
            break;                                                                                 \
        case 1:                                                                                    \
            sum = call(next) + 3;                                                                  \
            break;                                                                                 \
        case 2:                                                                                    \
            sum = call(next) * 5;                                                                  \
            break;                                                                                 \
        default:                                                                                   \
            sum = call(next) ^ 7;                                                                  \
        }                                                                                          \
        return sum + local[words / 2] + step->function;                                            \
    }

/* clang-format off */
#define SIX(p) BODY(p##0, 1) BODY(p##1, 2) BODY(p##2, 3) BODY(p##3, 5) BODY(p##4, 8) BODY(p##5, 13)
#define TEN(p) \
    SIX(p##0) SIX(p##1) SIX(p##2) SIX(p##3) SIX(p##4) \
    SIX(p##5) SIX(p##6) SIX(p##7) SIX(p##8) SIX(p##9)
TEN(f0) TEN(f1) TEN(f2) TEN(f3) TEN(f4) TEN(f5) TEN(f6) TEN(f7) TEN(f8) TEN(f9)

#define SIX_NAMES(p) p##0, p##1, p##2, p##3, p##4, p##5
#define TEN_NAMES(p) \
    SIX_NAMES(p##0), SIX_NAMES(p##1), SIX_NAMES(p##2), SIX_NAMES(p##3), SIX_NAMES(p##4), \
    SIX_NAMES(p##5), SIX_NAMES(p##6), SIX_NAMES(p##7), SIX_NAMES(p##8), SIX_NAMES(p##9)
        /* clang-format on */

        const path_function path_functions[PATH_FUNCTIONS] = {
                TEN_NAMES(f0), TEN_NAMES(f1), TEN_NAMES(f2), TEN_NAMES(f3), TEN_NAMES(f4),
                TEN_NAMES(f5), TEN_NAMES(f6), TEN_NAMES(f7), TEN_NAMES(f8), TEN_NAMES(f9),
};
