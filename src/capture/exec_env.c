/* SPDX-License-Identifier: Apache-2.0 */
/* Environments and command lines, built in the thread's scratch. */
#include "capture/exec_env.h"

#include <stdbool.h>
#include <sys/mman.h>

#include "capture/cpu/x86_64/syscall.h"
#include "capture/door.h"
#include "capture/lane.h"
#include "capture/words.h"

static const char exec_preload[] = "LD_PRELOAD=";

const char *exec_variable(char *const *envp, const char *name)
{
    for (; envp && *envp; envp++) {
        if (words_start(*envp, name))
            return *envp + words_length(name);
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
    return sizeof exec_preload + words_length(door.library) + 1 +
           (users ? words_length(users) : 0) + 1;
}

/* "library:what the user had". */
static char *exec_put_preload(char *to, char *const *envp)
{
    const char *users = exec_variable(envp, exec_preload);
    to = words_put(to, door.library);
    if (users) {
        to = words_put(to, ":");
        to = words_put(to, users);
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
    exec_put_preload(words_put(text, exec_preload), envp);
    for (size_t i = 0; i < n; i++) {
        if (words_start(envp[i], DOOR_VARIABLE))
            continue;
        bool is_preload = !preloaded && words_start(envp[i], exec_preload);
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
            to = words_put(to, "'\\''");
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
                   DOOR_TEXT_MAX + sizeof after + QUOTED * words_length(command) + 2;
    char *value = exec_scratch(bytes + exec_preload_bytes(envp));
    if (!value)
        return NULL;
    char *text = exec_put_preload(value, envp) + 1;
    char *at = words_put(text, before);
    at = exec_put_quoted(at, value);
    at = words_put(at, between);
    at = words_put(at, door.variable);
    at = words_put(at, after);
    at = exec_put_quoted(at, command);
    words_put(at, "'");
    return text;
}
