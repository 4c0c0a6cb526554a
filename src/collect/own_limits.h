/* SPDX-License-Identifier: Apache-2.0 */
/* Resource limits that were meant for the program, not for its recorder. */
#ifndef MEMSCOPE_COLLECT_OWN_LIMITS_H
#define MEMSCOPE_COLLECT_OWN_LIMITS_H

/*
 * Raises the calling process's soft limits of time, files and memory to its hard ones, which is as
 * far as anybody may. For a process of our own: children inherit them.
 */
void own_limits_raise(void);

#endif
