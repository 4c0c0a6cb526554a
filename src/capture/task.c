/* SPDX-License-Identifier: Apache-2.0 */
/* The thread's stack of tasks, and the counts of polls that wait to be told. */
#include "capture/task.h"

#include "capture/cpu/x86_64/cpu.h"
#include "capture/emit.h"
#include "capture/lane.h"
#include "capture/pool.h"
#include "capture/task_table.h"
#include "wire/clock.h"

enum { TASK_CONTINUE_UNWIND = 8, TASK_CLEANUP_PHASE = 2, TASK_TABLE_WORDS = 8 };
enum { TASK_NAME_BYTES = 160 };

/* Frames of explicit tasks belong to no function: no other frame lies above them. */
#define TASK_EXPLICIT_FRAME UINTPTR_MAX
/* Keys that are addresses, and keys that a program chose. */
#define TASK_ADDRESS_KEY (UINT64_C(1) << 63)
#define TASK_EXPLICIT_KEY (UINT64_C(1) << 62)
#define TASK_ID_BITS 56

/* Called by the thunks only. */
uintptr_t task_enter(uint32_t slot, uintptr_t argument, uintptr_t frame, uintptr_t second);
void task_leave(uintptr_t frame);
int task_personality(int version, int actions, uint64_t class, void *exception, void *context);

/* Threads of this process that count in tables of their own. */
static _Atomic uint32_t task_threads_many;

static struct lane_state *task_state(void)
{
    struct lane_state *state = lane_self;
    return __builtin_expect(state && state->tasks, 1) ? state : lane_state_take();
}

/* The thread runs what the top of its stack says. */
static void task_set_current(struct lane_state *state)
{
    const struct task_thread *tasks = state->tasks;
    const struct task_frame *top = tasks->depth ? &tasks->frames[tasks->depth - 1] : NULL;
    state->task_now = top ? top->key : 0;
    state->task_cell = top ? top->cell : 0;
}

static uint64_t task_pack_polls(const struct task_count *count)
{
    const uint64_t busy_most = (UINT64_C(1) << WIRE_POLLS_SHIFT) - 1;
    return count->polls << WIRE_POLLS_SHIFT | (count->busy < busy_most ? count->busy : busy_most);
}

static struct task_count *task_count_of(struct task_thread *tasks, uint64_t key)
{
    uint64_t hash = key * UINT64_C(0x9e3779b97f4a7c15);
    return tasks->many ? &tasks->many[hash >> 54] : &tasks->counts[hash >> 59];
}

_Static_assert(TASK_COUNTS == 1 << (64 - 59) && TASK_COUNTS_MANY == 1 << (64 - 54),
               "a count's place is the top of the hash");

static void task_tell(struct task_count *count)
{
    if (!count->polls && !count->busy)
        return;
    struct task_count told = *count;
    count->polls = 0;
    count->busy = 0;
    if (emit_wanted())
        emit_task(WIRE_TASK_POLLS, told.key, task_pack_polls(&told), told.cell);
}

uint64_t task_take_polls(struct lane_state *state)
{
    struct task_count *count = state->tasks ? task_count_of(state->tasks, state->task_now) : NULL;
    if (!count || count->key != state->task_now)
        return 0;
    uint64_t polls = task_pack_polls(count);
    count->polls = 0;
    count->busy = 0;
    return polls;
}

/* The thread polls more tasks than its page has counts: it gets a table, if there is one to have.
 */
static void task_count_many(struct task_thread *tasks)
{
    if (tasks->many || ++tasks->evicted != TASK_COUNTS_EVICTED ||
        atomic_fetch_add_explicit(&task_threads_many, 1, memory_order_relaxed) >= TASK_THREADS_MANY)
        return;
    struct task_count *many = pool_take(TASK_COUNTS_MANY * sizeof *many);
    if (!many)
        return;
    for (int i = 0; i < TASK_COUNTS; i++)
        task_tell(&tasks->counts[i]);
    tasks->many = many;
}

static inline void task_count_poll(struct task_thread *tasks, uint64_t key, uint64_t cell)
{
    struct task_count *count = task_count_of(tasks, key);
    if (count->key != key || count->cell != cell) {
        if (count->polls || count->busy) {
            task_tell(count);
            task_count_many(tasks);
            count = task_count_of(tasks, key);
        }
        *count = (struct task_count){.key = key, .cell = cell};
    }
    if (++count->polls >= TASK_COUNT_MAX)
        task_tell(count);
}

/* Frames that were left by a jump lie below this one on the thread's own stack. */
static void task_drop_left(struct task_thread *tasks, uintptr_t frame)
{
    while (tasks->depth && tasks->frames[tasks->depth - 1].frame <= frame &&
           frame < lane_stack_top())
        tasks->depth--;
}

static void task_push(struct lane_state *state, const struct task_frame *entered)
{
    struct task_thread *tasks = state->tasks;
    if (tasks->depth == TASK_DEPTH_MAX) {
        tasks->over++;
        return;
    }
    tasks->frames[tasks->depth++] = *entered;
    state->task_now = entered->key;
    state->task_cell = entered->cell;
}

/* The poll's start, for those polls that are timed. */
static inline uint64_t task_start(struct task_thread *tasks)
{
    if (tasks->untimed && !process.segment->config.monitor) {
        tasks->untimed--;
        return 0;
    }
    if (atomic_load_explicit(&process.clockless, memory_order_relaxed))
        return 0;
    tasks->untimed = WIRE_POLLS_TIMED - 1;
    return wire_clock_ticks();
}

/* Once for each type, at its first call: the argument is a task of it. */
static bool task_verify(struct task_type *type, uintptr_t argument)
{
    uint8_t state = atomic_load_explicit(&type->state, memory_order_relaxed);
    if (__builtin_expect(state == TASK_TYPE_VERIFIED, 1))
        return true;
    if (state == TASK_TYPE_REFUSED || atomic_load_explicit(&process.quiet, memory_order_relaxed))
        return false;
    bool good = argument % sizeof(uintptr_t) == 0 && argument >> CPU_ADDRESS_BITS == 0 &&
                cpu_readable(argument) &&
                cpu_readable(argument + (TASK_TABLE_WORDS - 1) * sizeof(uintptr_t));
    const uintptr_t *words = (const uintptr_t *)argument;
    int32_t at = type->rule->table_word;
    if (good && at != TASK_ANY_WORD) {
        good = words[at] == type->table;
    } else if (good) {
        good = false;
        for (int i = 0; i < TASK_TABLE_WORDS; i++)
            good = good || words[i] == type->table;
    }
    if (good && type->id_offset)
        good = cpu_readable(argument + type->id_offset);
    if (good)
        atomic_store_explicit(&type->state, TASK_TYPE_VERIFIED, memory_order_relaxed);
    else
        task_type_refuse(type);
    return good;
}

static uint64_t task_key(const struct task_type *type, uintptr_t argument)
{
    if (!type->id_offset)
        return argument | TASK_ADDRESS_KEY;
    uint64_t id = *(const uint64_t *)(argument + type->id_offset);
    return (id & ((UINT64_C(1) << TASK_ID_BITS) - 1)) | (uint64_t)type->copy << TASK_ID_BITS;
}

static void task_begin(struct lane_state *state, struct task_frame *entered, bool is_poll)
{
    struct task_thread *tasks = state->tasks;
    task_drop_left(tasks, entered->frame);
    if (is_poll) {
        task_count_poll(tasks, entered->key, entered->cell);
        entered->started = task_start(tasks);
    }
    task_push(state, entered);
}

/* Tells that the task is over, with the polls that are still to be told. */
static void task_end(struct task_thread *tasks, uint64_t key, uint64_t cell)
{
    struct task_count *count = task_count_of(tasks, key);
    uint64_t polls = count->key == key ? task_pack_polls(count) : 0;
    if (count->key == key)
        *count = (struct task_count){0};
    emit_task(WIRE_TASK_END, key, polls, cell);
}

/* Initialisation names the task, in the one that makes it; deallocation ends it. */
static void __attribute__((noinline))
task_enter_asyncio(const struct task_slot *at, uintptr_t argument, uintptr_t frame,
                   uintptr_t second)
{
    struct task_type *type = &task_types[at->type];
    struct lane_state *state = task_state();
    if (!state || atomic_load_explicit(&type->state, memory_order_relaxed) == TASK_TYPE_REFUSED)
        return;
    uintptr_t task = asyncio_task(at->kind, argument);
    if (!task) {
        if (!atomic_load_explicit(&process.quiet, memory_order_relaxed))
            task_type_refuse(type);
        return;
    }
    struct task_frame entered = {.frame = frame,
                                 .key = task | TASK_ADDRESS_KEY,
                                 .cell = task | (uint64_t)at->type << WIRE_CELL_BITS};
    if (at->kind == TASK_SLOT_ASYNCIO_INIT && emit_wanted()) {
        char name[TASK_NAME_BYTES];
        asyncio_name(second, name, sizeof name);
        emit_task_name(entered.key, entered.cell, name);
    } else if (at->kind == TASK_SLOT_ASYNCIO_DEALLOC && emit_wanted()) {
        task_end(state->tasks, entered.key, entered.cell);
    } else if (at->kind == TASK_SLOT_ASYNCIO_STEP || at->kind == TASK_SLOT_ASYNCIO_WAKEUP) {
        task_begin(state, &entered, true);
    }
}

/* What is rare: the first call of a thread or of a type, frames that were left, runtimes apart. */
static uintptr_t __attribute__((noinline))
task_enter_slow(const struct task_slot *at, uintptr_t argument, uintptr_t frame, uintptr_t second)
{
    struct task_type *type = &task_types[at->type];
    if (at->kind > TASK_SLOT_POLL) {
        task_enter_asyncio(at, argument, frame, second);
        return at->original;
    }
    struct lane_state *state = task_state();
    if (!state || !task_verify(type, argument))
        return at->original;
    struct task_frame entered = {
            .frame = frame,
            .key = task_key(type, argument),
            .cell = argument | (uint64_t)at->type << WIRE_CELL_BITS,
    };
    task_begin(state, &entered, at->kind == TASK_SLOT_POLL);
    return at->original;
}

uintptr_t task_enter(uint32_t slot, uintptr_t argument, uintptr_t frame, uintptr_t second)
{
    const struct task_slot *at = &task_slots[slot];
    const struct task_type *type = &task_types[at->type];
    struct lane_state *state = lane_self;
    struct task_thread *tasks = state ? state->tasks : NULL;
    if (__builtin_expect(at->kind > TASK_SLOT_POLL || !tasks, 0) ||
        __builtin_expect(atomic_load_explicit(&type->state, memory_order_relaxed) !=
                                         TASK_TYPE_VERIFIED ||
                                 tasks->depth == TASK_DEPTH_MAX,
                         0))
        return task_enter_slow(at, argument, frame, second);
    struct task_frame *top = &tasks->frames[tasks->depth];
    if (__builtin_expect(tasks->depth && top[-1].frame <= frame, 0))
        return task_enter_slow(at, argument, frame, second);
    uint64_t key = task_key(type, argument);
    uint64_t cell = argument | (uint64_t)at->type << WIRE_CELL_BITS;
    uint64_t started = 0;
    if (at->kind == TASK_SLOT_POLL) {
        task_count_poll(tasks, key, cell);
        started = task_start(tasks);
    }
    *top = (struct task_frame){.frame = frame, .key = key, .cell = cell, .started = started};
    tasks->depth++;
    state->task_now = key;
    state->task_cell = cell;
    return at->original;
}

/* Told with the next switch to the task, or when its count makes room. */
static void task_end_timing(struct task_thread *tasks, const struct task_frame *left)
{
    struct task_count *count = task_count_of(tasks, left->key);
    if (count->key == left->key && !atomic_load_explicit(&process.clockless, memory_order_relaxed))
        count->busy += wire_clock_ticks() - left->started;
}

/* Leaves the frame and what was entered above it and never left. */
static void task_pop(struct lane_state *state, uintptr_t frame)
{
    struct task_thread *tasks = state->tasks;
    uint32_t depth = tasks->depth;
    while (depth && tasks->frames[depth - 1].frame != frame)
        depth--;
    if (!depth) {
        tasks->over -= tasks->over != 0;
        return;
    }
    struct task_frame left = tasks->frames[depth - 1];
    tasks->depth = depth - 1;
    tasks->over = 0;
    task_set_current(state);
    if (left.started)
        task_end_timing(tasks, &left);
}

void task_leave(uintptr_t frame)
{
    struct lane_state *state = lane_self;
    struct task_thread *tasks = state ? state->tasks : NULL;
    if (__builtin_expect(!tasks, 0))
        return;
    uint32_t depth = tasks->depth;
    const struct task_frame *top = &tasks->frames[depth - 1];
    if (__builtin_expect(!depth || top->frame != frame || top->started || tasks->over, 0)) {
        task_pop(state, frame);
        return;
    }
    tasks->depth = depth - 1;
    state->task_now = depth > 1 ? top[-1].key : 0;
    state->task_cell = depth > 1 ? top[-1].cell : 0;
}

/* Frames are unwound from the top: the one that the unwinder is at is the top one. */
int task_personality(int version, int actions, uint64_t class, void *exception, void *context)
{
    struct lane_state *state = lane_self;
    if (!(actions & TASK_CLEANUP_PHASE) || !state || !state->tasks)
        return TASK_CONTINUE_UNWIND;
    struct task_thread *tasks = state->tasks;
    if (tasks->over)
        tasks->over--;
    else if (tasks->depth)
        task_pop(state, tasks->frames[tasks->depth - 1].frame);
    return TASK_CONTINUE_UNWIND;
}

void task_enter_explicit(uint64_t id, const char *name)
{
    struct lane_state *state = emit_wanted() ? task_state() : NULL;
    if (!state)
        return;
    struct task_frame entered = {
            .frame = TASK_EXPLICIT_FRAME,
            .key = (id & ((UINT64_C(1) << TASK_ID_BITS) - 1)) | TASK_EXPLICIT_KEY,
            .cell = (uint64_t)TASK_TYPE_EXPLICIT << WIRE_CELL_BITS,
    };
    bool known = task_count_of(state->tasks, entered.key)->key == entered.key;
    task_count_poll(state->tasks, entered.key, entered.cell);
    entered.started = task_start(state->tasks);
    if (!known && name)
        emit_task_name(entered.key, entered.cell, name);
    task_push(state, &entered);
}

void task_leave_explicit(void)
{
    struct lane_state *state = lane_self;
    if (state && state->tasks)
        task_pop(state, TASK_EXPLICIT_FRAME);
}

void task_end_explicit(uint64_t id)
{
    struct lane_state *state = emit_wanted() ? task_state() : NULL;
    if (!state)
        return;
    uint64_t key = (id & ((UINT64_C(1) << TASK_ID_BITS) - 1)) | TASK_EXPLICIT_KEY;
    task_end(state->tasks, key, (uint64_t)TASK_TYPE_EXPLICIT << WIRE_CELL_BITS);
}
