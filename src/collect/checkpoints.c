/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the next checkpoint is due.
 *
 * A program that grows without end asks for a checkpoint again and again: such a one keeps a pause
 * of so many times what the last one took that all of them together stay cheap. Nor does a peak ask
 * for one in the first second of a program: most end before, and would pay for it twice.
 */
#include "collect/checkpoints.h"

#include <stdio.h>

enum {
    CHECKPOINTS_COST = 50, /* times what one took is the pause after it */
    CHECKPOINTS_PEAK_PART = 20,
    CHECKPOINTS_PEAK_LEAST = 1 << 20, /* a rise by less than this is no news */
    CHECKPOINTS_NEAR = 90,            /* per cent of the limit */
    CHECKPOINTS_FAR = 85,             /* below which it may come near again */
    CHECKPOINTS_CGROUP_NS = 50000000,
};

static const uint64_t checkpoints_first_ns = 1000000000u;
static const uint64_t checkpoints_most_ns = 4000000000u;
static const uint64_t checkpoints_pulse_ns = 200000000u;
static const uint64_t checkpoints_pause_least_ns = 250000000u;
static const uint64_t checkpoints_peak_pause_ns = 1000000000u;
static const uint64_t checkpoints_cgroup_find_ns = 2000000000u; /* a process may be moved */

/* After 1, 2 and 4 s, then every 4 s. */
static bool checkpoints_is_time(const struct checkpoints *checkpoints, uint64_t now_ns)
{
    uint64_t wait_ns = checkpoints->at_ns;
    if (wait_ns < checkpoints_first_ns)
        wait_ns = checkpoints_first_ns;
    if (wait_ns > checkpoints_most_ns)
        wait_ns = checkpoints_most_ns;
    return now_ns - checkpoints->at_ns >= wait_ns;
}

static bool checkpoints_is_peak(const struct checkpoints *checkpoints, uint64_t peak_bytes,
                                uint64_t now_ns)
{
    if (now_ns - checkpoints->at_ns < checkpoints_peak_pause_ns)
        return false;
    uint64_t more = checkpoints->peak_bytes / CHECKPOINTS_PEAK_PART;
    if (more < CHECKPOINTS_PEAK_LEAST)
        more = CHECKPOINTS_PEAK_LEAST;
    return peak_bytes > checkpoints->peak_bytes && peak_bytes - checkpoints->peak_bytes > more;
}

/* True from when the limit comes near until that was answered. */
static bool checkpoints_is_limit(struct checkpoints *checkpoints, int pid, uint64_t now_ns)
{
    if (checkpoints->cgroup_read_ns && now_ns - checkpoints->cgroup_read_ns < CHECKPOINTS_CGROUP_NS)
        return false;
    if (pid && (!checkpoints->cgroup_found_ns ||
                now_ns - checkpoints->cgroup_found_ns >= checkpoints_cgroup_find_ns)) {
        cgroup_open_process(&checkpoints->cgroup, pid);
        checkpoints->cgroup_found_ns = now_ns;
    }
    checkpoints->cgroup_read_ns = now_ns;
    uint32_t percent = cgroup_use_percent(&checkpoints->cgroup);
    if (percent < CHECKPOINTS_FAR)
        checkpoints->is_near = false;
    if (percent < CHECKPOINTS_NEAR || checkpoints->is_near)
        return false;
    checkpoints->is_near = true;
    return true;
}

enum checkpoints_reason checkpoints_due(struct checkpoints *checkpoints, uint64_t peak_bytes,
                                        int pid, uint64_t now_ns)
{
    if (now_ns < checkpoints->at_ns)
        return CHECKPOINTS_NONE;
    if (checkpoints_is_time(checkpoints, now_ns))
        return CHECKPOINTS_TIME;
    if (now_ns - checkpoints->at_ns < checkpoints->pause_ns)
        return CHECKPOINTS_NONE;
    if (checkpoints_is_limit(checkpoints, pid, now_ns))
        return CHECKPOINTS_LIMIT;
    return checkpoints_is_peak(checkpoints, peak_bytes, now_ns) ? CHECKPOINTS_PEAK
                                                                : CHECKPOINTS_NONE;
}

bool checkpoints_wants_pulse(struct checkpoints *checkpoints, uint64_t now_ns)
{
    if (now_ns - checkpoints->pulse_ns < checkpoints_pulse_ns)
        return false;
    checkpoints->pulse_ns = now_ns;
    return true;
}

void checkpoints_note(struct checkpoints *checkpoints, uint64_t peak_bytes, uint64_t begin_ns,
                      uint64_t end_ns)
{
    checkpoints->at_ns = begin_ns;
    checkpoints->peak_bytes = peak_bytes;
    checkpoints->pause_ns = end_ns > begin_ns ? (end_ns - begin_ns) * CHECKPOINTS_COST : 0;
    if (checkpoints->pause_ns < checkpoints_pause_least_ns)
        checkpoints->pause_ns = checkpoints_pause_least_ns;
}

void checkpoints_count(struct checkpoints *checkpoints, enum checkpoints_reason reason,
                       char text[static CHECKPOINTS_TEXT_BYTES])
{
    checkpoints->n[reason]++;
    snprintf(text, CHECKPOINTS_TEXT_BYTES, "%u by time, %u by peak, %u by memory limit",
             checkpoints->n[CHECKPOINTS_TIME], checkpoints->n[CHECKPOINTS_PEAK],
             checkpoints->n[CHECKPOINTS_LIMIT]);
}

void checkpoints_done(struct checkpoints *checkpoints)
{
    cgroup_done(&checkpoints->cgroup);
}
