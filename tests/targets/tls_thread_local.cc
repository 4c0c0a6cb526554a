/* SPDX-License-Identifier: Apache-2.0 */
/* Hazards 13, 14: C++ thread_local objects whose constructors and destructors use the heap. */
#include <pthread.h>

#include <string>
#include <vector>

extern "C" {
#include "ground.h"
}

static int destroyed;

struct hoard {
    std::vector<std::string> words;
    hoard()
    {
        words.emplace_back(100, 'x');
    }
    ~hoard()
    {
        std::vector<std::string> copy = words;
        copy.emplace_back(1000, 'y');
        __atomic_fetch_add(&destroyed, static_cast<int>(copy.size()), __ATOMIC_RELAXED);
    }
};

static thread_local hoard own;

static void *thread_run(void *unused)
{
    for (int i = 0; i < 100; i++)
        own.words.emplace_back(static_cast<size_t>(i) + 50, 'z');
    return unused;
}

int main()
{
    for (int i = 0; i < 20; i++) {
        pthread_t thread[2];
        for (pthread_t &each : thread)
            EXPECT(pthread_create(&each, nullptr, thread_run, nullptr) == 0);
        for (pthread_t &each : thread)
            pthread_join(each, nullptr);
    }
    thread_run(nullptr);
    say("thread_local: %d strings seen at the end of 40 threads\n", destroyed);
    return 0;
}
