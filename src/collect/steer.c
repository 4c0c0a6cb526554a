/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at sums of processor time, and the weight that follows from them. */
#include "collect/steer.h"

enum {
    STEER_BEGINNING = 1024,        /* events that are recorded as asked for */
    STEER_EVIDENCE_NS = 40000000,  /* of the program's time, for a judgement */
    STEER_URGENT_NS = 10000000,    /* the same where much is being spent */
    STEER_HORIZON_NS = 1000000000, /* in which what was overspent is earned back */
    STEER_EVENT_MOST_NS = 1000,    /* what an event costs at most, both sides, new stacks and all */
    STEER_EVENT_LEAST_NS = 200,
    STEER_WEIGHT_MOST = 32768, /* of small blocks; blocks of a page have a 16th of it */
    STEER_FIRST = 5000,        /* by the limit in per cent: the weight behind the beginning */
    STEER_FIRST_LEAST = 16,
    STEER_AIM = 95,    /* per cent of the limit */
    STEER_LITTLE = 70, /* per cent of the limit: with less than this in use the rate rises */
    STEER_FALL = 4,    /* times in one look */
};

void steer_init(struct steer *steer, double percent)
{
    *steer = (struct steer){.percent = percent, .weight = 1};
}

bool steer_wants(const struct steer *steer, uint64_t event_n)
{
    return steer->begun || event_n >= STEER_BEGINNING;
}

static uint32_t steer_bounded(double weight)
{
    return weight >= STEER_WEIGHT_MOST ? STEER_WEIGHT_MOST
           : weight > 1                ? (uint32_t)(weight + 0.999)
                                       : 1;
}

/*
 * What was overspent since the session began, as a part of the time in which it is earned back.
 * What was saved is not spent later: whoever looks at a busy second finds the limit kept.
 */
static double steer_debt(const struct steer *steer, const struct steer_sum *now)
{
    double allowed = (double)now->program_ns * steer->percent / 100;
    double debt = ((double)now->own_ns - allowed) / STEER_HORIZON_NS;
    double most = steer->percent / 200;
    return debt > most ? most : debt < 0 ? 0 : debt;
}

/*
 * The weight at which the calls of a time would cost what is left to them. Large blocks are
 * recorded more often than the weight that stands says: events_n is what it came to.
 */
static double steer_wanted(double calls_n, double events_n, double stands, double program_ns,
                           double room)
{
    if (room <= 0)
        return STEER_WEIGHT_MOST;
    double each_n = events_n * stands > calls_n ? events_n * stands : calls_n;
    return each_n * STEER_EVENT_MOST_NS / program_ns / room;
}

static bool steer_move(struct steer *steer, uint32_t weight)
{
    bool moved = weight != steer->weight;
    steer->weight = weight;
    return moved;
}

uint32_t steer_first(double percent)
{
    uint32_t first = steer_bounded(STEER_FIRST / percent);
    return first > STEER_FIRST_LEAST ? first : STEER_FIRST_LEAST;
}

void steer_begin(struct steer *steer, const struct steer_sum *now)
{
    steer->begun = true;
    steer->start = *now;
    steer->last = *now;
    steer->weight = steer_first(steer->percent);
}

bool steer_look(struct steer *steer, const struct steer_sum *now, uint32_t weight)
{
    if (!steer->begun) {
        bool begins = steer_wants(steer, now->event_n);
        if (begins)
            steer_begin(steer, now);
        return begins;
    }
    double program = (double)(now->program_ns - steer->last.program_ns);
    double own = (double)now->own_ns - (double)steer->last.own_ns;
    bool urgent = own > 2 * program * steer->percent / 100;
    if (program < (urgent ? STEER_URGENT_NS : STEER_EVIDENCE_NS))
        return false;
    double events = (double)(now->event_n - steer->last.event_n);
    double calls = (double)(now->hook_n - steer->last.hook_n);
    steer->base = (own - events * STEER_EVENT_MOST_NS) /
                  program; /* below 0: events cost much less than the bound */
    steer->last = *now;
    double room = STEER_AIM * steer->percent / 10000 - steer->base - steer_debt(steer, now);
    double stands = weight > steer->weight ? weight : steer->weight;
    double wanted = steer_wanted(calls, events, stands, program, room);
    bool over = own > program * steer->percent / 100;
    if (wanted > stands * 1.25 || (wanted > stands && over))
        return steer_move(steer, steer_bounded(wanted));
    bool much_left = own < STEER_LITTLE * program * steer->percent / 10000;
    if (wanted < stands / 1.5 || (wanted < stands && much_left))
        return steer_move(steer, steer_bounded(wanted > steer->weight / STEER_FALL
                                                       ? wanted
                                                       : steer->weight / STEER_FALL));
    return false;
}

double steer_floor(const struct steer *steer, const struct steer_sum *now)
{
    double own = (double)now->own_ns;
    if (steer->begun)
        own -= (double)(now->event_n - steer->start.event_n) * STEER_EVENT_LEAST_NS;
    if (own < (double)steer->start.own_ns)
        own = (double)steer->start.own_ns;
    return now->program_ns ? 100 * own / (double)now->program_ns : 0;
}
