/* SPDX-License-Identifier: Apache-2.0 */
/* Replies are checked as requests are: a socket in our folder may still be anybody's program. */
#include "collect/control_client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/vec.h"
#include "collect/control_place.h"

enum { CLIENT_STATUS_TIMEOUT_S = 5 };

static int client_connect(const struct control_place *place, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int n = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", place->fd,
                     name);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || n >= (int)sizeof address.sun_path)
        return fd < 0 ? -1 : (close(fd), -1);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static bool client_send(int fd, const struct control_request *request, const char *text)
{
    struct control_request full = *request;
    full.magic = CONTROL_MAGIC;
    full.version = CONTROL_VERSION;
    full.text_bytes = text ? (uint32_t)strlen(text) : 0;
    struct iovec parts[2] = {{&full, sizeof full}, {(void *)(uintptr_t)text, full.text_bytes}};
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = full.text_bytes ? 2 : 1};
    ssize_t n;
    do
        n = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)(sizeof full + full.text_bytes);
}

/* The descriptor of a message; -1: none. A second one cannot be: the buffer has room for one. */
static int client_take_fd(struct msghdr *message)
{
    int fd = -1;
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
        if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_RIGHTS && fd < 0)
            memcpy(&fd, CMSG_DATA(at), sizeof fd);
    }
    return fd;
}

/* Receives a reply. n of recvmsg in *ret_n; the result is freed by the caller also on failure. */
static bool client_receive(int fd, struct control_result *result, ssize_t *ret_n)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } rights;
    result->body = malloc(CONTROL_BODY_MAX + 1);
    if (!result->body) {
        *ret_n = -1;
        errno = ENOMEM;
        return false;
    }
    struct iovec parts[2] = {{&result->reply, sizeof result->reply},
                             {result->body, CONTROL_BODY_MAX}};
    struct msghdr message = {.msg_iov = parts,
                             .msg_iovlen = 2,
                             .msg_control = &rights,
                             .msg_controllen = sizeof rights};
    do
        *ret_n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    while (*ret_n < 0 && errno == EINTR);
    if (*ret_n < 0)
        return false;
    result->fd = client_take_fd(&message);
    const struct control_reply *reply = &result->reply;
    bool good = *ret_n >= (ssize_t)sizeof *reply && reply->magic == CONTROL_MAGIC &&
                reply->version == CONTROL_VERSION && !(message.msg_flags & MSG_TRUNC) &&
                reply->body_bytes == (size_t)*ret_n - sizeof *reply &&
                (reply->fd_bytes != 0) == (result->fd >= 0);
    if (good)
        result->body[reply->body_bytes] = 0;
    return good;
}

static int client_refusal(const struct control_reply *reply, const char *sentence,
                          struct diag *diag)
{
    static const int results[] = {[CONTROL_E_DENIED] = ERR_DENIED,
                                  [CONTROL_E_PROCESS] = ERR_MISSING,
                                  [CONTROL_E_ENDED] = ERR_STATE,
                                  [CONTROL_E_BUSY] = ERR_LIMIT,
                                  [CONTROL_E_UNABLE] = ERR_STATE};
    int err = reply->error < sizeof results / sizeof *results ? results[reply->error] : 0;
    return diag_set(diag, err ? err : ERR_IO, "%.400s", sentence);
}

int control_ask(const struct control_session *session, const struct control_request *request,
                const char *text, unsigned timeout_s, struct control_result *ret_result,
                struct diag *diag)
{
    const struct timeval timeout = {.tv_sec = timeout_s};
    struct control_result result = {.fd = -1};
    ssize_t n = 0;
    if (text && strlen(text) > CONTROL_TEXT_MAX)
        return diag_set(diag, ERR_USAGE, "the text is too long");
    setsockopt(session->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(session->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    int err = 0;
    /* What cannot be sent may have been answered already: that it may not, say. */
    (void)client_send(session->fd, request, text);
    if (!client_receive(session->fd, &result, &n))
        err = n < 0 && errno == EAGAIN
                      ? diag_set(diag, ERR_IO, "the recorder did not answer within %u s", timeout_s)
              : n <= 0 ? diag_set(diag, ERR_STATE, "the recording has ended")
                       : diag_set(diag, ERR_FORMAT, "the recorder's answer is malformed");
    else if (result.reply.error)
        err = client_refusal(&result.reply, result.body, diag);
    if (err) {
        control_result_done(&result);
        return err;
    }
    *ret_result = result;
    return 0;
}

void control_result_done(struct control_result *result)
{
    if (result->fd >= 0)
        close(result->fd);
    free(result->body);
    *result = (struct control_result){.fd = -1};
}

/* Asks for the status; text from the collector is cut where its 0 should be. */
static int client_status(struct control_session *session, uint32_t pid, struct diag *diag)
{
    const struct control_request request = {.kind = CONTROL_STATUS, .pid = pid};
    struct control_result result;
    int err = control_ask(session, &request, NULL, CLIENT_STATUS_TIMEOUT_S, &result, diag);
    if (err)
        return err;
    if (result.reply.body_bytes == sizeof session->status) {
        memcpy(&session->status, result.body, sizeof session->status);
        session->status.session[sizeof session->status.session - 1] = 0;
        session->status.program[sizeof session->status.program - 1] = 0;
    } else {
        err = diag_set(diag, ERR_FORMAT, "the recorder's answer is malformed");
    }
    control_result_done(&result);
    return err;
}

static int client_add(struct control_sessions *sessions, const struct control_session *session)
{
    VEC(struct control_session) list = {sessions->at, sessions->n, sessions->n};
    if (!vec_reserve(&list, sizeof *list.at, 1, CONTROL_SESSIONS_MAX))
        return ERR_MEMORY;
    list.at[list.n++] = *session;
    sessions->at = list.at;
    sessions->n = list.n;
    return 0;
}

/* One name of a folder: a session that answers, one that is another's, or a stale socket. */
static int client_look(struct control_sessions *sessions, const struct control_place *place,
                       const char *name)
{
    struct control_session session = {.fd = client_connect(place, name)};
    struct diag diag = {0};
    if (session.fd < 0) {
        if (errno == ECONNREFUSED)
            (void)unlinkat(place->fd, name, 0);
        sessions->denied_n += errno == EACCES || errno == EPERM;
        return 0;
    }
    int err = client_status(&session, 0, &diag);
    sessions->denied_n += err == ERR_DENIED;
    err = err ? 1 : client_add(sessions, &session);
    if (err)
        close(session.fd);
    return err < 0 ? err : 0;
}

/* Sessions that were seen twice: two names of one folder. */
static bool client_knows(const struct control_sessions *sessions, uint32_t collector_pid,
                         size_t before)
{
    for (size_t i = 0; i < before; i++) {
        if (sessions->at[i].status.collector_pid == collector_pid)
            return true;
    }
    return false;
}

static int client_look_in(struct control_sessions *sessions, const struct control_place *place)
{
    int copy = openat(place->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
    DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
    if (!folder && copy >= 0)
        close(copy);
    for (struct dirent *entry; folder && err == 0 && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.' || (entry->d_type != DT_SOCK && entry->d_type != DT_UNKNOWN))
            continue;
        size_t before = sessions->n;
        err = client_look(sessions, place, entry->d_name);
        if (sessions->n > before &&
            client_knows(sessions, sessions->at[before].status.collector_pid, before))
            control_session_done(&sessions->at[--sessions->n]);
    }
    if (folder)
        closedir(folder);
    return err;
}

static int client_order(const void *a, const void *b)
{
    const struct control_session *x = a, *y = b;
    return x->status.start_unix_ns < y->status.start_unix_ns
                   ? -1
                   : x->status.start_unix_ns > y->status.start_unix_ns;
}

int control_sessions_find(struct control_sessions *ret_sessions, struct diag *diag)
{
    struct control_place *places = calloc(CONTROL_PLACES_MAX, sizeof *places);
    struct control_sessions sessions = {.at = NULL};
    if (!places)
        return diag_set(diag, ERR_MEMORY, "no memory");
    size_t n = control_places(places, CONTROL_PLACES_MAX);
    int err = 0;
    for (size_t i = 0; i < n; i++) {
        err = err ? err : client_look_in(&sessions, &places[i]);
        control_place_done(&places[i]);
    }
    free(places);
    if (err < 0) {
        control_sessions_done(&sessions);
        return diag_set(diag, err, "no memory");
    }
    if (sessions.n)
        qsort(sessions.at, sessions.n, sizeof *sessions.at, client_order);
    *ret_sessions = sessions;
    return 0;
}

void control_session_done(struct control_session *session)
{
    if (session->fd >= 0)
        close(session->fd);
    session->fd = -1;
}

void control_sessions_done(struct control_sessions *sessions)
{
    for (size_t i = 0; i < sessions->n; i++)
        control_session_done(&sessions->at[i]);
    free(sessions->at);
    *sessions = (struct control_sessions){.at = NULL};
}

/* Whether the session is the one that is meant. */
static bool client_is_meant(struct control_session *session, const char *word, uint32_t pid)
{
    struct diag ignored = {0};
    if (!pid)
        return strcmp(session->status.session, word) == 0;
    return session->status.root_pid == pid || session->status.collector_pid == pid ||
           client_status(session, pid, &ignored) == 0;
}

static int client_not_found(const char *word, uint32_t pid, size_t denied_n, struct diag *diag)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%u", pid);
    if (pid && access(path, F_OK) < 0)
        return diag_set(diag, ERR_MISSING, "there is no process %u", pid);
    if (denied_n)
        return diag_set(diag, ERR_DENIED, "%.80s is not recorded by a session of yours", word);
    if (pid)
        return diag_set(diag, ERR_MISSING,
                        "process %u is not being recorded; `memscope ps` lists those that are",
                        pid);
    return diag_set(diag, ERR_MISSING, "there is no session %.80s; `memscope ps` lists them", word);
}

int control_session_open(const char *word, struct control_session *ret_session, struct diag *diag)
{
    struct control_sessions sessions;
    size_t digits = strspn(word, "0123456789");
    bool is_pid = digits && !word[digits] && digits < 10;
    uint32_t pid = is_pid ? (uint32_t)strtoul(word, NULL, 10) : 0;
    int err = control_sessions_find(&sessions, diag);
    if (err)
        return err;
    ret_session->fd = -1;
    for (size_t i = 0; i < sessions.n && ret_session->fd < 0; i++) {
        if (!client_is_meant(&sessions.at[i], word, pid))
            continue;
        *ret_session = sessions.at[i];
        sessions.at[i].fd = -1;
    }
    if (ret_session->fd < 0)
        err = client_not_found(word, pid, sessions.denied_n, diag);
    control_sessions_done(&sessions);
    return err;
}
