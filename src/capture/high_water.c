/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of an image: exit by a handler, _exit and _Exit by their names (src/capture/hooks_exec.c
 * tells of exec). Handlers run in the reverse order of their registration: ours, which is there
 * before libc registers the loader's, comes after every destructor. Only system calls that the
 * loader has made, too; none in a sandbox.
 *
 * A vfork child tells of its parent's memory, which is its own as well: the words stay true.
 */
#include "capture/high_water.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/cpu/x86_64/syscall.h"
#include "capture/process.h"
#include "capture/start.h"
#include "capture/words.h"

enum { HIGH_WATER_TEXT = 768, HIGH_WATER_KEPT = 32, HIGH_WATER_READS = 8 };

/* The lines that are read, and the words of the slot that they fill. */
static uint32_t high_water_value(const char *line, const char *name)
{
    if (!words_start(line, name))
        return 0;
    uint32_t value = 0;
    const char *at = line + words_length(name);
    while (*at == ' ' || *at == '\t')
        at++;
    while (*at >= '0' && *at <= '9')
        value = value * 10 + (uint32_t)(*at++ - '0');
    return value;
}

static void high_water_line(struct wire_process *slot, const char *line)
{
    const struct {
        const char *name;
        _Atomic uint32_t *word;
    } wanted[] = {
            {"RssAnon:", &slot->rss_anon_kb},
            {"RssFile:", &slot->rss_file_kb},
            {"RssShmem:", &slot->rss_shmem_kb},
            {"VmHWM:", &slot->rss_peak_kb},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        uint32_t value = high_water_value(line, wanted[i].name);
        if (value)
            atomic_store_explicit(wanted[i].word, value, memory_order_relaxed);
    }
}

/* Takes the whole lines out of text; returns how much of it is the beginning of another. */
static size_t high_water_lines(struct wire_process *slot, char *text, size_t n)
{
    size_t start = 0;
    for (size_t at = 0; at < n; at++) {
        if (text[at] != '\n')
            continue;
        text[at] = 0;
        high_water_line(slot, text + start);
        start = at + 1;
    }
    /* Of a line that is too long its end will be taken for a line, and is none that is wanted. */
    size_t kept = n - start < HIGH_WATER_KEPT ? n - start : 0;
    for (size_t i = 0; i < kept; i++)
        text[i] = text[start + i];
    return kept;
}

static bool high_water_may_tell(void)
{
    return process.segment && process.slot && process.life && !process.passing &&
           process_records() && !atomic_load_explicit(&process.quiet, memory_order_relaxed) &&
           /* Not a forked child that has no slot of its own. */
           atomic_load_explicit(&process.life->registered, memory_order_relaxed) == 2;
}

void high_water_tell(void)
{
    char text[HIGH_WATER_TEXT];
    if (!high_water_may_tell())
        return;
    long fd = syscall_6(SYS_openat, AT_FDCWD, (long)(uintptr_t) "/proc/self/status",
                        O_RDONLY | O_CLOEXEC, 0, 0, 0);
    if (fd < 0)
        return;
    size_t kept = 0;
    for (int i = 0; i < HIGH_WATER_READS; i++) {
        long n =
                syscall_3(SYS_read, fd, (long)(uintptr_t)(text + kept), (long)(sizeof text - kept));
        if (n <= 0)
            break;
        kept = high_water_lines(process.slot, text, kept + (size_t)n);
    }
    syscall_3(SYS_close, fd, 0, 0);
}

static void high_water_at_exit(void *unused)
{
    (void)unused;
    high_water_tell();
}

void high_water_start(void)
{
    int (*at_exit)(void (*)(void *), void *, void *) = NULL;
    *(void **)&at_exit = next_symbol("__cxa_atexit");
    if (at_exit)
        at_exit(high_water_at_exit, NULL, NULL);
}

static _Noreturn void high_water_exit(void (*real)(int), int status)
{
    high_water_tell();
    if (real)
        real(status);
    for (;;)
        syscall_3(SYS_exit_group, status, 0, 0);
}

HOOK _Noreturn void _exit(int status)
{
    high_water_exit(hooks_ready() ? next._exit : NULL, status);
}

HOOK _Noreturn void _Exit(int status)
{
    high_water_exit(hooks_ready() ? next._Exit : NULL, status);
}
