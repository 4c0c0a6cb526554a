/* SPDX-License-Identifier: Apache-2.0 */
/* The set of sampled addresses against a plain list, with re-used addresses and with threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/sample_set.h"

/* One in so many is sampled: of few, neighbours are close together. */
enum { MANY = 2, FEW = 100 };

static struct sample_set *set_new(size_t bytes, unsigned weight)
{
    struct sample_set *set = calloc(1, sizeof *set);
    void *memory = aligned_alloc(64, sample_set_memory(bytes));
    memset(memory, 0, sample_set_memory(bytes));
    sample_set_init(set, memory, bytes, weight);
    return set;
}

static void set_free(struct sample_set *set)
{
    free(set->buckets);
    free(set);
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* The count at one place of a home. */
static unsigned count_at(const struct sample_set *set, uint64_t home, unsigned grain)
{
    return atomic_load(&set->homes[home]) >> 2 * grain & SAMPLE_GRAIN_MANY;
}

/* Everything empty again: no count was left behind but those that are kept no longer. */
static void set_is_empty(const struct sample_set *set, unsigned many_most)
{
    unsigned many = 0;
    for (uint64_t i = 0; i <= set->mask; i++) {
        assert_int_equal(atomic_load(&set->buckets[i].counts), 0);
        for (int k = 0; k < SAMPLE_BUCKET_ADDRESSES; k++)
            assert_int_equal(atomic_load(&set->buckets[i].addresses[k]), 0);
    }
    for (uint64_t i = 0; i <= set->home_mask; i++) {
        for (unsigned grain = 0; grain < 4; grain++) {
            unsigned n = count_at(set, i, grain);
            assert_true(n == 0 || n == SAMPLE_GRAIN_MANY);
            many += n != 0;
        }
    }
    assert_in_range(many, 0, many_most);
}

/* A small set that is often nearly full, and few addresses, so that each is used again and again.
 */
static void use_again(unsigned weight, uint64_t step)
{
    enum { ADDRESSES = 600 };
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct sample_set *set = set_new(4096, weight); /* 64 buckets, 448 places */
        bool in[ADDRESSES] = {false};
        unsigned n = 0, refused = 0;
        uint64_t random = seed;
        for (int i = 0; i < 200000; i++) {
            unsigned k = next_random(&random) % ADDRESSES;
            uint64_t address = 0x7f0000001000 + k * step;
            assert_int_equal(sample_set_has(set, address), in[k]);
            if (in[k] || next_random(&random) % 4 == 0) {
                assert_int_equal(sample_set_remove(set, address), in[k]);
                n -= in[k];
                in[k] = false;
            } else if (sample_set_add(set, address)) {
                in[k] = true;
                n++;
            } else {
                refused++;
                assert_true(n > 200); /* only where it is well filled */
            }
        }
        for (unsigned k = 0; k < ADDRESSES; k++)
            assert_int_equal(sample_set_remove(set, 0x7f0000001000 + k * step), in[k]);
        assert_true(refused < 20000);
        set_is_empty(set, weight == MANY ? 0 : 40);
        set_free(set);
    }
}

static void test_brute_force(void **state)
{
    (void)state;
    use_again(MANY, 48);
    use_again(FEW, 1040);
}

static void test_no_set(void **state)
{
    (void)state;
    struct sample_set none = {0};
    assert_false(sample_set_add(&none, 0x1000));
    assert_false(sample_set_has(&none, 0x1000));
    assert_false(sample_set_remove(&none, 0x1000));
}

/*
 * Threads that hand addresses to each other, as an allocator does: an address is put in by one,
 * and taken out by whoever gets it from the shared pool.
 */
enum { HANDS = 4, POOL = 1024, ROUNDS = 100000 };

struct pool {
    pthread_mutex_t lock;
    uint64_t addresses[POOL];
    bool in[POOL];
    struct sample_set *set;
    unsigned wrong;
};

struct hand {
    struct pool *pool;
    uint64_t seed;
};

static void *hand_main(void *context)
{
    const struct hand *hand = context;
    struct pool *pool = hand->pool;
    uint64_t random = hand->seed;
    unsigned wrong = 0;
    for (int i = 0; i < ROUNDS; i++) {
        /* Takes a block out of the pool: nobody else handles it then. */
        pthread_mutex_lock(&pool->lock);
        unsigned k = next_random(&random) % POOL;
        uint64_t address = pool->addresses[k];
        bool in = pool->in[k];
        pool->addresses[k] = 0;
        pthread_mutex_unlock(&pool->lock);
        if (!address)
            continue;
        wrong += sample_set_remove(pool->set, address) != in;
        in = next_random(&random) % 2 && sample_set_add(pool->set, address);
        pthread_mutex_lock(&pool->lock);
        pool->addresses[k] = address;
        pool->in[k] = in;
        pthread_mutex_unlock(&pool->lock);
    }
    pthread_mutex_lock(&pool->lock);
    pool->wrong += wrong;
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void hand_around(unsigned weight)
{
    struct pool *pool = calloc(1, sizeof *pool);
    pthread_mutex_init(&pool->lock, NULL);
    pool->set = set_new(16384, weight);
    for (unsigned k = 0; k < POOL; k++)
        pool->addresses[k] = 0x555500000010 + (uint64_t)k * 32;
    pthread_t threads[HANDS];
    struct hand hands[HANDS];
    for (unsigned i = 0; i < HANDS; i++) {
        hands[i] = (struct hand){pool, i + 1};
        assert_int_equal(pthread_create(&threads[i], NULL, hand_main, &hands[i]), 0);
    }
    for (unsigned i = 0; i < HANDS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(pool->wrong, 0);
    for (unsigned k = 0; k < POOL; k++)
        assert_int_equal(sample_set_remove(pool->set, pool->addresses[k]), pool->in[k]);
    set_is_empty(pool->set, 0);
    set_free(pool->set);
    free(pool);
}

static void test_threads(void **state)
{
    (void)state;
    hand_around(MANY);
    hand_around(FEW);
}

/* Blocks at the same place of their pages, as large and aligned ones are, do not share few homes.
 */
static void spread(unsigned weight)
{
    static const uint64_t strides[] = {32, 48, 128, 4096, 8192, 65536, 1 << 20, 4 << 20};
    enum { HOMES = 4096, ADDRESSES = HOMES / 2, FEW_STRIDE = 4096 };
    for (size_t s = 0; s < sizeof strides / sizeof *strides; s++) {
        if (weight == FEW && strides[s] < FEW_STRIDE)
            continue;
        struct sample_set *set = set_new(HOMES * sizeof(struct sample_bucket), weight);
        unsigned most = 0;
        for (uint64_t i = 0; i < ADDRESSES; i++) {
            uint64_t address = 0x7f1234560010 + i * strides[s];
            assert_false(sample_set_has(set, address));
            assert_true(sample_set_add(set, address));
            assert_true(sample_set_may_have(set, address));
            unsigned n = 0;
            for (unsigned grain = 0; grain < 4; grain++)
                n += count_at(set, sample_set_home(set, address), grain);
            most = n > most ? n : most;
        }
        /* 64 bytes have one home. */
        assert_in_range(most, 1, 9);
        for (uint64_t i = 0; i < ADDRESSES; i++)
            assert_true(sample_set_remove(set, 0x7f1234560010 + i * strides[s]));
        /* Those at the same place of a page may share one place of a home. */
        set_is_empty(set, 60);
        set_free(set);
    }
}

static void test_spread(void **state)
{
    (void)state;
    spread(MANY);
    spread(FEW);
}

/* One block in a hundred is in the set, one for each bucket: the others pass after one look. */
static void most_pass(unsigned weight)
{
    enum { BUCKETS = 4096, SHARE = 100, BLOCKS = BUCKETS * SHARE, BLOCK_BYTES = 64 };
    struct sample_set *set = set_new(BUCKETS * sizeof(struct sample_bucket), weight);
    uint64_t random = 7;
    unsigned wrong_n = 0;
    for (uint64_t i = 0; i < BLOCKS; i++) {
        if (next_random(&random) % SHARE == 0)
            assert_true(sample_set_add(set, 0x5612340000a0 + i * BLOCK_BYTES));
    }
    for (uint64_t i = 0; i < BLOCKS; i++)
        wrong_n += sample_set_may_have(set, 0x5612340000a0 + i * BLOCK_BYTES) &&
                   !sample_set_has(set, 0x5612340000a0 + i * BLOCK_BYTES);
    assert_in_range(wrong_n, 0, BLOCKS / 8);
    set_free(set);
}

static void test_most_pass(void **state)
{
    (void)state;
    most_pass(MANY);
    most_pass(FEW);
}

/* A block beside one that is in the set is not taken for it, whatever else comes and goes there. */
static void test_neighbours(void **state)
{
    (void)state;
    struct sample_set *set = set_new(4096, FEW);
    const uint64_t kept = 0x561234000010;
    assert_true(sample_set_add(set, kept));
    for (int i = 0; i < 1000; i++) {
        for (uint64_t beside = kept & ~63ull; beside < (kept & ~63ull) + 64; beside += 16) {
            if (beside == kept)
                continue;
            assert_false(sample_set_may_have(set, beside));
            assert_true(sample_set_add(set, beside));
            assert_true(sample_set_may_have(set, beside));
            assert_true(sample_set_remove(set, beside));
        }
    }
    assert_true(sample_set_remove(set, kept));
    set_is_empty(set, 0);
    set_free(set);
}

/* More at one place than are counted: none is missed, also when all but one have gone. */
static void test_many_at_one_place(void **state)
{
    (void)state;
    struct sample_set *set = set_new(4096, MANY);
    uint64_t same[6] = {0x561234000020};
    unsigned n = 1;
    for (uint64_t address = same[0] + 16; n < 6; address += 16) {
        if (sample_set_home(set, address) == sample_set_home(set, same[0]) &&
            sample_set_grain(address) == sample_set_grain(same[0]))
            same[n++] = address;
    }
    for (unsigned i = 0; i < n; i++)
        assert_true(sample_set_add(set, same[i]));
    for (unsigned i = 0; i < n; i++)
        assert_true(sample_set_remove(set, same[i]));
    set_is_empty(set, 1);
    set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_spread),
            cmocka_unit_test(test_most_pass),
            cmocka_unit_test(test_brute_force),
            cmocka_unit_test(test_no_set),
            cmocka_unit_test(test_threads),
            cmocka_unit_test(test_neighbours),
            cmocka_unit_test(test_many_at_one_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
