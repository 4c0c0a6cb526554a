/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hazards 80, 81, 82, 83: function, thread, argument and file names that try to break whoever
 * prints them. All of them hold blocks when the program ends.
 */
#include <pthread.h>

#include <vector>

extern "C" {
#include "ground.h"
}

extern "C" void *evil_one() asm("\"</script><script>alert(1)</script>\"");
extern "C" void *evil_two() asm("\"=cmd|' /C calc'!A0;folded;\x1b[31mred\"");
extern "C" void *evil_three() asm("__proto__");

extern "C" __attribute__((noinline)) void *evil_one()
{
    return ground_keep(malloc(1001));
}

extern "C" __attribute__((noinline)) void *evil_two()
{
    return ground_keep(malloc(1002));
}

extern "C" __attribute__((noinline)) void *evil_three()
{
    return ground_keep(malloc(1003));
}

template <int N> struct deep {
    template <class T> static void *make()
    {
        return deep<N - 1>::template make<std::vector<T>>();
    }
};

template <> struct deep<0> {
    template <class T> static void *make()
    {
        return ground_keep(malloc(sizeof(T)));
    }
};

static void *thread_run(void *name)
{
    pthread_setname_np(pthread_self(), static_cast<const char *>(name));
    evil_one();
    return nullptr;
}

int main()
{
    const char *name[] = {"</script><b>", "\x1b[2J\xff\xfe", "a;b\n\"c\""};
    for (const char *each : name) {
        pthread_t thread;
        EXPECT(pthread_create(&thread, nullptr, thread_run, const_cast<char *>(each)) == 0);
        pthread_join(thread, nullptr);
    }
    evil_two();
    evil_three();
    deep<12>::make<int>();
    say("names: kept\n");
    return 0;
}
