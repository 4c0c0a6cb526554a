/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the model is to be written next, so that a sudden death of program and recorder together
 * loses at most 5 s: at the latest 4 s after the last time (sooner in a session's first seconds),
 * after a peak that is over 5 % higher than what was written, and once when the program's control
 * group nears its memory limit.
 */
#ifndef MEMSCOPE_COLLECT_CHECKPOINTS_H
#define MEMSCOPE_COLLECT_CHECKPOINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "collect/cgroup.h"

enum checkpoints_reason {
    CHECKPOINTS_NONE, /* not now; of one that was written: the session's end */
    CHECKPOINTS_TIME,
    CHECKPOINTS_PEAK,
    CHECKPOINTS_LIMIT,
    CHECKPOINTS_REASONS,
};

enum { CHECKPOINTS_TEXT_BYTES = 96 };

/* Zeroed = nothing was written yet. */
struct checkpoints {
    uint64_t at_ns;      /* when the last one began */
    uint64_t pause_ns;   /* that one for a peak or a limit keeps, by what the last one took */
    uint64_t pulse_ns;   /* when the last pulse was wanted */
    uint64_t peak_bytes; /* that the last one holds */
    struct cgroup cgroup;
    uint64_t cgroup_read_ns, cgroup_found_ns;
    bool is_near; /* the limit was near when the group was last read */
    uint32_t n[CHECKPOINTS_REASONS];
};

/* pid: a process whose control group is watched, or 0. */
enum checkpoints_reason checkpoints_due(struct checkpoints *checkpoints, uint64_t peak_bytes,
                                        int pid, uint64_t now_ns);

/* Between two of them: the recording is to be told that its recorder lives (recording_pulse). */
bool checkpoints_wants_pulse(struct checkpoints *checkpoints, uint64_t now_ns);

/* One was written, with this peak, between two moments. */
void checkpoints_note(struct checkpoints *checkpoints, uint64_t peak_bytes, uint64_t begin_ns,
                      uint64_t end_ns);

/* Counts one that is about to be written, and says how many there were for each reason. */
void checkpoints_count(struct checkpoints *checkpoints, enum checkpoints_reason reason,
                       char text[static CHECKPOINTS_TEXT_BYTES]);

void checkpoints_done(struct checkpoints *checkpoints);

#endif
