/* SPDX-License-Identifier: Apache-2.0 */
/* The models that tests of exports share: a server with one leak, and one with hostile names. */
#ifndef MEMSCOPE_TESTS_EXPORT_SAMPLE_H
#define MEMSCOPE_TESTS_EXPORT_SAMPLE_H

#include "../analyze/story.h"

/* Ten seconds of a server: a start-up table, a leak of 100 kB/s, churn, and a peak at 4 s. */
void sample_server(struct story *ret_story);

/* Every name that a program can choose, as bad as it can be. */
void sample_hostile(struct story *ret_story);

/* A program that allocates nothing. */
void sample_empty(struct story *ret_story);

/* A sampled run whose rate and budget changed, with figures of its cost. */
void sample_adapted(struct story *ret_story);

#endif
