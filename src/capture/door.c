/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the door with the system calls that the loader has just made itself. */
#include "capture/door.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>

#include "capture/cpu/x86_64/syscall.h"
#include "capture/words.h"

struct door door;

static const char *door_number(const char *at, uint32_t *ret_number)
{
    uint32_t number = 0;
    while (*at >= '0' && *at <= '9')
        number = number * 10 + (uint32_t)(*at++ - '0');
    *ret_number = number;
    return *at == '.' ? at + 1 : at;
}

static uint64_t door_hex(const char *at)
{
    uint64_t value = 0;
    for (int i = 0; i < 16; i++) {
        char c = at[i];
        if (c >= '0' && c <= '9')
            value = value << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value << 4 | (uint64_t)(c - 'a' + 10);
        else
            return 0;
    }
    return value;
}

/*
 * Takes our entry, the first of LD_PRELOAD, out of `variable`. Returns true when nothing is left
 * of the user's own value, and the variable should go.
 */
static bool door_strip_preload(char *variable)
{
    char *value = variable + sizeof "LD_PRELOAD=" - 1;
    size_t n = 0;
    while (value[n] && value[n] != ':' && value[n] != ' ')
        n++;
    if (n >= DOOR_PATH_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        door.library[i] = value[i];
    door.library[n] = 0;
    if (!value[n])
        return true;
    const char *rest = value + n + 1;
    while ((*value++ = *rest++))
        ;
    return false;
}

static void door_remove(char **at)
{
    do
        at[0] = at[1];
    while (*at++);
}

/* Keeps the door variable and leaves the environment as the user wrote it. */
static bool door_strip(char **envp)
{
    char **preload = NULL, **variable = NULL;
    for (char **at = envp; *at; at++) {
        if (!preload && words_start(*at, "LD_PRELOAD="))
            preload = at;
        else if (!variable && words_start(*at, DOOR_VARIABLE))
            variable = at;
    }
    if (!variable || words_length(*variable) >= DOOR_TEXT_MAX)
        return false;
    words_put(door.variable, *variable);
    bool gone = preload && door_strip_preload(*preload);
    /* The later one first, so that the other's place does not move. */
    if (gone && preload > variable)
        door_remove(preload);
    door_remove(variable);
    if (gone && preload < variable)
        door_remove(preload);
    return true;
}

static struct wire_segment *door_map(const char *path, const uint64_t key[2], uint64_t view_bytes)
{
    long fd = syscall_6(SYS_openat, AT_FDCWD, (long)path, O_RDWR | O_CLOEXEC, 0, 0, 0);
    if (fd < 0)
        return NULL;
    long at = syscall_6(SYS_mmap, 0, (long)view_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall_3(SYS_close, fd, 0, 0);
    if (at < 0)
        return NULL;
    struct wire_segment *segment = (struct wire_segment *)at;
    if (segment->magic == WIRE_MAGIC && segment->version == WIRE_VERSION &&
        segment->header_bytes == sizeof *segment && segment->key[0] == key[0] &&
        segment->key[1] == key[1])
        return segment;
    /* These two words stand first in every version. */
    door.is_foreign = segment->magic == WIRE_MAGIC && (segment->version != WIRE_VERSION ||
                                                       segment->header_bytes != sizeof *segment);
    syscall_3(SYS_munmap, at, (long)view_bytes, 0);
    return NULL;
}

struct wire_segment *door_enter(char **envp, uint64_t view_bytes)
{
    return door_strip(envp) ? door_open(view_bytes) : NULL;
}

struct wire_segment *door_open(uint64_t view_bytes)
{
    uint32_t pid, fd;
    const char *text = door_number(door.variable + sizeof DOOR_VARIABLE - 1, &pid);
    text = door_number(text, &fd);
    if (words_length(text) != 32)
        return NULL;
    uint64_t key[2] = {door_hex(text), door_hex(text + 16)};
    char path[64];
    char *to = words_put(path, "/proc/");
    to = words_put_number(to, pid);
    to = words_put(to, "/fd/");
    words_put_number(to, fd);
    return door_map(path, key, view_bytes);
}

long door_collector_stat(void)
{
    uint32_t pid;
    char path[64];
    door_number(door.variable + sizeof DOOR_VARIABLE - 1, &pid);
    char *to = words_put(path, "/proc/");
    to = words_put_number(to, pid);
    words_put(to, "/stat");
    return syscall_6(SYS_openat, AT_FDCWD, (long)(uintptr_t)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
}
