// SPDX-License-Identifier: Apache-2.0
// Random stacks of every shape that programs make, captured at random moments. Each capture is
// compared with a fresh walk, many with libunwind and gcc's unwinder. With a fault built into the
// re-use (UNWIND_MUTATION) the run must find it, or it fails.
#include <csetjmp>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

#include <dlfcn.h>
#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "probe.h"
extern "C" {
using Next = void (*)(void *);
void chain_framed(Next next, void *argument, uint64_t n);
void chain_saving(Next next, void *argument, uint64_t n);
void chain_bare(Next next, void *argument, uint64_t n);
void chain_variable(Next next, void *argument, uint64_t n);
void chain_realigned(Next next, void *argument, uint64_t n);
void chain_end(Next next, void *argument, uint64_t n);
void chain_follow(void *link);
}

namespace
{

#define NOINLINE __attribute__((noinline, noclone))

struct Random {
    uint64_t state;
    uint64_t next()
    {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state * 0x2545f4914f6cdd1dull >> 11;
    }
    uint32_t below(uint32_t n)
    {
        return static_cast<uint32_t>(next() % n);
    }
};

struct Run {
    Random random;
    int depth = 0;
    int limit = 0;
    bool plain_stack = true; // not on a coroutine's or a signal's stack
    bool main_thread = false;
    bool in_plugin = false;
    uint64_t left = 0;
    jmp_buf *landing = nullptr;
    int landing_depth = 0;
};

thread_local Run run;
thread_local uintptr_t seen_pcs[64];

NOINLINE void grow();
NOINLINE void grow_more();

unsigned choose_oracles()
{
    uint32_t dice = run.random.below(64);
    unsigned oracles = PROBE_PLAIN;
    /* libunwind's cache of steps outlives the module that they were in. */
    if (dice < 16 && !run.in_plugin)
        oracles |= PROBE_LIBUNWIND;
    if (dice == 20 || run.in_plugin)
        oracles |= PROBE_GCC;
    if (dice == 21)
        oracles |= PROBE_ID_PLAIN;
    return oracles;
}

NOINLINE void capture_here()
{
    if (run.left == 0)
        return;
    run.left--;
    seen_pcs[run.left % 64] = reinterpret_cast<uintptr_t>(__builtin_return_address(0));
    probe_capture(choose_oracles());
}

NOINLINE void capture_twin()
{
    capture_here();
    if (run.random.below(2) == 0)
        capture_here();
    asm volatile("");
}

/* One level deeper, or back. */
void go_on(void *)
{
    grow();
}

NOINLINE void chain()
{
    uint64_t n = run.random.next();
    switch (n >> 16 & 7) {
    case 0:
    case 1:
        chain_framed(go_on, nullptr, n);
        break;
    case 2:
        chain_saving(go_on, nullptr, n & 0xfff0);
        break;
    case 3:
        chain_saving(go_on, nullptr, reinterpret_cast<uintptr_t>(&n) & ~15ull);
        break;
    case 4:
        chain_bare(go_on, nullptr, n);
        break;
    case 5:
    case 6:
        chain_variable(go_on, nullptr, n);
        break;
    default:
        chain_realigned(go_on, nullptr, n);
    }
    asm volatile("");
}

struct Link {
    void (*kind)(Next, void *, uint64_t);
    void *argument;
    uint64_t n;
};

/* A chain of frames that touch, with its end. */
struct Chain {
    Link links[7];
};

void choose_chain(Chain &chain)
{
    using Kind = void (*)(Next, void *, uint64_t);
    static const Kind kinds[] = {chain_framed,   chain_saving,   chain_bare,
                                 chain_variable, chain_variable, chain_realigned};
    uint32_t count = 2 + run.random.below(3);
    for (uint32_t i = 0; i < count; i++)
        chain.links[i] =
                Link{kinds[run.random.below(6)], &chain.links[i + 1], run.random.below(8) * 16};
    chain.links[count] = Link{chain_end, nullptr, PROBE_PLAIN};
}

/* As `other`, but with two frames in place of one variable one of the same size: where the first
 * chain saved its words, those of the second may still lie in its gap. */
void split_chain(Chain &chain, const Chain &other)
{
    enum { SAVED_BYTES = 16 };
    bool split = false;
    Link *to = chain.links;
    for (const Link *from = other.links;; from++) {
        Link link = *from;
        if (!split && link.kind == chain_variable && link.n >= SAVED_BYTES) {
            uint64_t first = run.random.below(static_cast<uint32_t>(link.n) / 16) * 16;
            *to = Link{chain_variable, to + 1, first};
            to++;
            link.n -= first + SAVED_BYTES;
            split = true;
        }
        *to = Link{link.kind, to + 1, link.n};
        if ((to++)->kind == chain_end)
            break;
    }
}

/* Short chains again and again from the same stack pointer: often the sizes add up to the same,
 * and the words of an older chain are still in the gaps. Each comes several times. */
NOINLINE void linked()
{
    enum { CHAINS = 3, ROUNDS = 18 };
    Chain chains[CHAINS];
    for (int round = 0; round < ROUNDS; round++) {
        Chain &chain = chains[round < CHAINS ? round : run.random.below(CHAINS)];
        if (round == 1)
            split_chain(chain, chains[0]);
        else if (round < CHAINS || run.random.below(8) == 0)
            choose_chain(chain);
        if (run.left == 0)
            return;
        run.left--;
        chain_follow(&chain.links[0]);
    }
}

NOINLINE void variable_array()
{
    size_t bytes = 1 + run.random.below(300);
    auto *array = static_cast<volatile char *>(__builtin_alloca(bytes));
    array[bytes / 2] = 1;
    grow();
    array[bytes / 2] = 2;
}

NOINLINE void realigned_array()
{
    alignas(64) volatile char array[80];
    array[run.random.below(80)] = 1;
    grow();
    if (run.random.below(2) != 0) {
        auto *more = static_cast<volatile char *>(__builtin_alloca(1 + run.random.below(200)));
        more[0] = 1;
        grow();
    }
    array[3] = 2;
}

NOINLINE void big_frame()
{
    volatile char array[70000];
    array[run.random.below(70000)] = 1;
    grow();
    array[4] = 1;
}

NOINLINE void fake_addresses()
{
    size_t words = 16 + run.random.below(400);
    auto *array = static_cast<volatile uintptr_t *>(__builtin_alloca(words * 8));
    for (size_t i = 0; i < words; i++)
        array[i] = seen_pcs[(i + words) % 64];
}

template <int Kind> NOINLINE uint64_t busy(uint64_t a, uint64_t b)
{
    volatile uint64_t array[3 + 2 * Kind];
    uint64_t c = a * 3 + b, d = a ^ b << Kind, e = a - b, f = a * b;
    array[Kind] = c;
    if (run.random.below(2) == 0) {
        grow();
        return array[Kind] + c + d + e + f;
    }
    grow_more();
    return array[Kind] - c + d - e + f;
}

NOINLINE void through_function()
{
    uint64_t a = run.random.next();
    std::function<void(uint64_t)> call = [a](uint64_t b) { busy<3>(a, b); };
    call(a + 1);
    asm volatile("");
}

NOINLINE void throwing()
{
    if (run.random.below(3) == 0)
        throw run.random.below(2);
    grow();
    if (run.random.below(4) == 0)
        throw run.random.below(2);
}

NOINLINE void catching()
{
    int depth = run.depth;
    try {
        throwing();
    } catch (uint32_t kind) {
        run.depth = depth;
        capture_here();
        if (kind != 0 && run.plain_stack && run.random.below(8) == 0 && depth > 8)
            throw;
        grow();
    }
}

/* The outermost catch of each stack. */
NOINLINE void guarded()
{
    int depth = run.depth;
    try {
        grow();
    } catch (uint32_t) {
        run.depth = depth;
        capture_here();
    }
}

NOINLINE void jumping()
{
    jmp_buf here;
    jmp_buf *outer = run.landing;
    int outer_depth = run.landing_depth;
    volatile int depth = run.depth;
    run.landing = &here;
    run.landing_depth = run.depth;
    if (setjmp(here) == 0)
        guarded();
    run.depth = depth;
    run.landing = outer;
    run.landing_depth = outer_depth;
    capture_here();
}

NOINLINE int compare_numbers(const void *a, const void *b)
{
    if (run.random.below(4) == 0)
        capture_here();
    return *static_cast<const int *>(a) - *static_cast<const int *>(b);
}

NOINLINE void sorting()
{
    int numbers[12];
    for (int &number : numbers)
        number = static_cast<int>(run.random.below(100));
    qsort(numbers, 12, sizeof(int), compare_numbers);
    if (run.random.below(2) != 0)
        grow();
}

void on_signal(int)
{
    jmp_buf *landing = run.landing;
    bool plain = run.plain_stack;
    run.landing = nullptr;
    run.plain_stack = false;
    guarded();
    run.plain_stack = plain;
    run.landing = landing;
}

NOINLINE void signalled()
{
    if (!run.plain_stack || run.random.below(4) != 0)
        return;
    pthread_kill(pthread_self(), run.random.below(3) == 0 ? SIGUSR2 : SIGUSR1);
    if (run.random.below(2) == 0)
        grow();
}

struct Coroutine {
    ucontext_t outside, inside;
    bool done;
};
thread_local Coroutine coroutine;

void coroutine_main()
{
    guarded();
    swapcontext(&coroutine.inside, &coroutine.outside);
    guarded();
    coroutine.done = true;
}

NOINLINE void in_coroutine()
{
    const size_t bytes = 512 * 1024;
    if (!run.plain_stack || run.random.below(4) != 0)
        return;
    void *stack = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED)
        abort();
    jmp_buf *landing = run.landing;
    run.landing = nullptr;
    run.plain_stack = false;
    getcontext(&coroutine.inside);
    coroutine.inside.uc_stack.ss_sp = stack;
    coroutine.inside.uc_stack.ss_size = bytes;
    coroutine.inside.uc_link = &coroutine.outside;
    makecontext(&coroutine.inside, coroutine_main, 0);
    coroutine.done = false;
    swapcontext(&coroutine.outside, &coroutine.inside);
    run.plain_stack = true;
    capture_here();
    run.plain_stack = false;
    if (!coroutine.done)
        swapcontext(&coroutine.outside, &coroutine.inside);
    run.plain_stack = true;
    run.landing = landing;
    munmap(stack, bytes);
}

const char *plugin_paths[2];

NOINLINE void in_plugin()
{
    if (!run.main_thread || !run.plain_stack || run.landing != nullptr)
        return;
    void *module = dlopen(plugin_paths[run.random.below(2)], RTLD_NOW);
    if (module == nullptr)
        abort();
    auto call = reinterpret_cast<void (*)(Next, void *)>(dlsym(module, "plugin_call"));
    int depth = run.depth;
    bool plain = run.plain_stack;
    run.plain_stack = false; // nothing may leave this frame while the module is loaded
    run.in_plugin = true;
    call([](void *) { guarded(); }, nullptr);
    run.plain_stack = plain;
    run.in_plugin = false;
    run.depth = depth;
    probe_modules_changed();
    dlclose(module);
    probe_modules_changed();
}

NOINLINE void leave_by_jump()
{
    if (run.landing != nullptr && run.depth > run.landing_depth)
        longjmp(*run.landing, 1);
}

void take_step()
{
    switch (run.random.below(run.main_thread ? 4000 : 3998)) {
    case 3998:
    case 3999:
        return in_plugin();
    default:
        break;
    }
    uint32_t dice = run.random.below(200);
    if (dice < 80)
        return chain();
    if (dice < 90)
        return linked();
    if (dice < 100)
        return variable_array();
    if (dice < 106)
        return realigned_array();
    if (dice < 107)
        return big_frame();
    if (dice < 112)
        return fake_addresses();
    if (dice < 130)
        return static_cast<void>(busy<1>(dice, run.random.next()));
    if (dice < 150)
        return static_cast<void>(busy<5>(dice, run.random.next()));
    if (dice < 160)
        return through_function();
    if (dice < 163)
        return catching();
    if (dice < 168)
        return jumping();
    if (dice < 170)
        return leave_by_jump();
    if (dice < 175)
        return sorting();
    if (dice < 176)
        return signalled();
    if (dice < 177)
        return in_coroutine();
    capture_twin();
}

void grow()
{
    if (run.left == 0 || run.depth >= run.limit)
        return capture_here();
    run.depth++;
    uint32_t steps = 1 + (run.random.below(3) == 0) + (run.random.below(20) == 0);
    for (uint32_t i = 0; i < steps; i++)
        take_step();
    if (run.random.below(2) == 0)
        capture_here();
    run.depth--;
}

void grow_more()
{
    grow();
    asm volatile("");
}

void prepare_signals()
{
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_NODEFER;
    sigaction(SIGUSR1, &action, nullptr);
    action.sa_flags = SA_NODEFER | SA_ONSTACK;
    sigaction(SIGUSR2, &action, nullptr);
}

struct Task {
    uint64_t seed, captures;
    bool main_thread, stop_at_first;
};

bool found_wrong()
{
    probe_counts counts = probe_counts_get();
    return counts.wrong[0] + counts.wrong[1] + counts.wrong[2] + counts.wrong[3] +
                   counts.undecodable !=
           0;
}

void *work(void *argument)
{
    auto *task = static_cast<Task *>(argument);
    const size_t bytes = 256 * 1024;
    stack_t stack = {};
    stack.ss_sp = malloc(bytes);
    stack.ss_size = bytes;
    sigaltstack(&stack, nullptr);
    run.random.state = task->seed * 0x9e3779b97f4a7c15ull + 1;
    run.main_thread = task->main_thread;
    for (uint64_t done = 0; done < task->captures; done += 2000) {
        run.left = 2000;
        while (run.left != 0) {
            run.depth = 0;
            run.limit = 4 + static_cast<int>(run.random.below(60));
            guarded();
        }
        if (task->stop_at_first && found_wrong())
            break;
    }
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, nullptr);
    free(stack.ss_sp);
    return nullptr;
}

} // namespace

int random_stacks_main(int argc, char **argv);

int random_stacks_main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: random_stacks CAPTURES SEED right|wrong PLUGIN PLUGIN\n");
        return 2;
    }
    uint64_t captures = strtoull(argv[1], nullptr, 10), seed = strtoull(argv[2], nullptr, 10);
    bool must_be_wrong = strcmp(argv[3], "wrong") == 0;
    plugin_paths[0] = argv[4];
    plugin_paths[1] = argv[5];
    probe_init();
    probe_verbose(!must_be_wrong);
    prepare_signals();
    pthread_t threads[2];
    Task tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = Task{seed * 3 + static_cast<uint64_t>(i), captures / 3, i == 0, true};
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], nullptr, work, &tasks[i + 1]);
    work(&tasks[0]);
    for (pthread_t thread : threads)
        pthread_join(thread, nullptr);
    probe_counts counts = probe_counts_get();
    probe_log_counts log = probe_log();
    printf("captures %lu, frames %lu, stacks %lu, flagged %lu, undecodable %lu\n", counts.captures,
           counts.frames, log.stacks, counts.flagged, counts.undecodable);
    const char *names[] = {"plain walk", "libunwind", "gcc", "plain id"};
    for (int i = 0; i < 4; i++)
        printf("%-10s compared %lu, wrong %lu\n", names[i], counts.compared[i], counts.wrong[i]);
    return found_wrong() == must_be_wrong ? 0 : 1;
}
