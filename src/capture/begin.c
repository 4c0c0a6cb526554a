/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child that executes the collector is a grandchild in a session of its own, without an exit
 * signal as its parent (see child.h), which is gone before begin_collector returns. They run on
 * copies of our memory, where they may change what they like.
 */
#include "capture/begin.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "capture/child.h"
#include "capture/cpu/x86_64/syscall.h"
#include "capture/door.h"
#include "capture/words.h"

enum { BEGIN_STDERR = 2 };

#define BEGIN_OTHER_VERSION                                                                        \
    "the recorder is of another version of memscope than the library: MEMSCOPE_EXE names it"

static const char begin_preload[] = "LD_PRELOAD=", begin_options[] = "MEMSCOPE=",
                  begin_exe[] = "MEMSCOPE_EXE=", begin_library[] = "libmemscope.so";

static char **begin_variable(char *const *envp, const char *name)
{
    for (; envp && *envp; envp++) {
        if (words_start(*envp, name))
            return (char **)(uintptr_t)envp;
    }
    return NULL;
}

static void begin_remove(char **at)
{
    do
        at[0] = at[1];
    while (*at++);
}

/* Takes every variable of this name out. */
static void begin_remove_all(char **envp, const char *name)
{
    char **at;
    while ((at = begin_variable(envp, name)))
        begin_remove(at);
}

/* What the child needs. */
struct begin_child {
    const char *executable, *options;
    char **envp;
    long fd;
};

/* In the grandchild: its own copy of the environment loses what would make it record itself. */
static void begin_execute(const struct begin_child *child)
{
    char *const argv[] = {(char *)(uintptr_t) "memscope", (char *)(uintptr_t) "collect",
                          (char *)(uintptr_t) "--", (char *)(uintptr_t)child->options, NULL};
    if (child->fd == BEGIN_FD)
        syscall_3(SYS_fcntl, child->fd, F_SETFD, 0);
    else
        syscall_3(SYS_dup3, child->fd, BEGIN_FD, 0);
    begin_remove_all(child->envp, begin_preload);
    begin_remove_all(child->envp, begin_options);
    begin_remove_all(child->envp, DOOR_VARIABLE);
    syscall_3(SYS_execve, (long)(uintptr_t)child->executable, (long)(uintptr_t)argv,
              (long)(uintptr_t)child->envp);
}

/* In the first child; never returns. */
static void begin_detach(void *context)
{
    syscall_3(SYS_setsid, 0, 0, 0);
    long grandchild = syscall_6(SYS_clone, 0, 0, 0, 0, 0, 0);
    if (grandchild == 0) {
        begin_execute(context);
        syscall_3(SYS_exit_group, CHILD_FAILED, 0, 0);
    }
    syscall_3(SYS_exit_group, grandchild < 0, 0, 0);
}

static long begin_spawn(const char *executable, const char *options, char *const *envp, long fd)
{
    struct begin_child context = {executable, options, (char **)(uintptr_t)envp, fd};
    int status = 0;
    long child = child_start(begin_detach, &context), waited = child;
    while (child > 0) {
        waited = syscall_6(SYS_wait4, child, (long)(uintptr_t)&status, (int)__WCLONE, 0, 0, 0);
        if (waited != -EINTR)
            break;
    }
    if (waited < 0)
        return waited;
    return status ? -EAGAIN : 0;
}

/*
 * Waits for the reply. -ETIMEDOUT: there is none in time; -ENOENT: the other end is closed;
 * -EPROTO: it is of another version, or no reply; else the kernel's error.
 */
static long begin_receive(long fd, struct begin_reply *ret_reply)
{
    struct pollfd watched = {.fd = (int)fd, .events = POLLIN};
    struct timespec left = {.tv_sec = BEGIN_WAIT_S};
    long n;
    do /* the kernel keeps `left` up to date */
        n = syscall_6(SYS_ppoll, (long)(uintptr_t)&watched, 1, (long)(uintptr_t)&left, 0,
                      CHILD_SIGNAL_BYTES, 0);
    while (n == -EINTR);
    if (n <= 0)
        return n ? n : -ETIMEDOUT;
    struct begin_reply *reply = ret_reply;
    n = syscall_6(SYS_recvfrom, fd, (long)(uintptr_t)reply, sizeof *reply, 0, 0, 0);
    if (n != (long)sizeof *reply || reply->magic != BEGIN_MAGIC ||
        reply->version != BEGIN_VERSION) {
        reply->text[0] = 0;
        return n < 0 ? n : n == 0 ? -ENOENT : -EPROTO;
    }
    reply->text[sizeof reply->text - 1] = 0;
    return reply->failed ? -ECANCELED : 0;
}

void begin_release(long fd)
{
    syscall_3(SYS_close, fd, 0, 0);
}

long begin_collector(const char *executable, const char *options, char *const *envp, long *ret_fd,
                     struct begin_reply *ret_reply)
{
    int pair[2];
    ret_reply->text[0] = 0;
    long err = syscall_6(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
                         (long)(uintptr_t)pair, 0, 0);
    if (err < 0)
        return err;
    err = begin_spawn(executable, options, envp, pair[1]);
    begin_release(pair[1]);
    if (err == 0)
        err = begin_receive(pair[0], ret_reply);
    size_t n = words_length(ret_reply->text);
    if (err == 0 && n + sizeof DOOR_VARIABLE > sizeof door.variable)
        err = -EPROTO;
    if (err < 0) {
        begin_release(pair[0]);
        return err;
    }
    words_put(words_put(door.variable, DOOR_VARIABLE), ret_reply->text);
    *ret_fd = pair[0];
    return 0;
}

const char *begin_executable(char *const *envp)
{
    char **named = begin_variable(envp, begin_exe);
    return named ? *named + sizeof begin_exe - 1 : MEMSCOPE_EXE_PATH;
}

/* The end of an entry of LD_PRELOAD. */
static size_t begin_entry(const char *at)
{
    size_t n = 0;
    while (at[n] && at[n] != ':' && at[n] != ' ')
        n++;
    return n;
}

/* True for "libmemscope.so", with a folder or without. */
static bool begin_is_library(const char *entry, size_t n)
{
    const size_t name_n = sizeof begin_library - 1;
    if (n < name_n || n >= DOOR_PATH_MAX || (n > name_n && entry[n - name_n - 1] != '/'))
        return false;
    for (size_t i = 0; i < name_n; i++) {
        if (entry[n - name_n + i] != begin_library[i])
            return false;
    }
    return true;
}

/* Our entry in the value of LD_PRELOAD, n bytes of it; NULL: it is not there. */
static char *begin_find_entry(char *value, size_t *ret_n)
{
    while (*value) {
        size_t n = begin_entry(value);
        if (begin_is_library(value, n)) {
            *ret_n = n;
            return value;
        }
        value += n + (value[n] != 0);
    }
    return NULL;
}

/* Keeps our entry for images that follow, and takes it out of the variable. */
static void begin_strip(char **envp, char **preload, char *entry, size_t n)
{
    for (size_t i = 0; i < n; i++)
        door.library[i] = entry[i];
    door.library[n] = 0;
    const char *rest = entry + n + (entry[n] != 0);
    char *value = *preload + sizeof begin_preload - 1;
    if (!*rest && entry > value)
        entry--; /* the separator before it */
    while ((*entry++ = *rest++))
        ;
    if (!*value)
        begin_remove(preload);
    begin_remove_all(envp, begin_options);
    begin_remove_all(envp, begin_exe);
}

static bool begin_is_secure(char *const *envp)
{
    while (*envp)
        envp++;
    const Elf64_auxv_t *entry = (const Elf64_auxv_t *)(envp + 1);
    for (; entry->a_type != AT_NULL; entry++) {
        if (entry->a_type == AT_SECURE)
            return entry->a_un.a_val != 0;
    }
    return true;
}

static void begin_say(const char *text)
{
    syscall_3(SYS_write, BEGIN_STDERR, (long)(uintptr_t)text, (long)words_length(text));
}

static struct wire_segment *begin_fail(long err, const struct begin_reply *reply)
{
    begin_say("memscope: not recorded: ");
    begin_say(reply->text[0]      ? reply->text
              : err == -ENOENT    ? "the memscope executable is missing; MEMSCOPE_EXE names it"
              : err == -ETIMEDOUT ? "the recorder does not answer"
              : err == -EPROTO    ? BEGIN_OTHER_VERSION
                                  : "the recorder cannot be started");
    begin_say("\n");
    return NULL;
}

struct wire_segment *begin_by_hand(char **envp, uint64_t view_bytes)
{
    char **preload = begin_variable(envp, begin_preload);
    char **options = begin_variable(envp, begin_options);
    size_t n = 0;
    char *entry =
            preload && options ? begin_find_entry(*preload + sizeof begin_preload - 1, &n) : NULL;
    if (!entry || begin_is_secure(envp))
        return NULL;
    struct begin_reply reply;
    long fd = -1;
    long err = begin_collector(begin_executable(envp), *options + sizeof begin_options - 1, envp,
                               &fd, &reply);
    begin_strip(envp, preload, entry, n);
    if (err < 0)
        return begin_fail(err, &reply);
    struct wire_segment *segment = door_open(view_bytes);
    begin_release(fd);
    if (!segment)
        begin_say(door.is_foreign
                          ? "memscope: not recorded: " BEGIN_OTHER_VERSION "\n"
                          : "memscope: not recorded: the recorder's memory cannot be reached\n");
    return segment;
}
