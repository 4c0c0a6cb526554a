/* SPDX-License-Identifier: Apache-2.0 */
/* What every fuzz target defines. It returns 0, and may only fail by crashing or not returning. */
#ifndef MEMSCOPE_FUZZ_TARGET_H
#define MEMSCOPE_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#endif
