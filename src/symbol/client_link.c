/* SPDX-License-Identifier: Apache-2.0 */
/* The line to the helper: started, watched, and after a failure started again. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "symbol/client_state.h"

enum {
    LINK_KEEPER_WAIT_MS = 5000,
    LINK_SILENT_CPU_MS = 20000,
    LINK_SILENT_WALL_MS = 60000,
    LINK_KEEPER_END_MS = 1000,
    LINK_STRINGS_BYTES_MAX = 512 << 20,
};

static const uint64_t LINK_NS_PER_MS = 1000000;

uint64_t client_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t client_used_ns(pid_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (pid <= 0 || clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        return 0;
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

uint64_t client_helper_cpu_ns(const struct symbol_client *client)
{
    return client_used_ns(client->helper);
}

void client_link_heard(struct symbol_client *client)
{
    client->answer_cpu_ns = client->seen_cpu_ns = client_helper_cpu_ns(client);
    client->seen_wall_ns = client_now_ns();
}

/* One command to the keeper and its answer; ERR_IO: the keeper is gone. */
static int link_command(struct symbol_client *client, enum keeper_command_kind kind,
                        struct keeper_answer *ret_answer, int *ret_fd)
{
    struct keeper_command command = {.kind = kind, .idle = client->idle};
    struct pollfd wait = {.fd = client->keeper_socket, .events = POLLIN};
    if (client->keeper_socket < 0 ||
        protocol_send(client->keeper_socket, &command, sizeof command, -1) != 0)
        return ERR_IO;
    uint64_t deadline_ns = client_now_ns() + LINK_KEEPER_WAIT_MS * LINK_NS_PER_MS;
    int ready;
    do {
        ready = poll(&wait, 1, LINK_KEEPER_WAIT_MS);
    } while (ready < 0 && errno == EINTR && client_now_ns() < deadline_ns);
    if (ready <= 0 || protocol_receive(client->keeper_socket, ret_answer, sizeof *ret_answer, 0,
                                       ret_fd) != sizeof *ret_answer)
        return ERR_IO;
    return 0;
}

/* Ends the keeper, which ends the helper with it. */
static void link_keeper_end(struct symbol_client *client)
{
    if (client->keeper_socket < 0)
        return;
    close(client->keeper_socket);
    client->keeper_socket = -1;
    struct timespec pause = {.tv_nsec = (long)LINK_NS_PER_MS};
    for (int i = 0; i < LINK_KEEPER_END_MS; i++) {
        pid_t ended = waitpid(client->keeper, NULL, WNOHANG);
        if (ended == client->keeper || (ended < 0 && errno == ECHILD))
            return;
        nanosleep(&pause, NULL);
    }
    kill(client->keeper, SIGKILL);
    while (waitpid(client->keeper, NULL, 0) < 0 && errno == EINTR)
        ;
}

static int link_keeper_start(struct symbol_client *client)
{
    return keeper_start(&client->setup, &client->keeper, &client->keeper_socket, &client->failure);
}

bool client_link_start(struct symbol_client *client)
{
    if (client->socket >= 0 || client->given_up)
        return !client->given_up;
    struct keeper_answer answer = {0};
    int fd = -1;
    int err = link_command(client, KEEPER_START, &answer, &fd);
    if (err < 0) {
        /* The keeper was killed: one more is made, from what we have become. */
        link_keeper_end(client);
        client->failure_n++;
        err = link_keeper_start(client);
        if (err == 0)
            err = link_command(client, KEEPER_START, &answer, &fd);
    }
    if (err < 0 || fd < 0 || client->failure_n > CLIENT_FAILURES_MAX) {
        if (fd >= 0)
            close(fd);
        client->given_up = true;
        return false;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    client->socket = fd;
    client->helper = answer.pid;
    client->sent_module_n = 0;
    client->arena.limit_bytes = LINK_STRINGS_BYTES_MAX;
    client_link_heard(client);
    return true;
}

/* Puts back what is in flight and unanswered. */
static void link_reclaim(struct symbol_client *client)
{
    for (size_t i = 0; i < client->batch_n; i++) {
        struct client_batch *batch = &client->batches[i];
        struct client_module *module = client->modules.at[batch->module];
        for (uint32_t k = batch->answered_n; k < batch->n; k++) {
            if (!VEC_PUSH(&module->pending, SYMBOL_CLIENT_PENDING_MAX, batch->offsets[k]))
                client->pending_n--;
        }
    }
    client->batch_n = 0;
    for (size_t i = 0; i < client->modules.n; i++)
        client->modules.at[i]->number = CLIENT_NOT_SENT;
    arena_done(&client->arena);
    client->strings.n = 0;
}

static void link_describe(struct symbol_client *client, const char *cause, int status,
                          const char *path)
{
    client->failure = (struct diag){0};
    if (cause)
        diag_set(&client->failure, ERR_IO, "the symbol helper was ended at %s: %s", path, cause);
    else if (WIFSIGNALED(status))
        diag_set(&client->failure, ERR_IO, "the symbol helper died at %s by signal %d", path,
                 WTERMSIG(status));
    else
        diag_set(&client->failure, ERR_IO, "the symbol helper ended at %s with status %d", path,
                 WEXITSTATUS(status));
}

void client_link_fail(struct symbol_client *client, const char *cause, bool blame)
{
    if (client->socket < 0)
        return;
    close(client->socket);
    client->socket = -1;
    struct keeper_answer answer = {0};
    int fd = -1;
    link_command(client, KEEPER_STOP, &answer, &fd);
    if (fd >= 0)
        close(fd);
    client->helper = 0;
    if (blame) {
        struct client_module *module =
                client->batch_n ? client->modules.at[client->batches[0].module] : NULL;
        client->failure_n++;
        link_describe(client, cause, answer.status, module ? module->what.path : "rest");
        if (module && module->level < SYMBOL_LEVEL_NONE)
            module->level++;
    }
    link_reclaim(client);
}

void client_link_check(struct symbol_client *client)
{
    if (client->socket < 0 || client->batch_n == 0)
        return;
    const struct symbol_limits *limits = &client->setup.limits;
    uint64_t cpu_max = limits->silent_cpu_ms ? limits->silent_cpu_ms : LINK_SILENT_CPU_MS;
    uint64_t wall_max = limits->silent_wall_ms ? limits->silent_wall_ms : LINK_SILENT_WALL_MS;
    uint64_t cpu_ns = client_helper_cpu_ns(client), now_ns = client_now_ns();
    if (cpu_ns > client->seen_cpu_ns + LINK_NS_PER_MS) {
        client->seen_cpu_ns = cpu_ns;
        client->seen_wall_ns = now_ns;
    }
    if (cpu_ns > client->answer_cpu_ns + cpu_max * LINK_NS_PER_MS)
        client_link_fail(client, "it computed for too long", true);
    else if (now_ns > client->seen_wall_ns + wall_max * LINK_NS_PER_MS)
        client_link_fail(client, "it stood still for too long", true);
}

void client_link_done(struct symbol_client *client)
{
    if (client->socket >= 0)
        close(client->socket);
    client->socket = -1;
    link_keeper_end(client);
    arena_done(&client->arena);
    vec_done(&client->strings);
}

uint64_t symbol_client_cpu_ns(const struct symbol_client *client)
{
    return client_used_ns(client->keeper) + client_used_ns(client->helper);
}
