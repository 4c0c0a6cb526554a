/* SPDX-License-Identifier: Apache-2.0 */
/* Hazard 6: heap calls under the loader's lock in one thread, and everywhere in others. */
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>

#include "ground.h"

static int stop;

static int phdr_allocate(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)info, (void)size, (void)unused;
    for (size_t i = 0; i < 20; i++)
        ground_free(ground_malloc(i * 50));
    return 0;
}

static void *thread_iterate(void *unused)
{
    for (int i = 0; i < 500; i++)
        dl_iterate_phdr(phdr_allocate, unused);
    return NULL;
}

static void *thread_allocate(void *unused)
{
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        for (size_t i = 0; i < 100; i++)
            ground_free(ground_malloc(i));
    return unused;
}

static void *thread_load(void *unused)
{
    for (int i = 0; i < 200; i++) {
        void *library = dlopen("libm.so.6", RTLD_NOW);
        if (library)
            dlclose(library);
    }
    return unused;
}

int main(void)
{
    pthread_t thread[5];
    void *(*body[5])(void *) = {thread_iterate, thread_iterate, thread_allocate, thread_allocate,
                                thread_load};
    for (int i = 0; i < 5; i++)
        EXPECT(pthread_create(&thread[i], NULL, body[i], NULL) == 0);
    pthread_join(thread[0], NULL);
    pthread_join(thread[1], NULL);
    pthread_join(thread[4], NULL);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    pthread_join(thread[2], NULL);
    pthread_join(thread[3], NULL);
    say("loader lock: no deadlock\n");
    return 0;
}
