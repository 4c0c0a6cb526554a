/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connects, asks, waits for the reply, closes. The reply is checked as far as we use it: a
 * descriptor that was not asked for is closed, a body is cut to what it should hold.
 */
#include "api/client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "api/ask.h"
#include "api/fault.h"
#include "capture/cpu/x86_64/syscall.h"

enum {
    CLIENT_WAIT_MS = 10000,
    CLIENT_TEXT_MAX = 200,
    CLIENT_PATH_PAUSE_NS = 200000,
    CLIENT_PATH_PAUSES = 10000,
};

/* The recorder opens its socket while the program is loaded. Returns whether there is one. */
static bool client_await_path(const struct wire_segment *segment)
{
    const struct timespec pause = {.tv_nsec = CLIENT_PATH_PAUSE_NS};
    for (int i = 0; i < CLIENT_PATH_PAUSES; i++) {
        /* Acquire: pairs with the release of the first byte, which is written last. */
        char first = __atomic_load_n(segment->control, __ATOMIC_ACQUIRE);
        if (first)
            return first != WIRE_CONTROL_NONE[0];
        syscall_3(SYS_nanosleep, (long)(uintptr_t)&pause, 0, 0);
    }
    return false;
}

static int client_connect(const struct wire_segment *segment, long *ret_fd,
                          struct memscope_error *error)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (!client_await_path(segment))
        return fault_set(error, MEMSCOPE_E_COLLECTOR_LOST,
                         "the recorder has no control socket, so it cannot be asked", NULL);
    fault_copy(name.sun_path, sizeof name.sun_path, segment->control);
    long fd = syscall_3(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fault_errno(error, MEMSCOPE_E_DENIED, "no socket can be made", fd);
    long err = syscall_3(SYS_connect, fd, (long)(uintptr_t)&name, sizeof name);
    if (err < 0) {
        syscall_3(SYS_close, fd, 0, 0);
        bool refused = err == -EACCES || err == -EPERM;
        return fault_errno(error, refused ? MEMSCOPE_E_DENIED : MEMSCOPE_E_COLLECTOR_LOST,
                           refused ? "the recorder's control socket cannot be reached"
                                   : "the recorder is gone",
                           err);
    }
    *ret_fd = fd;
    return MEMSCOPE_OK;
}

/* Waits until the reply is there. */
static int client_wait(long fd, struct memscope_error *error)
{
    uint64_t end = ask_now_ns() + (uint64_t)CLIENT_WAIT_MS * 1000000u;
    for (;;) {
        uint64_t now = ask_now_ns();
        if (now >= end)
            return fault_set(error, MEMSCOPE_E_TIMEOUT, "the recorder does not answer", NULL);
        struct pollfd wait = {.fd = (int)fd, .events = POLLIN};
        long n = syscall_3(SYS_poll, (long)(uintptr_t)&wait, 1, (long)((end - now) / 1000000 + 1));
        if (n > 0)
            return MEMSCOPE_OK;
        if (n < 0 && n != -EINTR)
            return fault_errno(error, MEMSCOPE_E_DENIED, "waiting for the recorder failed", n);
    }
}

static int client_status_of(uint32_t error)
{
    switch (error) {
    case CONTROL_E_ENDED:
        return MEMSCOPE_E_COLLECTOR_LOST;
    case CONTROL_E_DENIED:
        return MEMSCOPE_E_DENIED;
    case CONTROL_E_PROCESS:
        return MEMSCOPE_E_NOT_FOUND;
    case CONTROL_E_BUSY:
        return MEMSCOPE_E_TIMEOUT;
    case CONTROL_E_FAILED:
        return MEMSCOPE_E_MEMORY;
    default:
        return MEMSCOPE_E_UNSUPPORTED;
    }
}

/* The descriptor of a message, -1: none. More than one does not fit the space that it has. */
static long client_descriptor(const struct msghdr *message)
{
    const struct cmsghdr *part = CMSG_FIRSTHDR(message);
    int fd = -1;
    if (part && part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS &&
        part->cmsg_len >= CMSG_LEN(sizeof fd))
        memcpy(&fd, CMSG_DATA(part), sizeof fd);
    return fd;
}

static int client_receive(long fd, struct client_reply *reply, struct memscope_error *error)
{
    union {
        struct control_status status;
        char text[CLIENT_TEXT_MAX];
    } body;
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } space;
    struct control_reply head = {0};
    struct iovec parts[2] = {{&head, sizeof head}, {&body, sizeof body}};
    struct msghdr message = {.msg_iov = parts,
                             .msg_iovlen = 2,
                             .msg_control = &space,
                             .msg_controllen = sizeof space};
    memset(&body, 0, sizeof body);
    long n;
    do
        n = syscall_3(SYS_recvmsg, fd, (long)(uintptr_t)&message, MSG_CMSG_CLOEXEC);
    while (n == -EINTR);
    reply->fd = n > 0 ? client_descriptor(&message) : -1;
    if (n < (long)sizeof head || head.magic != CONTROL_MAGIC || head.version != CONTROL_VERSION)
        return fault_set(error, MEMSCOPE_E_COLLECTOR_LOST, "the recorder broke off", NULL);
    if (head.error != CONTROL_OK) {
        body.text[sizeof body.text - 1] = 0;
        return fault_set(error, client_status_of(head.error), "the recorder refuses",
                         body.text[0] ? body.text : NULL);
    }
    reply->value = head.value;
    reply->status = body.status;
    return MEMSCOPE_OK;
}

int client_ask(const struct wire_segment *segment, const struct client_question *question,
               struct client_reply *ret_reply, struct memscope_error *error)
{
    const struct control_request request = {.magic = CONTROL_MAGIC,
                                            .version = CONTROL_VERSION,
                                            .kind = (uint16_t)question->kind,
                                            .pid = question->pid,
                                            .stamp = question->stamp,
                                            .value = question->value};
    struct client_reply reply = {.fd = -1};
    long fd = -1;
    int err = client_connect(segment, &fd, error);
    if (err < 0)
        return err;
    long sent = syscall_6(SYS_sendto, fd, (long)(uintptr_t)&request, sizeof request, MSG_NOSIGNAL,
                          0, 0);
    if (sent == (long)sizeof request)
        err = client_wait(fd, error);
    else
        err = fault_set(error, MEMSCOPE_E_COLLECTOR_LOST, "the recorder broke off", NULL);
    if (err == MEMSCOPE_OK)
        err = client_receive(fd, &reply, error);
    syscall_3(SYS_close, fd, 0, 0);
    if (err < 0) {
        if (reply.fd >= 0)
            syscall_3(SYS_close, reply.fd, 0, 0);
        return err;
    }
    *ret_reply = reply;
    return MEMSCOPE_OK;
}
