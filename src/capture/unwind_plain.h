/* SPDX-License-Identifier: Apache-2.0 */
/* The id of a stack without the help of a thread's state. */
#ifndef MEMSCOPE_CAPTURE_UNWIND_PLAIN_H
#define MEMSCOPE_CAPTURE_UNWIND_PLAIN_H

#include "capture/unwind_step.h"

/* As stack_capture_plain. */
uint64_t unwind_plain_id(struct unwind_state leaf);

#endif
