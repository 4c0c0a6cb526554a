/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model by brute force: keeps every event and every block, and derives each column from them in
 * the most obvious way. It shares no code with the feed.
 */
#ifndef MEMSCOPE_TEST_REFERENCE_H
#define MEMSCOPE_TEST_REFERENCE_H

#include "scenario.h"

/* Asserts that the settled model says of the scenario what brute force says. */
void reference_compare(const struct scenario *scenario, const struct model *model);

#endif
