/* SPDX-License-Identifier: Apache-2.0 */
/* Joining the session, being forked, and the view of the segment. */
#include "capture/process.h"

#include <elf.h>
#include <limits.h>
#include <link.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "capture/begin.h"
#include "capture/cpu/x86_64/syscall.h"
#include "capture/cpu/x86_64/thread.h"
#include "capture/door.h"
#include "capture/lane.h"
#include "capture/next.h"
#include "capture/owner.h"
#include "capture/pool.h"
#include "capture/sampling.h"
#include "capture/unwind.h"
#include "wire/clock.h"

enum {
    PROCESS_UNWIND_SHARE = 8, /* of the private memory that is left, for one process's tables */
    PROCESS_UNWIND_LIMITED = 256 << 10, /* bytes, under a percent budget */
    PROCESS_MEMORY_LEAST = 256 << 10,   /* the smallest tables, and the first lane */
    PROCESS_MEMORY_WAIT_NS = 5000000,
    PROCESS_MEMORY_WAITS = 100,
    PROCESS_CALL_WAIT_NS = 100000,
    PROCESS_CALL_WAITS = 10000,
    PROCESS_VIEW_BYTES = 512 << 10,
    /* struct pthread holds the tid somewhere behind the part that the ABI fixes. */
    PROCESS_TID_FROM = 0x100,
    PROCESS_TID_TO = 0x600,
};

struct process process;

/* Lies where the kernel put the arguments, and is there before libc knows of environ. */
extern void *__libc_stack_end __attribute__((weak));

static char **process_environment(void)
{
    if (!&__libc_stack_end || !__libc_stack_end)
        return NULL;
    uintptr_t *stack = __libc_stack_end;
    return (char **)(stack + 1 + stack[0] + 1);
}

/*
 * The executable's program headers, from the auxiliary vector behind the environment. Before the
 * door's variables are taken out, which moves the environment's end.
 */
static void process_find_headers(char **envp)
{
    while (*envp)
        envp++;
    /* A variable that was taken out in place leaves one more NULL; no entry begins with 0. */
    while (!envp[1])
        envp++;
    for (const Elf64_auxv_t *entry = (const Elf64_auxv_t *)(envp + 1); entry->a_type != AT_NULL;
         entry++) {
        if (entry->a_type == AT_PHDR)
            process.exe_headers = (const Elf64_Phdr *)entry->a_un.a_val;
        else if (entry->a_type == AT_PHNUM)
            process.exe_header_n = (uint32_t)entry->a_un.a_val;
        else if (entry->a_type == AT_EXECFN)
            process.exe_name = (const char *)entry->a_un.a_val;
    }
}

/*
 * An image that begins while the session's private memory is used up waits a moment for the
 * collector to see which processes have ended: theirs is given back then. Returns what is used.
 */
static uint64_t process_await_memory(void)
{
    struct wire_segment *segment = process.segment;
    const struct timespec pause = {.tv_nsec = PROCESS_MEMORY_WAIT_NS};
    uint64_t used = 0;
    for (int i = 0; i < PROCESS_MEMORY_WAITS; i++) {
        used = atomic_load_explicit(&segment->private_bytes, memory_order_relaxed);
        if (used + PROCESS_MEMORY_LEAST <= segment->config.private_limit_bytes ||
            atomic_load_explicit(&segment->recording, memory_order_relaxed) != WIRE_ON)
            break;
        syscall_3(SYS_nanosleep, (long)(uintptr_t)&pause, 0, 0);
    }
    return used;
}

/* Sizes the unwinder's tables by what of the session's private memory is left. */
static void process_start_unwinder(void)
{
    struct wire_segment *segment = process.segment;
    struct unwind_config config = {
            .modules = {.find_object = (module_finder)next_symbol("_dl_find_object"),
                        .exe_headers = process.exe_headers,
                        .exe_headers_count = process.exe_header_n,
                        .exe_map = _r_debug.r_map,
                        .exe_name = process.exe_name},
            .main_stack_end = process.main_stack_end,
            .linker_code = _r_debug.r_brk,
            .last_counts = (segment->config.found & WIRE_FOUND_COROUTINES) != 0,
    };
    uint64_t used = process_await_memory();
    uint64_t limit = segment->config.private_limit_bytes;
    /* The first process gets a large share, many get less each and all get some. */
    uint64_t share = used < limit / 4 ? PROCESS_UNWIND_SHARE : 4 * PROCESS_UNWIND_SHARE;
    uint64_t bytes = used < limit ? (limit - used) / share : 0;
    /* Few stacks are looked for then, and each is on a page that is touched first. */
    if (segment->config.is_limited && bytes > PROCESS_UNWIND_LIMITED)
        bytes = PROCESS_UNWIND_LIMITED;
    unwind_config_size(&config, bytes);
    unwind_process_init(&config);
}

static void process_learn_tid_offset(void)
{
    uint32_t tid = (uint32_t)syscall_3(SYS_gettid, 0, 0, 0);
    process.pid = (uint32_t)syscall_3(SYS_getpid, 0, 0, 0);
    for (uint32_t at = PROCESS_TID_FROM; at < PROCESS_TID_TO; at += 4) {
        if (thread_word(at) == tid) {
            process.tid_offset = at;
            return;
        }
    }
}

/* The coarse clock, made unique and rising over all processes by one shared word. */
uint64_t process_shared_stamp(void)
{
    struct wire_segment *segment = process.segment;
    uint64_t last = atomic_load_explicit(&segment->sequence, memory_order_relaxed);
    uint64_t stamp;
    do {
        uint64_t coarse = atomic_load_explicit(&segment->coarse_stamp, memory_order_relaxed);
        stamp = coarse > last ? coarse : last + 1;
    } while (!atomic_compare_exchange_weak_explicit(&segment->sequence, &last, stamp,
                                                    memory_order_relaxed, memory_order_relaxed));
    return stamp;
}

uint32_t process_tid(void)
{
    if (process.tid_offset)
        return thread_word(process.tid_offset);
    if (atomic_load_explicit(&process.quiet, memory_order_relaxed))
        return process.pid;
    return (uint32_t)syscall_3(SYS_gettid, 0, 0, 0);
}

bool process_may_map(void)
{
    if (atomic_load_explicit(&process.quiet, memory_order_relaxed))
        return false;
    /* While the process starts nobody else can have measured what it takes. */
    if (!atomic_load_explicit(&process.hooked, memory_order_relaxed))
        return true;
    struct rlimit limit;
    long err = syscall_6(SYS_prlimit64, 0, RLIMIT_AS, 0, (long)(uintptr_t)&limit, 0, 0);
    return err == 0 && limit.rlim_cur == RLIM_INFINITY;
}

bool process_calls_begin(void)
{
    /* seq_cst on both: whoever forbids calls sees us, or we see that they are forbidden. */
    atomic_fetch_add(&process.calling, 1);
    if (!atomic_load(&process.quiet))
        return true;
    atomic_fetch_sub(&process.calling, 1);
    return false;
}

void process_calls_end(void)
{
    atomic_fetch_sub(&process.calling, 1);
}

/* Maps the view of a level, and makes it the current one. */
static bool process_map_view(uint32_t wanted)
{
    uint64_t pages = (uint64_t)process.view_pages << wanted;
    if (pages > process.segment->page_n)
        pages = process.segment->page_n;
    long at = syscall_6(SYS_mremap, (long)(uintptr_t)process.segment, 0,
                        (long)(pages * WIRE_PAGE_BYTES), MREMAP_MAYMOVE, 0, 0);
    if (at < 0)
        return false;
    syscall_3(SYS_madvise, at, (long)(pages * WIRE_PAGE_BYTES), MADV_DONTDUMP);
    char *expected = NULL;
    if (!atomic_compare_exchange_strong(&process.views[wanted], &expected, (char *)at))
        syscall_3(SYS_munmap, at, (long)(pages * WIRE_PAGE_BYTES), 0);
    /* Levels only rise; the view of a level is set before the level (seq_cst on both). */
    uint32_t level = atomic_load(&process.view_level);
    while (level < wanted && !atomic_compare_exchange_weak(&process.view_level, &level, wanted))
        ;
    return true;
}

bool process_view_page(uint32_t page)
{
    uint32_t level = atomic_load_explicit(&process.view_level, memory_order_acquire);
    uint32_t wanted = level;
    while (wanted < PROCESS_VIEWS && page >= (uint64_t)process.view_pages << wanted)
        wanted++;
    if (wanted == level)
        return true;
    if (wanted == PROCESS_VIEWS || page >= process.segment->page_n)
        return false;
    bool may_call = process_calls_begin();
    bool may_map = may_call && process_may_map();
    bool is_mapped = may_map && process_map_view(wanted);
    if (may_call)
        process_calls_end();
    if (!may_map)
        atomic_store_explicit(&process.view_fixed, true, memory_order_relaxed);
    return is_mapped;
}

/*
 * Until no thread is in a system call of a hook. Those that wait for room are woken. Bounded, since
 * a handler may have left the count by a jump; but while it falls the others only wait for a
 * processor, which takes long in a crowd.
 */
static void process_await_callers(void)
{
    const struct timespec pause = {.tv_nsec = PROCESS_CALL_WAIT_NS};
    uint32_t calling = atomic_load(&process.calling);
    for (int i = 0; i < PROCESS_CALL_WAITS && calling; i++) {
        syscall_3(SYS_futex, (long)(uintptr_t)&process.segment->room, FUTEX_WAKE, INT_MAX);
        syscall_3(SYS_nanosleep, (long)(uintptr_t)&pause, 0, 0);
        uint32_t left = atomic_load(&process.calling);
        if (left < calling)
            i = 0;
        calling = left;
    }
}

void process_go_quiet(void)
{
    if (!process.segment) {
        atomic_store(&process.quiet, true);
        return;
    }
    /* A forked child has its parent's count of callers until it registers. */
    process_ready();
    /* While it may still be done: the whole segment, since pages can come from anywhere. */
    process_view_page(process.segment->page_n - 1);
    atomic_store(&process.quiet, true);
    process_await_callers();
    unwind_range_forbid_calls();
    if (process.slot)
        atomic_fetch_or(&process.slot->flags, WIRE_PROCESS_SECCOMP);
}

void process_go_clockless(void)
{
    if (!process.segment)
        return;
    /* The coarse clock lags; no stamp may be less than those that were given already. */
    uint64_t now = process_stamp();
    uint64_t last = atomic_load(&process.segment->sequence);
    while (last < now && !atomic_compare_exchange_weak(&process.segment->sequence, &last, now))
        ;
    atomic_store(&process.clockless, true);
    if (process.slot)
        atomic_fetch_or(&process.slot->flags, WIRE_PROCESS_NO_TSC);
}

uint32_t process_take_page(void)
{
    struct wire_segment *segment = process.segment;
    _Atomic uint64_t *bits = wire_free_bits(segment);
    uint32_t word_n = (segment->page_n + 63) / 64;
    for (uint32_t i = 0; i < word_n; i++) {
        uint64_t word = atomic_load_explicit(&bits[i], memory_order_relaxed);
        while (word) {
            uint64_t bit = word & -word;
            /* Acquire: pairs with the collector's release, which zeroed the page before. */
            if (atomic_compare_exchange_weak_explicit(&bits[i], &word, word & ~bit,
                                                      memory_order_acquire, memory_order_relaxed)) {
                uint32_t page = i * 64 + (uint32_t)__builtin_ctzll(bit);
                if (process_view_page(page))
                    return page;
                process_give_page(page);
                return 0;
            }
        }
    }
    return 0;
}

void process_give_page(uint32_t page)
{
    atomic_fetch_or_explicit(&wire_free_bits(process.segment)[page / 64], 1ull << page % 64,
                             memory_order_release);
}

/* Takes a slot of the process table for this image and makes it live. */
static bool process_claim_slot(uint32_t parent, uint32_t flags)
{
    struct wire_segment *segment = process.segment;
    for (uint32_t i = 0; i < segment->process_n; i++) {
        struct wire_process *slot = wire_process_at(segment, i);
        uint32_t expected = WIRE_PROCESS_FREE;
        if (atomic_load_explicit(&slot->state, memory_order_relaxed) != expected ||
            !atomic_compare_exchange_strong(&slot->state, &expected, WIRE_PROCESS_CLAIMED))
            continue;
        slot->pid = process.pid;
        slot->parent = parent;
        slot->parent_stamp =
                parent ? process.start_stamp : (uint64_t)syscall_3(SYS_getppid, 0, 0, 0);
        process.start_stamp = process_stamp();
        slot->start_stamp = process.start_stamp;
        const char *name = process.exe_name ? wire_base_name(process.exe_name) : "";
        for (size_t at = 0; name[at] && at < sizeof slot->name; at++)
            slot->name[at] = name[at];
        atomic_store_explicit(&slot->flags, flags, memory_order_relaxed);
        process.slot = slot;
        process.slot_index = i;
        /* Release: pairs with the collector's acquire of the state. */
        atomic_store_explicit(&slot->state, WIRE_PROCESS_LIVE, memory_order_release);
        return true;
    }
    atomic_fetch_add_explicit(&segment->refused_process_n, 1, memory_order_relaxed);
    return false;
}

/* What an interpreter was given to run: its first argument that is no option; "" = nothing. */
static const char *process_script(void)
{
    static const char interpreters[][8] = {"node", "python", "perl", "ruby", "bash", "dash", "sh"};
    const char *name = wire_base_name(process.exe_name);
    const uintptr_t *stack = __libc_stack_end;
    const char *const *argv = (const char *const *)(stack + 1);
    bool interprets = false;
    for (size_t i = 0; i < sizeof interpreters / sizeof *interpreters; i++) {
        size_t n = 0;
        while (interpreters[i][n] && interpreters[i][n] == name[n])
            n++;
        interprets = interprets || !interpreters[i][n];
    }
    for (size_t i = 1; interprets && i < stack[0]; i++) {
        if (argv[i][0] != '-')
            return argv[i];
    }
    return "";
}

/* Whether this image is none of those that are to be recorded. */
static bool process_is_passed_over(void)
{
    struct wire_segment *segment = process.segment;
    uint32_t first = 1;
    if (atomic_load_explicit(&segment->root_passes, memory_order_relaxed) &&
        atomic_compare_exchange_strong(&segment->root_passes, &first, 0))
        return true;
    return process.exe_name &&
           !wire_choice_takes(&segment->choice, process.exe_name, process_script());
}

void process_start(void)
{
    char **envp = process_environment();
    if (envp)
        process_find_headers(envp);
    process.main_stack_end = envp ? (uintptr_t)__libc_stack_end : 0;
    if (syscall_3(SYS_gettid, 0, 0, 0) == syscall_3(SYS_getpid, 0, 0, 0))
        process.main_thread_pointer = thread_pointer();
    if (owner_is_executable())
        return;
    struct wire_segment *segment = envp ? door_enter(envp, PROCESS_VIEW_BYTES) : NULL;
    if (envp && !segment)
        segment = begin_by_hand(envp, PROCESS_VIEW_BYTES);
    if (segment)
        process_join(segment);
}

bool process_join(struct wire_segment *segment)
{
    process_learn_tid_offset();
    process.view_pages = PROCESS_VIEW_BYTES / WIRE_PAGE_BYTES;
    atomic_store_explicit(&process.views[0], (char *)segment, memory_order_relaxed);
    syscall_3(SYS_madvise, (long)(uintptr_t)segment, PROCESS_VIEW_BYTES, MADV_DONTDUMP);
    process.segment = segment;
    atomic_store(&process.clockless, segment->stamp_source == WIRE_STAMP_SEQUENCE);
    if (segment->config.strategy == WIRE_SINGLE_THREAD || segment->config.strategy == WIRE_HYBRID)
        process.libc_single = next_symbol("__libc_single_threaded");
    process.legacy = segment->config.strategy == WIRE_LEGACY;
    process.tracks_tasks = segment->config.track_tasks || segment->config.strategy == WIRE_ASYNC ||
                           segment->config.strategy == WIRE_HYBRID;
    process.passing = process_is_passed_over();
    if (!process_claim_slot(0, process.passing ? WIRE_PROCESS_PASSED : 0)) {
        process.segment = NULL;
        return false;
    }
    if (process.passing)
        return false;
    process.life = pool_take(WIRE_PAGE_BYTES);
    if (!process.life) {
        process.segment = NULL;
        return false;
    }
    process_start_unwinder();
    sampling_start();
    atomic_store_explicit(&process.life->registered, 2, memory_order_release);
    /* Release: pairs with the hooks' acquire; from here on they write. */
    atomic_store_explicit(&process.hooked, segment, memory_order_release);
    return true;
}

struct wire_segment *process_open_door(void)
{
    return door_open(PROCESS_VIEW_BYTES);
}

/* A forked child: a slot of its own; lanes, stacks and tables are empty by the wipe. */
static bool process_register_child(void)
{
    atomic_store(&process.calling, 0);
    uint32_t parent = process.slot_index + 1;
    uint32_t pid = process_tid();
    if (pid == process.pid && !atomic_load_explicit(&process.quiet, memory_order_relaxed))
        pid = (uint32_t)syscall_3(SYS_getpid, 0, 0, 0);
    process.pid = pid;
    if (!process_claim_slot(parent, WIRE_PROCESS_FORKED))
        return false;
    lane_forked();
    sampling_forked();
    unwind_process_forked();
    return true;
}

bool process_ready(void)
{
    if (!process.segment || process.passing)
        return false;
    uint32_t registered = atomic_load_explicit(&process.life->registered, memory_order_acquire);
    if (registered == 2)
        return true;
    /* 1: another thread, or the frame that this signal interrupted, is at it; do not wait. */
    if (registered == 1 ||
        !atomic_compare_exchange_strong(&process.life->registered, &registered, 1))
        return false;
    bool claimed = process_register_child();
    if (!claimed)
        atomic_store_explicit(&process.hooked, NULL, memory_order_relaxed);
    atomic_store_explicit(&process.life->registered, 2, memory_order_release);
    return claimed;
}
