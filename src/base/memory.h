/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel is told of memory. */
#ifndef MEMSCOPE_BASE_MEMORY_H
#define MEMSCOPE_BASE_MEMORY_H

/*
 * Says that [from, to) is written to soon: the kernel provides its pages in one go, not by a fault
 * each (Linux 5.14; before, nothing happens). The page of `from` may be missed, that of `to` may be
 * provided as well. Nothing but time depends on it.
 */
void memory_expect(void *from, void *to);

#endif
