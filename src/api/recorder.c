/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recording that the API's sessions are parts of: joined, or begun, paused and gone on with.
 *
 * A recording that `memscope run` or MEMSCOPE= began belongs to the user: the API joins it as it is
 * and never switches it off. One that the API began itself is paused while no session is active:
 * then frees of known blocks are still recorded, so that an address is never stale when tracking
 * starts again. It lives as long as the process does.
 */
#include "api/recorder.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "api/client.h"
#include "api/fault.h"
#include "api/lock.h"
#include "api/strategy.h"
#include "capture/begin.h"
#include "capture/cpu/x86_64/syscall.h"
#include "capture/door.h"
#include "capture/helper.h"
#include "capture/lane.h"
#include "capture/late.h"
#include "capture/process.h"
#include "capture/start.h"

enum { RECORDER_OPTIONS_MAX = 256, RECORDER_TRIES = 50, RECORDER_PAUSE_NS = 5000000 };

static struct recorder {
    struct lock lock;
    uint32_t image;   /* the memory that the rest is of; another one: a forked child's */
    uint32_t ordinal; /* of holds taken, so that one is never taken for another */
    uint32_t hold_n;
    bool whole;   /* figures are of the whole recording: this process is not known by its pid */
    bool is_ours; /* the API began the recording */
    int strategy; /* asked for at its beginning, AUTO: any will do */
    double sample_rate;
} recorder;

#pragma weak environ
extern char **environ;

static char **recorder_environ(void)
{
    return &environ ? environ : NULL;
}

/* The recorded process: for a child that shares our memory that is us. */
static uint32_t recorder_pid(void)
{
    return process_ready() ? process.pid : (uint32_t)syscall_3(SYS_getpid, 0, 0, 0);
}

/* With the lock: in a forked child nobody holds anything yet. */
static void recorder_enter(void)
{
    lock_take(&recorder.lock);
    uint32_t image = lock_image();
    if (recorder.image == image)
        return;
    recorder.image = image;
    recorder.hold_n = 0;
    recorder.whole = false;
}

static void recorder_leave(void)
{
    lock_give(&recorder.lock);
}

/* 0.000001 … 1 and percents, without stdio. */
static void recorder_add_fraction(char *options, const char *name, double value)
{
    uint64_t millionths = (uint64_t)(value * 1e6 + 0.5), digit = 100000;
    fault_add(options, RECORDER_OPTIONS_MAX, name);
    fault_add_number(options, RECORDER_OPTIONS_MAX, millionths / 1000000);
    fault_add(options, RECORDER_OPTIONS_MAX, ".");
    for (; digit; digit /= 10)
        fault_add_number(options, RECORDER_OPTIONS_MAX, millionths / digit % 10);
}

static void recorder_options(char *options, const struct backend_plan *plan)
{
    static const char *const strategies[STRATEGY_N] = {
            "--strategy auto",  "--strategy single-thread", "--strategy thread-local",
            "--strategy async", "--strategy hybrid",        "--mode legacy",
    };
    options[0] = 0;
    fault_add(options, RECORDER_OPTIONS_MAX, "--no-recording --quiet ");
    fault_add(options, RECORDER_OPTIONS_MAX, strategies[plan->strategy]);
    if (plan->config.sample_rate < 1)
        recorder_add_fraction(options, " --sample-rate ", plan->config.sample_rate);
    if (plan->config.max_overhead_percent < 100)
        recorder_add_fraction(options, " --max-overhead-percent ",
                              plan->config.max_overhead_percent);
    if (plan->is_measured)
        fault_add(options, RECORDER_OPTIONS_MAX, " --performance-monitoring");
    if (plan->track_tasks)
        fault_add(options, RECORDER_OPTIONS_MAX, " --track-async");
}

static int recorder_begin_fault(long err, const struct begin_reply *reply,
                                struct memscope_error *error)
{
    if (reply->text[0])
        return fault_set(error, MEMSCOPE_E_NO_COLLECTOR, "the recorder refuses", reply->text);
    if (err == -ETIMEDOUT)
        return fault_set(error, MEMSCOPE_E_TIMEOUT, "the recorder does not start in time", NULL);
    if (err == -ENOENT || err == -EPROTO)
        return fault_set(error, MEMSCOPE_E_NO_COLLECTOR,
                         "the memscope executable does not start a recorder", NULL);
    return fault_errno(error, MEMSCOPE_E_DENIED, "the recorder cannot be started", err);
}

/* Starts a collector and joins its session. */
static int recorder_begin(const struct backend_plan *plan, struct memscope_error *error)
{
    char executable[HELPER_PATH_MAX], options[RECORDER_OPTIONS_MAX];
    struct begin_reply reply;
    long fd = -1;
    if (atomic_load(&process.quiet))
        return fault_set(error, MEMSCOPE_E_DENIED,
                         "the program has put itself into a sandbox: nothing is started from it",
                         NULL);
    if (helper_find(executable) != 0)
        return fault_set(error, MEMSCOPE_E_NO_COLLECTOR,
                         "the memscope executable is neither beside the library nor in PATH; "
                         "MEMSCOPE_EXE may name it",
                         NULL);
    recorder_options(options, plan);
    long err = begin_collector(executable, options, recorder_environ(), &fd, &reply);
    if (err < 0)
        return recorder_begin_fault(err, &reply, error);
    bool joined = start_join();
    begin_release(fd);
    if (!joined)
        return fault_set(error, MEMSCOPE_E_DENIED,
                         "the recorder's memory cannot be reached (no /proc?)", NULL);
    recorder.is_ours = true;
    recorder.strategy = plan->is_forced ? plan->strategy : MEMSCOPE_STRATEGY_AUTO;
    recorder.sample_rate = plan->config.sample_rate;
    return MEMSCOPE_OK;
}

/* Whether the recording that runs is what the plan wants. */
static int recorder_fits(const struct backend_plan *plan, struct memscope_error *error)
{
    if (!recorder.is_ours)
        return MEMSCOPE_OK;
    int strategy = strategy_from_wire(process.segment->config.strategy);
    if (plan->is_forced && plan->strategy != strategy)
        return fault_set(error, MEMSCOPE_E_BUSY,
                         "this process is already recorded with another strategy",
                         memscope_strategy_name(strategy));
    if (plan->config.sample_rate < recorder.sample_rate ||
        plan->config.sample_rate > recorder.sample_rate)
        return fault_set(error, MEMSCOPE_E_BUSY,
                         "this process is already recorded at another sampling rate", NULL);
    return MEMSCOPE_OK;
}

static bool recorder_switch(uint32_t from, uint32_t to)
{
    return atomic_compare_exchange_strong(&process.segment->recording, &from, to);
}

static int recorder_ask(enum control_kind kind, struct client_reply *ret_reply,
                        struct memscope_error *error)
{
    const struct timespec pause = {.tv_nsec = RECORDER_PAUSE_NS};
    struct client_question question = {.kind = kind, .stamp = process_stamp()};
    int err = MEMSCOPE_E_NOT_FOUND;
    if (!process.segment)
        return fault_set(error, MEMSCOPE_E_NOT_TRACKING, "nothing is recorded", NULL);
    /* A forked child is seen a moment after it has registered. */
    for (int i = 0; !recorder.whole && i < RECORDER_TRIES; i++) {
        question.pid = recorder_pid();
        err = client_ask(process.segment, &question, ret_reply, error);
        if (err != MEMSCOPE_E_NOT_FOUND)
            return err;
        syscall_3(SYS_nanosleep, (long)(uintptr_t)&pause, 0, 0);
    }
    recorder.whole = true;
    question.pid = 0;
    return client_ask(process.segment, &question, ret_reply, error);
}

/* Off, without having been asked for: the collector was not looking, or is gone. */
static int recorder_await_on(struct memscope_error *error)
{
    struct client_reply reply;
    uint32_t recording = atomic_load(&process.segment->recording);
    if (recording == WIRE_ON)
        return MEMSCOPE_OK;
    int err = recorder_ask(CONTROL_STATUS, &reply, error);
    if (err < 0)
        return err;
    if (atomic_load(&process.segment->recording) == WIRE_ON)
        return MEMSCOPE_OK;
    if (recording == WIRE_ENDED)
        return fault_set(error, MEMSCOPE_E_COLLECTOR_LOST, "the recording was ended", NULL);
    return fault_set(error, MEMSCOPE_E_BUSY, "the recording is paused by somebody else", NULL);
}

/* With the lock. */
static int recorder_start(const struct backend_plan *plan, struct memscope_error *error)
{
    if (!hooks_ready())
        return fault_set(error, MEMSCOPE_E_NOT_HOOKED, "the real malloc was not found", NULL);
    int err = process.segment ? recorder_fits(plan, error) : recorder_begin(plan, error);
    if (err < 0)
        return err;
    late_redirect();
    if (recorder.is_ours)
        recorder_switch(WIRE_PAUSED, WIRE_ON);
    err = recorder_await_on(error);
    if (err < 0)
        return err;
    if (!process_ready())
        return fault_set(error, MEMSCOPE_E_MEMORY, "there is no place for this process", NULL);
    if (!late_is_seen())
        return fault_set(error, MEMSCOPE_E_NOT_HOOKED,
                         "an allocation was made that no hook saw: the program, or a library "
                         "before memscope's, has a malloc of its own",
                         NULL);
    return MEMSCOPE_OK;
}

static void recorder_pause(void)
{
    if (recorder.hold_n == 0 && recorder.is_ours && process.segment)
        recorder_switch(WIRE_ON, WIRE_PAUSED);
}

int recorder_take(const struct backend_plan *plan, struct recorder_hold *ret_hold,
                  struct control_status *ret_status, struct memscope_error *error)
{
    bool partial;
    recorder_enter();
    int err = recorder_start(plan, error);
    if (err == MEMSCOPE_OK)
        err = recorder_status(ret_status, &partial, error);
    if (err == MEMSCOPE_OK) {
        recorder.hold_n++;
        *ret_hold = (struct recorder_hold){.image = recorder.image, .ordinal = ++recorder.ordinal};
    } else {
        recorder_pause();
    }
    recorder_leave();
    return err;
}

void recorder_give(struct recorder_hold *hold)
{
    recorder_enter();
    if (hold->image == recorder.image && hold->image && recorder.hold_n) {
        recorder.hold_n--;
        recorder_pause();
    }
    hold->image = 0;
    recorder_leave();
}

bool recorder_forked(const struct recorder_hold *hold)
{
    return hold->image && hold->image != lock_image();
}

int recorder_status(struct control_status *ret_status, bool *ret_partial,
                    struct memscope_error *error)
{
    struct client_reply reply;
    int err = recorder_ask(CONTROL_COLLECT, &reply, error);
    if (err < 0)
        return err;
    if (reply.fd >= 0)
        syscall_3(SYS_close, reply.fd, 0, 0);
    *ret_status = reply.status;
    *ret_partial = (reply.value & CONTROL_PARTIAL) != 0;
    return MEMSCOPE_OK;
}

int recorder_snapshot(long *ret_fd, bool *ret_partial, struct memscope_error *error)
{
    struct client_reply reply;
    int err = recorder_ask(CONTROL_SNAPSHOT, &reply, error);
    if (err < 0)
        return err;
    if (reply.fd < 0)
        return fault_set(error, MEMSCOPE_E_COLLECTOR_LOST, "the recorder sent no recording", NULL);
    *ret_fd = reply.fd;
    *ret_partial = (reply.value & CONTROL_PARTIAL) != 0;
    return MEMSCOPE_OK;
}

int recorder_strategy(void)
{
    return process.segment ? strategy_from_wire(process.segment->config.strategy)
                           : MEMSCOPE_STRATEGY_AUTO;
}

int memscope_is_recording(void)
{
    const struct wire_segment *segment =
            atomic_load_explicit(&process.hooked, memory_order_acquire);
    return segment && atomic_load_explicit(&segment->recording, memory_order_relaxed) == WIRE_ON;
}
