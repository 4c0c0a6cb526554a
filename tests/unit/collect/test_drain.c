/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The drain against a writer of the record protocol, an open record, and a segment full of noise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collect/drain.h"

/* xorshift64: the same history for the same seed, everywhere. */
static uint64_t noise_state;

static uint64_t noise_next(void)
{
    noise_state ^= noise_state << 13;
    noise_state ^= noise_state >> 7;
    noise_state ^= noise_state << 17;
    return noise_state;
}

struct session {
    struct segment segment;
    struct intake intake;
    struct drain *drain;
};

static void session_open(struct session *session)
{
    const struct wire_config config = {.strategy = WIRE_THREAD_LOCAL, .lane_pages = 16};
    assert_int_equal(segment_init(&session->segment, 2 << 20, &config, NULL), 0);
    assert_int_equal(intake_init(&session->intake), 0);
    assert_int_equal(drain_start(&session->segment, &session->intake, &session->drain, NULL), 0);
}

static void session_close(struct session *session)
{
    drain_free(session->drain);
    intake_done(&session->intake);
    segment_done(&session->segment);
}

/* A free page, taken as a target takes one. */
static uint32_t take_page(struct session *session)
{
    _Atomic uint64_t *bits = wire_free_bits(session->segment.at);
    for (;;) {
        for (uint32_t i = 0; i < session->segment.page_n / 64; i++) {
            uint64_t word = atomic_load(&bits[i]);
            uint64_t bit = word & -word;
            if (word && atomic_compare_exchange_strong(&bits[i], &word, word & ~bit))
                return i * 64 + (uint32_t)__builtin_ctzll(bit);
        }
        usleep(100);
    }
}

static struct wire_lane *publish_lane(struct session *session)
{
    uint32_t page = take_page(session);
    struct wire_lane *lane = segment_page(&session->segment, page);
    lane->kind = WIRE_LANE_OWN;
    atomic_store(&lane->tid, 7);
    atomic_fetch_or(&wire_lane_bits(session->segment.at)[page / 64], 1ull << page % 64);
    return lane;
}

/* Reserves a slot; waits while the ring is full. */
static struct wire_slot *reserve(struct session *session, struct wire_lane *lane)
{
    uint64_t at = atomic_fetch_add(&lane->head, 1), ring_page = at / WIRE_PAGE_SLOTS;
    _Atomic uint64_t *place = &lane->page_of[ring_page % WIRE_LANE_PAGES];
    while (at % WIRE_PAGE_SLOTS == 0 && wire_entry_page(atomic_load(place)))
        usleep(50);
    if (at % WIRE_PAGE_SLOTS == 0)
        atomic_store(place, wire_page_entry(ring_page, take_page(session)));
    uint32_t page = wire_entry_page(atomic_load(place));
    return (struct wire_slot *)segment_page(&session->segment, page) + at % WIRE_PAGE_SLOTS;
}

static void commit(struct session *session, struct wire_slot *slot, uint64_t value)
{
    slot->a = value;
    atomic_store_explicit(&slot->head, wire_head(segment_now(&session->segment), WIRE_FREE),
                          memory_order_release);
}

/* Takes what is there; checks that values come as `next` counts, and returns the new count. */
static uint64_t take_in_order(struct session *session, uint64_t next, uint64_t *ret_flush)
{
    struct intake_batch batch;
    intake_take(&session->intake, &batch);
    for (const struct intake_run *run = batch.first; run; run = run->next) {
        for (unsigned i = 0; i < run->n; i++)
            assert_int_equal(run->slots[i].a, next++);
    }
    *ret_flush = batch.flush;
    intake_batch_done(&batch);
    return next;
}

static uint64_t take_all(struct session *session, uint64_t next)
{
    uint64_t wanted = drain_flush(session->drain), flush = 0;
    while (flush < wanted) {
        next = take_in_order(session, next, &flush);
        usleep(100);
    }
    return next;
}

/* Far more records than the segment holds: none is lost, none comes twice, pages come back. */
static void test_every_record_once(void **state)
{
    enum { RECORDS = 300000 };
    struct session session;
    session_open(&session);
    struct wire_lane *lane = publish_lane(&session);
    uint64_t next = 0, flush;
    for (uint64_t i = 0; i < RECORDS; i++) {
        commit(&session, reserve(&session, lane), i);
        if (i % 5000 == 0)
            next = take_in_order(&session, next, &flush);
    }
    assert_int_equal(take_all(&session, next), RECORDS);
    session_close(&session);
}

/* Runs that are not free for another page. */
static uint32_t runs_in_use(struct session *session)
{
    pthread_mutex_lock(&session->intake.lock);
    uint32_t n = session->intake.run_n - session->intake.free_n;
    pthread_mutex_unlock(&session->intake.lock);
    return n;
}

static bool is_ring_full(const struct wire_lane *lane)
{
    uint64_t ring_page = atomic_load(&lane->head) / WIRE_PAGE_SLOTS;
    return wire_entry_page(atomic_load(&lane->page_of[ring_page % WIRE_LANE_PAGES])) &&
           atomic_load(&lane->head) % WIRE_PAGE_SLOTS == 0;
}

/* Feeds a batch: its values come as `next` counts. */
static uint64_t feed(struct session *session, struct intake_batch *batch, uint64_t next)
{
    for (const struct intake_run *run = batch->first; run; run = run->next) {
        for (unsigned i = 0; i < run->n; i++)
            assert_int_equal(run->slots[i].a, next++);
    }
    intake_run_put(&session->intake, batch->first);
    batch->first = batch->last = NULL;
    intake_batch_done(batch);
    return next;
}

/* A model that is busy: what waits for it is bounded, the writer waits, and nothing is lost. */
static void test_writers_wait_for_the_model(void **state)
{
    struct session session;
    session_open(&session);
    struct wire_lane *lane = publish_lane(&session);
    struct intake_batch batch = {0};
    uint64_t n = 0, next = 0;
    while (!batch.first) {
        commit(&session, reserve(&session, lane), n++);
        intake_take(&session.intake, &batch);
        if (!batch.first)
            intake_batch_done(&batch);
    }
    /* It has that batch, and takes no other. */
    while (runs_in_use(&session) < INTAKE_RUNS_MAX || !is_ring_full(lane))
        if (!is_ring_full(lane))
            commit(&session, reserve(&session, lane), n++);
    usleep(20000);
    assert_true(is_ring_full(lane));
    assert_in_range(runs_in_use(&session), INTAKE_RUNS_MAX,
                    INTAKE_RUNS_MAX + session.segment.page_n);
    next = feed(&session, &batch, next);
    for (uint64_t wanted = drain_flush(session.drain); batch.flush < wanted; usleep(100)) {
        intake_take(&session.intake, &batch);
        uint64_t flush = batch.flush;
        next = feed(&session, &batch, next);
        batch.flush = flush;
    }
    assert_int_equal(next, n);
    session_close(&session);
}

/* The news that the session's only lane is closed; its records are dropped. */
static struct intake_news closed_lane(struct session *session, struct wire_lane *lane)
{
    struct intake_news news = {0};
    atomic_store(&lane->retired, 1);
    while (news.kind != INTAKE_LANE_CLOSED) {
        struct intake_batch batch;
        usleep(100);
        intake_take(&session->intake, &batch);
        if (batch.closed_n)
            news = batch.closed[0];
        intake_batch_done(&batch);
    }
    return news;
}

/* Takes all there is; counts how often each value came. */
static void take_counted(struct session *session, uint8_t *seen, uint64_t n)
{
    uint64_t wanted = drain_flush(session->drain), flush = 0;
    while (flush < wanted) {
        struct intake_batch batch;
        intake_take(&session->intake, &batch);
        for (const struct intake_run *run = batch.first; run; run = run->next) {
            for (unsigned i = 0; i < run->n; i++) {
                assert_true(run->slots[i].a < n);
                seen[run->slots[i].a]++;
            }
        }
        flush = batch.flush;
        intake_batch_done(&batch);
        usleep(100);
    }
}

/* What lies behind an open record does not wait for it, nor does the watermark. */
static void test_open_record_holds_nobody(void **state)
{
    struct session session;
    uint8_t seen[3] = {0};
    session_open(&session);
    struct wire_lane *lane = publish_lane(&session);
    commit(&session, reserve(&session, lane), 0);
    struct wire_slot *open = reserve(&session, lane);
    commit(&session, reserve(&session, lane), 2);
    uint64_t committed_at = segment_now(&session.segment);
    usleep(1000);
    take_counted(&session, seen, 3);
    assert_memory_equal(seen, ((uint8_t[]){1, 0, 1}), 3);
    struct intake_batch batch;
    intake_take(&session.intake, &batch);
    assert_true(batch.watermark > committed_at);
    intake_batch_done(&batch);
    commit(&session, open, 1);
    take_counted(&session, seen, 3);
    assert_memory_equal(seen, ((uint8_t[]){1, 1, 1}), 3);
    session_close(&session);
}

/* A thread is stopped within a record while its lane goes around many times. */
static void test_open_record_leaves_the_ring(void **state)
{
    enum { RECORDS = 20 * WIRE_PAGE_SLOTS * 16, OPEN_EACH = 5000 };
    static uint8_t seen[RECORDS];
    struct wire_slot *open[RECORDS / OPEN_EACH + 1];
    struct session session;
    memset(seen, 0, sizeof seen);
    session_open(&session);
    struct wire_lane *lane = publish_lane(&session);
    for (uint64_t i = 0; i < RECORDS; i++) {
        struct wire_slot *slot = reserve(&session, lane);
        if (i % OPEN_EACH == 0)
            open[i / OPEN_EACH] = slot;
        else
            commit(&session, slot, i);
        if (i % 3000 == 0)
            take_counted(&session, seen, RECORDS);
    }
    take_counted(&session, seen, RECORDS);
    for (uint64_t i = 0; i < RECORDS; i++)
        assert_int_equal(seen[i], i % OPEN_EACH != 0);
    for (uint64_t i = 0; i < RECORDS; i += OPEN_EACH)
        commit(&session, open[i / OPEN_EACH], i);
    take_counted(&session, seen, RECORDS);
    for (uint64_t i = 0; i < RECORDS; i++)
        assert_int_equal(seen[i], 1);
    const struct intake_news news = closed_lane(&session, lane);
    assert_true(news.late_n > 0 && news.late_n <= RECORDS / OPEN_EACH + 1);
    assert_int_equal(news.abandoned_n, 0);
    session_close(&session);
}

/* A thread is stopped before it has installed the page of its record: the page is called over. */
static void test_page_never_installed(void **state)
{
    enum { BEHIND = 16 * WIRE_PAGE_SLOTS };
    static uint8_t seen[BEHIND];
    struct session session;
    memset(seen, 0, sizeof seen);
    session_open(&session);
    struct wire_lane *lane = publish_lane(&session);
    atomic_fetch_add(&lane->head, WIRE_PAGE_SLOTS);
    for (uint64_t i = 0; i < BEHIND; i++)
        commit(&session, reserve(&session, lane), i);
    take_counted(&session, seen, BEHIND);
    for (uint64_t i = 0; i < BEHIND; i++)
        assert_int_equal(seen[i], 1);
    take_counted(&session, seen, BEHIND);
    assert_int_equal(atomic_load(&lane->page_of[0]), wire_page_entry(0, 0));
    session_close(&session);
}

/* The intake counts as having handed out so many runs. */
static void runs_taken(struct session *session, uint32_t n)
{
    pthread_mutex_lock(&session->intake.lock);
    session->intake.run_n = n;
    pthread_mutex_unlock(&session->intake.lock);
}

/* With no memory for another run a round waits, and then goes on where it was. */
static void test_model_is_behind(void **state)
{
    enum { RECORDS = 5000 };
    static uint8_t seen[RECORDS];
    struct session session;
    memset(seen, 0, sizeof seen);
    session_open(&session);
    runs_taken(&session, UINT32_MAX / 4);
    struct wire_lane *lane = publish_lane(&session);
    for (uint64_t i = 0; i < WIRE_PAGE_SLOTS * 10; i++)
        commit(&session, reserve(&session, lane), i);
    usleep(5000);
    struct intake_batch batch;
    intake_take(&session.intake, &batch);
    assert_null(batch.first);
    uint64_t beat = atomic_load(&session.segment.at->coarse_stamp);
    usleep(20000);
    /* It is alive all the same: the program waits for it. */
    assert_true(atomic_load(&session.segment.at->coarse_stamp) > beat);
    runs_taken(&session, 0);
    take_counted(&session, seen, RECORDS);
    for (uint64_t i = 0; i < RECORDS; i++)
        assert_int_equal(seen[i], i < WIRE_PAGE_SLOTS * 10);
    session_close(&session);
}

/* Noise in every word that a target can write: the drain goes on, and ends when told to. */
static void test_hostile_segment(void **state)
{
#ifdef __SANITIZE_THREAD__
    skip(); /* such a writer races with everything: that is the test */
#endif
    for (unsigned seed = 1; seed <= 5; seed++) {
        struct session session;
        session_open(&session);
        noise_state = seed * 0x9e3779b97f4a7c15u;
        for (int i = 0; i < 20; i++)
            publish_lane(&session);
        uint64_t *words = (uint64_t *)session.segment.at;
        size_t from = WIRE_PAGE_BYTES / sizeof *words;
        size_t n = session.segment.size_bytes / sizeof *words - from;
        for (int i = 0; i < 200000; i++) {
            uint64_t noise = noise_next();
            words[from + noise % n] = i % 3 ? noise : noise >> 40;
            if (i % 1000 == 0) {
                struct intake_batch batch;
                intake_take(&session.intake, &batch);
                intake_batch_done(&batch);
            }
        }
        session_close(&session);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_every_record_once),
            cmocka_unit_test(test_writers_wait_for_the_model),
            cmocka_unit_test(test_open_record_holds_nobody),
            cmocka_unit_test(test_open_record_leaves_the_ring),
            cmocka_unit_test(test_page_never_installed),
            cmocka_unit_test(test_model_is_behind),
            cmocka_unit_test(test_hostile_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
