/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes the records out of one lane's ring, and gives its pages back.
 *
 * Whatever is committed is taken at once; an open record stays behind as a hole, which is looked at
 * again in each round, for as long as its writer may come back.
 *
 * The page of a hole stays in the lane's directory, since its writer may still have to find it
 * there. That would block the writers that come around the ring, so once half a ring lies behind
 * it the page is given up: it leaves the directory (a writer that finds it gone reserves anew) but
 * is kept aside and looked at like the others (a writer that had found it commits there). Nobody
 * waits for a thread that was stopped, or jumped away, within a record.
 *
 * Holes need not hold the watermark either. Whatever depends on a record (the next use of its
 * address) is reserved after its commit. If a round found the record open, and then what depends on
 * it is stamped after the clock of that round, the next round takes the record before anything
 * stamped so late is fed.
 */
#include "collect/drain_lane.h"

enum {
    /* Slots that can be reserved ahead: a full ring, and what many threads wait for. */
    DRAIN_LANE_AHEAD_MAX = WIRE_LANE_PAGES * WIRE_PAGE_SLOTS + (1 << 20),
    DRAIN_LANE_PAGES_MAX = 1 << 15, /* under way at once */
    DRAIN_LANE_HELD_SHARE = 8,      /* of the segment's pages, at the most */
};

void drain_lane_aim(struct drain_lane *lane)
{
    /* Acquire, and after the clock: what is reserved later gets a later stamp. */
    uint64_t head = atomic_load_explicit(&lane->at->head, memory_order_acquire);
    /* No writer of ours gets so far, nor back: nothing in it is to be believed. */
    if (head <= lane->target || head - lane->target > DRAIN_LANE_AHEAD_MAX ||
        lane->pages.n > DRAIN_LANE_PAGES_MAX / 2)
        return;
    lane->target = head;
    lane->open = true;
}

static _Atomic uint64_t *drain_lane_place(const struct drain_lane *lane, uint64_t ring_page)
{
    return &lane->at->page_of[ring_page % WIRE_LANE_PAGES];
}

static void drain_lane_give_back(struct drain_reader *reader, uint32_t page)
{
    if (!segment_has_page(reader->segment, page))
        return;
    segment_give_back(reader->segment, page);
    reader->room_given++;
}

static void drain_lane_count_late(struct drain_lane *lane, const struct intake_run *run)
{
    for (unsigned i = 0; i < run->n; i++)
        lane->late_n += run->slots[i].head != WIRE_CONTINUED && run->slots[i].head != WIRE_PAD;
}

static void drain_lane_keep_run(struct drain_reader *reader, struct drain_lane *lane,
                                struct drain_page *page, struct intake_run *run)
{
    if (page->given_up)
        drain_lane_count_late(lane, run);
    struct intake_batch *batch = &reader->batch;
    unsigned from = run->place % WIRE_PAGE_SLOTS;
    for (unsigned i = from, to = from + run->n, n; i < to; i += n) {
        n = 64 - i % 64 < to - i ? 64 - i % 64 : to - i;
        page->taken[i / 64] |= UINT64_MAX >> (64 - n) << i % 64;
    }
    page->left -= run->n;
    reader->taken_n += run->n;
    if (batch->last)
        batch->last->next = run;
    else
        batch->first = run;
    batch->last = run;
    batch->run_n++;
}

static bool drain_page_has(const struct drain_page *page, unsigned i)
{
    return page->taken[i / 64] >> i % 64 & 1;
}

static unsigned drain_page_first(const struct drain_page *page)
{
    unsigned i = 0;
    while (i < WIRE_PAGE_SLOTS && page->taken[i / 64] == UINT64_MAX)
        i += 64;
    return i < WIRE_PAGE_SLOTS ? i + (unsigned)__builtin_ctzll(~page->taken[i / 64]) : i;
}

/* Copies the record at slot i behind the run's last; its head was read. Returns its slots. */
static unsigned drain_page_copy(const struct drain_page *page, struct intake_run *run,
                                const struct wire_slot *slots, unsigned i, uint64_t head)
{
    unsigned n = 0;
    do {
        const struct wire_slot *slot = &slots[i + n];
        run->slots[run->n++] = (struct intake_slot){head, slot->a, slot->b, slot->c};
        n++;
        if (i + n == WIRE_PAGE_SLOTS || drain_page_has(page, i + n))
            break;
        /* Acquire as with the first: only what a hostile target may write differs from it. */
        head = atomic_load_explicit(&slots[i + n].head, memory_order_acquire);
    } while (head == WIRE_CONTINUED);
    return n;
}

static struct intake_run *drain_page_run(const struct drain_reader *reader,
                                         const struct drain_lane *lane,
                                         const struct drain_page *page, unsigned i)
{
    struct intake_run *run = intake_run_get(reader->intake, reader->runs_most);
    if (run) {
        run->lane = lane->number;
        run->place = page->ring_page * WIRE_PAGE_SLOTS + i;
    }
    return run;
}

/*
 * The short way: records from slot i on, none of which was taken before, up to the first that is
 * open; the head at slot i was read. Returns their slots.
 */
static unsigned drain_page_copy_all(struct intake_run *run, const struct wire_slot *slots,
                                    unsigned i, unsigned to, uint64_t head)
{
    struct intake_slot *copy = run->slots;
    const struct wire_slot *slot = &slots[i], *end = &slots[to];
    do {
        *copy++ = (struct intake_slot){head, slot->a, slot->b, slot->c};
        slot++;
        /* Acquire: pairs with the commit; the words behind it are the record's. */
        head = slot < end ? atomic_load_explicit(&slot->head, memory_order_acquire) : 0;
    } while (head);
    run->n = (uint32_t)(copy - run->slots);
    return run->n;
}

/* Takes the committed records of a page below slot `to`. Returns 0, or 1: no run. */
static int drain_page_read(struct drain_reader *reader, struct drain_lane *lane,
                           struct drain_page *page, unsigned to)
{
    const struct wire_slot *slots = segment_page(reader->segment, page->page);
    struct intake_run *run = NULL;
    unsigned i = drain_page_first(page);
    uint64_t first = 0;
    /* Acquire as below. */
    if (i < to && page->left == WIRE_PAGE_SLOTS - i)
        first = atomic_load_explicit(&slots[i].head, memory_order_acquire);
    if (first && first != WIRE_CONTINUED) {
        run = drain_page_run(reader, lane, page, i);
        if (!run)
            return 1;
        i += drain_page_copy_all(run, slots, i, to, first);
    }
    while (i < to) {
        uint64_t head = 0;
        /* Acquire: pairs with the commit; the words behind it are the record's. */
        if (!drain_page_has(page, i))
            head = atomic_load_explicit(&slots[i].head, memory_order_acquire);
        /* A continuation by itself belongs to a record that is still open. */
        if (head == 0 || head == WIRE_CONTINUED) {
            lane->open = lane->open || !drain_page_has(page, i);
            if (run)
                drain_lane_keep_run(reader, lane, page, run);
            run = NULL;
            i++;
            continue;
        }
        if (!run) {
            run = drain_page_run(reader, lane, page, i);
            if (!run)
                return 1;
        }
        i += drain_page_copy(page, run, slots, i, head);
    }
    if (run)
        drain_lane_keep_run(reader, lane, page, run);
    return 0;
}

/* Looks the page up in the directory. False: nobody has installed it yet. */
static bool drain_page_find(struct drain_reader *reader, struct drain_lane *lane,
                            struct drain_page *page)
{
    /* Acquire: pairs with the installation. */
    uint64_t entry =
            atomic_load_explicit(drain_lane_place(lane, page->ring_page), memory_order_acquire);
    if (!entry || wire_entry_ring_page(entry) != page->ring_page ||
        !segment_has_page(reader->segment, wire_entry_page(entry)))
        return false;
    page->page = wire_entry_page(entry);
    if (page->ring_page >= lane->installed_to)
        lane->installed_to = page->ring_page + 1;
    return true;
}

/*
 * Takes a page out of the directory: its place is marked as over, so that nobody installs a page
 * there who comes late. Returns false when it was not installed, and somebody just has.
 */
static bool drain_page_unlist(const struct drain_lane *lane, const struct drain_page *page)
{
    _Atomic uint64_t *place = drain_lane_place(lane, page->ring_page);
    uint64_t over = wire_page_entry(page->ring_page, 0);
    if (page->page) {
        /* Release: before the page is offered again; a writer must not find both. */
        atomic_store_explicit(place, over, memory_order_release);
        return true;
    }
    uint64_t entry = atomic_load(place);
    if (entry >= over)
        return wire_entry_ring_page(entry) > page->ring_page;
    return atomic_compare_exchange_strong(place, &entry, over);
}

/* Slots below the target that nobody has committed. */
static uint64_t drain_page_open_n(const struct drain_lane *lane, const struct drain_page *page)
{
    uint64_t first = page->ring_page * WIRE_PAGE_SLOTS;
    uint64_t beyond =
            lane->target < first + WIRE_PAGE_SLOTS ? first + WIRE_PAGE_SLOTS - lane->target : 0;
    return page->left > beyond ? page->left - beyond : 0;
}

/* Drops a page that was given up, for want of memory: its writer has not come in all this time. */
static void drain_lane_let_go(struct drain_reader *reader, struct drain_lane *lane)
{
    for (size_t i = 0; i < lane->pages.n; i++) {
        struct drain_page *page = &lane->pages.at[i];
        if (!page->given_up)
            continue;
        lane->abandoned_n += drain_page_open_n(lane, page);
        drain_lane_give_back(reader, page->page);
        reader->held_n--;
        page->left = 0;
        page->page = 0;
        return;
    }
}

/* Whether the page stays in the list; it leaves the directory where it must. */
static bool drain_page_settle(struct drain_reader *reader, struct drain_lane *lane,
                              struct drain_page *page)
{
    uint32_t ring = reader->segment->at->config.lane_pages;
    if (ring > WIRE_LANE_PAGES || ring < 2)
        ring = WIRE_LANE_PAGES;
    if (page->left == 0) {
        if (!page->given_up)
            drain_page_unlist(lane, page);
        else if (page->page)
            reader->held_n--;
        drain_lane_give_back(reader, page->page);
        return false;
    }
    if (page->given_up || lane->installed_to <= page->ring_page + ring / 2)
        return true;
    if (!drain_page_unlist(lane, page))
        return true;
    page->given_up = true;
    reader->held_n += page->page != 0;
    return page->page != 0;
}

static void drain_lane_settle(struct drain_reader *reader, struct drain_lane *lane)
{
    size_t kept = 0;
    for (size_t i = 0; i < lane->pages.n; i++) {
        struct drain_page *page = &lane->pages.at[i];
        if (drain_page_settle(reader, lane, page))
            lane->pages.at[kept++] = *page;
    }
    lane->pages.n = kept;
    if (reader->held_n > reader->segment->page_n / DRAIN_LANE_HELD_SHARE)
        drain_lane_let_go(reader, lane);
}

int drain_lane_read(struct drain_reader *reader, struct drain_lane *lane)
{
    if (!lane->open)
        return 0;
    while (lane->begun_to * WIRE_PAGE_SLOTS < lane->target) {
        struct drain_page page = {.ring_page = lane->begun_to, .left = WIRE_PAGE_SLOTS};
        if (!VEC_PUSH(&lane->pages, DRAIN_LANE_PAGES_MAX, page))
            return 1;
        lane->begun_to++;
    }
    lane->open = false;
    for (size_t i = 0; i < lane->pages.n; i++) {
        struct drain_page *page = &lane->pages.at[i];
        uint64_t left = lane->target - page->ring_page * WIRE_PAGE_SLOTS;
        if (!page->page && !drain_page_find(reader, lane, page)) {
            lane->open = true;
            continue;
        }
        unsigned to = left < WIRE_PAGE_SLOTS ? (unsigned)left : WIRE_PAGE_SLOTS;
        if (drain_page_read(reader, lane, page, to) != 0) {
            lane->open = true;
            return 1;
        }
    }
    drain_lane_settle(reader, lane);
    return 0;
}

void drain_lane_close(struct drain_reader *reader, struct drain_lane *lane)
{
    uint64_t open_n = lane->abandoned_n;
    VEC_EACH (struct drain_page, page, &lane->pages) {
        if (!page->given_up || !page->page)
            continue;
        /*
         * A call that its thread's end cut off never happened: nothing is lost. But a thread that
         * has itself written half a ring behind an open record of its own has jumped away from it.
         */
        if (lane->kind == WIRE_LANE_OWN)
            open_n += drain_page_open_n(lane, page);
        drain_lane_give_back(reader, page->page);
        reader->held_n--;
    }
    uint64_t moved_n = atomic_load_explicit(&lane->at->moved_n, memory_order_relaxed);
    lane->abandoned_n = open_n > moved_n ? open_n - moved_n : 0;
    for (unsigned i = 0; i < WIRE_LANE_PAGES; i++) {
        uint64_t entry = atomic_exchange(&lane->at->page_of[i], 0);
        drain_lane_give_back(reader, wire_entry_page(entry));
    }
    drain_lane_give_back(reader, lane->page);
}

void drain_lane_done(struct drain_lane *lane)
{
    vec_done(&lane->pages);
}
