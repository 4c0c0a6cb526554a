/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of code that a just-in-time compiler made, from its /tmp/perf-PID.map.
 *
 * The file is read only if it is a regular file of the user's own, reached through no link, and of
 * bounded size (hazard: anyone may write in /tmp). Where ranges overlap the last line counts.
 */
#ifndef MEMSCOPE_SYMBOL_PERFMAP_H
#define MEMSCOPE_SYMBOL_PERFMAP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"

enum {
    PERFMAP_BYTES_MAX = 256 << 20,
    PERFMAP_ENTRIES_MAX = 4 << 20,
};

struct perfmap;

/*
 * Reads a map by path; owner: the user it must belong to. ERR_MISSING: there is none; ERR_DENIED:
 * it may not be believed; ERR_LIMIT: too large.
 */
int perfmap_open(const char *path, uid_t owner, struct perfmap **ret_map, struct diag *diag);

/* The map of a process as it names itself: host pid, and its pid in its own namespace. */
int perfmap_open_process(pid_t pid, pid_t namespace_pid, struct perfmap **ret_map,
                         struct diag *diag);
/* When its file was last written, nanoseconds since 1970. */
uint64_t perfmap_changed_unix_ns(const struct perfmap *map);

void perfmap_free(struct perfmap *map);

/* The name at an absolute address, n bytes without terminator; NULL: none. */
const char *perfmap_find(const struct perfmap *map, uint64_t address, size_t *ret_n);

#endif
