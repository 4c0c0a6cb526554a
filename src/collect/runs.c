/* SPDX-License-Identifier: Apache-2.0 */
/* Records within runs: where each ends, and what stamp it counts with. */
#include "collect/runs.h"

#include <string.h>

unsigned run_record_slots(const struct intake_run *run, unsigned i)
{
    unsigned n = 1;
    while (i + n < run->n && run->slots[i + n].head == WIRE_CONTINUED)
        n++;
    return n;
}

static bool run_is_stamped(const struct intake_slot *slot)
{
    unsigned kind = slot->head & 0xff;
    return kind != WIRE_PAD && kind != WIRE_CONTINUED;
}

/*
 * Lowers the stamps of slots [from, to) to that of the least behind them, *least at first. Where
 * they rise already it is done with the first that is not greater, and returns false: nothing
 * before it is greater either.
 */
static bool run_lower(struct intake_run *run, unsigned from, unsigned to, bool rises,
                      uint64_t *least)
{
    for (unsigned i = to; i-- > from;) {
        if (!run_is_stamped(&run->slots[i]))
            continue;
        uint64_t stamp = run->slots[i].head >> WIRE_KIND_BITS;
        if (stamp > *least)
            run->slots[i].head = wire_head(*least, run->slots[i].head & 0xff);
        else if (rises)
            return false;
        else
            *least = stamp;
    }
    return true;
}

/* Stamp of the first record from slot `at` on; false: it has none but padding. */
static bool run_stamp(const struct intake_run *run, uint64_t *ret_stamp)
{
    for (unsigned i = run->at; i < run->n; i++) {
        if (run_is_stamped(&run->slots[i])) {
            *ret_stamp = run->slots[i].head >> WIRE_KIND_BITS;
            return true;
        }
    }
    return false;
}

uint64_t runs_stamp(const struct runs *runs)
{
    uint64_t stamp = 0;
    for (const struct intake_run *run = runs->first; run; run = run->next) {
        if (run_stamp(run, &stamp))
            break;
    }
    return stamp;
}

static void runs_link(struct runs *runs, struct intake_run *after, struct intake_run *run)
{
    run->previous = after;
    run->next = after ? after->next : runs->first;
    if (run->next)
        run->next->previous = run;
    else
        runs->last = run;
    if (after)
        after->next = run;
    else
        runs->first = run;
}

/* Appends run to the last one where it goes on there: small runs would use up their number. */
static bool runs_merge(struct intake_run *last, const struct intake_run *run)
{
    if (!last || last->next || last->place + last->n != run->place ||
        last->n + run->n > WIRE_PAGE_SLOTS)
        return false;
    memcpy(&last->slots[last->n], run->slots, run->n * sizeof *run->slots);
    last->n += run->n;
    return true;
}

bool runs_add(struct runs *runs, struct intake_run *run, uint64_t latest,
              struct intake_run **ret_spare)
{
    bool was_empty = !runs->first;
    uint64_t stamp = runs_stamp(runs), least = latest;
    struct intake_run *after = runs->last;
    while (after && after->place > run->place)
        after = after->previous;
    struct intake_run *next = after ? after->next : runs->first;
    while (next && !run_stamp(next, &least))
        next = next->next;
    unsigned from = after ? after->n : 0;
    *ret_spare = NULL;
    if (!next && runs_merge(after, run)) {
        *ret_spare = run;
        run = after;
    } else {
        from = 0;
        runs_link(runs, after, run);
    }
    run_lower(run, from, run->n, false, &least);
    bool goes_on = run_lower(run, run->at, from, true, &least);
    while (goes_on && (run = run->previous))
        goes_on = run_lower(run, run->at, run->n, true, &least);
    return was_empty || runs_stamp(runs) != stamp;
}

struct intake_run *runs_take(struct runs *runs)
{
    struct intake_run *run = runs->first;
    runs->first = run->next;
    if (runs->first)
        runs->first->previous = NULL;
    else
        runs->last = NULL;
    run->next = NULL;
    return run;
}
