/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of this process's resident memory, told to the collector at the end. */
#ifndef MEMSCOPE_CAPTURE_HIGH_WATER_H
#define MEMSCOPE_CAPTURE_HIGH_WATER_H

/*
 * Writes the peak so far, and what is resident now, into the process's slot. Called where this
 * image is about to end; the collector cannot ask the kernel any more then.
 */
void high_water_tell(void);

/* Sees to it that exit() tells. From the constructor: takes libc's lock. */
void high_water_start(void);

#endif
