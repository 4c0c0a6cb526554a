/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 14, 15, 16: thread-exit destructors that allocate and free in each of their rounds, and
 * a program that takes every pthread key there is.
 */
#include <limits.h>
#include <pthread.h>

#include "ground.h"

enum { THREADS = 50, KEYS = 20, ROUNDS = 4 };

static pthread_key_t key[KEYS];
static int destructor_calls;

struct value {
    int key_index;
    int round;
};

static void value_destroy(void *block)
{
    struct value *value = block;
    __atomic_fetch_add(&destructor_calls, 1, __ATOMIC_RELAXED);
    for (size_t i = 0; i < 10; i++)
        ground_free(ground_malloc(i * 100));
    if (value->round + 1 < ROUNDS) {
        struct value *next = ground_malloc(sizeof *next);
        *next = (struct value){value->key_index, value->round + 1};
        pthread_setspecific(key[value->key_index], next);
    }
    ground_free(value);
}

static void *thread_run(void *unused)
{
    for (int i = 0; i < KEYS; i++) {
        struct value *value = ground_malloc(sizeof *value);
        *value = (struct value){i, 0};
        pthread_setspecific(key[i], value);
    }
    return unused;
}

int main(int argc, char **argv)
{
    ground_open(argc > 1 ? argv[1] : NULL);
    for (int i = 0; i < KEYS; i++)
        EXPECT(pthread_key_create(&key[i], value_destroy) == 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        EXPECT(pthread_create(&thread, NULL, thread_run, NULL) == 0);
        pthread_join(thread, NULL);
    }
    say("destructors: %d calls\n", destructor_calls);
    int more = 0;
    pthread_key_t extra;
    while (pthread_key_create(&extra, NULL) == 0)
        more++;
    say("keys: %d more of %d\n", more, PTHREAD_KEYS_MAX);
    ground_free(ground_malloc(10));
    return 0;
}
