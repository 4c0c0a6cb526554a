/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread, one poll, nothing that blocks. A client is asked, then waits in the mailbox until the
 * model thread has answered, then gets its reply by one send that does not wait. The lock is held
 * for copies of a few kilobytes, never over a system call.
 */
#include "collect/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "collect/control_place.h"

enum {
    CONTROL_CLIENTS_MAX = 24,
    CONTROL_BACKLOG = 16,
    CONTROL_IDLE_S = 30, /* after which a client that asks nothing is sent away */
    CONTROL_SWEEP_MS = 1000,
    CONTROL_NAMES_TRIED = 100,
};

enum client_state {
    CLIENT_FREE,
    CLIENT_IDLE,
    CLIENT_ASKS,    /* its request waits in the mailbox */
    CLIENT_SERVED,  /* the model thread has it */
    CLIENT_ANSWERED /* the reply is to be sent */
};

struct control_client {
    int fd; /* -1: hung up while it was served */
    enum client_state state;
    uint32_t generation;
    time_t since;
    struct control_job job;
    struct control_reply reply;
    void *body;
    int reply_fd;
};

struct control {
    int listen_fd, wake_fd, event_fd;
    bool is_full; /* no descriptor is left: whoever knocks waits for the next sweep */
    struct control_place place;
    char name[CONTROL_NAME_MAX];
    char *path;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    struct control_client clients[CONTROL_CLIENTS_MAX];
    bool stop;
};

bool control_request_check(const void *bytes, size_t n, enum control_error *ret_error)
{
    struct control_request request;
    *ret_error = CONTROL_E_BAD;
    if (n < sizeof request)
        return false;
    memcpy(&request, bytes, sizeof request);
    if (request.magic != CONTROL_MAGIC)
        return false;
    if (request.version != CONTROL_VERSION) {
        *ret_error = CONTROL_E_VERSION;
        return false;
    }
    if (request.text_bytes > CONTROL_TEXT_MAX || request.text_bytes != n - sizeof request)
        return false;
    *ret_error = CONTROL_OK;
    return true;
}

static time_t control_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void control_signal(int fd)
{
    uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof one);
    (void)written; /* full means that it is readable already */
}

/* Sends a reply without waiting. False: the client does not take it. */
static bool control_send(int fd, const struct control_reply *reply, const void *body, int reply_fd)
{
    struct iovec parts[2] = {{(void *)(uintptr_t)reply, sizeof *reply},
                             {(void *)(uintptr_t)body, reply->body_bytes}};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } rights;
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = reply->body_bytes ? 2 : 1};
    if (reply_fd >= 0) {
        memset(&rights, 0, sizeof rights);
        message.msg_control = &rights;
        message.msg_controllen = sizeof rights;
        rights.header.cmsg_level = SOL_SOCKET;
        rights.header.cmsg_type = SCM_RIGHTS;
        rights.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&rights.header), &reply_fd, sizeof reply_fd);
    }
    ssize_t n;
    do
        n = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)(sizeof *reply + reply->body_bytes);
}

static void control_send_error(int fd, uint16_t kind, enum control_error error, const char *text)
{
    const struct control_reply reply = {.magic = CONTROL_MAGIC,
                                        .version = CONTROL_VERSION,
                                        .kind = kind,
                                        .error = error,
                                        .body_bytes = (uint32_t)strlen(text)};
    control_send(fd, &reply, text, -1);
}

/* Forgets a client; call it with the lock. One that the model thread serves stays until then. */
static void control_drop(struct control_client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    if (client->state == CLIENT_SERVED)
        return;
    if (client->reply_fd >= 0)
        close(client->reply_fd);
    free(client->body);
    client->body = NULL;
    client->reply_fd = -1;
    client->state = CLIENT_FREE;
    client->generation++;
}

static bool control_peer_may(int fd)
{
    struct ucred peer;
    socklen_t n = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

static void control_accept(struct control *control)
{
    int fd = accept4(control->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        control->is_full = errno == EMFILE || errno == ENFILE || errno == ENOMEM;
        return;
    }
    if (!control_peer_may(fd)) {
        control_send_error(fd, 0, CONTROL_E_DENIED, "the session is another user's");
        close(fd);
        return;
    }
    pthread_mutex_lock(&control->lock);
    struct control_client *free_one = NULL;
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX && !free_one; i++) {
        if (control->clients[i].state == CLIENT_FREE)
            free_one = &control->clients[i];
    }
    if (free_one) {
        free_one->fd = fd;
        free_one->state = CLIENT_IDLE;
        free_one->since = control_seconds();
    }
    pthread_mutex_unlock(&control->lock);
    if (!free_one) {
        control_send_error(fd, 0, CONTROL_E_BUSY, "too many clients: try again");
        close(fd);
    }
}

/* Reads one request of an idle client. Only this thread touches an idle client. */
static void control_receive(struct control *control, struct control_client *client)
{
    char bytes[sizeof(struct control_request) + CONTROL_TEXT_MAX + 1];
    ssize_t n = recv(client->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    enum control_error error;
    bool good = n > 0 && control_request_check(bytes, (size_t)n, &error);
    if (n > 0 && !good) {
        const char *sentence = error == CONTROL_E_VERSION
                                       ? "the recorder is of another version of memscope"
                                       : "the request is malformed";
        control_send_error(client->fd, 0, error, sentence);
    }
    pthread_mutex_lock(&control->lock);
    if (good) {
        struct control_job *job = &client->job;
        memcpy(&job->request, bytes, sizeof job->request);
        memcpy(job->text, bytes + sizeof job->request, job->request.text_bytes);
        job->text[job->request.text_bytes] = 0;
        job->id = (uint64_t)client->generation << 32 | (uint64_t)(client - control->clients);
        client->state = CLIENT_ASKS;
    } else {
        control_drop(client);
    }
    pthread_mutex_unlock(&control->lock);
    if (good)
        control_signal(control->event_fd);
}

/* Sends what the model thread has answered. */
static void control_deliver(struct control *control)
{
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct control_client *client = &control->clients[i];
        pthread_mutex_lock(&control->lock);
        bool answered = client->state == CLIENT_ANSWERED;
        pthread_mutex_unlock(&control->lock);
        /* From here on it is this thread's alone. */
        if (!answered)
            continue;
        bool sent = client->fd >= 0 &&
                    control_send(client->fd, &client->reply, client->body, client->reply_fd);
        pthread_mutex_lock(&control->lock);
        if (client->reply_fd >= 0)
            close(client->reply_fd);
        client->reply_fd = -1;
        free(client->body);
        client->body = NULL;
        client->state = CLIENT_IDLE;
        client->since = control_seconds();
        client->generation++;
        if (!sent)
            control_drop(client);
        pthread_mutex_unlock(&control->lock);
    }
}

/* Fills the list of what to wait for; returns how many. stop is read under the same lock. */
static nfds_t control_watch(struct control *control, struct pollfd *watched,
                            struct control_client **of, bool *ret_stop)
{
    nfds_t n = 0;
    watched[n++] = (struct pollfd){.fd = control->wake_fd, .events = POLLIN};
    watched[n++] =
            (struct pollfd){.fd = control->is_full ? -1 : control->listen_fd, .events = POLLIN};
    control->is_full = false;
    time_t now = control_seconds();
    pthread_mutex_lock(&control->lock);
    *ret_stop = control->stop;
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct control_client *client = &control->clients[i];
        if (client->state == CLIENT_IDLE && now - client->since > CONTROL_IDLE_S)
            control_drop(client);
        if (client->state != CLIENT_IDLE)
            continue;
        of[n] = client;
        watched[n++] = (struct pollfd){.fd = client->fd, .events = POLLIN};
    }
    pthread_mutex_unlock(&control->lock);
    return n;
}

static void *control_main(void *context)
{
    struct control *control = context;
    for (bool stop = false; !stop;) {
        struct pollfd watched[CONTROL_CLIENTS_MAX + 2];
        struct control_client *of[CONTROL_CLIENTS_MAX + 2];
        nfds_t n = control_watch(control, watched, of, &stop);
        if (stop || poll(watched, n, CONTROL_SWEEP_MS) <= 0)
            continue;
        uint64_t count;
        if (watched[0].revents && read(control->wake_fd, &count, sizeof count) > 0)
            control_deliver(control);
        for (nfds_t i = 2; i < n; i++) {
            if (watched[i].revents)
                control_receive(control, of[i]);
        }
        if (watched[1].revents)
            control_accept(control);
    }
    control_deliver(control);
    return NULL;
}

/*
 * Binds under a name of our own, and takes the session's by a rename that replaces nothing once we
 * listen: a socket that refuses is one whose collector is dead, for whoever looks.
 */
static int control_bind(struct control *control, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char own[32];
    snprintf(own, sizeof own, ".new-%d", (int)getpid());
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", control->place.fd,
             own);
    (void)unlinkat(control->place.fd, own, 0);
    /* The file gets the socket's mode. */
    if (fchmod(control->listen_fd, 0600) < 0 ||
        bind(control->listen_fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(control->listen_fd, CONTROL_BACKLOG) < 0)
        return ERR_IO;
    for (int i = 0; i < CONTROL_NAMES_TRIED; i++) {
        snprintf(control->name, sizeof control->name, i ? "%.40s-%d" : "%.40s", name, i);
        if (renameat2(control->place.fd, own, control->place.fd, control->name, RENAME_NOREPLACE) ==
            0)
            return 0;
        /* Filesystems without that flag: a name with our pid is ours. */
        if (errno == EINVAL) {
            snprintf(control->name, sizeof control->name, "%.40s-%d", name, (int)getpid());
            return renameat(control->place.fd, own, control->place.fd, control->name) < 0 ? ERR_IO
                                                                                          : 0;
        }
        if (errno != EEXIST)
            break;
    }
    (void)unlinkat(control->place.fd, own, 0);
    return ERR_IO;
}

static void control_close(struct control *control)
{
    if (control->listen_fd >= 0)
        close(control->listen_fd);
    if (control->wake_fd >= 0)
        close(control->wake_fd);
    control_place_done(&control->place);
    pthread_mutex_destroy(&control->lock);
    free(control->path);
    free(control);
}

int control_start(const char *name, int event_fd, struct control **ret_control, struct diag *diag)
{
    struct control *control = calloc(1, sizeof *control);
    if (!control)
        return diag_set(diag, ERR_MEMORY, "no memory for the control socket");
    control->event_fd = event_fd;
    control->place.fd = -1;
    control->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    control->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&control->lock, NULL);
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        control->clients[i].fd = control->clients[i].reply_fd = -1;
    int err = control_place_make(&control->place, diag);
    if (err == 0 &&
        (control->listen_fd < 0 || control->wake_fd < 0 || control_bind(control, name) < 0))
        err = diag_set_errno(diag, ERR_IO, errno, "cannot make the control socket in %.200s",
                             control->place.path);
    bool bound = err == 0;
    if (bound && (asprintf(&control->path, "%s/%s", control->place.path, control->name) < 0 ||
                  pthread_create(&control->thread, NULL, control_main, control) != 0))
        err = diag_set(diag, ERR_MEMORY, "no memory for the control socket");
    if (err) {
        if (bound)
            (void)unlinkat(control->place.fd, control->name, 0);
        control_close(control);
        return err;
    }
    *ret_control = control;
    return 0;
}

const char *control_path(const struct control *control)
{
    return control->path;
}

const char *control_name(const struct control *control)
{
    return control->name;
}

bool control_take(struct control *control, struct control_job *ret_job)
{
    bool found = false;
    pthread_mutex_lock(&control->lock);
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX && !found; i++) {
        struct control_client *client = &control->clients[i];
        found = client->state == CLIENT_ASKS;
        if (!found)
            continue;
        client->state = CLIENT_SERVED;
        *ret_job = client->job;
    }
    pthread_mutex_unlock(&control->lock);
    return found;
}

void control_answer(struct control *control, const struct control_job *job,
                    const struct control_reply *reply, const void *body, size_t body_bytes, int fd)
{
    struct control_client *client = &control->clients[job->id & UINT32_MAX];
    void *copy = body_bytes ? malloc(body_bytes) : NULL;
    bool whole = !body_bytes || copy;
    if (copy)
        memcpy(copy, body, body_bytes);
    pthread_mutex_lock(&control->lock);
    client->reply = *reply;
    client->reply.magic = CONTROL_MAGIC;
    client->reply.version = CONTROL_VERSION;
    client->reply.kind = job->request.kind;
    client->reply.body_bytes = whole ? (uint32_t)body_bytes : 0;
    if (!whole)
        client->reply.error = CONTROL_E_FAILED;
    client->body = copy;
    client->reply_fd = fd;
    client->state = CLIENT_ANSWERED;
    pthread_mutex_unlock(&control->lock);
    control_signal(control->wake_fd);
}

void control_refuse(struct control *control, const struct control_job *job,
                    enum control_error error, const char *sentence)
{
    const struct control_reply reply = {.error = error};
    control_answer(control, job, &reply, sentence, strlen(sentence), -1);
}

void control_free(struct control *control)
{
    if (!control)
        return;
    (void)unlinkat(control->place.fd, control->name, 0);
    struct control_job job;
    while (control_take(control, &job))
        control_refuse(control, &job, CONTROL_E_ENDED, "the recording has ended");
    pthread_mutex_lock(&control->lock);
    control->stop = true;
    pthread_mutex_unlock(&control->lock);
    control_signal(control->wake_fd);
    pthread_join(control->thread, NULL);
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (control->clients[i].state != CLIENT_FREE) {
            control->clients[i].state = CLIENT_IDLE;
            control_drop(&control->clients[i]);
        }
    }
    control_close(control);
}
