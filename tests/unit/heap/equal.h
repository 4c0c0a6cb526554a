/* SPDX-License-Identifier: Apache-2.0 */
/* Whether two models say the same. */
#ifndef MEMSCOPE_TEST_EQUAL_H
#define MEMSCOPE_TEST_EQUAL_H

#include "heap/model.h"

/* Asserts that both settled models are equal in all that readers may see. */
void model_assert_equal(const struct model *a, const struct model *b);

#endif
