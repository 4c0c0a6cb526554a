/* SPDX-License-Identifier: Apache-2.0 */
/* One memfd for the session. */
#include "collect/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect/ticks.h"
#include "wire/layout.h"

enum { SEGMENT_STEP_PAGES = 64 };

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

int segment_memfd(const char *name)
{
    const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int fd = memfd_create(name, flags | MFD_NOEXEC_SEAL);
    return fd < 0 && errno == EINVAL ? memfd_create(name, flags) : fd;
}

/*
 * A file size limit is meant for the program's files: the soft one is raised for the moment. The
 * hard one would end us with SIGXFSZ; we would rather have the error.
 */
static int segment_size(int fd, uint64_t size_bytes)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    struct rlimit limit, raised;
    bool limited = getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < limit.rlim_max;
    sigaction(SIGXFSZ, &ignore, &before);
    if (limited) {
        raised = (struct rlimit){limit.rlim_max, limit.rlim_max};
        setrlimit(RLIMIT_FSIZE, &raised);
    }
    int result = ftruncate(fd, (off_t)size_bytes);
    int error = errno;
    if (limited)
        setrlimit(RLIMIT_FSIZE, &limit);
    sigaction(SIGXFSZ, &before, NULL);
    errno = error;
    return result;
}

static void segment_clear_bit(_Atomic uint64_t *bits, uint32_t page)
{
    atomic_fetch_and_explicit(&bits[page / 64], ~(1ull << page % 64), memory_order_relaxed);
}

int segment_init(struct segment *ret_segment, uint64_t size_bytes, const struct wire_config *config,
                 struct diag *diag)
{
    struct segment segment = {.size_bytes = size_bytes & ~(uint64_t)(WIRE_PAGE_BYTES - 1)};
    segment.fd = segment_memfd("memscope");
    if (segment.fd < 0)
        return diag_set_errno(diag, ERR_IO, errno, "cannot make shared memory (memfd_create)");
    if (segment_size(segment.fd, segment.size_bytes) < 0 ||
        fcntl(segment.fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0) {
        int error = errno;
        close(segment.fd);
        return diag_set_errno(diag, ERR_IO, error, "cannot size the shared memory");
    }
    void *at = mmap(NULL, segment.size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, segment.fd, 0);
    if (at == MAP_FAILED) {
        int error = errno;
        close(segment.fd);
        return diag_set_errno(diag, ERR_IO, error, "cannot map the shared memory");
    }
    struct stat info;
    segment.inode = fstat(segment.fd, &info) == 0 ? info.st_ino : 0;
    segment.at = at;
    wire_layout(segment.at, segment.size_bytes);
    segment.page_n = segment.at->page_n;
    segment.first_page = segment.at->first_page;
    segment.process_n = segment.at->process_n;
    segment.backed_to = segment.first_page;
    segment.at->config = *config;
    if (getrandom(segment.at->key, sizeof segment.at->key, 0) != sizeof segment.at->key) {
        segment_done(&segment);
        return diag_set(diag, ERR_IO, "cannot draw a session key");
    }
    fallocate(segment.fd, 0, 0, (off_t)segment.first_page * WIRE_PAGE_BYTES);
    segment.start_tsc = ticks_now();
    segment.at->start_tsc = segment.start_tsc;
    atomic_store(&segment.at->rate, config->rate);
    atomic_store(&segment.at->wanted_weight, config->weight);
    atomic_store(&segment.at->recording, WIRE_ON);
    *ret_segment = segment;
    return 0;
}

void segment_done(struct segment *segment)
{
    if (segment->at)
        munmap(segment->at, segment->size_bytes);
    close(segment->fd);
}

void segment_keep(struct segment *segment)
{
    segment->is_ours_alone = madvise(segment->at, segment->size_bytes, MADV_DONTFORK) == 0;
}

static uint32_t segment_count_free(const struct segment *segment)
{
    const _Atomic uint64_t *bits = wire_free_bits(segment->at);
    uint32_t n = 0;
    for (uint32_t i = 0; i <= (segment->backed_to - 1) / 64; i++)
        n += (uint32_t)__builtin_popcountll(atomic_load_explicit(&bits[i], memory_order_relaxed));
    return n;
}

static void segment_offer_page(struct segment *segment, uint32_t page)
{
    /* Release: whoever takes the page finds it zeroed. */
    atomic_fetch_or_explicit(&wire_free_bits(segment->at)[page / 64], 1ull << page % 64,
                             memory_order_release);
}

uint32_t segment_offer(struct segment *segment, uint32_t wanted)
{
    uint32_t free_n = segment_count_free(segment), offered = 0;
    while (free_n < wanted && segment->backed_to < segment->page_n) {
        uint32_t n = segment->page_n - segment->backed_to;
        if (n > SEGMENT_STEP_PAGES)
            n = SEGMENT_STEP_PAGES;
        off_t at = (off_t)segment->backed_to * WIRE_PAGE_BYTES;
        if (fallocate(segment->fd, 0, at, (off_t)n * WIRE_PAGE_BYTES) < 0)
            break;
        for (uint32_t i = 0; i < n; i++)
            segment_offer_page(segment, segment->backed_to + i);
        segment->backed_to += n;
        free_n += n;
        offered += n;
    }
    return offered;
}

void segment_give_back(struct segment *segment, uint32_t page)
{
    segment_clear_bit(wire_lane_bits(segment->at), page);
    memset(segment_page(segment, page), 0, WIRE_PAGE_BYTES);
    segment_offer_page(segment, page);
}

bool segment_is_shared(struct segment *segment)
{
    if (!segment->is_ours_alone)
        return false;
    /* The kernel refuses to seal a file against writing while a writable mapping of it exists. */
    const int kept = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    /* The addresses stay taken: another thread may map something meanwhile. */
    if (mmap(segment->at, segment->size_bytes, PROT_NONE, kept, -1, 0) == MAP_FAILED)
        return false;
    bool shared = fcntl(segment->fd, F_ADD_SEALS, F_SEAL_WRITE) < 0 && errno == EBUSY;
    void *at = mmap(segment->at, segment->size_bytes, shared ? PROT_READ | PROT_WRITE : PROT_READ,
                    (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED, segment->fd, 0);
    if (at == MAP_FAILED)
        segment->at = NULL;
    else
        segment_keep(segment);
    return shared && segment->at;
}

void segment_door(const struct segment *segment, pid_t pid, char *ret_text, size_t text_bytes)
{
    snprintf(ret_text, text_bytes, "%d.%d.%016llx%016llx", (int)pid, segment->fd,
             (unsigned long long)segment->at->key[0], (unsigned long long)segment->at->key[1]);
}

uint64_t segment_now(const struct segment *segment)
{
    return ticks_now() - segment->start_tsc;
}
