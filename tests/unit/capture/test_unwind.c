/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks of known shape, compared frame by frame with libunwind and with gcc's unwinder. */
#include <dlfcn.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture/unwind.h"
#include "probe.h"

enum { EVERY = PROBE_PLAIN | PROBE_LIBUNWIND | PROBE_GCC | PROBE_ID_PLAIN };

static volatile int sink;
static unsigned oracles = EVERY;

static void expect_right(uint64_t least)
{
    struct probe_counts counts = probe_counts_get();
    probe_counts_reset();
    for (int i = 0; i < 4; i++)
        assert_int_equal(counts.wrong[i], 0);
    assert_int_equal(counts.undecodable, 0);
    assert_true(counts.captures >= least);
}

__attribute__((noinline)) static int recurse(int depth, int step)
{
    if (depth == 0) {
        probe_capture(oracles);
        return 1;
    }
    int result = step % 2 == 0 ? recurse(depth - 1, step + 1) : recurse(depth - 1, step + 2) + 1;
    if (depth % 7 == 0)
        probe_capture(oracles);
    return result + depth;
}

static void test_depths(void **state)
{
    for (int depth = 0; depth < 300; depth += depth < 20 ? 1 : 23)
        sink = recurse(depth, depth % 5);
    expect_right(20);
}

static void test_deep(void **state)
{
    oracles = EVERY & ~PROBE_ID_PLAIN; /* which cuts deep stacks */
    sink = recurse(3500, 0);
    oracles = EVERY;
    expect_right(1);
}

enum { ENDLESS_DEPTH = 30000, LEAF_LEAST = 1024, ROOT_FRAMES = 16 };

static uintptr_t walked[ENDLESS_DEPTH + 100], kept[8192];

/* What is kept of a stack deeper than the arrays: its leaf side, its root, and the truth that
 * something is missing. */
static void expect_cut(uint64_t id, uintptr_t pc, uintptr_t sp, uintptr_t bp)
{
    uint32_t flags, cut_flags = 0;
    uint32_t n = unwind_walk_into(pc, sp, bp, walked, ENDLESS_DEPTH + 100, &flags);
    uint32_t got = probe_decode(id, kept, 8192, &cut_flags);
    assert_true(got >= LEAF_LEAST && got <= UNWIND_DEPTH_MAX);
    assert_int_equal(cut_flags, 2);
    assert_memory_equal(kept, walked, (got - ROOT_FRAMES) * sizeof(*kept));
    assert_memory_equal(kept + got - ROOT_FRAMES, walked + n - ROOT_FRAMES,
                        ROOT_FRAMES * sizeof(*kept));
}

__attribute__((noinline)) static int endless(int depth)
{
    int result = depth > 0 ? endless(depth - 1) + 1 : 0;
    if (depth % 1000 == 0 || depth > ENDLESS_DEPTH - 50) {
        uintptr_t *frame = __builtin_frame_address(0);
        uintptr_t pc = frame[1], sp = (uintptr_t)(frame + 2), bp = frame[0];
        uint64_t id = stack_capture_id(probe_thread(), pc, sp, bp);
        if (depth < ENDLESS_DEPTH - 5000) {
            expect_cut(id, pc, sp, bp);
            expect_cut(stack_capture_plain(pc, sp, bp), pc, sp, bp);
            assert_int_equal(stack_capture_id(probe_thread(), pc, sp, bp), id);
        }
    }
    return result;
}

/* Deep stacks that differ by few frames are few frames of log each. */
__attribute__((noinline)) static int endless_growing(int depth, uint64_t *frames_before)
{
    uintptr_t *frame = __builtin_frame_address(0);
    uint64_t id = stack_capture_id(probe_thread(), frame[1], (uintptr_t)(frame + 2), frame[0]);
    assert_int_not_equal(id, 0);
    if (depth == ENDLESS_DEPTH - 6000)
        *frames_before = probe_log().frames;
    int result = depth > 0 ? endless_growing(depth - 1, frames_before) + 1 : 0;
    return result;
}

static void test_endless(void **state)
{
    uint64_t frames_before = 0;
    sink = endless(ENDLESS_DEPTH);
    sink = recurse(30, 1);
    expect_right(1);
    sink = endless_growing(ENDLESS_DEPTH, &frames_before);
    assert_true(probe_log().frames - frames_before < (uint64_t)200 * ENDLESS_DEPTH);
    sink = recurse(30, 1);
    expect_right(1);
}

__attribute__((noinline)) static int variable_array(int n)
{
    volatile char bytes[n];
    memset((char *)bytes, n, (size_t)n);
    probe_capture(EVERY);
    return bytes[n / 2] + recurse(3, n);
}

__attribute__((noinline)) static int realigned(int n)
{
    volatile char aligned[64 + 1] __attribute__((aligned(64)));
    aligned[n & 63] = (char)n;
    char *more = __builtin_alloca((size_t)n);
    memset(more, 1, (size_t)n);
    probe_capture(EVERY);
    return aligned[3] + more[n / 2] + variable_array(n + 1);
}

__attribute__((noinline)) static int huge_frame(int n)
{
    volatile char bytes[600000];
    bytes[n] = 1;
    probe_capture(EVERY);
    return bytes[n] + realigned(n);
}

static void test_odd_frames(void **state)
{
    for (int n = 1; n < 500; n += 37) {
        sink = variable_array(n);
        sink = realigned(n);
        sink = huge_frame(n);
    }
    expect_right(100);
}

static int compare_ints(const void *a, const void *b)
{
    probe_capture(EVERY);
    return *(const int *)a - *(const int *)b;
}

static void test_callback_from_libc(void **state)
{
    int numbers[40];
    for (int i = 0; i < 40; i++)
        numbers[i] = i * 7919 % 101;
    qsort(numbers, 40, sizeof(int), compare_ints);
    expect_right(40);
}

static void on_signal(int number)
{
    sink = recurse(3, number);
}

static void test_signal(void **state)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 5; i++) {
        raise(SIGUSR1);
        sink = recurse(i, i);
    }
    expect_right(5);
}

void interrupted_rbx(long pid, long tid, long signal);
void interrupted_expression(long pid, long tid, long signal);

/* Code interrupted where its frame hangs on other registers than rsp and rbp. */
static void test_signal_in_odd_code(void **state)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 3; i++) {
        interrupted_rbx(getpid(), gettid(), SIGUSR1);
        interrupted_expression(getpid(), gettid(), SIGUSR1);
    }
    assert_int_equal(probe_counts_get().flagged, 0);
    expect_right(6);
}

static void test_signal_stack(void **state)
{
    stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    sigaltstack(&stack, NULL);
    sigaction(SIGUSR2, &action, NULL);
    for (int i = 0; i < 5; i++)
        raise(SIGUSR2);
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, NULL);
    free(stack.ss_sp);
    expect_right(5);
}

static ucontext_t main_context, coroutine_context;

static void coroutine(void)
{
    sink = recurse(6, 1);
    swapcontext(&coroutine_context, &main_context);
    sink = recurse(9, 1);
}

static void test_coroutine(void **state)
{
    const size_t bytes = 65536;
    for (int i = 0; i < 4; i++) {
        void *stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        getcontext(&coroutine_context);
        coroutine_context.uc_stack = (stack_t){.ss_sp = stack, .ss_size = bytes};
        coroutine_context.uc_link = &main_context;
        makecontext(&coroutine_context, coroutine, 0);
        swapcontext(&main_context, &coroutine_context);
        sink = recurse(4, i);
        swapcontext(&main_context, &coroutine_context);
        munmap(stack, bytes);
    }
    expect_right(10);
}

static void *thread_main(void *argument)
{
    for (int i = 0; i < 50; i++)
        sink = recurse(i, (int)(intptr_t)argument);
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[4];
    for (intptr_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, thread_main, (void *)i), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    expect_right(200);
}

static void test_thread_on_own_stack(void **state)
{
    const size_t bytes = 1 << 20;
    pthread_attr_t attributes;
    pthread_t thread;
    char *stack = malloc(bytes);
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stack, bytes);
    assert_int_equal(pthread_create(&thread, &attributes, thread_main, NULL), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    free(stack);
    struct probe_counts counts = probe_counts_get();
    assert_int_equal(counts.flagged, 0);
    expect_right(50);
}

/* The same stack is the same id, without a new record, also after another thread defined it. */
__attribute__((noinline)) static void capture_twice(uint64_t ids[2])
{
    for (int i = 0; i < 2; i++)
        ids[i] = probe_capture(EVERY);
}

static void test_ids(void **state)
{
    uint64_t ids[4][2];
    uint64_t stacks[4];
    volatile int rounds = 4; /* one call site */
    for (int i = 0; i < rounds; i++) {
        probe_thread_plain(i >= 2);
        capture_twice(ids[i]);
        stacks[i] = probe_log().stacks;
    }
    probe_thread_plain(false);
    assert_int_not_equal(ids[0][0], 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ids[i][0], ids[0][0]);
        assert_int_equal(ids[i][1], ids[0][1]);
        assert_int_equal(stacks[i], stacks[0]);
    }
    expect_right(8);
}

/* Ids change with the generation, stacks do not. */
static void test_generation(void **state)
{
    uint64_t ids[2];
    for (int i = 0; i < 2; i++) {
        ids[i] = probe_capture(EVERY);
        unwind_modules_changed();
    }
    assert_int_not_equal(ids[0], ids[1]);
    sink = recurse(20, 1);
    expect_right(2);
}

/* What could not be written is 0, and everything is right again afterwards. */
static void test_log_full(void **state)
{
    unwind_modules_changed();
    probe_verbose(false);
    probe_log_full(true);
    uint64_t none = stack_capture_id(probe_thread(), (uintptr_t)__builtin_return_address(0),
                                     (uintptr_t)__builtin_frame_address(0), 0);
    assert_int_equal(none, 0);
    sink = recurse(4, 1);
    probe_counts_reset();
    probe_log_full(false);
    probe_verbose(true);
    sink = recurse(5, 1);
    expect_right(1);
}

/* What a child of fork does: its tables are wiped, its log begins anew. */
static int child_main(uint64_t parents_id, uint64_t parents_modules)
{
    unwind_process_forked();
    uint64_t ids[2];
    for (int i = 0; i < 2; i++)
        ids[i] = probe_capture(EVERY);
    sink = recurse(20, 1);
    struct probe_counts counts = probe_counts_get();
    for (int i = 0; i < 4; i++) {
        if (counts.wrong[i] != 0)
            return 1;
    }
    if (counts.undecodable != 0 || counts.captures < 3)
        return 2;
    if (ids[0] == parents_id || probe_log().modules <= parents_modules)
        return 3;
    return 0;
}

static void test_fork(void **state)
{
    sink = recurse(20, 1);
    uint64_t id = probe_capture(EVERY);
    expect_right(2);
    pid_t child = fork();
    if (child == 0)
        _exit(child_main(id, probe_log().modules));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* Where any system call kills: every rule is looked up anew, and a foreign stack is one frame. */
static int sandboxed_main(void)
{
    oracles = PROBE_PLAIN;
    sink = recurse(100, 1);
    probe_counts_reset();
    unwind_range_forbid_calls();
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
        return 77;
    unwind_modules_changed();
    sink = recurse(100, 1);
    struct probe_counts counts = probe_counts_get();
    if (counts.wrong[0] != 0 || counts.undecodable != 0 || counts.captures < 10)
        return 1;
    static uintptr_t foreign[64];
    uint32_t flags = 0;
    uint64_t id = stack_capture_id(probe_thread(), (uintptr_t)__builtin_return_address(0),
                                   (uintptr_t)&foreign[16], (uintptr_t)&foreign[32]);
    return probe_decode(id, foreign, 64, &flags) == 1 && (flags & 4) != 0 ? 0 : 2;
}

static void test_no_system_calls(void **state)
{
    pid_t child = fork();
    if (child == 0)
        syscall(SYS_exit, sandboxed_main());
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

static uint64_t capture_for_plugin;

static void capture_from_plugin(void *argument)
{
    capture_for_plugin = probe_capture(PROBE_PLAIN | PROBE_GCC);
    __asm__ volatile("");
}

static uintptr_t call_plugin(const char *path)
{
    void *module = dlopen(path, RTLD_NOW);
    assert_non_null(module);
    void (*call)(void (*)(void *), void *) =
            (void (*)(void (*)(void *), void *))dlsym(module, "plugin_call");
    call(capture_from_plugin, NULL);
    dlclose(module);
    return (uintptr_t)call;
}

/* A module goes and another takes its place without a word. The linker's own allocations, which
 * every loading makes, are the hint. */
static void test_silent_unload(void **state)
{
    struct module_object linker;
    uintptr_t linker_code = (uintptr_t)_dl_find_object;
    assert_int_equal(_dl_find_object((void *)linker_code, (struct dl_find_object *)&linker), 0);
    uintptr_t first = call_plugin(PLUGIN_A);
    uintptr_t *frame = __builtin_frame_address(0);
    stack_capture_id(probe_thread(), linker_code, (uintptr_t)(frame + 2), frame[0]);
    uintptr_t second = call_plugin(PLUGIN_B);
    if (first != second)
        skip();
    expect_right(2);
}

static void *thread_without_memory(void *argument)
{
    probe_pool_empty(true);
    for (int i = 0; i < 20; i++)
        sink = recurse(i, 1);
    probe_pool_empty(false);
    for (int i = 0; i < 20; i++)
        sink = recurse(i, 1);
    return NULL;
}

static void test_no_memory(void **state)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, thread_without_memory, NULL), 0);
    pthread_join(thread, NULL);
    expect_right(40);
}

int main(int argc, char **argv)
{
    probe_init();
    probe_verbose(true);
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_depths),
            cmocka_unit_test(test_deep),
            cmocka_unit_test(test_endless),
            cmocka_unit_test(test_odd_frames),
            cmocka_unit_test(test_callback_from_libc),
            cmocka_unit_test(test_signal),
            cmocka_unit_test(test_signal_in_odd_code),
            cmocka_unit_test(test_signal_stack),
            cmocka_unit_test(test_coroutine),
            cmocka_unit_test(test_threads),
            cmocka_unit_test(test_thread_on_own_stack),
            cmocka_unit_test(test_ids),
            cmocka_unit_test(test_generation),
            cmocka_unit_test(test_log_full),
            cmocka_unit_test(test_no_memory),
            cmocka_unit_test(test_fork),
            cmocka_unit_test(test_no_system_calls),
            cmocka_unit_test(test_silent_unload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
