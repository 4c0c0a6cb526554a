/* SPDX-License-Identifier: Apache-2.0 */
/* The frequency of the time stamp counter. */
#include "collect/ticks.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "wire/clock.h"

enum { TICKS_MEASURE_NS = 1000000 };

static uint64_t ticks_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool ticks_source_is_tsc(void)
{
    static const char path[] = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    char *text;
    size_t n;
    if (file_read_all(path, 4096, &text, &n, NULL) < 0)
        return false;
    bool trusted = strncmp(text, "tsc", 3) == 0;
    free(text);
    return trusted;
}

/* Both clocks at one moment. */
struct ticks_moment {
    uint64_t ns, ticks;
};

static struct ticks ticks_measured;
static struct ticks_moment ticks_from;
static pthread_once_t ticks_once = PTHREAD_ONCE_INIT, ticks_measured_once = PTHREAD_ONCE_INIT;

static bool ticks_trusted;

/* The best of a few tries: one may be interrupted between the clocks. */
static struct ticks_moment ticks_moment_now(void)
{
    enum { TRIES = 4 };
    struct ticks_moment best = {0};
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        uint64_t before = wire_clock_ticks(), ns = ticks_monotonic_ns();
        uint64_t took = wire_clock_ticks() - before;
        if (took >= least)
            continue;
        least = took;
        best = (struct ticks_moment){ns, before + took / 2};
    }
    return best;
}

static void ticks_begin(void)
{
    ticks_trusted = ticks_source_is_tsc();
    if (ticks_trusted)
        ticks_from = ticks_moment_now();
}

/* From where ticks_begin left off: what the launcher did meanwhile need not be waited for. */
static void ticks_measure(void)
{
    pthread_once(&ticks_once, ticks_begin);
    if (!ticks_trusted) {
        ticks_measured = (struct ticks){.ns_multiplier = 1ull << 32, .hz = 1000000000u};
        return;
    }
    while (ticks_monotonic_ns() - ticks_from.ns < TICKS_MEASURE_NS)
        __builtin_ia32_pause();
    struct ticks_moment to = ticks_moment_now();
    ticks_measured.hz = (uint64_t)((unsigned __int128)(to.ticks - ticks_from.ticks) * 1000000000u /
                                   (to.ns - ticks_from.ns));
    ticks_measured.ns_multiplier =
            (uint64_t)(((unsigned __int128)1000000000u << 32) / ticks_measured.hz);
}

void ticks_init(struct ticks *ret_ticks)
{
    pthread_once(&ticks_measured_once, ticks_measure);
    *ret_ticks = ticks_measured;
}

bool ticks_are_trusted(void)
{
    pthread_once(&ticks_once, ticks_begin);
    return ticks_trusted;
}

uint64_t ticks_now(void)
{
    return ticks_are_trusted() ? wire_clock_ticks() : ticks_monotonic_ns();
}
