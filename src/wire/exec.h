/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images that are about to begin, so that one that never says hello is not passed over in silence.
 *
 * Whoever executes claims an entry, fills it, and takes it back when the real call failed: an entry
 * that stays is an exec that came to pass. The collector frees it when the image has said hello, or
 * when it has listed it as one that is not recorded. A table in the segment rather than a record of
 * a lane, because an image that is passed over has no lane.
 */
#ifndef MEMSCOPE_WIRE_EXEC_H
#define MEMSCOPE_WIRE_EXEC_H

#include <stdatomic.h>
#include <stdint.h>

enum { WIRE_EXECS = 64, WIRE_EXEC_NAME = 80 };

/* exec.state */
enum {
    WIRE_EXEC_FREE = 0,
    WIRE_EXEC_CLAIMED = 1,  /* being filled in */
    WIRE_EXEC_SPAWNING = 2, /* by posix_spawn, which has not returned */
    WIRE_EXEC_BEGUN = 3,
};

/* Why our library cannot go along. */
enum wire_unfit {
    WIRE_FITS = 0,
    WIRE_UNFIT_UNREADABLE = 1, /* not to be opened, or of no known kind */
    WIRE_UNFIT_STATIC = 2,
    WIRE_UNFIT_FOREIGN = 3,    /* of another architecture, 32-bit x86 too */
    WIRE_UNFIT_OTHER_LIBC = 4, /* its loader is not glibc's */
    WIRE_UNFIT_SET_ID = 5,     /* it gains privileges: its loader ignores preloads */
    WIRE_UNFIT_LIBRARY = 6,    /* our library is not to be had there: chroot, permissions */
    WIRE_UNFITS = 7
};

struct wire_exec {
    _Atomic uint32_t state;
    uint32_t pid;  /* of the new image, as its process or its parent sees it */
    uint32_t slot; /* process slot of the image that executes it */
    uint32_t why;  /* enum wire_unfit */
    uint64_t stamp;
    uint64_t device, inode; /* of the ELF file that the kernel begins; 0 = unknown */
    uint64_t pad;
    char name[WIRE_EXEC_NAME]; /* base name of what is executed, cut; maybe without a 0 */
};

_Static_assert(sizeof(struct wire_exec) == 128, "entries do not straddle lines");

#endif
