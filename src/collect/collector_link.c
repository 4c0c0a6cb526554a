/* SPDX-License-Identifier: Apache-2.0 */
/* What the collector and whoever began it say to each other, message by message. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collect/collector.h"
#include "collect/images.h"
#include "wire/begin.h"

int collector_send(int socket, const struct collector_message *message)
{
    ssize_t n;
    do
        n = send(socket, message, sizeof *message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *message ? 0 : ERR_IO;
}

void collector_tell_images(struct collector_message *message, const struct images *images)
{
    message->running_n = images->live_n;
    message->image_n = images->seen_n;
    message->passed_n = images->passed_n;
    message->unrecorded_n = (uint32_t)execs_unrecorded(&images->execs, images);
    snprintf(message->passed, sizeof message->passed, "%s", images->passed);
    snprintf(message->unrecorded, sizeof message->unrecorded, "%s", images->execs.names);
}

int collector_receive(int socket, struct collector_message *ret_message)
{
    struct collector_message message;
    ssize_t n;
    do
        n = recv(socket, &message, sizeof message, 0);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof message)
        return 1;
    message.text[sizeof message.text - 1] = 0;
    message.passed[sizeof message.passed - 1] = 0;
    message.unrecorded[sizeof message.unrecorded - 1] = 0;
    *ret_message = message;
    return 0;
}

pid_t collector_proc_pid(void)
{
    char text[16] = "";
    ssize_t n = readlink("/proc/self", text, sizeof text - 1);
    long pid = n > 0 ? strtol(text, NULL, 10) : 0;
    return pid > 0 ? (pid_t)pid : getpid();
}

/* To the launcher: whether its program may go. */
void collector_tell_ready(int socket, int err, const struct diag *diag)
{
    struct collector_message message = {.kind = err < 0 ? COLLECTOR_FAILED : COLLECTOR_READY};
    snprintf(message.text, sizeof message.text, "%s", diag->text);
    collector_send(socket, &message);
}

/* To the process that asked for us: how it gets in, or why not. */
void collector_tell_door(int socket, const struct segment *segment, int err,
                         const struct diag *diag)
{
    struct begin_reply reply = {.magic = BEGIN_MAGIC, .version = BEGIN_VERSION, .failed = err < 0};
    if (err < 0)
        snprintf(reply.text, sizeof reply.text, "%.470s", diag->text);
    else
        segment_door(segment, collector_proc_pid(), reply.text, sizeof reply.text);
    ssize_t n;
    do
        n = send(socket, &reply, sizeof reply, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
}
