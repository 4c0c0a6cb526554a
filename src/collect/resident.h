/* SPDX-License-Identifier: Apache-2.0 */
/* The resident memory of a process and its parts, by what the kernel tells of its mappings. */
#ifndef MEMSCOPE_COLLECT_RESIDENT_H
#define MEMSCOPE_COLLECT_RESIDENT_H

#include <stdbool.h>

#include "heap/model.h"

/* Now, and at the most so far; false: not to be had. A few system calls. */
bool resident_read(int pid, uint64_t *ret_bytes, uint64_t *ret_peak);

/* Now, by a statm file: cheaper, without the peak. */
bool resident_read_now(const char *statm, uint64_t *ret_bytes);

/*
 * ret_file_bytes: what of files is resident as they are, which /proc/PID/status calls RssFile.
 *
 * Sorts every mapping of process pid, the model's `process`, into the parts. The kernel walks its
 * page tables for that, in which time the process may not map or unmap: not to be done often.
 */
bool resident_explain(int pid, const struct model *model, uint32_t process,
                      struct model_resident *ret_parts, uint64_t *ret_file_bytes);

#endif
