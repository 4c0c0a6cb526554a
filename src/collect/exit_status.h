/* SPDX-License-Identifier: Apache-2.0 */
/* How a process that is not our child has ended. */
#ifndef MEMSCOPE_COLLECT_EXIT_STATUS_H
#define MEMSCOPE_COLLECT_EXIT_STATUS_H

#include <stdbool.h>

#include "heap/model.h"

/*
 * Asks the kernel about a process whose pidfd is readable: while nobody has waited for it /proc
 * tells, afterwards the pidfd (Linux 6.15 and later). False: not to be had; nothing is written.
 */
bool exit_status_of(int pid, int pidfd, enum process_end *ret_end, int *ret_status);

#endif
