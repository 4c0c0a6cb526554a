/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exec family: the next image is let into the session through its environment, which this
 * image's own environment does not show. libc's wrappers call each other directly, so each is
 * hooked by name. vfork and clone are not: a C wrapper cannot return twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/emit.h"
#include "capture/exec_env.h"
#include "capture/exec_fit.h"
#include "capture/exec_tell.h"
#include "capture/high_water.h"
#include "capture/start.h"

#pragma weak environ

static char **hooks_environ(void)
{
    return &environ ? environ : NULL;
}

/* An image that is passed over writes nothing; it looks whether there is a session still. */
static bool hooks_session_lives(void)
{
    return atomic_load_explicit(&process.segment->recording, memory_order_relaxed) != WIRE_ENDED;
}

/* True when images that this process starts should join the session. */
static bool hooks_follow(void)
{
    return process.segment && (process.passing ? hooks_session_lives() : emit_follows()) &&
           process.segment->config.follow;
}

/* An image about to begin: what the collector was told of it, and its environment. */
struct hooks_image {
    struct wire_exec *told;
    char *const *envp;
};

/*
 * The environment for an image that fits, or envp itself. It is built behind the first
 * list_bytes of the scratch, where the arguments of the list forms lie.
 */
static struct hooks_image hooks_image(const struct exec_fit *fit, const char *path,
                                      char *const *envp, size_t list_bytes, bool spawning)
{
    struct hooks_image image = {exec_tell(path, fit, spawning), envp};
    if (!spawning)
        high_water_tell();
    if (fit->why != WIRE_FITS)
        return image;
    char *scratch = exec_scratch(list_bytes + exec_environment_bytes(envp));
    if (scratch)
        image.envp = exec_environment(scratch + list_bytes, envp);
    return image;
}

/* execve with an environment that was followed or not. */
static int hooks_execve(const char *path, char *const argv[], char *const envp[], size_t list_bytes)
{
    if (!hooks_ready() || !next.execve) {
        errno = ENOSYS;
        return -1;
    }
    if (!hooks_follow())
        return next.execve(path, argv, envp);
    struct exec_fit fit = exec_fit(AT_FDCWD, path, 0);
    struct hooks_image image = hooks_image(&fit, path, envp, list_bytes, false);
    int result = next.execve(path, argv, image.envp);
    exec_tell_failed(image.told);
    return result;
}

static int hooks_execvpe(const char *name, char *const argv[], char *const envp[],
                         size_t list_bytes)
{
    if (!hooks_ready() || !next.execvpe) {
        errno = ENOSYS;
        return -1;
    }
    if (!hooks_follow())
        return next.execvpe(name, argv, envp);
    struct exec_fit fit = exec_fit_in_path(name, exec_variable(hooks_environ(), "PATH="));
    struct hooks_image image = hooks_image(&fit, name, envp, list_bytes, false);
    int result = next.execvpe(name, argv, image.envp);
    exec_tell_failed(image.told);
    return result;
}

HOOK int execve(const char *path, char *const argv[], char *const envp[])
{
    return hooks_execve(path, argv, envp, 0);
}

HOOK int execv(const char *path, char *const argv[])
{
    return hooks_execve(path, argv, hooks_environ(), 0);
}

HOOK int execvpe(const char *file, char *const argv[], char *const envp[])
{
    return hooks_execvpe(file, argv, envp, 0);
}

HOOK int execvp(const char *file, char *const argv[])
{
    return hooks_execvpe(file, argv, hooks_environ(), 0);
}

/* What a program that is executed by its descriptor is called. */
static const char *hooks_first(char *const argv[])
{
    return argv && argv[0] ? argv[0] : "";
}

HOOK int fexecve(int fd, char *const argv[], char *const envp[])
{
    if (!hooks_ready() || !next.fexecve) {
        errno = ENOSYS;
        return -1;
    }
    if (!hooks_follow())
        return next.fexecve(fd, argv, envp);
    struct exec_fit fit = exec_fit(fd, NULL, AT_EMPTY_PATH);
    struct hooks_image image = hooks_image(&fit, hooks_first(argv), envp, 0, false);
    int result = next.fexecve(fd, argv, image.envp);
    exec_tell_failed(image.told);
    return result;
}

HOOK int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags)
{
    if (!hooks_ready() || !next.execveat) {
        errno = ENOSYS;
        return -1;
    }
    if (!hooks_follow())
        return next.execveat(fd, path, argv, envp, flags);
    struct exec_fit fit = exec_fit(fd, path, flags);
    const char *name = *path ? path : hooks_first(argv);
    struct hooks_image image = hooks_image(&fit, name, envp, 0, false);
    int result = next.execveat(fd, path, argv, image.envp, flags);
    exec_tell_failed(image.told);
    return result;
}

/* The arguments of a list form as an array at the start of the scratch. */
struct hooks_list {
    char **argv;
    char *const *envp;
    size_t bytes; /* of the array */
};

/* Reads the list, and the environment behind it for execle. False: no memory, errno is set. */
static bool hooks_list_read(struct hooks_list *list, const char *first, va_list arguments,
                            bool has_envp)
{
    va_list again;
    va_copy(again, arguments);
    size_t n = 0;
    for (const char *argument = first; argument; argument = va_arg(arguments, const char *))
        n++;
    list->envp = has_envp ? va_arg(arguments, char *const *) : hooks_environ();
    list->bytes = (n + 1) * sizeof(char *);
    list->argv = exec_scratch(list->bytes + exec_environment_bytes(list->envp));
    if (list->argv) {
        list->argv[0] = (char *)(uintptr_t)first;
        for (size_t i = 1; i <= n; i++)
            list->argv[i] = va_arg(again, char *);
    } else {
        errno = ENOMEM;
    }
    va_end(again);
    return list->argv != NULL;
}

HOOK int execl(const char *path, const char *arg, ...)
{
    struct hooks_list list;
    va_list arguments;
    va_start(arguments, arg);
    bool read = hooks_list_read(&list, arg, arguments, false);
    va_end(arguments);
    return read ? hooks_execve(path, list.argv, list.envp, list.bytes) : -1;
}

HOOK int execlp(const char *file, const char *arg, ...)
{
    struct hooks_list list;
    va_list arguments;
    va_start(arguments, arg);
    bool read = hooks_list_read(&list, arg, arguments, false);
    va_end(arguments);
    return read ? hooks_execvpe(file, list.argv, list.envp, list.bytes) : -1;
}

HOOK int execle(const char *path, const char *arg, ...)
{
    struct hooks_list list;
    va_list arguments;
    va_start(arguments, arg);
    bool read = hooks_list_read(&list, arg, arguments, true);
    va_end(arguments);
    return read ? hooks_execve(path, list.argv, list.envp, list.bytes) : -1;
}

HOOK int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                     const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    if (!hooks_ready() || !next.posix_spawn)
        return ENOSYS;
    if (!hooks_follow())
        return next.posix_spawn(pid, path, actions, attributes, argv, envp);
    struct exec_fit fit = exec_fit(AT_FDCWD, path, 0);
    struct hooks_image image = hooks_image(&fit, path, envp, 0, true);
    pid_t child = 0;
    int error = next.posix_spawn(&child, path, actions, attributes, argv, image.envp);
    exec_tell_spawned(image.told, error, child);
    if (!error && pid)
        *pid = child;
    return error;
}

HOOK int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                      const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    if (!hooks_ready() || !next.posix_spawnp)
        return ENOSYS;
    if (!hooks_follow())
        return next.posix_spawnp(pid, file, actions, attributes, argv, envp);
    struct exec_fit fit = exec_fit_in_path(file, exec_variable(hooks_environ(), "PATH="));
    struct hooks_image image = hooks_image(&fit, file, envp, 0, true);
    pid_t child = 0;
    int error = next.posix_spawnp(&child, file, actions, attributes, argv, image.envp);
    exec_tell_spawned(image.told, error, child);
    if (!error && pid)
        *pid = child;
    return error;
}

/* libc starts the shell with its own environ, so the session reaches it through the command. */
static const char *hooks_command(const char *command)
{
    const char *followed = hooks_follow() ? exec_command(command, hooks_environ()) : NULL;
    return followed ? followed : command;
}

HOOK int system(const char *command)
{
    if (!hooks_ready() || !next.system)
        return -1;
    /* libc asks the shell as well whether there is one; so it is seen. */
    return command ? next.system(hooks_command(command))
                   : next.system(hooks_command("exit 0")) == 0;
}

HOOK FILE *popen(const char *command, const char *mode)
{
    if (!hooks_ready() || !next.popen)
        return NULL;
    return next.popen(hooks_command(command), mode);
}
