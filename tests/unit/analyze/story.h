/* SPDX-License-Identifier: Apache-2.0 */
/* Models for tests, told as a story: functions, and what they allocate and free when. */
#ifndef MEMSCOPE_TESTS_ANALYZE_STORY_H
#define MEMSCOPE_TESTS_ANALYZE_STORY_H

#include "heap/feed.h"
#include "heap/model.h"

struct story {
    struct model *model;
    struct feed_context at; /* process, thread, task and time of the next event */
    uint64_t next_address;
    uint32_t module;
};

/* A process "/usr/bin/app" with one thread "main", from time 0. */
void story_begin(struct story *ret_story);

/* A stack from the root inwards: names joined by ';', e.g. "main;parse;malloc". */
uint32_t story_stack(struct story *story, const char *names);

/* Allocates; returns the address. */
uint64_t story_alloc(struct story *story, uint32_t node, uint64_t bytes);
void story_free(struct story *story, uint64_t address);

/* Moves time on to at_ms milliseconds after the start. */
void story_time_ms(struct story *story, double at_ms);

/* Ends the process with status 0 and settles the model. */
void story_end(struct story *story);
void story_done(struct story *story);

#endif
