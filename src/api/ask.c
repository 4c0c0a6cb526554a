/* SPDX-License-Identifier: Apache-2.0 */
/* One run of the executable for each question, with memory files for input and output. */
#include "api/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "api/fault.h"
#include "capture/cpu/x86_64/syscall.h"
#include "capture/helper.h"

enum { ASK_WORDS_MAX = 8, ASK_TIMEOUT_MS = 60000, ASK_PAGE_BYTES = 4096 };

uint64_t ask_now_ns(void)
{
    struct timespec now = {0};
    syscall_3(SYS_clock_gettime, CLOCK_MONOTONIC, (long)(uintptr_t)&now, 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

long ask_write(long fd, const void *bytes, size_t n)
{
    const char *at = bytes;
    while (n) {
        long written = syscall_3(SYS_write, fd, (long)(uintptr_t)at, (long)n);
        if (written == -EINTR)
            continue;
        if (written <= 0)
            return written ? written : -EIO;
        at += written;
        n -= (size_t)written;
    }
    return 0;
}

int ask_map(struct ask_bytes *ret_bytes, long fd, struct memscope_error *error)
{
    struct stat status;
    long err = syscall_3(SYS_fstat, fd, (long)(uintptr_t)&status, 0);
    if (err < 0 || status.st_size <= 0) {
        syscall_3(SYS_close, fd, 0, 0);
        return fault_set(error, MEMSCOPE_E_IO, "an answer is empty", NULL);
    }
    long at = syscall_6(SYS_mmap, 0, status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    syscall_3(SYS_close, fd, 0, 0);
    if (at < 0 && at > -ASK_PAGE_BYTES)
        return fault_errno(error, MEMSCOPE_E_MEMORY, "an answer cannot be mapped", at);
    *ret_bytes = (struct ask_bytes){.at = (const uint8_t *)at, .n = (size_t)status.st_size};
    return MEMSCOPE_OK;
}

void ask_unmap(struct ask_bytes *bytes)
{
    if (bytes->at)
        syscall_3(SYS_munmap, (long)(uintptr_t)bytes->at, (long)bytes->n, 0);
    *bytes = (struct ask_bytes){0};
}

static long ask_memory(void)
{
    return syscall_3(SYS_memfd_create, (long)(uintptr_t) "memscope-answer", MFD_CLOEXEC, 0);
}

static int ask_fault(const struct helper *helper, int result, struct memscope_error *error)
{
    switch (result) {
    case HELPER_MISSING:
        return fault_set(error, MEMSCOPE_E_NO_COLLECTOR,
                         "the memscope executable is neither beside the library nor in PATH; "
                         "MEMSCOPE_EXE may name it",
                         NULL);
    case HELPER_FORBIDDEN:
        return fault_set(error, MEMSCOPE_E_DENIED,
                         "the program has put itself into a sandbox: nothing is started from it",
                         NULL);
    case HELPER_TIMEOUT:
        return fault_set(error, MEMSCOPE_E_TIMEOUT, "the memscope executable did not end in time",
                         NULL);
    case HELPER_FAILED:
        return fault_set(error, MEMSCOPE_E_IO, "the memscope executable failed",
                         helper->text[0] ? helper->text : NULL);
    default:
        return fault_errno(error, result == -ENOMEM ? MEMSCOPE_E_MEMORY : MEMSCOPE_E_DENIED,
                           "the memscope executable cannot be started", result);
    }
}

/* The input in a memory file, read from its start; a negative errno; -1 as *ret_fd: none. */
static long ask_input(const struct ask_bytes *input, long *ret_fd)
{
    *ret_fd = -1;
    if (!input)
        return 0;
    long fd = ask_memory();
    if (fd < 0)
        return fd;
    *ret_fd = fd;
    return ask_write(fd, input->at, input->n);
}

int ask_answer(const char *const *words, const struct ask_bytes *input, size_t least_n,
               struct ask_bytes *ret_answer, struct memscope_error *error)
{
    const char *argv[ASK_WORDS_MAX + 3] = {"memscope", "answer"};
    for (size_t i = 0; words[i] && i < ASK_WORDS_MAX; i++)
        argv[i + 2] = words[i];
    long in_fd;
    long err = ask_input(input, &in_fd);
    long out_fd = err < 0 ? err : ask_memory();
    if (out_fd < 0) {
        if (in_fd >= 0)
            syscall_3(SYS_close, in_fd, 0, 0);
        return fault_errno(error, MEMSCOPE_E_DENIED, "no memory file can be made", out_fd);
    }
    struct helper helper = {
            .argv = argv, .in_fd = (int)in_fd, .out_fd = (int)out_fd, .timeout_ms = ASK_TIMEOUT_MS};
    int result = helper_run(&helper);
    if (in_fd >= 0)
        syscall_3(SYS_close, in_fd, 0, 0);
    if (result != 0) {
        syscall_3(SYS_close, out_fd, 0, 0);
        return ask_fault(&helper, result, error);
    }
    struct ask_bytes answer;
    int mapped = ask_map(&answer, out_fd, error);
    if (mapped < 0)
        return mapped;
    if (answer.n < least_n) {
        ask_unmap(&answer);
        return fault_set(error, MEMSCOPE_E_IO, "the memscope executable is of another version",
                         NULL);
    }
    *ret_answer = answer;
    return MEMSCOPE_OK;
}
