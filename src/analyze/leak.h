/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether memory that was never freed is a leak: the shape of its growth.
 *
 * The judge sees two curves of one function in one process: what was live at each time, and what
 * of it was never freed by when it was born. Growth counts when the lower envelope of the live
 * curve rises steadily over the last half of the run and the never-freed blocks account for it:
 * a cache that churns at its limit has young never-freed blocks, but its curve is flat.
 */
#ifndef MEMSCOPE_ANALYZE_LEAK_H
#define MEMSCOPE_ANALYZE_LEAK_H

#include <stddef.h>
#include <stdint.h>

/* The numbers are those of the report page's contract. */
enum leak_class {
    LEAK_UNCLEAR,
    LEAK_GROWING,  /* grows steadily up to the end */
    LEAK_PLATEAU,  /* stopped growing, or is replaced as fast as it grows */
    LEAK_ONE_OFF,  /* a few blocks, once */
    LEAK_START_UP, /* allocated at the beginning */
    LEAK_BURST,    /* many blocks in a short time */
};

/* Points in time order; at least one. */
struct leak_curve {
    uint64_t start_ns, end_ns; /* life of the process, start < end */
    size_t n;
    const uint64_t *at_ns;      /* ends of slices */
    const uint64_t *live_bytes; /* at at_ns */
    const uint64_t *kept_bytes; /* born in the slice, never freed */
    uint64_t kept_n;            /* blocks never freed */
};

struct leak_verdict {
    enum leak_class class;
    double slope_bytes_per_s;   /* of the lower envelope over the last half */
    double r2;                  /* how straight it is: 0 … 1 */
    uint64_t first_ns, last_ns; /* ends of the slices of the first and last never-freed block */
};

struct leak {
    uint32_t function;
    uint32_t process; /* whose curve was judged: the one that kept most */
    uint64_t n, bytes;
    struct leak_verdict verdict;
};

struct leak_verdict leak_judge(const struct leak_curve *curve);

/* The class in one word for people: "growing". */
const char *leak_class_name(enum leak_class class);

#endif
