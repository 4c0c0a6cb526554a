/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Draws from the geometric distribution in whole numbers.
 *
 * The number of failures before a success of probability p is floor(ln u / ln(1 - p)) for u
 * uniform in (0, 1). -log2 u comes from a table of log2 at 256 places with linear interpolation,
 * whose mean error is 2e-6; ln(1 - 1/w) from its series, once for each class and rate.
 */
#include "capture/sample.h"

enum {
    SAMPLE_TABLE_BITS = 8,
    SAMPLE_LOG_BITS = 32,   /* fraction of logarithms */
    SAMPLE_SCALE_BITS = 24, /* fraction of sample_class.scale */
    SAMPLE_NEVER = UINT32_MAX,
};

/* log2(1 + i / 256), 32 bits of fraction. */
static uint32_t sample_log[1 << SAMPLE_TABLE_BITS];

/* log2 of x in [1, 2), 32 bits of fraction, by squaring. x has 63 bits of fraction. */
static uint32_t sample_log2(uint64_t x)
{
    uint32_t log = 0;
    for (unsigned bit = 0; bit < SAMPLE_LOG_BITS; bit++) {
        unsigned __int128 square = (unsigned __int128)x * x;
        bool above = square >> 127;
        log = log << 1 | above;
        x = (uint64_t)(square >> (above ? 64 : 63));
    }
    return log;
}

void sample_start(void)
{
    for (uint64_t i = 0; i < 1 << SAMPLE_TABLE_BITS; i++)
        sample_log[i] = sample_log2((UINT64_C(1) << 63) | i << (63 - SAMPLE_TABLE_BITS));
}

/* splitmix64. */
uint64_t sample_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* -log2 of a number drawn from (0, 1], with SAMPLE_LOG_BITS of fraction. */
static uint64_t sample_exponential(uint64_t *random)
{
    uint64_t u = sample_random(random) | 1;
    unsigned zeros = (unsigned)__builtin_clzll(u);
    u = u << zeros << 1; /* the fraction behind the leading one */
    unsigned place = (unsigned)(u >> (64 - SAMPLE_TABLE_BITS));
    uint64_t rest = u << SAMPLE_TABLE_BITS >> 32;
    uint64_t low = sample_log[place];
    uint64_t high = place + 1u < 1u << SAMPLE_TABLE_BITS ? sample_log[place + 1]
                                                         : UINT64_C(1) << SAMPLE_LOG_BITS;
    uint64_t log = low + ((high - low) * rest >> 32);
    return ((uint64_t)(zeros + 1) << SAMPLE_LOG_BITS) - log;
}

/* 2^24 / -log2(1 - 1 / weight), for weight >= 2: ln 2 over the sum of weight^-k / k. */
static uint64_t sample_scale(uint32_t weight)
{
    const uint64_t ln2 = UINT64_C(0x58b90bfbe8e7bcd5); /* 63 bits of fraction */
    uint64_t power = (UINT64_C(1) << 63) / weight, sum = 0;
    for (uint64_t k = 1; power; k++) {
        sum += power / k;
        power /= weight;
    }
    return (uint64_t)(((unsigned __int128)ln2 << SAMPLE_SCALE_BITS) / sum);
}

void sample_draw(struct sample_thread *thread, struct sample_class *class)
{
    uint32_t skip = 0;
    if (class->weight == 0) {
        skip = SAMPLE_NEVER;
    } else if (class->weight > 1) {
        unsigned __int128 n = (unsigned __int128)sample_exponential(&thread->random) * class->scale;
        uint64_t whole = (uint64_t)(n >> (SAMPLE_LOG_BITS + SAMPLE_SCALE_BITS));
        skip = whole < SAMPLE_NEVER ? (uint32_t)whole : SAMPLE_NEVER - 1;
    }
    class->skip = skip;
}

void sample_seed(struct sample_thread *thread, uint64_t seed, uint64_t process, uint64_t lane)
{
    *thread = (struct sample_thread){.random = seed};
    thread->random = sample_random(&thread->random) ^ process;
    thread->random = sample_random(&thread->random) ^ lane;
    sample_random(&thread->random);
}

void sample_set_rate(struct sample_thread *thread, uint64_t rate)
{
    uint32_t weight = wire_rate_weight(rate);
    for (unsigned i = 0; i < SAMPLE_CLASSES; i++) {
        struct sample_class *class = &thread->classes[i];
        class->weight = weight >> i ? weight >> i : weight ? 1 : 0;
        class->scale = class->weight > 1 ? sample_scale(class->weight) : 0;
        sample_draw(thread, class);
    }
    thread->rate = rate;
}
