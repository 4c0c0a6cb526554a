/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks of other processes, and figures from them. */
#include "collect/own_cost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/file.h"
#include "collect/collector.h"

enum {
    /*
     * What a hook takes from its first reading of the clock to its second is not what it costs: a
     * short one runs beside what the processor has still to do for the program; a long one leaves
     * the program with caches that hold less of its own. Found by comparing with getrusage.
     */
    OWN_COST_PASSED_PERCENT = 50,
    OWN_COST_EVENT_PERCENT = 145,
    OWN_COST_CALL_NS = 4,       /* of each call: entry, checks, the way on to the real function */
    OWN_COST_SHORT_NS = 3,      /* of a call that is counted, and no more */
    OWN_COST_END_NS = 2000000,  /* the recording is written, recorder and launcher end */
    OWN_COST_IMAGE_NS = 600000, /* the library is loaded, joins the session, builds its tables */
};

int own_cost_init(struct own_cost *cost, struct images *images, struct tally *tally)
{
    *cost = (struct own_cost){.images = images, .tally = tally};
    cost->process_ns = calloc(images->segment->process_n, sizeof *cost->process_ns);
    cost->pid = calloc(images->segment->process_n, sizeof *cost->pid);
    return cost->process_ns && cost->pid ? 0 : ERR_MEMORY;
}

void own_cost_done(struct own_cost *cost)
{
    free(cost->process_ns);
    free(cost->pid);
}

uint64_t own_cost_clock(clockid_t clock)
{
    struct timespec now;
    return clock_gettime(clock, &now) == 0
                   ? (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec
                   : 0;
}

/* The process of a slot is another one, or lives on in the slot of what it executed. */
static void own_cost_leave(struct own_cost *cost, uint32_t slot, bool execed)
{
    if (!execed)
        cost->ended_ns += cost->process_ns[slot];
    cost->process_ns[slot] = 0;
    cost->pid[slot] = 0;
}

static void own_cost_look_at(struct own_cost *cost, uint32_t slot)
{
    const struct image *image = &cost->images->at[slot];
    /* An image that execs keeps its pid and its clock. */
    if (cost->pid[slot] && (!image->used || image->execed || image->pid != cost->pid[slot]))
        own_cost_leave(cost, slot, image->used && image->execed && image->pid == cost->pid[slot]);
    clockid_t clock;
    if (!image->used || image->execed || image->gone || image->pid <= 0 ||
        clock_getcpuclockid(image->pid, &clock) != 0)
        return;
    uint64_t used = own_cost_clock(clock);
    cost->pid[slot] = image->pid;
    if (used > cost->process_ns[slot])
        cost->process_ns[slot] = used;
}

void own_cost_ended(struct own_cost *cost, uint32_t slot)
{
    own_cost_look_at(cost, slot);
}

static void own_cost_told(struct own_cost *cost, int pid, uint64_t cpu_ns)
{
    for (uint32_t i = 0; i < cost->images->segment->process_n; i++) {
        const struct image *image = &cost->images->at[i];
        if (!image->used || image->execed || image->pid != pid)
            continue;
        cost->pid[i] = pid;
        if (cpu_ns > cost->process_ns[i])
            cost->process_ns[i] = cpu_ns;
        return;
    }
}

void own_cost_launcher(struct own_cost *cost, uint64_t cpu_ns)
{
    cost->launcher_ns = cpu_ns;
}

void own_cost_end(struct own_cost *cost, int pid, const struct collector_message *message)
{
    own_cost_told(cost, pid, message->program_cpu_ns);
    own_cost_launcher(cost, message->launcher_cpu_ns);
    cost->fault_n = message->program_fault_n;
    cost->switch_n = message->program_switch_n;
}

/* Processor time of helpers that have ended. */
static uint64_t own_cost_helpers(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_CHILDREN, &usage) != 0)
        return 0;
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000u +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000u;
}

/*
 * Processor time in hooks. Of all that there were one in so many was timed, or of those that go the
 * long way: the rest went the short one, which is too short for a clock.
 */
static uint64_t own_cost_hooks(const struct own_cost *cost, const struct counts_sum *counts)
{
    bool all = atomic_load(&cost->images->segment->at->rate) & WIRE_RATE_TIMED;
    uint64_t distance = all ? WIRE_RATE_TIMING : WIRE_RATE_TIMING_LONG;
    uint64_t events = counts->timed_event_ticks;
    uint64_t passed = counts->timed_ticks > events ? counts->timed_ticks - events : 0;
    uint64_t weighed = passed * OWN_COST_PASSED_PERCENT + events * OWN_COST_EVENT_PERCENT;
    uint64_t hook_n = counts->alloc_n + counts->free_n, long_n = counts->timed_n * distance;
    uint64_t short_n = !all && hook_n > long_n ? hook_n - long_n : 0;
    return ticks_to_ns(&cost->images->ticks, weighed / 100 * distance) +
           (hook_n - short_n) * OWN_COST_CALL_NS + short_n * OWN_COST_SHORT_NS;
}

struct own_cost_sum own_cost_look(struct own_cost *cost)
{
    struct counts_sum counts = tally_sum(cost->tally);
    struct own_cost_sum sum = {
            .hooks_ns = own_cost_hooks(cost, &counts) + cost->images->seen_n * OWN_COST_IMAGE_NS,
            .recorder_ns = own_cost_clock(CLOCK_PROCESS_CPUTIME_ID) + own_cost_helpers() +
                           (cost->symbols ? symbols_cpu_ns(cost->symbols) : 0) + cost->launcher_ns +
                           OWN_COST_END_NS,
            .hook_n = counts.alloc_n + counts.free_n,
    };
    for (uint32_t i = 0; i < cost->images->segment->process_n; i++) {
        own_cost_look_at(cost, i);
        sum.program_ns += cost->process_ns[i];
    }
    sum.program_ns += cost->ended_ns;
    return sum;
}

uint64_t own_cost_ns(const struct own_cost_sum *sum)
{
    return sum->hooks_ns + sum->recorder_ns;
}

double own_cost_percent(const struct own_cost_sum *since, const struct own_cost_sum *now)
{
    double hooks = (double)(now->hooks_ns - since->hooks_ns);
    double own = hooks + (double)(now->recorder_ns - since->recorder_ns);
    double program = (double)(now->program_ns - since->program_ns) - hooks;
    return program > 0 ? 100 * own / program : 0;
}

static void own_cost_fact(struct model *model, const char *key, double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.12g", value);
    model_fact_set(model, key, text);
}

/* The ticks under which a share of the timed hooks stayed: the middle of its class. */
static double own_cost_quantile(const _Atomic uint64_t *timed_class, double share)
{
    uint64_t n = 0, passed = 0;
    for (unsigned i = 0; i < WIRE_TIMED_CLASSES; i++)
        n += atomic_load_explicit(&timed_class[i], memory_order_relaxed);
    for (unsigned i = 0; n && i < WIRE_TIMED_CLASSES; i++) {
        passed += atomic_load_explicit(&timed_class[i], memory_order_relaxed);
        if ((double)passed < share * (double)n)
            continue;
        /* Class 4 * log - 4 + quarter holds ticks from (4 + quarter) << (log - 2). */
        unsigned log = (i + 4) / 4, quarter = i % 4;
        return i < 4 ? i : (4.5 + quarter) * (double)(UINT64_C(1) << log) / 4;
    }
    return 0;
}

/* Adds what the kernel says of a live process; false: nothing. */
static bool own_cost_live(int pid, double *faults, double *switches)
{
    char path[64], *text;
    size_t n;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (file_read_all(path, 4096, &text, &n, NULL) < 0)
        return false;
    const char *field = strrchr(text, ')');
    /* Behind the name: the 8th field is minor faults, the 10th major ones. */
    for (int number = 1; field && number <= 10; number++) {
        field = strchr(field + 1, ' ');
        if (field && (number == 8 || number == 10))
            *faults += strtod(field, NULL);
    }
    free(text);
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    if (file_read_all(path, 64 << 10, &text, &n, NULL) < 0)
        return true;
    const char *own = strstr(text, "\nvoluntary_ctxt_switches:");
    const char *other = strstr(text, "\nnonvoluntary_ctxt_switches:");
    if (own && other)
        *switches += strtod(own + 25, NULL) + strtod(other + 28, NULL);
    free(text);
    return true;
}

/*
 * Page faults and context switches: of the command and those that it waited for, once it has ended;
 * before that, and where there is no launcher, of the processes that live; switches: of their main
 * threads.
 */
static void own_cost_kernel(const struct own_cost *cost, struct model *model)
{
    struct rusage usage;
    double faults = (double)cost->fault_n, switches = (double)cost->switch_n;
    bool known = cost->fault_n > 0;
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        own_cost_fact(model, "perf_recorder_faults", (double)(usage.ru_minflt + usage.ru_majflt));
        own_cost_fact(model, "perf_recorder_rss_peak_bytes", (double)usage.ru_maxrss * 1024);
    }
    for (uint32_t i = 0; !cost->fault_n && i < cost->images->segment->process_n; i++) {
        const struct image *image = &cost->images->at[i];
        if (image->used && !image->gone && !image->execed && image->pid > 0)
            known = own_cost_live(image->pid, &faults, &switches) || known;
    }
    if (!known)
        return;
    own_cost_fact(model, "perf_program_faults", faults);
    own_cost_fact(model, "perf_program_switches", switches);
}

/* Hooks of the common lane are not timed: then the time of all hooks is not known. */
static bool own_cost_is_timed(const struct counts_sum *counts)
{
    return counts->timed_n > 0 || counts->alloc_n + counts->free_n == 0;
}

/* Stacks, rings and the data of an event. */
static void own_cost_events(const struct own_cost *cost, struct model *model,
                            const struct drain *drain, const struct own_cost_sum *now,
                            uint64_t event_n)
{
    static const char *const keys[] = {
            [WIRE_SINGLE_THREAD] = "perf_event_cpu_ns_single_thread",
            [WIRE_THREAD_LOCAL] = "perf_event_cpu_ns_thread_local",
            [WIRE_ASYNC] = "perf_event_cpu_ns_async",
            [WIRE_HYBRID] = "perf_event_cpu_ns_hybrid",
    };
    const struct segment *segment = cost->images->segment;
    struct counts_sum counts = tally_sum(cost->tally);
    struct drain_found found = drain_found(drain);
    uint32_t strategy = segment->at->config.strategy;
    if (counts.unwound_n) {
        double n = (double)counts.unwound_n;
        own_cost_fact(model, "perf_frames_changed_mean", (double)counts.unwound_frames / n);
        own_cost_fact(model, "perf_stacks_unchanged_percent",
                      100 * (double)counts.unwound_same / n);
    }
    if (found.rounds_n) {
        double room = (double)segment->backed_to * WIRE_PAGE_SLOTS;
        own_cost_fact(model, "perf_ring_slots_mean",
                      (double)found.slots_n / (double)found.rounds_n);
        own_cost_fact(model, "perf_ring_slots_most", (double)found.most);
        own_cost_fact(model, "perf_ring_full_most_percent", 100 * (double)found.most / room);
    }
    if (!event_n)
        return;
    own_cost_fact(model, "perf_event_bytes",
                  (double)found.slots_n * sizeof(struct wire_slot) / (double)event_n);
    if (!own_cost_is_timed(&counts))
        return;
    double event_ns = (double)own_cost_ns(now) / (double)event_n;
    own_cost_fact(model, "perf_event_cpu_ns", event_ns);
    if (strategy < sizeof keys / sizeof *keys && keys[strategy])
        own_cost_fact(model, keys[strategy], event_ns);
}

void own_cost_facts(struct own_cost *cost, struct model *model, const struct drain *drain,
                    uint64_t event_n)
{
    const _Atomic uint64_t *timed_class = drain_counts(drain)->timed_class;
    const struct ticks *ticks = &cost->images->ticks;
    struct own_cost_sum now = own_cost_look(cost), none = {0};
    struct counts_sum counts = tally_sum(cost->tally);
    double seconds = (double)model->end_ns / 1e9, ns = 1e9 / (double)ticks->hz;
    if (seconds <= 0)
        return;
    own_cost_fact(model, "perf_events_per_s", (double)event_n / seconds);
    own_cost_fact(model, "perf_allocations_per_s", (double)counts.alloc_n / seconds);
    if (own_cost_is_timed(&counts) && now.program_ns > now.hooks_ns)
        own_cost_fact(model, "overhead_cpu_percent", own_cost_percent(&none, &now));
    if (own_cost_is_timed(&counts))
        own_cost_fact(model, "perf_hooks_cpu_s", (double)now.hooks_ns / 1e9);
    if (counts.timed_n) {
        own_cost_fact(model, "perf_hook_ns_p50", own_cost_quantile(timed_class, 0.5) * ns);
        own_cost_fact(model, "perf_hook_ns_p99", own_cost_quantile(timed_class, 0.99) * ns);
        own_cost_fact(model, "perf_hook_ns_mean",
                      (double)counts.timed_ticks * ns / (double)counts.timed_n);
    }
    own_cost_fact(model, "perf_recorder_cpu_s", (double)now.recorder_ns / 1e9);
    own_cost_fact(model, "perf_program_cpu_s", (double)now.program_ns / 1e9);
    own_cost_fact(model, "perf_stalls", (double)counts.stall_n);
    own_cost_fact(model, "perf_stall_s", (double)ticks_to_ns(ticks, counts.stall_ticks) / 1e9);
    own_cost_fact(model, "perf_program_rss_peak_bytes", (double)model->rss_peak_bytes);
    own_cost_events(cost, model, drain, &now, event_n);
    own_cost_kernel(cost, model);
}
