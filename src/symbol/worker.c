/* SPDX-License-Identifier: Apache-2.0 */
/* The helper: limits itself, then answers requests until the client is gone. */
#include "symbol/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/map.h"
#include "base/vec.h"
#include "symbol/protocol.h"

static const uint64_t WORKER_MEMORY_BYTES = UINT64_C(4) << 30;

enum {
    WORKER_CPU_S = 120, /* of one request, should the client not be there to end us */
    WORKER_REQUEST_BYTES_MAX = sizeof(struct protocol_request) + PROTOCOL_BATCH_MAX * 8 +
                               2 * PROTOCOL_PATH_BYTES_MAX + SYMBOL_BUILD_ID_BYTES_MAX,
};

struct worker {
    int socket;
    struct symbolizer *symbolizer;
    struct map strings; /* address of a string -> its number; strings stay where they are */
    uint32_t string_n;
    VEC(int) fds; /* of modules not yet read; -1: none */
    uint32_t request_module;
    bool flags_sent;
    size_t out_n;
    unsigned char out[PROTOCOL_PACKET_BYTES_MAX];
};

/* Memory that is written: files that are only mapped may be of any size. */
static void worker_limit_memory(uint64_t bytes)
{
    char line[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, line, sizeof line - 1) : 0;
    if (fd >= 0)
        close(fd);
    line[n > 0 ? n : 0] = 0;
    /* The sixth number: pages of data and stack. */
    char *at = line;
    uint64_t pages = 0;
    for (int i = 0; i < 6; i++)
        pages = strtoull(at, &at, 10);
    uint64_t limit_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE) + bytes;
    struct rlimit limit;
    if (getrlimit(RLIMIT_DATA, &limit) != 0 || limit_bytes >= limit.rlim_cur)
        return;
    limit.rlim_cur = limit.rlim_max = limit_bytes;
    setrlimit(RLIMIT_DATA, &limit);
}

/* A helper that needs too much is the first to go, not the program nor the collector. */
static void worker_offer_to_oom_killer(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, "1000", 4) != 4)
        errno = 0;
    close(fd);
}

static void worker_limit(const struct worker_setup *setup, bool idle)
{
    uint64_t bytes = setup->limits.memory_bytes ? setup->limits.memory_bytes : WORKER_MEMORY_BYTES;
    struct rlimit none = {0, 0};
    prctl(PR_SET_NAME, "memscope-symbol");
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &none);
    if (!setup->limits.sanitizer)
        worker_limit_memory(bytes);
    worker_offer_to_oom_killer();
    struct sched_param priority = {0};
    if (idle)
        sched_setscheduler(0, SCHED_IDLE, &priority);
}

/* Moves the processor time limit ahead of what is used now. */
static void worker_limit_time(void)
{
    struct rusage used;
    struct rlimit limit;
    if (getrusage(RUSAGE_SELF, &used) != 0 || getrlimit(RLIMIT_CPU, &limit) != 0)
        return;
    rlim_t wanted = (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + WORKER_CPU_S;
    if (limit.rlim_max == RLIM_INFINITY || wanted < limit.rlim_max) {
        limit.rlim_cur = wanted;
        setrlimit(RLIMIT_CPU, &limit);
    }
}

static void worker_flush(struct worker *worker)
{
    if (worker->out_n && protocol_send(worker->socket, worker->out, worker->out_n, -1) != 0)
        _exit(0);
    worker->out_n = 0;
}

/* Room for a record's payload; the caller fills it at once. */
static void *worker_record(struct worker *worker, uint32_t kind, size_t n)
{
    struct protocol_record record = {.kind = kind, .n = (uint32_t)n};
    size_t bytes = sizeof record + protocol_padded(n);
    if (worker->out_n + bytes > sizeof worker->out)
        worker_flush(worker);
    unsigned char *at = worker->out + worker->out_n;
    memcpy(at, &record, sizeof record);
    memset(at + sizeof record, 0, bytes - sizeof record);
    worker->out_n += bytes;
    return at + sizeof record;
}

/* The number of a string, sent first if it is new; 0 for none. */
static uint32_t worker_string(struct worker *worker, const char *string)
{
    if (!string || !string[0])
        return 0;
    uint64_t key = (uintptr_t)string;
    int64_t found = map_find(&worker->strings, key);
    if (found >= 0)
        return (uint32_t)found;
    size_t n = strnlen(string, SYMBOL_NAME_BYTES_MAX);
    if (!map_put(&worker->strings, key, worker->string_n + 1))
        return 0;
    memcpy(worker_record(worker, RECORD_STRING, n), string, n);
    return ++worker->string_n;
}

static void worker_send_flags(struct worker *worker)
{
    struct protocol_flags flags = {
            .module = worker->request_module,
            .flags = symbolizer_module_flags(worker->symbolizer, worker->request_module),
    };
    memcpy(worker_record(worker, RECORD_FLAGS, sizeof flags), &flags, sizeof flags);
    worker->flags_sent = true;
}

static void worker_answer(void *context, uint64_t offset, const struct symbol_frame *frames,
                          size_t n)
{
    struct worker *worker = context;
    struct protocol_frame sent[SYMBOL_FRAMES_MAX];
    if (!worker->flags_sent)
        worker_send_flags(worker);
    for (size_t i = 0; i < n; i++) {
        sent[i] = (struct protocol_frame){
                .function = worker_string(worker, frames[i].function),
                .file = worker_string(worker, frames[i].file),
                .line = frames[i].line,
                .inlined = frames[i].inlined,
        };
    }
    struct protocol_result result = {.offset = offset, .frame_n = (uint32_t)n};
    unsigned char *at = worker_record(worker, RECORD_RESULT, sizeof result + n * sizeof *sent);
    memcpy(at, &result, sizeof result);
    if (n)
        memcpy(at + sizeof result, sent, n * sizeof *sent);
    if (worker->out_n >= PROTOCOL_FLUSH_BYTES)
        worker_flush(worker);
}

static char *worker_text(const unsigned char *bytes, size_t n)
{
    return n ? strndup((const char *)bytes, n) : NULL;
}

/* Takes over fd. */
static void worker_module(struct worker *worker, const struct protocol_request *request,
                          const unsigned char *bytes, int fd)
{
    char *path = worker_text(bytes, request->path_n);
    char *open_path = worker_text(bytes + request->path_n, request->open_path_n);
    struct symbol_module module = {
            .path = path ? path : "",
            .open_path = open_path,
            .fd = fd,
            .build_id_bytes = request->build_id_n,
    };
    memcpy(module.build_id, bytes + request->path_n + request->open_path_n, request->build_id_n);
    uint32_t number;
    if (symbolizer_module_add(worker->symbolizer, &module, request->level, &number) < 0 ||
        number != request->module || !VEC_PUSH(&worker->fds, SYMBOL_MODULES_MAX, fd))
        _exit(1);
    free(path);
    free(open_path);
}

static void worker_resolve(struct worker *worker, const struct protocol_request *request,
                           const unsigned char *bytes)
{
    uint64_t offsets[PROTOCOL_BATCH_MAX];
    memcpy(offsets, bytes, request->n * sizeof *offsets);
    worker->request_module = request->module;
    worker->flags_sent = false;
    if (request->module >= worker->fds.n ||
        symbolizer_resolve(worker->symbolizer, request->module, offsets, request->n, worker_answer,
                           worker) < 0)
        _exit(1);
    int *fd = &worker->fds.at[request->module];
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    worker_record(worker, RECORD_DONE, 0);
    worker_flush(worker);
}

static bool worker_request_is_whole(const struct protocol_request *request, size_t n)
{
    if (request->n > PROTOCOL_BATCH_MAX || request->path_n > PROTOCOL_PATH_BYTES_MAX ||
        request->open_path_n > PROTOCOL_PATH_BYTES_MAX ||
        request->build_id_n > SYMBOL_BUILD_ID_BYTES_MAX)
        return false;
    return n == sizeof *request + request->n * sizeof(uint64_t) + request->path_n +
                        request->open_path_n + request->build_id_n;
}

_Noreturn void worker_run(const struct worker_setup *setup, int socket, bool idle)
{
    worker_limit(setup, idle);
    struct worker *worker = calloc(1, sizeof *worker);
    unsigned char *bytes = malloc(WORKER_REQUEST_BYTES_MAX);
    if (!worker || !bytes)
        _exit(1);
    worker->socket = socket;
    worker->symbolizer = symbolizer_new(&setup->options);
    if (!worker->symbolizer)
        _exit(1);
    for (;;) {
        struct protocol_request request;
        int fd;
        ssize_t n = protocol_receive(socket, bytes, WORKER_REQUEST_BYTES_MAX, 0, &fd);
        if (n < (ssize_t)sizeof request)
            _exit(0);
        memcpy(&request, bytes, sizeof request);
        if (!worker_request_is_whole(&request, (size_t)n))
            _exit(1);
        worker_limit_time();
        if (request.kind == REQUEST_MODULE)
            worker_module(worker, &request, bytes + sizeof request, fd);
        else
            worker_resolve(worker, &request, bytes + sizeof request);
    }
}
