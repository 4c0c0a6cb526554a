/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the rest of the capture library in tests of the unwinder. */
#include "probe.h"

#define UNW_LOCAL_ONLY
#include <dlfcn.h>
#include <libunwind.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unwind.h>

#include "capture/pool.h"
#include "capture/stack_log.h"
#include "capture/unwind.h"
#include "capture/unwind_rule.h"

enum { LOG_WORDS = 1 << 29, PRINTED_MAX = 8 };

extern void *__libc_stack_end;

struct log_record {
    uint64_t prev;
    uint32_t kept, flags, n, module;
    uintptr_t pcs[];
};

static struct {
    uint64_t *words;
    _Atomic uint64_t used;
    _Atomic uint64_t stacks, frames, modules;
    atomic_bool full, pool_empty;
    struct {
        _Atomic uint64_t captures, frames, compared[4], wrong[4], undecodable, flagged;
    } counts;
    atomic_int printed;
    bool verbose;
} probe;

#define OWN _Thread_local __attribute__((tls_model("initial-exec")))
static OWN struct unwind_thread *this_thread;
static OWN bool this_plain;
static OWN uintptr_t ours[PROBE_DEPTH_MAX], theirs[PROBE_DEPTH_MAX];

/* As the library's own: a forked child finds them zeroed. */
static void *pages_take(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED || madvise(at, (bytes + 4095) & ~(size_t)4095, MADV_WIPEONFORK) != 0)
        return NULL;
    return at;
}

void *pool_take(size_t bytes)
{
    if (atomic_load(&probe.pool_empty))
        return NULL;
    return pages_take(bytes);
}

void *pool_take_spare(size_t bytes)
{
    return pool_take(bytes);
}

uint64_t stack_log_append(uint64_t prev_id, uint32_t kept, uint32_t flags, uint32_t n,
                          const uintptr_t *pcs_root_first)
{
    if (atomic_load(&probe.full))
        return 0;
    uint64_t words = (sizeof(struct log_record) + n * sizeof(uintptr_t)) / 8;
    uint64_t at = atomic_fetch_add(&probe.used, words);
    if (at + words > LOG_WORDS)
        abort();
    struct log_record *record = (struct log_record *)(probe.words + at);
    record->prev = prev_id;
    record->kept = kept;
    record->flags = flags;
    memcpy(record->pcs, pcs_root_first, n * sizeof(uintptr_t));
    record->n = n;
    atomic_fetch_add(&probe.stacks, 1);
    atomic_fetch_add(&probe.frames, n);
    return at + 1;
}

void module_log_append(uintptr_t base, uintptr_t end_address, const uint8_t *build_id,
                       uint32_t build_id_size, const char *name, uint32_t generation)
{
    atomic_fetch_add(&probe.modules, 1);
}

static bool record_valid(uint64_t id, const struct log_record *record)
{
    return record->n != 0 && record->n <= UNWIND_PIECE_FRAMES && record->prev < id &&
           (record->prev != 0 || record->kept == 0);
}

uint32_t probe_decode(uint64_t id, uintptr_t *ret_pcs, uint32_t max, uint32_t *ret_flags)
{
    uint32_t count = 0, wanted = 0;
    for (bool first = true; first || wanted != 0; first = false) {
        if (id == 0 || id > atomic_load(&probe.used))
            return 0;
        const struct log_record *record = (const struct log_record *)(probe.words + id - 1);
        uint32_t depth = record->kept + record->n;
        if (first) {
            wanted = depth;
            *ret_flags = record->flags;
        }
        if (!record_valid(id, record) || wanted > depth || count + record->n > max)
            return 0;
        for (; wanted > record->kept; wanted--)
            ret_pcs[count++] = record->pcs[wanted - record->kept - 1];
        id = record->prev;
    }
    return count;
}

struct unwind_thread *probe_thread(void)
{
    if (this_thread == NULL)
        this_thread = pages_take(4096);
    return this_thread;
}

void probe_modules_changed(void)
{
    unwind_modules_changed();
}

void probe_thread_plain(bool plain)
{
    this_plain = plain;
}

static void gcc_find(void);

void probe_init(void)
{
    gcc_find();
    probe.words = mmap(NULL, (size_t)LOG_WORDS * 8, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct unwind_config config = {
            .modules =
                    {
                            .find_object = (module_finder)(void *)_dl_find_object,
                            .exe_map = _r_debug.r_map,
                            .exe_headers = (const Elf64_Phdr *)getauxval(AT_PHDR),
                            .exe_headers_count = (uint32_t)getauxval(AT_PHNUM),
                    },
            .main_stack_end = (uintptr_t)__libc_stack_end,
            .linker_code = (uintptr_t)_dl_find_object,
    };
    if (getenv("PROBE_NO_FIND_OBJECT") != NULL)
        config.modules.find_object = NULL;
    unwind_config_size(&config, 2 << 20);
    if (probe.words == MAP_FAILED || unwind_process_init(&config) < 0)
        abort();
}

/* A frame after a signal frame has its exact pc, which we keep plus one. */
static bool frames_equal(const uintptr_t *mine, const uintptr_t *other, uint32_t n, bool foreign)
{
    for (uint32_t i = 0; i < n; i++) {
        bool exact =
                foreign && i > 0 && unwind_rule_kind(unwind_rule_get(mine[i - 1])) == UNWIND_SIGNAL;
        if (mine[i] != other[i] + exact)
            return false;
    }
    return true;
}

static void print_difference(const char *who, const uintptr_t *a, uint32_t na, const uintptr_t *b,
                             uint32_t nb)
{
    if (!probe.verbose || atomic_fetch_add(&probe.printed, 1) >= PRINTED_MAX)
        return;
    fprintf(stderr, "%s: %u frames against %u\n", who, na, nb);
    for (uint32_t i = 0; i < na || i < nb; i++) {
        Dl_info info = {0};
        uintptr_t pc = i < na ? a[i] : b[i];
        dladdr((void *)(pc - 1), &info);
        fprintf(stderr, "  %2u %16lx %16lx kind %u %s%s\n", i, i < na ? a[i] : 0, i < nb ? b[i] : 0,
                unwind_rule_kind(unwind_rule_get(pc)), info.dli_sname ? info.dli_sname : "?",
                i < na && i < nb && a[i] == b[i] ? "" : " <--");
    }
}

static void compare(int oracle, const char *name, const uintptr_t *mine, uint32_t n,
                    const uintptr_t *other, uint32_t other_n)
{
    atomic_fetch_add(&probe.counts.compared[oracle], 1);
    if (n == other_n && frames_equal(mine, other, n, oracle == 1 || oracle == 2))
        return;
    atomic_fetch_add(&probe.counts.wrong[oracle], 1);
    print_difference(name, mine, n, other, other_n);
}

/* Drops the frames below the hook's caller. */
static uint32_t trim(uintptr_t *pcs, uint32_t n, uintptr_t pc)
{
    uint32_t skip = 0;
    while (skip < n && pcs[skip] != pc)
        skip++;
    if (skip == n)
        return n;
    memmove(pcs, pcs + skip, (n - skip) * sizeof(*pcs));
    n -= skip;
    return n > 0 && pcs[n - 1] == 0 ? n - 1 : n;
}

/* libunwind defines gcc's entry points too: take them from gcc's own library. */
static struct {
    _Unwind_Reason_Code (*backtrace)(_Unwind_Trace_Fn, void *);
    _Unwind_Ptr (*get_ip)(struct _Unwind_Context *);
} gcc;

static void gcc_find(void)
{
    void *library = dlopen("libgcc_s.so.1", RTLD_LAZY);
    if (library == NULL)
        abort();
    gcc.backtrace =
            (_Unwind_Reason_Code(*)(_Unwind_Trace_Fn, void *))dlsym(library, "_Unwind_Backtrace");
    gcc.get_ip = (_Unwind_Ptr(*)(struct _Unwind_Context *))dlsym(library, "_Unwind_GetIP");
}

struct gcc_trace {
    uintptr_t *pcs;
    uint32_t n;
};

static _Unwind_Reason_Code gcc_frame(struct _Unwind_Context *context, void *data)
{
    struct gcc_trace *trace = data;
    if (trace->n == PROBE_DEPTH_MAX)
        return _URC_END_OF_STACK;
    trace->pcs[trace->n++] = gcc.get_ip(context);
    return _URC_NO_REASON;
}

static void compare_others(unsigned oracles, uintptr_t pc, uint32_t n)
{
    if ((oracles & PROBE_LIBUNWIND) != 0) {
        int got = unw_backtrace((void **)theirs, PROBE_DEPTH_MAX);
        uint32_t other = trim(theirs, got > 0 ? (uint32_t)got : 0, pc);
        compare(1, "libunwind", ours, n, theirs, other);
    }
    if ((oracles & PROBE_GCC) != 0) {
        struct gcc_trace trace = {theirs, 0};
        gcc.backtrace(gcc_frame, &trace);
        compare(2, "gcc", ours, n, theirs, trim(theirs, trace.n, pc));
    }
}

__attribute__((noinline)) uint64_t probe_capture(unsigned oracles)
{
    uintptr_t *frame = __builtin_frame_address(0);
    return probe_compare(oracles, frame[1], (uintptr_t)(frame + 2), frame[0]);
}

uint64_t probe_compare(unsigned oracles, uintptr_t pc, uintptr_t sp, uintptr_t bp)
{
    uint64_t id = stack_capture_id(this_plain ? NULL : probe_thread(), pc, sp, bp);
    uint32_t flags = 0, plain_flags = 0;
    uint32_t n = probe_decode(id, ours, PROBE_DEPTH_MAX, &flags);
    atomic_fetch_add(&probe.counts.captures, 1);
    atomic_fetch_add(&probe.counts.frames, n);
    atomic_fetch_add(&probe.counts.undecodable, n == 0);
    atomic_fetch_add(&probe.counts.flagged, flags != 0);
    if ((oracles & PROBE_PLAIN) != 0) {
        uint32_t other = unwind_walk_into(pc, sp, bp, theirs, PROBE_DEPTH_MAX, &plain_flags);
        atomic_fetch_add(&probe.counts.compared[0], 1);
        if (n != other || memcmp(ours, theirs, n * sizeof(*ours)) != 0 || flags != plain_flags) {
            atomic_fetch_add(&probe.counts.wrong[0], 1);
            print_difference("plain walk", ours, n, theirs, other);
        }
    }
    if ((oracles & PROBE_ID_PLAIN) != 0) {
        uint64_t plain_id = stack_capture_plain(pc, sp, bp);
        uint32_t other = probe_decode(plain_id, theirs, PROBE_DEPTH_MAX, &plain_flags);
        compare(3, "plain id", ours, n, theirs, plain_flags == flags ? other : 0);
    }
    compare_others(oracles, pc, n);
    return id;
}

struct probe_counts probe_counts_get(void)
{
    struct probe_counts counts = {
            .captures = probe.counts.captures,
            .frames = probe.counts.frames,
            .undecodable = probe.counts.undecodable,
            .flagged = probe.counts.flagged,
    };
    for (int i = 0; i < 4; i++) {
        counts.compared[i] = probe.counts.compared[i];
        counts.wrong[i] = probe.counts.wrong[i];
    }
    return counts;
}

void probe_counts_reset(void)
{
    probe.counts.captures = probe.counts.frames = probe.counts.undecodable = 0;
    probe.counts.flagged = 0;
    for (int i = 0; i < 4; i++)
        probe.counts.compared[i] = probe.counts.wrong[i] = 0;
}

void probe_verbose(bool on)
{
    probe.verbose = on;
}

struct probe_log_counts probe_log(void)
{
    return (struct probe_log_counts){probe.stacks, probe.frames, probe.modules};
}

void probe_log_full(bool full)
{
    atomic_store(&probe.full, full);
}

void probe_pool_empty(bool empty)
{
    atomic_store(&probe.pool_empty, empty);
}
