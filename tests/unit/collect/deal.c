/* SPDX-License-Identifier: Apache-2.0 */
/* Records the way hooks would write them, in runs the way the drain would take them. */
#include "deal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

uint64_t deal_noise;

uint64_t deal_random(void)
{
    deal_noise ^= deal_noise << 13;
    deal_noise ^= deal_noise >> 7;
    deal_noise ^= deal_noise << 17;
    return deal_noise;
}

static void ignore_module(void *context, uint32_t module, const char *path, int fd)
{
}

void session_open(struct session *session, uint32_t strategy)
{
    const struct wire_config config = {.strategy = strategy, .weight = 1};
    const struct stacks_sink sink = {.module = ignore_module};
    memset(session, 0, sizeof *session);
    assert_int_equal(segment_init(&session->segment, 4 << 20, &config, NULL), 0);
    struct wire_process *slot = wire_process_at(session->segment.at, 0);
    slot->pid = (uint32_t)getpid();
    atomic_store(&slot->state, WIRE_PROCESS_LIVE);
    session->model = model_new();
    assert_int_equal(feed_open(session->model, 1000000), 0);
    assert_int_equal(images_init(&session->images, session->model, &session->segment, &sink,
                                 &session->journal),
                     0);
    assert_int_equal(intake_init(&session->intake), 0);
    order_init(&session->order, session->model, &session->images, &session->intake,
               &session->journal);
}

void session_close(struct session *session)
{
    order_done(&session->order);
    images_done(&session->images);
    intake_done(&session->intake);
    model_free_all(session->model);
    segment_done(&session->segment);
}

void deal_open(struct deal *deal, uint32_t lane, uint32_t kind, uint32_t tid)
{
    struct intake_news *all = realloc(deal->batch.opened, (deal->batch.opened_n + 1) * sizeof *all);
    assert_non_null(all);
    deal->batch.opened = all;
    all[deal->batch.opened_n++] = (struct intake_news){
            .kind = INTAKE_LANE_OPENED, .lane = lane, .lane_kind = kind, .tid = tid};
}

void deal_begin(struct deal *deal, struct session *session, uint32_t n)
{
    session_open(session, WIRE_THREAD_LOCAL);
    *deal = (struct deal){.session = session};
    for (uint32_t i = 0; i < n; i++)
        deal_open(deal, i, WIRE_LANE_OWN, TID + i);
}

void deal_append(struct deal *deal, struct intake_run *run)
{
    run->next = NULL;
    if (deal->batch.last)
        deal->batch.last->next = run;
    else
        deal->batch.first = run;
    deal->batch.last = run;
}

static struct intake_run *deal_run(struct deal *deal, uint32_t lane)
{
    for (struct intake_run *run = deal->batch.first; run; run = run->next) {
        if (run->lane == lane && run->n + 3 <= WIRE_PAGE_SLOTS && run->slots[0].head != WIRE_PAD &&
            run->place + run->n == deal->head[lane])
            return run;
    }
    struct intake_run *run = intake_run_get(&deal->session->intake, INTAKE_RUNS_MAX);
    assert_non_null(run);
    run->lane = lane;
    run->place = deal->head[lane];
    deal_append(deal, run);
    return run;
}

void deal_record(struct deal *deal, uint32_t lane, uint32_t tid, unsigned kind, uint64_t stamp,
                 uint64_t address, uint64_t size, uint64_t old)
{
    struct intake_run *run = deal_run(deal, lane);
    bool by_others = lane == COMMON;
    run->slots[run->n++] =
            (struct intake_slot){wire_head(stamp, kind | (by_others ? WIRE_BY_OTHERS : 0u)),
                                 address, size, wire_stack(0, 1)};
    if (kind == WIRE_REALLOC_END)
        run->slots[run->n++] = (struct intake_slot){WIRE_CONTINUED, old, 0, 0};
    if (by_others)
        run->slots[run->n++] = (struct intake_slot){WIRE_CONTINUED, tid, 0, 0};
    deal->head[lane] = run->place + run->n;
}

struct intake_run *deal_open_record(struct deal *deal, uint32_t lane, uint32_t tid, unsigned kind,
                                    uint64_t stamp, uint64_t address, uint64_t size)
{
    struct deal open = {.session = deal->session};
    memcpy(open.head, deal->head, sizeof open.head);
    deal_record(&open, lane, tid, kind, stamp, address, size, 0);
    memcpy(deal->head, open.head, sizeof open.head);
    return open.batch.first;
}

void deal_padding(struct deal *deal, uint32_t lane)
{
    struct intake_run *run = intake_run_get(&deal->session->intake, INTAKE_RUNS_MAX);
    assert_non_null(run);
    run->lane = lane;
    run->place = deal->head[lane]++;
    run->slots[run->n++] = (struct intake_slot){.head = WIRE_PAD};
    deal_append(deal, run);
}

void deal_feed(struct deal *deal, uint64_t watermark)
{
    order_take(&deal->session->order, &deal->batch);
    order_feed(&deal->session->order, watermark);
    intake_batch_done(&deal->batch);
}

const struct model_sums *session_sums(const struct session *session)
{
    return &session->model->sums;
}
