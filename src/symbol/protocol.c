/* SPDX-License-Identifier: Apache-2.0 */
/* Packets with a descriptor now and then. */
#include "symbol/protocol.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/diag.h"

union protocol_control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

int protocol_send(int socket, const void *bytes, size_t n, int fd)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = n};
    union protocol_control control = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control.bytes;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    }
    for (;;) {
        ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
        if (sent == (ssize_t)n)
            return 0;
        if (sent < 0 && errno == EINTR)
            continue;
        return sent < 0 && errno == EAGAIN ? 1 : ERR_IO;
    }
}

/* The one descriptor we take; any others that a hostile peer adds are closed. */
static int protocol_take_fd(struct msghdr *message)
{
    int taken = -1;
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
        if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(at) + i * sizeof fd, sizeof fd);
            if (taken < 0)
                taken = fd;
            else
                close(fd);
        }
    }
    return taken;
}

ssize_t protocol_receive(int socket, void *bytes, size_t capacity, int flags, int *ret_fd)
{
    struct iovec part = {.iov_base = bytes, .iov_len = capacity};
    union protocol_control control = {0};
    struct msghdr message = {
            .msg_iov = &part,
            .msg_iovlen = 1,
            .msg_control = &control,
            .msg_controllen = sizeof control.bytes,
    };
    ssize_t n;
    do
        n = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -1;
    int fd = protocol_take_fd(&message);
    if (message.msg_flags & MSG_TRUNC) {
        if (fd >= 0)
            close(fd);
        errno = EMSGSIZE;
        return -1;
    }
    *ret_fd = fd;
    return n;
}
