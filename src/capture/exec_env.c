/* SPDX-License-Identifier: Apache-2.0 */
/* Environments and command lines, built in the thread's scratch. */
#include "capture/exec_env.h"

#include <stdbool.h>
#include <sys/mman.h>

#include "capture/cpu/x86_64/syscall.h"
#include "capture/door.h"
#include "capture/lane.h"

static const char exec_preload[] = "LD_PRELOAD=";

static size_t exec_length(const char *text)
{
    size_t n = 0;
    while (text[n])
        n++;
    return n;
}

static char *exec_put(char *to, const char *text)
{
    while (*text)
        *to++ = *text++;
    *to = 0;
    return to;
}

static bool exec_starts(const char *text, const char *prefix)
{
    while (*prefix) {
        if (*text++ != *prefix++)
            return false;
    }
    return true;
}

const char *exec_variable(char *const *envp, const char *name)
{
    for (; envp && *envp; envp++) {
        if (exec_starts(*envp, name))
            return *envp + exec_length(name);
    }
    return NULL;
}

void *exec_scratch(size_t bytes)
{
    struct lane_state *state = lane_mine();
    if (state && state->scratch_bytes >= bytes)
        return state->scratch;
    bytes = (bytes + WIRE_PAGE_BYTES - 1) & ~(size_t)(WIRE_PAGE_BYTES - 1);
    long at = syscall_6(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at < 0)
        return NULL;
    if (state) {
        if (state->scratch)
            syscall_3(SYS_munmap, (long)(uintptr_t)state->scratch, (long)state->scratch_bytes, 0);
        state->scratch = (void *)at;
        state->scratch_bytes = bytes;
    }
    return (void *)at;
}

static size_t exec_preload_bytes(char *const *envp)
{
    const char *users = exec_variable(envp, exec_preload);
    return sizeof exec_preload + exec_length(door.library) + 1 + (users ? exec_length(users) : 0) +
           1;
}

/* "library:what the user had". */
static char *exec_put_preload(char *to, char *const *envp)
{
    const char *users = exec_variable(envp, exec_preload);
    to = exec_put(to, door.library);
    if (users) {
        to = exec_put(to, ":");
        to = exec_put(to, users);
    }
    return to;
}

size_t exec_environment_bytes(char *const *envp)
{
    size_t n = 0;
    while (envp && envp[n])
        n++;
    size_t bytes = (n + 3) * sizeof(char *) + exec_preload_bytes(envp);
    return (bytes + 15) & ~(size_t)15;
}

char **exec_environment(void *scratch, char *const *envp)
{
    char **to = scratch;
    size_t n = 0;
    while (envp && envp[n])
        n++;
    char *text = (char *)(to + n + 3);
    bool preloaded = false;
    exec_put_preload(exec_put(text, exec_preload), envp);
    for (size_t i = 0; i < n; i++) {
        if (exec_starts(envp[i], DOOR_VARIABLE))
            continue;
        bool is_preload = !preloaded && exec_starts(envp[i], exec_preload);
        *to++ = is_preload ? text : envp[i];
        preloaded = preloaded || is_preload;
    }
    if (!preloaded)
        *to++ = text;
    *to++ = door.variable;
    *to = NULL;
    return scratch;
}

/* Appends text as it stands inside single quotes of a shell. */
static char *exec_put_quoted(char *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            to = exec_put(to, "'\\''");
        else
            *to++ = *text;
    }
    *to = 0;
    return to;
}

const char *exec_command(const char *command, char *const *envp)
{
    static const char before[] = "LD_PRELOAD='", between[] = "' ", after[] = " exec sh -c '";
    enum { QUOTED = 4 }; /* bytes that one byte may become */
    size_t bytes = sizeof before + QUOTED * exec_preload_bytes(envp) + sizeof between +
                   DOOR_TEXT_MAX + sizeof after + QUOTED * exec_length(command) + 2;
    char *value = exec_scratch(bytes + exec_preload_bytes(envp));
    if (!value)
        return NULL;
    char *text = exec_put_preload(value, envp) + 1;
    char *at = exec_put(text, before);
    at = exec_put_quoted(at, value);
    at = exec_put(at, between);
    at = exec_put(at, door.variable);
    at = exec_put(at, after);
    at = exec_put_quoted(at, command);
    exec_put(at, "'");
    return text;
}
