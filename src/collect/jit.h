/* SPDX-License-Identifier: Apache-2.0 */
/* Names of code that was made at run time, for addresses that belong to no module. */
#ifndef MEMSCOPE_COLLECT_JIT_H
#define MEMSCOPE_COLLECT_JIT_H

#include "heap/model.h"

/*
 * Reads the perf maps that the session's processes have written and names what lies in them. An
 * address that the maps of two processes name differently stays without a name.
 */
void jit_name(struct model *model);

#endif
