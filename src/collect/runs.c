/* SPDX-License-Identifier: Apache-2.0 */
/* Records within a run: where each ends, and the order of their stamps. */
#include "collect/runs.h"

#include <string.h>

/* How many slots the record at slot i of a run has. */
unsigned run_record_slots(const struct intake_run *run, unsigned i)
{
    unsigned n = 1;
    while (i + n < run->n && run->slots[i + n].head == WIRE_CONTINUED)
        n++;
    return n;
}

/*
 * A handler's records lie behind the one that it interrupted and are older: puts the records of a
 * run into the order of their stamps. Runs in order, which is nearly all, are only looked at.
 */
void run_sort(struct intake_run *run)
{
    uint64_t highest = 0;
    for (unsigned i = 0, n; i < run->n; i += n) {
        n = run_record_slots(run, i);
        uint64_t stamp = run->slots[i].head >> WIRE_KIND_BITS;
        if ((run->slots[i].head & 0xff) == WIRE_PAD)
            continue;
        if (stamp >= highest) {
            highest = stamp;
            continue;
        }
        struct intake_slot record[WIRE_PAGE_SLOTS];
        memcpy(record, &run->slots[i], n * sizeof *record);
        unsigned to = 0;
        while ((run->slots[to].head & 0xff) == WIRE_PAD ||
               run->slots[to].head >> WIRE_KIND_BITS <= stamp)
            to += run_record_slots(run, to);
        memmove(&run->slots[to + n], &run->slots[to], (i - to) * sizeof *record);
        memcpy(&run->slots[to], record, n * sizeof *record);
    }
}
