/* SPDX-License-Identifier: Apache-2.0 */
/* How much of the program's stack a capture uses, seen from the bytes that it changes. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture/unwind.h"
#include "probe.h"

enum { STACK_BYTES = 1 << 18, PAINT = 0xa5, LIMIT_BYTES = 1344, SIGNAL_LIMIT_BYTES = 1920 };

/* A hook may use 1.5 KiB in all; what is left of it is the hook's own frame and the log's. Only
 * where a signal cut into code that just all its registers can explain it is more: there the
 * kernel has put a frame of several KiB on the same stack. */

void interrupted_rbx(long pid, long tid, long signal);

enum way { CACHED, PLAIN, IN_SIGNAL };

static enum way way;
static uintptr_t deepest;
static char *stack_start;

/* Captures after painting everything below, and looks how far the paint is gone. */
__attribute__((noinline)) static void capture_painted(void)
{
    uintptr_t *frame = __builtin_frame_address(0);
    uintptr_t here = (uintptr_t)__builtin_alloca(16);
    volatile char *paint = stack_start;
    while ((uintptr_t)paint < here - 64)
        *paint++ = (char)PAINT;
    if (way == CACHED)
        stack_capture_id(probe_thread(), frame[1], (uintptr_t)(frame + 2), frame[0]);
    else
        stack_capture_plain(frame[1], (uintptr_t)(frame + 2), frame[0]);
    const volatile char *end = stack_start;
    while ((uintptr_t)end < here && *end == (char)PAINT)
        end++;
    uintptr_t used = here - (uintptr_t)end;
    if (used > deepest)
        deepest = used;
}

static void on_signal(int number)
{
    capture_painted();
}

__attribute__((noinline)) static int recurse(int depth)
{
    int result = depth > 0 ? recurse(depth - 1) + 1 : 0;
    if (depth % 30 == 0)
        capture_painted();
    return result;
}

static void *thread_main(void *argument)
{
    probe_thread();
    for (int i = 0; i < 3; i++) {
        unwind_modules_changed(); /* every rule is looked up again */
        if (way == IN_SIGNAL)
            interrupted_rbx(getpid(), gettid(), SIGUSR1);
        else
            recurse(100);
    }
    return NULL;
}

static uintptr_t measure(enum way wanted)
{
    struct sigaction action = {.sa_handler = on_signal};
    pthread_attr_t attributes;
    pthread_t thread;
    way = wanted;
    deepest = 0;
    sigaction(SIGUSR1, &action, NULL);
    stack_start = aligned_alloc(4096, STACK_BYTES);
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stack_start, STACK_BYTES);
    assert_int_equal(pthread_create(&thread, &attributes, thread_main, NULL), 0);
    pthread_join(thread, NULL);
    free(stack_start);
    print_message("way %d: %lu bytes of stack\n", (int)wanted, (unsigned long)deepest);
    return deepest;
}

static void test_cached(void **state)
{
    assert_in_range(measure(CACHED), 64, LIMIT_BYTES);
}

static void test_plain(void **state)
{
    assert_in_range(measure(PLAIN), 64, LIMIT_BYTES);
}

static void test_in_signal(void **state)
{
    assert_in_range(measure(IN_SIGNAL), 64, SIGNAL_LIMIT_BYTES);
}

int main(void)
{
    probe_init();
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_cached),
            cmocka_unit_test(test_plain),
            cmocka_unit_test(test_in_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
