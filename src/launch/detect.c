/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence and judgement. Pieces of evidence for one thing add up as 1 - (1-a)(1-b)...; the weights
 * and the two priors were chosen on one half of the programs of the test's table and are judged by
 * the other half.
 */
#include "launch/detect.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "launch/detect_elf.h"
#include "launch/program.h"

/* Threads that live shorter than the time between two looks are missed: few looks say little. */
enum { DETECT_TIMEOUT_MS = 5000, DETECT_LOOKS_MANY = 100 };

/* Tables of async-task are known by a weaker shape than Tokio's: one alone may be something else.
 */
enum { DETECT_TABLES_LEAST = 2 };

/* How often a program without evidence for threads or tasks has them all the same. */
static const double detect_hidden_threads = 0.05, detect_hidden_tasks = 0.02;
static const double detect_default_threshold = 0.8;

struct detection {
    struct detect *detect;
    const struct detect_elf *elf;
    struct timespec until;
};

/* What a runtime is known by; NULL fields are not looked at. */
struct detect_runtime {
    const char *name;
    const char *library, *call; /* it needs the library, and imports one of its main loop's calls */
    const char *defines;        /* the program has the runtime in itself, and exports it */
    const char *symbol;         /* part of a name in the symbol table */
    const char *path;           /* part of a source path in the constants, before the version */
    double called, linked, defined, named, mentioned;
    bool threaded; /* the library starts threads of its own */
};

static const struct detect_runtime detect_runtimes[] = {
        {.name = "tokio",
         .symbol = "5tokio7runtime4task3raw",
         .path = "/tokio-",
         .named = 0.98,
         .mentioned = 0.7},
        {.name = "async-task",
         .symbol = "10async_task3raw",
         .path = "/async-task-",
         .named = 0.98,
         .mentioned = 0.7},
        {.name = "libuv",
         .library = "libuv.so",
         .call = "uv_run",
         .defines = "uv_run",
         .called = 0.95,
         .linked = 0.4,
         .defined = 0.97},
        {.name = "libuv",
         .library = "libnode.so",
         .call = "_ZN4node5StartEiPPc",
         .called = 0.97,
         .linked = 0.9,
         .threaded = true},
        {.name = "glib",
         .library = "libglib-2.0.so",
         .call = "g_main_loop_run",
         .called = 0.9,
         .linked = 0.1},
        {.name = "glib",
         .library = "libgio-2.0.so",
         .call = "g_application_run",
         .called = 0.9,
         .linked = 0.1},
        {.name = "libevent",
         .library = "libevent",
         .call = "event_base_loop",
         .called = 0.9,
         .linked = 0.4},
        {.name = "libevent", .library = "libevent", .call = "event_base_dispatch", .called = 0.9},
        {.name = "libevent", .library = "libevent", .call = "event_loop", .called = 0.9},
        {.name = "libev", .library = "libev.so", .call = "ev_run", .called = 0.9, .linked = 0.4},
        {.name = "boost.asio", .symbol = "4asio6detail9scheduler", .named = 0.95},
        {.name = "c++20 coroutines", .symbol = ".actor", .named = 0.9},
        {.name = "c++20 coroutines", .symbol = ".resume", .named = 0.9},
};

static bool detect_is_late(const struct detection *detection)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    bool late = now.tv_sec > detection->until.tv_sec ||
                (now.tv_sec == detection->until.tv_sec && now.tv_nsec > detection->until.tv_nsec);
    if (late)
        detection->detect->complete = false;
    return late;
}

enum detect_side { DETECT_FOR_NOTHING, DETECT_FOR_THREADS, DETECT_FOR_ASYNC };

__attribute__((format(printf, 5, 6))) static void detect_note(struct detection *detection,
                                                              enum detect_side side, double weight,
                                                              bool running, const char *format, ...)
{
    struct detect *detect = detection->detect;
    if (detect->evidence_n == DETECT_EVIDENCE_MAX || weight <= 0)
        return;
    struct detect_evidence *evidence = &detect->evidence[detect->evidence_n++];
    *evidence = (struct detect_evidence){.weight = weight,
                                         .for_async = side == DETECT_FOR_ASYNC,
                                         .for_threads = side == DETECT_FOR_THREADS,
                                         .seen_running = running};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(evidence->text, sizeof evidence->text, format, arguments);
    va_end(arguments);
}

static void detect_name_runtime(struct detection *detection, const char *name)
{
    if (!detection->detect->runtime[0])
        snprintf(detection->detect->runtime, sizeof detection->detect->runtime, "%s", name);
}

static void detect_linked_runtime(struct detection *detection, const struct detect_runtime *runtime)
{
    const char *library = NULL;
    if (runtime->defines && detect_elf_defines(detection->elf, runtime->defines)) {
        detect_note(detection, DETECT_FOR_ASYNC, runtime->defined, false,
                    "%s is part of the program", runtime->name);
        detect_name_runtime(detection, runtime->name);
    } else if (runtime->library && detect_elf_needs(detection->elf, runtime->library, &library)) {
        bool called = detect_elf_imports(detection->elf, runtime->call);
        detect_note(detection, DETECT_FOR_ASYNC, called ? runtime->called : runtime->linked, false,
                    called ? "it calls %s of %s" : "it does not call %s, but needs %s",
                    runtime->call, library);
        if (called)
            detect_name_runtime(detection, runtime->name);
        if (runtime->threaded)
            detect_note(detection, DETECT_FOR_THREADS, runtime->called, false,
                        "%s starts threads of its own", library);
    }
}

/* The version behind a crate's name in a path: digits and dots, ended by a slash. */
static bool detect_version(const char *text, size_t n, const char *prefix, char *ret_version,
                           size_t size)
{
    const char *at = text, *end = text + n;
    size_t prefix_n = strlen(prefix);
    while (at < end && (at = memmem(at, (size_t)(end - at), prefix, prefix_n)) != NULL) {
        at += prefix_n;
        size_t length = 0;
        while (at + length < end && (at[length] == '.' || (at[length] >= '0' && at[length] <= '9')))
            length++;
        if (length >= 5 && length < size && at + length < end && at[length] == '/') {
            memcpy(ret_version, at, length);
            ret_version[length] = 0;
            return true;
        }
    }
    return false;
}

/*
 * Paths in constants and task tables are looked for only where there may be Rust: those are the
 * large sections, and reading them takes longer than most commands run. rustc leaves its name in
 * .comment since 1.73; before that (and since, unless all is static) std needs libgcc_s.
 */
static bool detect_may_be_rust(const struct detect_elf *elf)
{
    size_t n, dynamic_n;
    char *comment = detect_elf_section(elf, ".comment", &n);
    bool named = comment && memmem(comment, n, "rustc", strlen("rustc"));
    char *dynamic = detect_elf_section(elf, ".dynamic", &dynamic_n);
    bool is_static = !dynamic;
    free(comment);
    free(dynamic);
    return named || is_static || detect_elf_needs(elf, "libgcc_s.so", NULL);
}

static void detect_paths(struct detection *detection)
{
    size_t n;
    char *text = detect_elf_section(detection->elf, ".rodata", &n);
    for (size_t i = 0; text && i < sizeof detect_runtimes / sizeof *detect_runtimes; i++) {
        const struct detect_runtime *runtime = &detect_runtimes[i];
        char version[DETECT_NAME_BYTES];
        if (!runtime->path || !detect_version(text, n, runtime->path, version, sizeof version))
            continue;
        detect_note(detection, DETECT_FOR_ASYNC, runtime->mentioned, false,
                    "its constants name source files of %s %s", runtime->name, version);
        if (!detection->detect->runtime[0])
            snprintf(detection->detect->version, sizeof version, "%s", version);
        detect_name_runtime(detection, runtime->name);
    }
    free(text);
}

/* True when a symbol's name holds the part; one that begins with a dot must end the name. */
static bool detect_names(const char *names, size_t n, const char *part)
{
    return memmem(names, n, part, strlen(part) + (*part == '.')) != NULL;
}

static void detect_symbols(struct detection *detection)
{
    size_t n;
    char *names = detect_elf_section(detection->elf, ".strtab", &n);
    for (size_t i = 0; names && i < sizeof detect_runtimes / sizeof *detect_runtimes; i++) {
        const struct detect_runtime *runtime = &detect_runtimes[i];
        if (!runtime->symbol || !detect_names(names, n, runtime->symbol))
            continue;
        detection->detect->coroutines |= *runtime->symbol == '.';
        detect_note(detection, DETECT_FOR_ASYNC, runtime->named, false,
                    "its symbols name the tasks of %s (%s)", runtime->name, runtime->symbol);
        detect_name_runtime(detection, runtime->name);
    }
    detection->detect->coroutines_hidden =
            !names && (detect_elf_needs(detection->elf, "libstdc++.so", NULL) ||
                       detect_elf_needs(detection->elf, "libc++.so", NULL));
    free(names);
}

/* A table as Tokio has it since 1.23: seven functions, then trailer, scheduler and id offsets. */
static bool detect_is_tokio_table(const struct detect_elf *elf, const uint64_t *words)
{
    for (int i = 0; i < 7; i++) {
        if (!detect_elf_is_code(elf, words[i]))
            return false;
    }
    uint64_t trailer = words[7], scheduler = words[8], id = words[9];
    return scheduler >= 32 && scheduler <= 512 && id >= scheduler && id <= scheduler + 64 &&
           id < trailer && trailer < 1 << 26 && (trailer | scheduler | id) % 8 == 0;
}

/* A layout of async-task 4's: size, alignment, and offsets of two parts that share their place and
 * of a third before them, in the order that rustc chose. */
static bool detect_is_async_task_layout(const uint64_t *layout)
{
    uint64_t bytes = layout[0] > layout[1] ? layout[0] : layout[1];
    uint64_t align = layout[0] > layout[1] ? layout[1] : layout[0];
    const uint64_t *offsets = layout + 2;
    if (bytes < 4 * sizeof(uint64_t) || bytes >= 1 << 26 || align < sizeof(uint64_t) ||
        align > 4096 || (align & (align - 1)) != 0)
        return false;
    for (int i = 0; i < 3; i++) {
        if (offsets[i] < 4 * sizeof(uint64_t) || offsets[i] > bytes)
            return false;
    }
    return offsets[0] == offsets[1] || offsets[1] == offsets[2] || offsets[0] == offsets[2];
}

/* lea rax, [rdi + n], behind endbr64: what async-task's get_output is when it is optimised. */
static bool detect_adds_constant(const struct detect_elf *elf, uint64_t function)
{
    uint8_t code[8];
    if (!detect_elf_bytes(elf, function, code, sizeof code))
        return false;
    const uint8_t *at = code[0] == 0xf3 && code[1] == 0x0f && code[2] == 0x1e ? code + 4 : code;
    return at[0] == 0x48 && at[1] == 0x8d && (at[2] == 0x47 || at[2] == 0x87);
}

/* A table as async-task 4 has it: seven functions, then the address of its layout. */
static bool detect_is_async_task_table(const struct detect_elf *elf, const uint64_t *words)
{
    uint64_t layout[5];
    for (int i = 0; i < 7; i++) {
        if (!detect_elf_is_code(elf, words[i]))
            return false;
    }
    return words[7] % sizeof *layout == 0 && !detect_elf_is_code(elf, words[7]) &&
           detect_elf_bytes(elf, words[7], layout, sizeof layout) &&
           detect_is_async_task_layout(layout) && detect_adds_constant(elf, words[2]);
}

static void detect_tables(struct detection *detection)
{
    size_t n;
    uint64_t address;
    unsigned table_n = 0, async_task_n = 0;
    uint64_t *words = detect_elf_constants(detection->elf, &n, &address);
    for (size_t i = 0; words && i + 10 <= n; i++) {
        table_n += detect_is_tokio_table(detection->elf, words + i);
        async_task_n += detect_is_async_task_table(detection->elf, words + i);
    }
    free(words);
    if (async_task_n >= DETECT_TABLES_LEAST) {
        detect_note(detection, DETECT_FOR_ASYNC, 0.95, false,
                    "it has %u task tables as async-task 4 makes them", async_task_n);
        detect_name_runtime(detection, "async-task");
    }
    if (!table_n) {
        detection->detect->boundary_missing = strcmp(detection->detect->runtime, "tokio") == 0;
        if (detection->detect->boundary_missing)
            detect_note(detection, DETECT_FOR_ASYNC, 0.01, false,
                        "Tokio is present, but its task tables were not found (before 1.23?)");
        return;
    }
    detect_note(detection, DETECT_FOR_ASYNC, 0.97, false, "it has %u task tables of Tokio 1.23+",
                table_n);
    detect_name_runtime(detection, "tokio");
}

static void detect_threads(struct detection *detection)
{
    const struct detect_elf *elf = detection->elf;
    if (detect_elf_imports(elf, "pthread_create") || detect_elf_imports(elf, "thrd_create"))
        detect_note(detection, DETECT_FOR_THREADS, 0.85, false, "it calls pthread_create itself");
    else if (detect_elf_imports(elf, "_ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_"
                                     "StateESt14default_deleteIS1_EEPFvvE"))
        detect_note(detection, DETECT_FOR_THREADS, 0.85, false, "it starts std::thread");
    else if (detect_elf_imports(elf, "g_thread_new") || detect_elf_imports(elf, "GOMP_parallel"))
        detect_note(detection, DETECT_FOR_THREADS, 0.8, false,
                    "it starts threads through a library");
    else
        detect_note(detection, DETECT_FOR_NOTHING, 0.9, false, "it does not start threads itself");
}

static void detect_languages(struct detection *detection, const char *path)
{
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    if (strncmp(name, "python", 6) == 0 || detect_elf_needs(detection->elf, "libpython", NULL))
        detect_note(detection, DETECT_FOR_ASYNC, 0.15, false,
                    "it is a Python interpreter: the script decides (asyncio, threads)");
    size_t n;
    char *go = detect_elf_section(detection->elf, ".note.go.buildid", &n);
    if (go)
        detect_note(detection, DETECT_FOR_THREADS, 0.97, false,
                    "it is a Go program: its heap is not in malloc");
    free(go);
}

static enum run_strategy detect_recommend(const struct detect *detect, double threshold)
{
    static const enum run_strategy strategies[DETECT_ENVIRONMENTS] = {
            [DETECT_SINGLE_THREADED] = RUN_STRATEGY_SINGLE_THREAD,
            [DETECT_MULTI_THREADED] = RUN_STRATEGY_THREAD_LOCAL,
            [DETECT_ASYNC] = RUN_STRATEGY_ASYNC,
            [DETECT_HYBRID] = RUN_STRATEGY_HYBRID,
    };
    return detect->confidence < threshold ? RUN_STRATEGY_HYBRID : strategies[detect->environment];
}

static void detect_judge(struct detect *detect, const struct detect_options *options)
{
    double no_threads = 1 - detect_hidden_threads, no_tasks = 1 - detect_hidden_tasks;
    for (uint32_t i = 0; i < detect->evidence_n; i++) {
        const struct detect_evidence *evidence = &detect->evidence[i];
        if (evidence->for_threads)
            no_threads *= 1 - evidence->weight;
        if (evidence->for_async)
            no_tasks *= 1 - evidence->weight;
    }
    /* A single thread that was seen outweighs what the file says of threads. */
    for (uint32_t i = 0; i < detect->evidence_n; i++) {
        const struct detect_evidence *evidence = &detect->evidence[i];
        if (evidence->seen_running && !evidence->for_threads && !evidence->for_async)
            no_threads = 1 - (1 - no_threads) * (1 - evidence->weight);
    }
    detect->alternatives[DETECT_SINGLE_THREADED] = no_threads * no_tasks;
    detect->alternatives[DETECT_MULTI_THREADED] = (1 - no_threads) * no_tasks;
    detect->alternatives[DETECT_ASYNC] = no_threads * (1 - no_tasks);
    detect->alternatives[DETECT_HYBRID] = (1 - no_threads) * (1 - no_tasks);
    for (int i = 0; i < DETECT_ENVIRONMENTS; i++) {
        if (detect->alternatives[i] > detect->alternatives[detect->environment])
            detect->environment = (enum detect_environment)i;
    }
    detect->confidence = detect->alternatives[detect->environment];
    double threshold = options->confidence_threshold;
    detect->recommended =
            detect_recommend(detect, threshold > 0 ? threshold : detect_default_threshold);
}

static int detect_file(struct detection *detection, const char *path,
                       const struct detect_options *options, struct diag *diag)
{
    struct detect_elf elf;
    int err = detect_elf_open(&elf, path);
    if (err < 0)
        return diag_set(diag, err,
                        err == ERR_MISSING ? "%s: cannot be opened"
                                           : "%s: no program of this machine",
                        path);
    detection->elf = &elf;
    for (size_t i = 0; i < sizeof detect_runtimes / sizeof *detect_runtimes; i++)
        detect_linked_runtime(detection, &detect_runtimes[i]);
    detect_threads(detection);
    detect_languages(detection, path);
    bool rust = !options->shallow && detect_may_be_rust(&elf);
    if (rust && !detect_is_late(detection))
        detect_paths(detection);
    if (!options->shallow && !detect_is_late(detection))
        detect_symbols(detection);
    if (rust && !detect_is_late(detection))
        detect_tables(detection);
    detect_elf_done(&elf);
    detection->elf = NULL;
    return 0;
}

static void detect_begin(struct detection *detection, struct detect *detect,
                         const struct detect_options *options)
{
    uint32_t wait_ms = options->timeout_ms ? options->timeout_ms : DETECT_TIMEOUT_MS;
    *detect = (struct detect){.complete = true};
    *detection = (struct detection){.detect = detect};
    clock_gettime(CLOCK_MONOTONIC, &detection->until);
    detection->until.tv_sec += wait_ms / 1000;
    detection->until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (detection->until.tv_nsec >= 1000000000) {
        detection->until.tv_nsec -= 1000000000;
        detection->until.tv_sec++;
    }
}

static unsigned detect_count_threads(pid_t pid)
{
    char path[64];
    unsigned n = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    const struct dirent *entry;
    while (folder && (entry = readdir(folder)) != NULL)
        n += entry->d_name[0] != '.';
    if (folder)
        closedir(folder);
    return n;
}

static bool detect_has_epoll(pid_t pid)
{
    char path[64], target[64];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    const struct dirent *entry;
    while (folder && !found && (entry = readdir(folder)) != NULL) {
        ssize_t n = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
        target[n > 0 ? n : 0] = 0;
        found = strcmp(target, "anon_inode:[eventpoll]") == 0;
    }
    if (folder)
        closedir(folder);
    return found;
}

void detect_look(pid_t pid, struct detect_seen *seen)
{
    unsigned thread_n = detect_count_threads(pid);
    if (!thread_n)
        return;
    seen->look_n++;
    if (thread_n > seen->thread_n)
        seen->thread_n = thread_n;
    seen->waits_in_epoll = seen->waits_in_epoll || detect_has_epoll(pid);
}

/* That a runtime is there is seen in the file; that its loop runs, in the process. */
static void detect_note_seen(struct detection *detection, const struct detect_seen *seen)
{
    const char *runtime = detection->detect->runtime;
    if (seen->thread_n > 1)
        detect_note(detection, DETECT_FOR_THREADS, 1, true, "it runs %u threads", seen->thread_n);
    else if (seen->look_n && seen->to_its_end)
        detect_note(detection, DETECT_FOR_NOTHING, seen->look_n < DETECT_LOOKS_MANY ? 0.3 : 0.9,
                    true, "it ran one thread until it ended, whenever it was looked at (%u times)",
                    seen->look_n);
    else if (seen->look_n)
        detect_note(detection, DETECT_FOR_NOTHING, 0.5, true, "it runs one thread now");
    if (seen->waits_in_epoll && *runtime)
        detect_note(detection, DETECT_FOR_ASYNC, 0.9, true, "it has an event loop (epoll) of %s",
                    runtime);
}

int detect_program_seen(const char *path, const struct detect_options *options,
                        const struct detect_seen *seen, struct detect *ret_detect,
                        struct diag *diag)
{
    struct program program;
    struct detection detection;
    struct detect detect;
    int err = program_find(path, &program, diag);
    if (err < 0)
        return err;
    detect_begin(&detection, &detect, options);
    err = detect_file(&detection, program.interpreter[0] ? program.interpreter : program.path,
                      options, diag);
    if (err < 0)
        return err;
    detect_note_seen(&detection, seen);
    detect_judge(&detect, options);
    *ret_detect = detect;
    return 0;
}

int detect_program(const char *path, const struct detect_options *options,
                   struct detect *ret_detect, struct diag *diag)
{
    return detect_program_seen(path, options, &(struct detect_seen){0}, ret_detect, diag);
}

int detect_process(pid_t pid, const struct detect_options *options, struct detect *ret_detect,
                   struct diag *diag)
{
    char path[64];
    struct detection detection;
    struct detect detect;
    struct detect_seen seen = {0};
    detect_begin(&detection, &detect, options);
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    int err = detect_file(&detection, path, options, diag);
    if (err < 0)
        return err;
    detect_look(pid, &seen);
    detect_note_seen(&detection, &seen);
    detect_judge(&detect, options);
    *ret_detect = detect;
    return 0;
}

const char *detect_environment_name(enum detect_environment environment)
{
    static const char *const names[] = {
            [DETECT_SINGLE_THREADED] = "single-threaded",
            [DETECT_MULTI_THREADED] = "multi-threaded",
            [DETECT_ASYNC] = "async",
            [DETECT_HYBRID] = "hybrid",
    };
    return names[environment];
}

const char *detect_strategy_name(enum run_strategy strategy)
{
    static const char *const names[] = {
            [RUN_STRATEGY_AUTO] = "auto",
            [RUN_STRATEGY_SINGLE_THREAD] = "single-thread",
            [RUN_STRATEGY_THREAD_LOCAL] = "thread-local",
            [RUN_STRATEGY_ASYNC] = "async",
            [RUN_STRATEGY_HYBRID] = "hybrid",
    };
    return names[strategy];
}
