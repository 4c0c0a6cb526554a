/* SPDX-License-Identifier: Apache-2.0 */
/* The client: what is asked for waits here per module and goes to the helper in sorted batches. */
#include "symbol/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "symbol/client_state.h"

enum {
    CLIENT_CHECK_MS = 100, /* how often a working helper is looked at */
    CLIENT_HURRY_MS = 150, /* after which a drain doubts that idle time is enough */
    CLIENT_ASIDE_FDS = 3,  /* duplicates go above the standard descriptors */
};

static const uint64_t CLIENT_NS_PER_MS = 1000000;

int symbol_client_new(const struct symbol_options *options, const struct symbol_limits *limits,
                      symbol_client_sink *sink, void *context, struct symbol_client **ret_client,
                      struct diag *diag)
{
    struct symbol_client *client = calloc(1, sizeof *client);
    if (!client)
        return diag_set(diag, ERR_MEMORY, "no memory for symbols");
    if (options)
        client->setup.options = *options;
    if (limits)
        client->setup.limits = *limits;
    client->sink = sink;
    client->context = context;
    client->socket = client->keeper_socket = -1;
    client->idle = true;
    int err = keeper_start(&client->setup, &client->keeper, &client->keeper_socket, diag);
    if (err < 0) {
        free(client);
        return err;
    }
    client_cache_open(client);
    *ret_client = client;
    return 0;
}

static void client_module_free(struct client_module *module)
{
    free((char *)module->what.path);
    free((char *)module->what.open_path);
    if (module->what.fd >= 0)
        close(module->what.fd);
    vec_done(&module->pending);
    free(module);
}

void symbol_client_free(struct symbol_client *client)
{
    if (!client)
        return;
    client_link_done(client);
    client_cache_done(client);
    for (size_t i = 0; i < client->modules.n; i++)
        client_module_free(client->modules.at[i]);
    vec_done(&client->modules);
    map_done(&client->by_identity);
    free(client);
}

static uint64_t client_identity(const struct symbol_module *module)
{
    return map_hash_bytes(module->path, strlen(module->path)) * 31 +
           map_hash_bytes(module->build_id, module->build_id_bytes);
}

static bool client_is_same(const struct symbol_module *a, const struct symbol_module *b)
{
    return a->build_id_bytes && a->build_id_bytes == b->build_id_bytes &&
           memcmp(a->build_id, b->build_id, a->build_id_bytes) == 0 &&
           strcmp(a->path, b->path) == 0;
}

static struct client_module *client_module_new(const struct symbol_module *what)
{
    struct client_module *module = calloc(1, sizeof *module);
    if (!module)
        return NULL;
    module->what = *what;
    module->number = CLIENT_NOT_SENT;
    module->what.fd = -1;
    module->what.path = strdup(what->path);
    module->what.open_path = what->open_path ? strdup(what->open_path) : NULL;
    if (!module->what.path || (what->open_path && !module->what.open_path)) {
        client_module_free(module);
        return NULL;
    }
    /* Without descriptors left the paths must do. */
    if (what->fd >= 0)
        module->what.fd = fcntl(what->fd, F_DUPFD_CLOEXEC, CLIENT_ASIDE_FDS);
    return module;
}

int symbol_client_module(struct symbol_client *client, const struct symbol_module *module,
                         uint32_t *ret_module)
{
    if (module->build_id_bytes > SYMBOL_BUILD_ID_BYTES_MAX ||
        strlen(module->path) > PROTOCOL_PATH_BYTES_MAX ||
        (module->open_path && strlen(module->open_path) > PROTOCOL_PATH_BYTES_MAX))
        return ERR_LIMIT;
    uint64_t identity = client_identity(module);
    int64_t found = map_find(&client->by_identity, identity);
    if (found >= 0 && client_is_same(&client->modules.at[found]->what, module)) {
        *ret_module = (uint32_t)found;
        return 0;
    }
    struct client_module *added = client_module_new(module);
    if (!added)
        return ERR_MEMORY;
    uint32_t index = (uint32_t)client->modules.n;
    if (!VEC_PUSH(&client->modules, SYMBOL_MODULES_MAX, added)) {
        client_module_free(added);
        return ERR_LIMIT;
    }
    if (found < 0)
        map_put(&client->by_identity, identity, index);
    *ret_module = index;
    return 0;
}

int symbol_client_submit(struct symbol_client *client, uint32_t module, const uint64_t *offsets,
                         size_t n)
{
    if (module >= client->modules.n)
        return ERR_USAGE;
    if (n > SYMBOL_CLIENT_PENDING_MAX - client->pending_n)
        return ERR_LIMIT;
    struct client_module *to = client->modules.at[module];
    if (!vec_reserve(&to->pending, sizeof *to->pending.at, n, SYMBOL_CLIENT_PENDING_MAX))
        return ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        if (!client_cache_take(client, to, offsets[i]))
            to->pending.at[to->pending.n++] = offsets[i];
    }
    client->pending_n += n;
    return 0;
}

static int client_offset_compare(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

/* Answers all that waits for a module with "nothing is known". */
static void client_answer_unknown(struct symbol_client *client, uint32_t index)
{
    struct client_module *module = client->modules.at[index];
    while (module->pending.n) {
        uint64_t offset = module->pending.at[--module->pending.n];
        client->pending_n--;
        client->answered_n++;
        client->sink(client->context, index, offset, NULL, 0);
    }
}

/* Sends a request; 0, 1: would block, or a negative result. */
static int client_send(struct symbol_client *client, struct protocol_request *request,
                       const struct iovec *parts, size_t part_n, int fd)
{
    size_t n = sizeof *request;
    memcpy(client->packet, request, n);
    for (size_t i = 0; i < part_n; i++) {
        if (parts[i].iov_len)
            memcpy(client->packet + n, parts[i].iov_base, parts[i].iov_len);
        n += parts[i].iov_len;
    }
    return protocol_send(client->socket, client->packet, n, fd);
}

static int client_send_module(struct symbol_client *client, struct client_module *module)
{
    const struct symbol_module *what = &module->what;
    struct iovec parts[] = {
            {(void *)(uintptr_t)what->path, strlen(what->path)},
            {(void *)(uintptr_t)what->open_path, what->open_path ? strlen(what->open_path) : 0},
            {(void *)(uintptr_t)what->build_id, what->build_id_bytes},
    };
    struct protocol_request request = {
            .kind = REQUEST_MODULE,
            .module = client->sent_module_n,
            .level = module->level,
            .path_n = (uint32_t)parts[0].iov_len,
            .open_path_n = (uint32_t)parts[1].iov_len,
            .build_id_n = (uint32_t)parts[2].iov_len,
            .has_fd = what->fd >= 0,
    };
    int err = client_send(client, &request, parts, 3, what->fd);
    if (err == 0)
        module->number = client->sent_module_n++;
    return err;
}

/* Sends the next batch of a module; 0, 1: would block, or a negative result. */
static int client_send_batch(struct symbol_client *client, uint32_t index)
{
    struct client_module *module = client->modules.at[index];
    struct client_batch *batch = &client->batches[client->batch_n];
    size_t n = module->pending.n < PROTOCOL_BATCH_MAX ? module->pending.n : PROTOCOL_BATCH_MAX;
    *batch = (struct client_batch){.module = index, .n = (uint32_t)n};
    memcpy(batch->offsets, module->pending.at + module->pending.n - n, n * sizeof(uint64_t));
    qsort(batch->offsets, n, sizeof(uint64_t), client_offset_compare);
    struct iovec part = {batch->offsets, n * sizeof(uint64_t)};
    struct protocol_request request = {
            .kind = REQUEST_RESOLVE,
            .module = module->number,
            .n = (uint32_t)n,
    };
    int err = client_send(client, &request, &part, 1, -1);
    if (err)
        return err;
    if (client->batch_n == 0)
        client_link_heard(client);
    module->pending.n -= n;
    client->batch_n++;
    return 0;
}

/* The module to ask for next: the current one while it has something; false: none has. */
static bool client_choose(struct symbol_client *client)
{
    size_t n = client->modules.n;
    for (size_t i = 0; i < n; i++) {
        uint32_t index = (uint32_t)((client->current + i) % n);
        struct client_module *module = client->modules.at[index];
        if (module->pending.n && (client->given_up || module->level == SYMBOL_LEVEL_NONE))
            client_answer_unknown(client, index);
        if (module->pending.n) {
            client->current = index;
            return true;
        }
    }
    return false;
}

/* Sends what the helper has room for. */
static void client_pump(struct symbol_client *client)
{
    while (client->batch_n < CLIENT_BATCHES_MAX && client_choose(client)) {
        if (!client_link_start(client))
            continue;
        struct client_module *module = client->modules.at[client->current];
        int err = module->number == CLIENT_NOT_SENT ? client_send_module(client, module) : 0;
        if (err == 0)
            err = client_send_batch(client, client->current);
        if (err == 1)
            return;
        if (err < 0)
            client_link_fail(client, NULL, true);
    }
}

/* Takes the packets that are there. */
static void client_receive(struct symbol_client *client)
{
    while (client->socket >= 0) {
        int fd = -1;
        ssize_t n = protocol_receive(client->socket, client->packet, sizeof client->packet,
                                     MSG_DONTWAIT, &fd);
        if (fd >= 0)
            close(fd);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            client_link_fail(client, NULL, true);
            return;
        }
        client_link_heard(client);
        if (!client_answers_take(client, client->packet, (size_t)n)) {
            client_link_fail(client, "its answer made no sense", true);
            return;
        }
        client_pump(client);
    }
}

/* Waits for the helper until deadline_ns, looking at it now and then. */
static void client_wait(struct symbol_client *client, uint64_t deadline_ns)
{
    uint64_t now_ns = client_now_ns();
    uint64_t left_ms = deadline_ns > now_ns ? (deadline_ns - now_ns) / CLIENT_NS_PER_MS + 1 : 0;
    int wait_ms = left_ms < CLIENT_CHECK_MS ? (int)left_ms : CLIENT_CHECK_MS;
    bool is_blocked = client->batch_n < CLIENT_BATCHES_MAX && client_choose(client);
    struct pollfd wait = {
            .fd = client->socket,
            .events = (short)(POLLIN | (is_blocked ? POLLOUT : 0)),
    };
    if (poll(&wait, 1, wait_ms) == 0)
        client_link_check(client);
}

int symbol_client_poll(struct symbol_client *client, int timeout_ms)
{
    uint64_t deadline_ns = client_now_ns() + (uint64_t)timeout_ms * CLIENT_NS_PER_MS;
    client->answered_n = 0;
    for (;;) {
        client_cache_deliver(client);
        client_pump(client);
        client_receive(client);
        bool is_over = client->answered_n || client->pending_n == 0;
        if (is_over || client_now_ns() >= deadline_ns) {
            client_link_check(client);
            return client->answered_n > INT32_MAX ? INT32_MAX : (int)client->answered_n;
        }
        client_wait(client, deadline_ns);
    }
}

/* Replaces an idle helper that others leave no time for by one of normal priority. */
static void client_hurry(struct symbol_client *client, uint64_t since_ns, uint64_t since_cpu_ns)
{
    client->idle = false;
    uint64_t cpu_ns = client_helper_cpu_ns(client) - since_cpu_ns;
    if (cpu_ns < (client_now_ns() - since_ns) / 2)
        client_link_fail(client, NULL, false);
}

int symbol_client_drain(struct symbol_client *client, uint64_t deadline_ns)
{
    uint64_t start_ns = client_now_ns(), start_cpu_ns = client_helper_cpu_ns(client);
    /* Helpers that start from here on have a user waiting. */
    bool was_idle = client->idle && client->socket >= 0;
    if (client->socket < 0)
        client->idle = false;
    while (client->pending_n) {
        uint64_t now_ns = client_now_ns();
        if (now_ns >= deadline_ns)
            return 1;
        if (was_idle && client->idle && now_ns > start_ns + CLIENT_HURRY_MS * CLIENT_NS_PER_MS)
            client_hurry(client, start_ns, start_cpu_ns);
        uint64_t left_ms = (deadline_ns - now_ns) / CLIENT_NS_PER_MS + 1;
        int answered = symbol_client_poll(client, left_ms < CLIENT_CHECK_MS ? (int)left_ms
                                                                            : CLIENT_CHECK_MS);
        if (answered < 0)
            return answered;
    }
    return 0;
}

int symbol_client_fd(const struct symbol_client *client)
{
    return client->socket;
}

size_t symbol_client_pending(const struct symbol_client *client)
{
    return client->pending_n;
}

uint32_t symbol_client_module_flags(const struct symbol_client *client, uint32_t module)
{
    return module < client->modules.n ? client->modules.at[module]->flags : 0;
}

uint32_t symbol_client_failures(const struct symbol_client *client, struct diag *diag)
{
    if (client->failure_n && diag)
        *diag = client->failure;
    return client->failure_n;
}
