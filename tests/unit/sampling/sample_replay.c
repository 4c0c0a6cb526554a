/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recorded events through the library's own sampler, for many seeds: how often do the intervals
 * hold the truth, and how far is the mean of the estimates from it?
 *
 *     sample_replay RECORDING FIRST-SEED SEEDS RATE...
 *
 * The recording is one of --detailed-tracking. Prints a line for each rate, group and figure:
 * rate, group (-1 = all, or the number of a site), figure, truth, seeds that promised nothing ("few
 * samples", or no sample that stands for others), times that the interval of the other seeds held
 * the truth, seeds, mean error over all seeds in standard errors.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/estimate.h"
#include "capture/sample.h"
#include "heap/spread.h"
#include "heap/store.h"
#include "recording/events.h"
#include "recording/reader.h"

enum { SITES = 20, GROUPS = SITES + 1, NO_SITE = SITES, MOST = 1 << 27 };

/* One allocation; what became of it is known. */
struct birth {
    uint64_t address, size;
    uint32_t node, process, thread;
    uint8_t site;
    bool at_peak, leaked;
};

struct births {
    VEC(struct birth) at;
    struct map live;       /* process and address -> birth */
    VEC(uint32_t) at_peak; /* live ones at the peak, as a copy of the marks */
    uint64_t live_bytes, peak_bytes;
    size_t peak_event;
};

static uint64_t key_of(uint32_t process, uint64_t address)
{
    return address ^ (uint64_t)process << 48;
}

static void birth_add(struct births *births, const struct events_event *event)
{
    struct birth birth = {.address = event->address,
                          .size = event->size_bytes,
                          .node = event->node,
                          .process = event->process,
                          .thread = event->thread};
    map_put(&births->live, key_of(event->process, event->address), (uint32_t)births->at.n + 1);
    VEC_PUSH(&births->at, MOST, birth);
    births->live_bytes += event->size_bytes;
}

static void birth_end(struct births *births, uint32_t process, uint64_t address)
{
    int64_t found = map_find(&births->live, key_of(process, address));
    if (found == MAP_NONE || found == 0)
        return;
    births->live_bytes -= births->at.at[found - 1].size;
    map_put(&births->live, key_of(process, address), 0);
}

static void births_event(struct births *births, const struct events_event *event)
{
    if (event->kind == EVENTS_ALLOC) {
        birth_add(births, event);
    } else if (event->kind == EVENTS_FREE) {
        birth_end(births, event->process, event->address);
    } else if (event->kind == EVENTS_REALLOC_END) {
        birth_end(births, event->process, event->old_address);
        birth_add(births, event);
    }
}

/* Goes through all events; at event number `stop` marks what is live. */
static size_t births_read(struct births *births, struct recording_reader *reader, size_t stop)
{
    struct diag diag = {0};
    struct recording_chunk chunk;
    size_t n = 0;
    recording_rewind(reader, UINT64_MAX, &diag);
    while (recording_next(reader, &chunk, &diag) == 0) {
        if (chunk.type != RECORDING_EVENTS)
            continue;
        struct events_in in;
        struct events_event event;
        events_in_init(&in, chunk.bytes, chunk.n);
        while (events_next(&in, &event) == 0) {
            births_event(births, &event);
            n++;
            if (births->live_bytes > births->peak_bytes) {
                births->peak_bytes = births->live_bytes;
                births->peak_event = n;
            }
            for (size_t i = 0; n == stop && i <= births->live.mask; i++) {
                if (births->live.slots[i].used && births->live.slots[i].value)
                    births->at.at[births->live.slots[i].value - 1].at_peak = true;
            }
        }
    }
    return n;
}

static struct births births_of(struct recording_reader *reader)
{
    struct births first = {0}, births = {0};
    births_read(&first, reader, 0);
    size_t stop = first.peak_event;
    vec_done(&first.at);
    map_done(&first.live);
    births_read(&births, reader, stop);
    for (size_t i = 0; i <= births.live.mask; i++) {
        if (births.live.slots[i].used && births.live.slots[i].value)
            births.at.at[births.live.slots[i].value - 1].leaked = true;
    }
    return births;
}

/* The sites with the most bytes get numbers. */
static void births_rank(struct births *births)
{
    uint32_t nodes = 0;
    VEC_EACH (struct birth, birth, &births->at) {
        nodes = birth->node >= nodes ? birth->node + 1 : nodes;
    }
    double *bytes = calloc(nodes, sizeof *bytes);
    uint8_t *site = malloc(nodes);
    memset(site, NO_SITE, nodes);
    VEC_EACH (struct birth, birth, &births->at) {
        bytes[birth->node] += (double)birth->size;
    }
    for (uint8_t rank = 0; rank < SITES; rank++) {
        uint32_t best = 0;
        for (uint32_t i = 0; i < nodes; i++)
            best = site[i] == NO_SITE && (site[best] != NO_SITE || bytes[i] > bytes[best]) ? i
                                                                                           : best;
        if (bytes[best] > 0 && site[best] == NO_SITE)
            site[best] = rank;
    }
    VEC_EACH (struct birth, birth, &births->at) {
        birth->site = site[birth->node];
    }
    free(bytes);
    free(site);
}

static void figures_birth(struct figures *figures, const struct birth *birth, unsigned weight)
{
    struct model_spread spread = {0};
    spread_born(&spread, birth->size, weight);
    figures->sample_n++;
    figures->alloc_n += weight;
    figures->alloc_bytes += birth->size * weight;
    figures->spread.alloc_n += spread.alloc_n;
    figures->spread.alloc_bytes += spread.alloc_bytes;
    figures->spread.excess_bytes += spread.excess_bytes;
    if (birth->at_peak) {
        figures->peak_n += weight;
        figures->peak_bytes += birth->size * weight;
        figures->spread.peak_n += spread.live_n;
        figures->spread.peak_bytes += spread.live_bytes;
    }
    if (birth->leaked) {
        figures->leak_n += weight;
        figures->leak_bytes += birth->size * weight;
        figures->leak_spread_n += spread.live_n;
        figures->leak_spread_bytes += spread.live_bytes;
    }
}

enum { THREADS = 256 };

static void births_sample(const struct births *births, uint64_t seed, uint64_t rate,
                          struct figures *ret_groups)
{
    static struct sample_thread threads[THREADS];
    memset(threads, 0, sizeof threads);
    VEC_EACH (const struct birth, birth, &births->at) {
        struct sample_thread *thread = &threads[birth->thread % THREADS];
        unsigned weight = 1;
        if (rate) {
            if (thread->rate != rate) {
                sample_seed(thread, seed, birth->process, birth->thread);
                sample_set_rate(thread, rate);
            }
            weight = sample_take(thread, birth->size);
        }
        if (!weight)
            continue;
        figures_birth(&ret_groups[SITES], birth, weight);
        if (birth->site != NO_SITE)
            figures_birth(&ret_groups[birth->site], birth, weight);
    }
}

struct cell {
    double truth, error_sum, error_squares;
    unsigned held, few;
};

static void cell_add(struct cell *cell, struct estimate estimate)
{
    /* A hair for sums of floating point numbers. */
    double hair = 1e-9 * cell->truth, error = estimate.value - cell->truth;
    bool few = estimate.few || estimate.high <= estimate.low;
    cell->few += few;
    cell->held += !few && estimate.low <= cell->truth + hair && estimate.high >= cell->truth - hair;
    cell->error_sum += error;
    cell->error_squares += error * error;
}

static void check_rate(const struct births *births, double share, unsigned first, unsigned seeds)
{
    static struct cell cells[GROUPS][ESTIMATE_KINDS];
    static struct figures groups[GROUPS];
    memset(cells, 0, sizeof cells);
    memset(groups, 0, sizeof groups);
    births_sample(births, 0, 0, groups);
    for (unsigned g = 0; g < GROUPS; g++) {
        for (unsigned k = 0; k < ESTIMATE_KINDS; k++)
            cells[g][k].truth = estimate_of(&groups[g], k).value;
    }
    uint64_t rate = wire_weight_of_share(share) | WIRE_RATE_KEEP;
    for (unsigned seed = first; seed < first + seeds; seed++) {
        memset(groups, 0, sizeof groups);
        births_sample(births, seed, rate, groups);
        for (unsigned g = 0; g < GROUPS; g++) {
            for (unsigned k = 0; k < ESTIMATE_KINDS; k++)
                cell_add(&cells[g][k], estimate_of(&groups[g], k));
        }
    }
    static const char *const names[ESTIMATE_KINDS] = {"alloc_n",    "alloc_bytes", "peak_n",
                                                      "peak_bytes", "live_n",      "live_bytes",
                                                      "leak_n",     "leak_bytes"};
    for (unsigned g = 0; g < GROUPS; g++) {
        for (unsigned k = 0; k < ESTIMATE_KINDS; k++) {
            const struct cell *cell = &cells[g][k];
            if (k == ESTIMATE_LIVE_N || k == ESTIMATE_LIVE_BYTES || cell->truth <= 0)
                continue;
            double mean = cell->error_sum / seeds;
            double variance = cell->error_squares / seeds - mean * mean;
            double error = variance > 0 ? mean / sqrt(variance / seeds) : 0;
            printf("%g %d %s %.0f %u %u %u %.3f\n", share, g == SITES ? -1 : (int)g, names[k],
                   cell->truth, cell->few, cell->held, seeds, error);
        }
    }
}

int main(int argc, char **argv)
{
    struct diag diag = {0};
    struct recording_reader *reader;
    if (argc < 5 || recording_open(&reader, argv[1], &diag) < 0) {
        fprintf(stderr, "sample_replay RECORDING FIRST-SEED SEEDS RATE...: %s\n", diag.text);
        return 2;
    }
    struct births births = births_of(reader);
    births_rank(&births);
    fprintf(stderr, "%zu allocations, peak %llu bytes\n", births.at.n,
            (unsigned long long)births.peak_bytes);
    sample_start();
    unsigned seed = (unsigned)strtoul(argv[2], NULL, 10);
    for (int i = 4; i < argc; i++)
        check_rate(&births, strtod(argv[i], NULL), seed, (unsigned)strtoul(argv[3], NULL, 10));
    vec_done(&births.at);
    map_done(&births.live);
    recording_reader_close(reader);
    return 0;
}
