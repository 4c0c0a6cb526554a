/* SPDX-License-Identifier: Apache-2.0 */
/* The cache's folder: the user's own, private, and of bounded size. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "base/vec.h"
#include "symbol/cache.h"

enum { CACHE_FOLDER_FILES_MAX = 1 << 16 };

/* Steps into a folder of ours below `at` (taken over), made if it is not there. */
static int cache_folder_enter(int at, const char *name)
{
    if (at < 0)
        return -1;
    if (mkdirat(at, name, 0700) != 0 && errno != EEXIST) {
        close(at);
        return -1;
    }
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    close(at);
    return fd;
}

/* The folder is the user's, and nobody else may write there. */
static bool cache_folder_is_own(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && status.st_uid == geteuid() && !(status.st_mode & 022);
}

/* Opens the parent of our folders, made if need be. */
static int cache_folder_base(void)
{
    const char *base = secure_getenv("XDG_CACHE_HOME");
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    if (base && base[0] == '/') {
        if (mkdir(base, 0700) != 0 && errno != EEXIST)
            return -1;
        return open(base, flags);
    }
    const char *home = secure_getenv("HOME");
    int fd = home && home[0] == '/' ? open(home, flags) : -1;
    if (fd >= 0 && !cache_folder_is_own(fd)) {
        close(fd);
        return -1;
    }
    return fd >= 0 ? cache_folder_enter(fd, ".cache") : -1;
}

int cache_folder_open(const char *folder, int *ret_fd)
{
    int fd;
    if (folder)
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    else
        fd = cache_folder_enter(cache_folder_enter(cache_folder_base(), "memscope"), "symbols");
    if (fd < 0)
        return ERR_MISSING;
    if (!cache_folder_is_own(fd)) {
        close(fd);
        return ERR_DENIED;
    }
    *ret_fd = fd;
    return 0;
}

struct cache_folder_item {
    char name[NAME_MAX + 1];
    uint64_t bytes;
    int64_t used_ns;
};

static int cache_folder_compare(const void *left, const void *right)
{
    const struct cache_folder_item *a = left, *b = right;
    return a->used_ns < b->used_ns ? -1 : a->used_ns > b->used_ns;
}

void cache_folder_trim(int folder, uint64_t max_bytes)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = copy >= 0 ? fdopendir(copy) : NULL;
    if (!entries) {
        if (copy >= 0)
            close(copy);
        return;
    }
    VEC(struct cache_folder_item) items = {0};
    uint64_t sum_bytes = 0;
    struct dirent *entry;
    while ((entry = readdir(entries))) {
        struct stat status;
        if (fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(status.st_mode))
            continue;
        struct cache_folder_item item = {.bytes = (uint64_t)status.st_size};
        item.used_ns = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
        snprintf(item.name, sizeof item.name, "%s", entry->d_name);
        sum_bytes += item.bytes;
        if (!VEC_PUSH(&items, CACHE_FOLDER_FILES_MAX, item))
            break;
    }
    closedir(entries);
    if (items.n)
        qsort(items.at, items.n, sizeof *items.at, cache_folder_compare);
    for (size_t i = 0; i < items.n && sum_bytes > max_bytes; i++) {
        if (unlinkat(folder, items.at[i].name, 0) == 0)
            sum_bytes -= items.at[i].bytes;
    }
    vec_done(&items);
}
