/* SPDX-License-Identifier: Apache-2.0 */
/* What the drain would give to the merge, made by hand: sessions, and records dealt to lanes. */
#ifndef MEMSCOPE_TESTS_COLLECT_DEAL_H
#define MEMSCOPE_TESTS_COLLECT_DEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "collect/order.h"

/* The thread id of lane 0, those of others follow; the number of the common lane. */
enum { TID = 100, COMMON = 50 };

/* xorshift64: the same history for the same seed, everywhere. */
extern uint64_t deal_noise;
uint64_t deal_random(void);

/* A session with this process as its only image. */
struct session {
    struct segment segment;
    struct model *model;
    struct images images;
    struct intake intake;
    struct journal journal;
    struct order order;
};

/* A batch under way: what the drain would give; and how far each lane was written. */
struct deal {
    struct session *session;
    struct intake_batch batch;
    uint64_t head[COMMON + 1];
};

void session_open(struct session *session, uint32_t strategy);

void session_close(struct session *session);

void deal_open(struct deal *deal, uint32_t lane, uint32_t kind, uint32_t tid);

/* Opens a session and n lanes of threads, numbered from 0. */
void deal_begin(struct deal *deal, struct session *session, uint32_t n);

void deal_append(struct deal *deal, struct intake_run *run);

/* One record of one slot, or of two when `old` is given; by another's lane with tid. */
void deal_record(struct deal *deal, uint32_t lane, uint32_t tid, unsigned kind, uint64_t stamp,
                 uint64_t address, uint64_t size, uint64_t old);

/* A record that its writer has not committed yet: what is dealt next lies behind it. */
struct intake_run *deal_open_record(struct deal *deal, uint32_t lane, uint32_t tid, unsigned kind,
                                    uint64_t stamp, uint64_t address, uint64_t size);

/* The rest of a page that the next record did not fit in: taken by itself it has no stamp. */
void deal_padding(struct deal *deal, uint32_t lane);

void deal_feed(struct deal *deal, uint64_t watermark);

const struct model_sums *session_sums(const struct session *session);

#endif
