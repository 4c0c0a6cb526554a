/* SPDX-License-Identifier: Apache-2.0 */
/* The frequency of the time stamp counter. */
#include "collect/ticks.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "wire/clock.h"

enum { TICKS_MEASURE_NS = 2000000 };

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

static struct ticks ticks_measured;
static pthread_once_t ticks_once = PTHREAD_ONCE_INIT;

static bool ticks_trusted;

static void ticks_measure(void)
{
    ticks_trusted = ticks_source_is_tsc();
    if (!ticks_trusted) {
        ticks_measured = (struct ticks){.ns_multiplier = 1ull << 32, .hz = 1000000000u};
        return;
    }
    uint64_t from_ns = ticks_monotonic_ns(), from = wire_clock_ticks();
    uint64_t to_ns, to;
    do {
        to_ns = ticks_monotonic_ns();
        to = wire_clock_ticks();
    } while (to_ns - from_ns < TICKS_MEASURE_NS);
    ticks_measured.hz =
            (uint64_t)((unsigned __int128)(to - from) * 1000000000u / (to_ns - from_ns));
    ticks_measured.ns_multiplier =
            (uint64_t)(((unsigned __int128)1000000000u << 32) / ticks_measured.hz);
}

void ticks_init(struct ticks *ret_ticks)
{
    pthread_once(&ticks_once, ticks_measure);
    *ret_ticks = ticks_measured;
}

bool ticks_are_trusted(void)
{
    pthread_once(&ticks_once, ticks_measure);
    return ticks_trusted;
}

uint64_t ticks_now(void)
{
    return ticks_are_trusted() ? wire_clock_ticks() : ticks_monotonic_ns();
}
