/* SPDX-License-Identifier: Apache-2.0 */
/* How near a process is to the memory limit of its control group, or of one above it. */
#ifndef MEMSCOPE_COLLECT_CGROUP_H
#define MEMSCOPE_COLLECT_CGROUP_H

#include <stdint.h>

enum { CGROUP_LEVELS_MAX = 8 };

/* A group that has a limit. */
struct cgroup_level {
    int usage_fd;
    uint64_t limit_bytes;
};

/* Zeroed = no limits known. */
struct cgroup {
    struct cgroup_level levels[CGROUP_LEVELS_MAX];
    uint32_t level_n;
};

/*
 * Finds the limits of the process whose /proc/PID/cgroup is text, below root (/sys/fs/cgroup);
 * those that were known before are forgotten. Groups that cannot be seen from here are passed over.
 */
void cgroup_open(struct cgroup *cgroup, const char *text, const char *root);

/* The same for a process. */
void cgroup_open_process(struct cgroup *cgroup, int pid);

/* Of the group that is nearest to its limit: how much of that is in use, in per cent. 0: no limit.
 * A system call for each limit. */
uint32_t cgroup_use_percent(const struct cgroup *cgroup);

void cgroup_done(struct cgroup *cgroup);

#endif
