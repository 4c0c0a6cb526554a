/* SPDX-License-Identifier: Apache-2.0 */
/* Nanoseconds per captured stack, against libunwind in the same run: depth by pattern. The time of
 * the same calls without a capture is taken off; the best of several rounds counts. */
#define UNW_LOCAL_ONLY
#include <libunwind.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/unwind_reuse.h"
#include "paths.h"
#include "probe.h"

enum {
    DEPTH_MAX = 128,
    PATHS = 256,
    BRANCHING_LEVELS = 4,
    ROUNDS = 10,
    HOOK_FRAMES = 3, /* frames above the paths: the loop, start_thread, clone3 */
};

enum mode { MODE_NOTHING, MODE_LIBUNWIND, MODE_PLAIN, MODE_CAPTURE, MODE_ID, MODES };

static struct path_step paths[PATHS][DEPTH_MAX + 1];
static enum mode mode;
static struct unwind_thread *thread;
static uintptr_t buffer[DEPTH_MAX * 2];
static volatile uint64_t sink;

/* As stack_capture_id, without the id. */
static void capture_only(uintptr_t pc, uintptr_t sp, uintptr_t bp)
{
    struct unwind_walked walked;
    if (unwind_reuse_walk(thread, (struct unwind_state){pc, sp, bp}, &walked) < 0)
        abort();
    if (walked.pending == 0)
        thread->depth = walked.kept;
    else if (unwind_reuse_push(thread, &walked) < 0)
        abort();
}

__attribute__((noinline)) uint64_t path_end(const struct path_step *step)
{
    uintptr_t *frame = __builtin_frame_address(0);
    uintptr_t pc = frame[1], sp = (uintptr_t)(frame + 2), bp = frame[0];
    uint32_t flags;
    switch (mode) {
    case MODE_LIBUNWIND:
        sink = (uint64_t)unw_backtrace((void **)buffer, DEPTH_MAX * 2);
        return 1;
    case MODE_PLAIN:
        sink = unwind_walk_into(pc, sp, bp, buffer, DEPTH_MAX * 2, &flags);
        return 1;
    case MODE_CAPTURE:
        capture_only(pc, sp, bp);
        return 1;
    case MODE_ID:
        sink = stack_capture_id(thread, pc, sp, bp);
        return 1;
    default:
        return 1;
    }
}

static uint64_t random_next(void)
{
    static uint64_t state = 88172645463325252ull;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1dull >> 17;
}

static void paths_make(const char *pattern, int depth)
{
    int steps = depth - HOOK_FRAMES;
    int shared = *pattern == 's' ? steps : *pattern == 't' ? steps - BRANCHING_LEVELS : 0;
    for (int p = 0; p < PATHS; p++) {
        for (int i = 0; i < steps; i++) {
            uint64_t dice = random_next();
            paths[p][i] = p > 0 && i < shared
                                  ? paths[0][i]
                                  : (struct path_step){(uint16_t)(dice % PATH_FUNCTIONS),
                                                       (uint16_t)(dice >> 20 & 3)};
        }
        paths[p][steps] = (struct path_step){PATH_END, 0};
    }
}

/* The thread's own time: other programs on the machine take none of it. */
static double now_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

/* Nanoseconds per path with this mode, once. */
__attribute__((always_inline)) static inline double run(enum mode wanted, int repeats)
{
    mode = wanted;
    double begin = now_ns();
    for (int r = 0; r < repeats; r++) {
        for (int p = 0; p < PATHS; p++)
            sink += path_walk(paths[p]);
    }
    return (now_ns() - begin) / repeats / PATHS;
}

static const int depths[] = {5, 15, 40, 100};
static const char *const patterns[] = {"same", "tree", "random"};

static void measure(const char *pattern, int depth)
{
    double ns[MODES] = {1e18, 1e18, 1e18, 1e18, 1e18};
    int repeats = 400000 / PATHS / depth + 1;
    paths_make(pattern, depth);
    for (int round = 0; round <= ROUNDS; round++) {
        for (int m = 0; m < MODES; m++) {
            double once = run((enum mode)m, repeats);
            if (round > 0 && once < ns[m])
                ns[m] = once;
        }
    }
    for (int m = 1; m < MODES; m++)
        ns[m] -= ns[MODE_NOTHING];
    printf("%-7s %5d %10.1f %10.1f %10.1f %10.1f   %5.2f %5.2f\n", pattern, depth,
           ns[MODE_LIBUNWIND], ns[MODE_PLAIN], ns[MODE_CAPTURE], ns[MODE_ID],
           ns[MODE_LIBUNWIND] / ns[MODE_CAPTURE], ns[MODE_LIBUNWIND] / ns[MODE_ID]);
}

/* What a return address costs that no thread has met before. */
static void measure_first(void)
{
    static uintptr_t seen[PATHS * DEPTH_MAX];
    uint32_t count = 0;
    double best = 1e18;
    paths_make("random", 100);
    mode = MODE_PLAIN;
    for (int p = 0; p < PATHS; p += 8) {
        path_walk(paths[p]);
        for (int i = 0; i < 90; i++)
            seen[count++] = buffer[i];
    }
    for (int round = 0; round < ROUNDS; round++) {
        double begin = now_ns();
        for (uint32_t i = 0; i < count; i++)
            sink += unwind_rule_resolve(seen[i]);
        double each = (now_ns() - begin) / count;
        best = each < best ? each : best;
    }
    printf("a return address seen for the first time: %.1f ns\n", best);
}

static void *bench(void *argument)
{
    char **words = argument;
    thread = probe_thread();
    mode = MODE_ID; /* learns the thread's stack, for the captures without id */
    paths_make("same", HOOK_FRAMES + 1);
    path_walk(paths[0]);
    if (words[1] != NULL && words[2] != NULL && words[3] != NULL) {
        paths_make(words[1], atoi(words[2]));
        printf("%.1f ns\n", run((enum mode)atoi(words[3]), 20000000 / PATHS / atoi(words[2])));
        return NULL;
    }
    printf("%-7s %5s %10s %10s %10s %10s   %s\n", "pattern", "depth", "libunwind", "plain",
           "capture", "with id", "libunwind / capture, / with id");
    for (int p = 0; p < 3; p++) {
        for (int d = 0; d < 4; d++)
            measure(patterns[p], depths[d]);
    }
    measure_first();
    return NULL;
}

/* Without arguments the table; PATTERN DEPTH MODE runs one cell for a profiler. */
int main(int argc, char **argv)
{
    pthread_t handle;
    probe_init();
    if (pthread_create(&handle, NULL, bench, argv) != 0)
        return 1;
    pthread_join(handle, NULL);
    return 0;
}
