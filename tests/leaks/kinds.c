/* SPDX-License-Identifier: Apache-2.0 */
/* Small programs whose memory has a known answer: kinds NAME MS runs one for MS milliseconds; kinds
 * --list names them with the verdicts that are right, the first being the best.
 *
 * Time is cut into a thousand steps, made up for when the program was kept waiting, so that a busy
 * machine changes nothing. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEPS = 1000, HELD_MAX = 8192 };

struct program {
    uint32_t seed;
    void *held[HELD_MAX];
    size_t held_n;
    void *grown;
    size_t grown_bytes;
};

static void *volatile sink;

__attribute__((noinline)) static void *keep(size_t bytes)
{
    char *block = malloc(bytes);
    if (!block)
        abort();
    block[0] = 1;
    sink = block;
    return block;
}

static uint32_t chance(struct program *program, uint32_t below)
{
    program->seed = program->seed * 1664525 + 1013904223;
    return (program->seed >> 8) % below;
}

static void hold(struct program *program, size_t bytes)
{
    if (program->held_n == HELD_MAX)
        abort();
    program->held[program->held_n++] = keep(bytes);
}

static void drop(struct program *program, size_t i)
{
    free(program->held[i]);
    program->held[i] = program->held[--program->held_n];
}

static void drop_oldest(struct program *program)
{
    free(program->held[0]);
    memmove(program->held, program->held + 1, --program->held_n * sizeof program->held[0]);
}

static void drop_all(struct program *program)
{
    while (program->held_n)
        drop(program, program->held_n - 1);
}

static void leak_each_step(struct program *program, int step)
{
    keep(100);
}

static void leak_now_and_then(struct program *program, int step)
{
    if (step % 10 == 0)
        keep(1000);
}

static void leak_of_random_sizes(struct program *program, int step)
{
    if (chance(program, 3) == 0)
        keep(1 + chance(program, 4000));
}

static void leak_in_large_steps(struct program *program, int step)
{
    if (step % 50 == 25)
        keep(1 << 20);
}

static void leak_faster_and_faster(struct program *program, int step)
{
    for (int i = 0; i < step / 200 + 1; i++)
        keep(50);
}

static void leak_that_begins_late(struct program *program, int step)
{
    if (step > 250)
        keep(700);
}

static void leak_slow_under_churn(struct program *program, int step)
{
    for (int i = 0; i < 20; i++) {
        hold(program, 1 + chance(program, 200));
        if (program->held_n > 100)
            drop(program, chance(program, (uint32_t)program->held_n));
    }
    if (step % 2 == 0)
        keep(600);
}

static void leak_one_of_hundred(struct program *program, int step)
{
    if (step % 20 == 0) {
        for (int i = 0; i < 100; i++)
            hold(program, 6400);
    } else if (step % 20 == 15) {
        program->held_n--; /* forgotten */
        drop_all(program);
    }
}

static void leak_of_an_index(struct program *program, int step)
{
    program->grown_bytes += 400;
    void *grown = realloc(program->grown, program->grown_bytes);
    if (!grown)
        abort();
    program->grown = grown;
    keep(80);
}

static void cache_oldest_out(struct program *program, int step)
{
    for (int i = 0; i < 3; i++) {
        hold(program, 256);
        if (program->held_n > 300)
            drop_oldest(program);
    }
}

static void cache_random_out(struct program *program, int step)
{
    for (int i = 0; i < 6; i++) {
        hold(program, 256);
        if (program->held_n > 300)
            drop(program, chance(program, (uint32_t)program->held_n));
    }
}

static void cache_of_random_sizes(struct program *program, int step)
{
    for (int i = 0; i < 6; i++) {
        hold(program, 1 + chance(program, 4096));
        if (program->held_n > 300)
            drop(program, chance(program, (uint32_t)program->held_n));
    }
}

static void cache_cleared_when_full(struct program *program, int step)
{
    hold(program, 100);
    if (program->held_n == 170)
        drop_all(program);
}

static void queue_at_its_limit(struct program *program, int step)
{
    for (int i = 0; i < 4; i++) {
        hold(program, 5000);
        if (program->held_n > 20)
            drop_oldest(program);
    }
}

static void growth_that_stops(struct program *program, int step)
{
    if (step < 500)
        keep(300);
}

static void growth_that_stops_late(struct program *program, int step)
{
    if (step < 800)
        keep(300);
}

static void growth_that_halves(struct program *program, int step)
{
    int rate = 64 >> (step / 100);
    for (int i = 0; i < rate; i++)
        keep(100);
}

static void init_one_block(struct program *program, int step)
{
    if (step == 5)
        keep(1 << 20);
}

static void init_many_blocks(struct program *program, int step)
{
    if (step < 40)
        keep(333);
}

static void arena_at_the_start(struct program *program, int step)
{
    if (step < 64 && step % 8 == 0)
        keep(4 << 20);
}

static void table_filled_before_the_loop(struct program *program, int step)
{
    if (step == 2) {
        for (int i = 0; i < 5000; i++)
            keep(48);
    }
}

static void one_block_later(struct program *program, int step)
{
    if (step == 600)
        keep(1 << 16);
}

static void few_blocks_at_the_end(struct program *program, int step)
{
    if (step >= 900 && step < 905)
        keep(4096);
}

static void burst_in_the_middle(struct program *program, int step)
{
    if (step >= 600 && step < 620) {
        for (int i = 0; i < 20; i++)
            keep(512);
    }
}

static void burst_before_the_end(struct program *program, int step)
{
    if (step >= 850 && step < 870) {
        for (int i = 0; i < 20; i++)
            keep(512);
    }
}

static void sawtooth_of_half_the_run(struct program *program, int step)
{
    if (step == STEPS / 2)
        drop_all(program);
    hold(program, 300);
}

static void working_set_at_exit(struct program *program, int step)
{
    if (step % 20 == 0) {
        drop_all(program);
        for (int i = 0; i < 30; i++)
            hold(program, 1280);
    }
}

static void all_freed(struct program *program, int step)
{
    hold(program, 300);
    if (step % 50 == 49)
        drop_all(program);
}

static const struct kind {
    const char *name;
    void (*step)(struct program *program, int step);
    const char *is;
} kinds[] = {
        {"leak-each-step", leak_each_step, "growing"},
        {"leak-now-and-then", leak_now_and_then, "growing"},
        {"leak-of-random-sizes", leak_of_random_sizes, "growing"},
        {"leak-in-large-steps", leak_in_large_steps, "growing"},
        {"leak-faster-and-faster", leak_faster_and_faster, "growing"},
        {"leak-that-begins-late", leak_that_begins_late, "growing"},
        {"leak-slow-under-churn", leak_slow_under_churn, "growing"},
        {"leak-one-of-hundred", leak_one_of_hundred, "growing"},
        {"leak-of-an-index", leak_of_an_index, "growing"},
        {"cache-oldest-out", cache_oldest_out, "plateau"},
        {"cache-random-out", cache_random_out, "plateau"},
        {"cache-of-random-sizes", cache_of_random_sizes, "plateau"},
        {"cache-cleared-when-full", cache_cleared_when_full, "plateau unclear"},
        {"queue-at-its-limit", queue_at_its_limit, "plateau"},
        {"growth-that-stops", growth_that_stops, "plateau"},
        {"growth-that-stops-late", growth_that_stops_late, "plateau unclear"},
        {"growth-that-halves", growth_that_halves, "plateau unclear start-up"},
        {"init-one-block", init_one_block, "start-up"},
        {"init-many-blocks", init_many_blocks, "start-up"},
        {"arena-at-the-start", arena_at_the_start, "start-up"},
        {"table-filled-before-the-loop", table_filled_before_the_loop, "start-up"},
        {"one-block-later", one_block_later, "one-off"},
        {"few-blocks-at-the-end", few_blocks_at_the_end, "one-off"},
        {"burst-in-the-middle", burst_in_the_middle, "burst plateau"},
        {"burst-before-the-end", burst_before_the_end, "burst"},
        {"sawtooth-of-half-the-run", sawtooth_of_half_the_run, "plateau unclear"},
        {"working-set-at-exit", working_set_at_exit, "plateau one-off burst unclear"},
        {"all-freed", all_freed, "none"},
};

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void run(const struct kind *kind, double run_ms)
{
    struct program program = {.seed = 7};
    double start_ms = now_ms();
    for (int step = 0; step < STEPS; step++) {
        double wait_ms = start_ms + run_ms * step / STEPS - now_ms();
        if (wait_ms > 0)
            nanosleep(&(struct timespec){.tv_nsec = (long)(wait_ms * 1e6)}, NULL);
        kind->step(&program, step);
    }
    if (kind->step == all_freed)
        drop_all(&program);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (argc == 2 && strcmp(argv[1], "--list") == 0)
            printf("%s %s\n", kinds[i].name, kinds[i].is);
        if (argc == 3 && strcmp(argv[1], kinds[i].name) == 0) {
            run(&kinds[i], atof(argv[2]));
            return 0;
        }
    }
    return argc == 2 ? 0 : 2;
}
