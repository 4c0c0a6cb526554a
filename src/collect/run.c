/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launcher's side: makes the segment, forks the collector, lets the program go, and waits for
 * both. The collector is in a session of its own: what the terminal sends never reaches the drain.
 *
 * Every program waits for its start: so the collector is forked first of all and gets ready while
 * the launcher finds and judges the program, and the strategy goes into the segment afterwards.
 */
#include "collect/run.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collect/collector.h"
#include "collect/facts.h"
#include "collect/library.h"
#include "collect/own_cost.h"
#include "collect/run_segment.h"
#include "collect/ticks.h"
#include "launch/choice.h"
#include "launch/detect.h"
#include "launch/program.h"
#include "launch/spawn.h"
#include "wire/begin.h"

enum {
    RUN_FD_LEAST = 1000,
    RUN_DETECT_MS = 300,
    RUN_KB = 1024,
};

/* What the launcher notes for the recording after the collector was forked: shared memory. */
struct run_notes {
    char reason[256];                                              /* of the strategy */
    char evidence[DETECT_EVIDENCE_MAX * (DETECT_TEXT_BYTES + 32)]; /* lines, for the report */
};

struct run {
    const struct run_request *request;
    struct launch_result *result;
    struct program program;
    enum run_strategy strategy; /* forced, or chosen by what kind of program it is */
    struct segment segment;
    struct run_notes *notes;
    uint32_t found;      /* enum wire_found */
    pid_t collector;     /* as /proc shows it */
    pid_t collector_pid; /* that fork gave; 0: it is no child of ours */
    int socket;
    int report_fd; /* in the collector: the program's standard error, or -1 */
};

static void run_warn(struct run *run, const char *format, const char *what)
{
    char *warning;
    /* The format is one of this file's own sentences. */
    struct diag diag = {0};
    diag_set(&diag, 0, "%s", format);
    if (asprintf(&warning, "%s: %s", diag.text, what) < 0)
        return;
    if (!VEC_PUSH(&run->result->warnings, LAUNCH_WARNINGS_MAX, warning))
        free(warning);
}

static uint32_t run_strategy(const struct run *run)
{
    if (run->request->mode == RUN_MODE_LEGACY)
        return WIRE_LEGACY;
    switch (run->strategy) {
    case RUN_STRATEGY_SINGLE_THREAD:
        return WIRE_SINGLE_THREAD;
    case RUN_STRATEGY_THREAD_LOCAL:
        return WIRE_THREAD_LOCAL;
    case RUN_STRATEGY_ASYNC:
        return WIRE_ASYNC;
    case RUN_STRATEGY_HYBRID:
        return WIRE_HYBRID;
    case RUN_STRATEGY_AUTO:
        break;
    }
    return run->program.imports_threads ? WIRE_THREAD_LOCAL : WIRE_SINGLE_THREAD;
}

static bool run_tracks_tasks(const struct run_request *request)
{
    return request->track_async || request->strategy == RUN_STRATEGY_AUTO ||
           request->strategy == RUN_STRATEGY_ASYNC || request->strategy == RUN_STRATEGY_HYBRID;
}

/* Of each piece: how far it carries, what it speaks for, what was seen. */
static void run_note_evidence(struct run *run, const struct detect *detect)
{
    size_t n = 0;
    char *lines = run->notes->evidence;
    for (uint32_t i = 0; i < detect->evidence_n && n < sizeof run->notes->evidence; i++) {
        const struct detect_evidence *evidence = &detect->evidence[i];
        const char *for_what = evidence->for_async     ? "tasks"
                               : evidence->for_threads ? "threads"
                                                       : "one-thread";
        n += (size_t)snprintf(lines + n, sizeof run->notes->evidence - n, "%s%.2f %s %s",
                              i ? " | " : "", evidence->weight, for_what, evidence->text);
    }
}

/* What of the program's tasks is not as it should be, or must be looked for; says so. */
static uint32_t run_found(struct run *run, const struct detect *detect)
{
    bool asked = run->request->track_async || run->request->strategy == RUN_STRATEGY_ASYNC;
    bool hidden = asked && detect->coroutines_hidden && !detect->runtime[0];
    if (detect->boundary_missing)
        run_warn(run, run->program.path,
                 "uses Tokio, but its tasks cannot be told apart: their tables were not found "
                 "(before Tokio 1.23?)");
    if (hidden)
        run_warn(run, run->program.path,
                 "has no symbols, by which C++20 coroutines are known: they are looked for by "
                 "their frames");
    return (detect->coroutines || hidden ? WIRE_FOUND_COROUTINES : 0u) |
           (detect->boundary_missing ? WIRE_FOUND_NO_BOUNDARY : 0u);
}

/* Chooses by what the program's file tells, and notes why. */
static enum run_strategy run_choose(struct run *run)
{
    const struct detect_options options = {.timeout_ms = RUN_DETECT_MS};
    struct detect detect;
    struct diag ignored = {0};
    bool chosen = run->request->strategy != RUN_STRATEGY_AUTO;
    char *reason = run->notes->reason;
    snprintf(reason, sizeof run->notes->reason, "it was asked for");
    if (run->request->mode == RUN_MODE_LEGACY || (chosen && !run_tracks_tasks(run->request)))
        return run->request->strategy;
    if (detect_program(run->program.path, &options, &detect, &ignored) < 0) {
        if (!chosen)
            snprintf(reason, sizeof run->notes->reason, "its file cannot be read");
        return run->request->strategy;
    }
    run->found = run_found(run, &detect);
    run_note_evidence(run, &detect);
    if (chosen)
        return run->request->strategy;
    snprintf(reason, sizeof run->notes->reason, "%s (confidence %.2f)",
             detect.evidence_n ? detect.evidence[0].text : "nothing speaks against it",
             detect.confidence);
    return detect.recommended;
}

static int run_make_notes(struct run *run, struct diag *diag)
{
    void *at = mmap(NULL, sizeof *run->notes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                    -1, 0);
    if (at == MAP_FAILED)
        return diag_set(diag, ERR_MEMORY, "no memory for the recorder");
    run->notes = at;
    return 0;
}

/* What was found of the program; before its first image looks. */
static void run_tell_found(struct run *run)
{
    run->segment.at->config.strategy = run_strategy(run);
    run->segment.at->config.found = run->found;
}

/* What ends or stops programs from a terminal must not end the collector. */
static void run_set_signals(void)
{
    static const int ignored[] = {SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGXFSZ};
    for (int number = 1; number < NSIG; number++) {
        if (number != SIGKILL && number != SIGSTOP)
            signal(number, SIG_DFL);
    }
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
}

/* In the collector: nothing of the user's terminal, pipes or working directory is held. */
static void run_become_collector(struct run *run)
{
    setsid();
    run->report_fd =
            run->request->on_done ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, RUN_FD_LEAST) : -1;
    int keep[2] = {fcntl(run->segment.fd, F_DUPFD_CLOEXEC, RUN_FD_LEAST),
                   fcntl(run->socket, F_DUPFD_CLOEXEC, RUN_FD_LEAST)};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2 && null >= 0; fd++)
        dup2(null, fd);
    close_range(3, RUN_FD_LEAST - 1, 0);
    if (keep[0] >= 0)
        run->segment.fd = keep[0];
    if (keep[1] >= 0)
        run->socket = keep[1];
    run_set_signals();
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* A descriptor for each process and module of a large tree. */
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static int run_collect(struct run *run, pid_t asker)
{
    run_become_collector(run);
    const struct collector_start start = {.segment = &run->segment,
                                          .socket = run->socket,
                                          .request = run->request,
                                          .reason = run->notes->reason,
                                          .evidence = run->notes->evidence,
                                          .asker = asker,
                                          .report_fd = run->report_fd};
    return collector_main(&start);
}

/*
 * Forks the collector; as a grandchild where this process becomes the program, which must have no
 * child that it knows nothing of.
 */
static int run_fork_collector(struct run *run, bool as_stranger, struct diag *diag)
{
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return diag_set_errno(diag, ERR_IO, errno, "cannot make a socket");
    /* The number that the door names must be the collector's: fix it before the fork. */
    int fd = fcntl(run->segment.fd, F_DUPFD_CLOEXEC, RUN_FD_LEAST);
    if (fd >= 0) {
        close(run->segment.fd);
        run->segment.fd = fd;
    }
    pid_t child = fork();
    if (child < 0)
        return diag_set_errno(diag, ERR_IO, errno, "cannot start the collector");
    if (child == 0) {
        close(sockets[0]);
        run->socket = sockets[1];
        if (as_stranger && fork() != 0)
            _exit(0);
        _exit(run_collect(run, 0));
    }
    close(sockets[1]);
    run->socket = sockets[0];
    if (as_stranger)
        waitpid(child, NULL, 0);
    else
        run->collector_pid = child;
    return 0;
}

static int run_await_hello(struct run *run, struct diag *diag)
{
    struct collector_message message;
    if (collector_receive(run->socket, &message) != 0 || message.kind != COLLECTOR_HELLO)
        return diag_set(diag, ERR_STATE, "the collector does not start");
    run->collector = message.pid;
    return 0;
}

/* The program cannot be recorded: the collector ends, which has nothing to do yet. */
static void run_drop_collector(struct run *run)
{
    if (run->socket < 0)
        return;
    close(run->socket);
    run->socket = -1;
    segment_done(&run->segment);
    if (run->collector_pid)
        waitpid(run->collector_pid, NULL, 0);
}

static int run_begin_session(struct run *run, enum collector_message_kind kind, pid_t target,
                             struct diag *diag)
{
    struct collector_message message = {.kind = kind,
                                        .pid = target,
                                        .launcher_cpu_ns =
                                                own_cost_clock(CLOCK_PROCESS_CPUTIME_ID)};
    if (collector_send(run->socket, &message) < 0 || collector_receive(run->socket, &message) != 0)
        return diag_set(diag, ERR_STATE, "the collector ended before the program began");
    if (message.kind != COLLECTOR_READY)
        return diag_set(diag, ERR_IO, "%s", message.text);
    return 0;
}

static void run_tell_start(struct run *run, pid_t pid)
{
    const struct run_request *request = run->request;
    if (request->quiet || !request->on_start)
        return;
    struct diag sentence = {0};
    diag_set(&sentence, 0, "tracking pid %d, strategy %s", (int)pid,
             facts_strategy_name(run_strategy(run)));
    request->on_start(request->on_start_context, sentence.text);
}

static void run_note_status(struct launch_result *result, int status)
{
    result->end = WIFSIGNALED(status) ? LAUNCH_SIGNALED : LAUNCH_EXITED;
    result->status = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

/* Nothing was recorded: why, and what would help. */
static void run_tell_nothing(struct run *run, const struct collector_message *message)
{
    struct diag sentence = {0};
    const char *plural = message->passed_n + message->unrecorded_n == 1 ? "" : "s";
    if (message->passed_n && message->unrecorded_n)
        diag_set(&sentence, 0,
                 "nothing was recorded: %u program%s ran; passed over: %s (--include NAME records "
                 "them too); cannot be recorded: %s",
                 message->passed_n + message->unrecorded_n, plural, message->passed,
                 message->unrecorded);
    else if (message->unrecorded_n)
        diag_set(&sentence, 0, "nothing was recorded: %u program%s ran that cannot be: %s",
                 message->unrecorded_n, plural, message->unrecorded);
    else if (message->passed_n)
        diag_set(&sentence, 0,
                 "nothing was recorded: %u program%s ran and %s passed over (%s); --include NAME "
                 "records them too",
                 message->passed_n, plural, message->passed_n == 1 ? "was" : "were",
                 message->passed);
    else
        diag_set(&sentence, 0, "ran, but nothing was recorded: the library was not loaded into it");
    run_warn(run, run->request->argv[0], sentence.text);
}

static uint64_t run_peak_of(int whom)
{
    struct rusage usage;
    return getrusage(whom, &usage) == 0 ? (uint64_t)usage.ru_maxrss * RUN_KB : 0;
}

/*
 * The highest peak of the command's images, as wait(2) told it; 0: it did not. Before its first
 * image the child was a copy of us: a peak that is no higher than ours may be ours.
 */
static uint64_t run_command_peak(uint64_t children_before)
{
    uint64_t peak = run_peak_of(RUSAGE_CHILDREN);
    return peak > children_before && peak > run_peak_of(RUSAGE_SELF) ? peak : 0;
}

/* Tells the collector how the command ended, and waits for the recording. */
static void run_finish(struct run *run, uint64_t peak_bytes, const struct spawn_usage *usage)
{
    struct collector_message message = {
            .kind = COLLECTOR_ENDED,
            .pid = run->result->pid,
            .end = run->result->end == LAUNCH_SIGNALED ? PROCESS_SIGNALED : PROCESS_EXITED,
            .status = run->result->status,
            .rss_peak_bytes = peak_bytes,
            .program_cpu_ns = usage->cpu_ns,
            .program_fault_n = usage->fault_n,
            .program_switch_n = usage->switch_n,
            .launcher_cpu_ns = own_cost_clock(CLOCK_PROCESS_CPUTIME_ID),
    };
    collector_send(run->socket, &message);
    if (collector_receive(run->socket, &message) != 0 || message.kind != COLLECTOR_DONE) {
        run_warn(run, "the recording is not complete", "the collector ended early");
        return;
    }
    run->result->recording_path = strdup(message.text);
    run->result->running_n = message.running_n;
    if (message.image_n == 0)
        run_tell_nothing(run, &message);
}

/* A program that cannot be recorded: as it is, with its own status. */
static int run_bare(struct run *run, const char *why, struct diag *diag)
{
    struct spawn spawn;
    char sentence[sizeof diag->text + 32];
    snprintf(sentence, sizeof sentence, "runs unrecorded: %s", why);
    run_warn(run, run->request->argv[0], sentence);
    int err = spawn_prepare(SPAWN_HERE, run->program.path, run->request->argv, NULL, &spawn, diag);
    if (err < 0)
        return err;
    run->result->pid = spawn.pid;
    spawn_forward_signals(&spawn);
    int error = spawn_go(&spawn);
    if (error) {
        run->result->end = error == ENOENT ? LAUNCH_NOT_FOUND : LAUNCH_NOT_EXECUTABLE;
        diag_set_errno(diag, 0, error, "cannot execute %s", run->program.path);
        return 0;
    }
    run_note_status(run->result, spawn_wait(&spawn, &(struct spawn_usage){0}));
    return 0;
}

/* The environment that lets the program into the session; NULL with the reason in the diag. */
static char **run_environment(struct run *run, struct diag *diag)
{
    char library[LIBRARY_PATH_MAX], door[96];
    run_tell_found(run);
    int err = library_find(library, diag);
    if (err == 0)
        err = library_check(library, diag);
    if (err == 0)
        err = run_await_hello(run, diag);
    if (err == 0)
        segment_door(&run->segment, run->collector, door, sizeof door);
    segment_done(&run->segment); /* the collector's alone from here on */
    char **envp = err == 0 ? spawn_environment(library, door) : NULL;
    if (err == 0 && !envp)
        diag_set(diag, ERR_MEMORY, "no memory for the environment");
    return envp;
}

/* Starts the program within a session that is ready for it. */
static int run_recorded(struct run *run, struct diag *diag)
{
    char **envp = run_environment(run, diag);
    if (!envp)
        return ERR_STATE;
    struct spawn spawn;
    int err = spawn_prepare(SPAWN_HERE, run->program.path, run->request->argv, envp, &spawn, diag);
    spawn_environment_free(envp);
    if (err < 0)
        return err;
    err = run_begin_session(run, COLLECTOR_BEGIN, spawn.pid, diag);
    if (err < 0) {
        spawn_cancel(&spawn);
        return err;
    }
    run->result->pid = spawn.pid;
    run_tell_start(run, spawn.pid);
    if (run->request->on_running)
        run->request->on_running(run->request->on_running_context, spawn.pid);
    spawn_forward_signals(&spawn);
    int error = spawn_go(&spawn);
    if (error) {
        run->result->end = error == ENOENT ? LAUNCH_NOT_FOUND : LAUNCH_NOT_EXECUTABLE;
        diag_set_errno(diag, 0, error, "cannot execute %s", run->program.path);
        return 0;
    }
    struct spawn_usage usage;
    uint64_t children_before = run_peak_of(RUSAGE_CHILDREN);
    run_note_status(run->result, spawn_wait(&spawn, &usage));
    run_finish(run, run_command_peak(children_before), &usage);
    return 0;
}

/* Finds the program and chooses the strategy. True: it cannot be started, *result says why. */
static bool run_find(struct run *run, struct diag *diag)
{
    int err = program_find(run->request->argv[0], &run->program, diag);
    if (err == ERR_MISSING || err == ERR_DENIED) {
        run->result->end = err == ERR_MISSING ? LAUNCH_NOT_FOUND : LAUNCH_NOT_EXECUTABLE;
        return true;
    }
    run->strategy = run_choose(run);
    const char *elsewhere = choice_elsewhere(run->request->argv);
    if (elsewhere)
        run_warn(run, run->request->argv[0], elsewhere);
    return false;
}

int run_program(const struct run_request *request, struct launch_result *ret_result,
                struct diag *diag)
{
    struct launch_result result = {0};
    struct run run = {.request = request, .result = &result, .socket = -1};
    struct diag trouble = {0};
    int err = run_make_notes(&run, diag);
    if (err < 0)
        return err;
    bool has_segment = run_segment_make(request, &run.segment, &trouble) == 0;
    if (has_segment)
        err = run_fork_collector(&run, false, diag);
    if (err == 0 && run_find(&run, diag)) {
        run_drop_collector(&run);
        *ret_result = result;
        return 0;
    }
    if (err == 0 && (run.program.reach != PROGRAM_REACHED || !has_segment)) {
        run_drop_collector(&run);
        err = run_bare(&run, has_segment ? program_reach_text(run.program.reach) : trouble.text,
                       diag);
    } else if (err == 0) {
        err = run_recorded(&run, diag);
        close(run.socket);
    }
    if (err < 0) {
        launch_result_done(&result);
        return err;
    }
    *ret_result = result;
    return 0;
}

/* Executes the program here; returns only when that failed. */
static void run_execute(struct run *run, char *const *envp, struct diag *diag)
{
    spawn_execute(run->program.path, run->request->argv, envp);
    int error = errno;
    run->result->end = error == ENOENT ? LAUNCH_NOT_FOUND : LAUNCH_NOT_EXECUTABLE;
    diag_set_errno(diag, 0, error, "cannot execute %s", run->program.path);
}

int run_become(const struct run_request *request, struct launch_result *ret_result,
               struct diag *diag)
{
    struct launch_result result = {0};
    struct run run = {.request = request, .result = &result, .socket = -1};
    struct diag trouble = {0};
    int made = run_make_notes(&run, diag);
    if (made < 0)
        return made;
    if (run_find(&run, diag)) {
        *ret_result = result;
        return 0;
    }
    char **envp = NULL;
    if (run.program.reach == PROGRAM_REACHED &&
        run_segment_make(request, &run.segment, &trouble) == 0) {
        int err = run_fork_collector(&run, true, diag);
        envp = err == 0 ? run_environment(&run, diag) : NULL;
        if (err == 0)
            err = envp ? run_begin_session(&run, COLLECTOR_BECOME, getpid(), diag) : ERR_STATE;
        if (err < 0) {
            spawn_environment_free(envp);
            launch_result_done(&result);
            return err;
        }
        run_tell_start(&run, getpid());
    } else if (!request->quiet && request->on_start) {
        diag_set(&trouble, 0, "%s runs unrecorded: %s", request->argv[0],
                 program_reach_text(run.program.reach));
        request->on_start(request->on_start_context, trouble.text);
    }
    run_execute(&run, envp, diag);
    spawn_environment_free(envp);
    if (run.socket >= 0) {
        /* Nothing ran: the collector leaves nothing. */
        const struct collector_message cancel = {.kind = COLLECTOR_CANCEL};
        collector_send(run.socket, &cancel);
        close(run.socket);
    }
    *ret_result = result;
    return 0;
}

int run_asked(const struct run_request *request, pid_t asker, int socket)
{
    struct launch_result result = {0};
    struct run run = {.request = request, .result = &result, .socket = socket};
    struct diag diag = {0};
    struct begin_reply refusal = {.magic = BEGIN_MAGIC, .version = BEGIN_VERSION, .failed = 1};
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/exe", (int)asker);
    ssize_t n = readlink(path, run.program.path, sizeof run.program.path - 1);
    run.program.path[n < 0 ? 0 : n] = 0;
    int err = run_make_notes(&run, &diag);
    if (err == 0) {
        run.strategy = run_choose(&run);
        err = run_segment_make(request, &run.segment, &diag);
    }
    int status = 125;
    if (err == 0) {
        run_tell_found(&run);
        int fd = fcntl(run.segment.fd, F_DUPFD_CLOEXEC, RUN_FD_LEAST);
        if (fd >= 0) {
            close(run.segment.fd);
            run.segment.fd = fd;
        }
        status = run_collect(&run, asker);
    } else {
        snprintf(refusal.text, sizeof refusal.text, "%.470s", diag.text);
        ssize_t sent = send(socket, &refusal, sizeof refusal, MSG_NOSIGNAL);
        status = sent < 0 ? status : 125;
    }
    launch_result_done(&result);
    return status;
}

void launch_result_done(struct launch_result *result)
{
    free(result->recording_path);
    for (size_t i = 0; i < result->warnings.n; i++)
        free(result->warnings.at[i]);
    vec_done(&result->warnings);
    *result = (struct launch_result){0};
}
