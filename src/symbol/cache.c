/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of one module: a header, entries by offset, their frames, and strings ended by 0 that
 * the frames name by position (0: none).
 */
#include "symbol/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "base/map.h"
#include "base/vec.h"

/* Changes with the layout, and with what frames or names the symbolizer gives. */
static const char CACHE_MAGIC[8] = "MSSYM\0\0\1";

enum {
    CACHE_NAME_BYTES = 64,
    CACHE_FRAMES_MAX = 1 << 23,
};

struct cache_identity {
    uint64_t file_bytes;
    int64_t changed_ns;
    uint64_t path_hash;
    uint32_t build_id_n;
    uint32_t reserved;
    uint8_t build_id[SYMBOL_BUILD_ID_BYTES_MAX];
};

struct cache_header {
    char magic[8];
    struct cache_identity identity;
    uint32_t entry_n;
    uint32_t frame_n;
    uint32_t string_bytes;
    uint32_t checksum; /* of all that follows the header */
};

struct cache_entry {
    uint64_t offset;
    uint32_t frame;
    uint32_t frame_n;
};

struct cache_frame {
    uint32_t function; /* position among the strings */
    uint32_t file;
    uint32_t line;
    uint32_t inlined;
};

struct cache_file {
    struct cache_identity identity;
    char name[CACHE_NAME_BYTES];
    VEC(struct cache_entry) entries; /* loaded_n by offset, then those added */
    VEC(struct cache_frame) frames;
    VEC(char) strings; /* begins with a 0 byte */
    struct map string_index;
    size_t loaded_n;
    bool has_more;
};

static bool cache_identify(const struct symbol_module *module, struct cache_identity *identity)
{
    struct stat status;
    int err = module->fd >= 0 ? fstat(module->fd, &status)
                              : stat(module->open_path ? module->open_path : module->path, &status);
    if (err != 0 || !S_ISREG(status.st_mode) || module->build_id_bytes < 8)
        return false;
    *identity = (struct cache_identity){
            .file_bytes = (uint64_t)status.st_size,
            .changed_ns = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec,
            .path_hash = map_hash_bytes(module->path, strlen(module->path)),
            .build_id_n = (uint32_t)module->build_id_bytes,
    };
    memcpy(identity->build_id, module->build_id, module->build_id_bytes);
    return true;
}

/* Takes n bytes of the file's rest; NULL: it is too short. */
static const void *cache_take(const char **at, size_t *left, size_t n)
{
    if (n > *left)
        return NULL;
    const void *taken = *at;
    *at += n;
    *left -= n;
    return taken;
}

static bool cache_is_sound(const struct cache_file *file)
{
    if (file->strings.n == 0 || file->strings.at[0] || file->strings.at[file->strings.n - 1])
        return false;
    uint64_t before = 0;
    for (size_t i = 0; i < file->entries.n; i++) {
        const struct cache_entry *entry = &file->entries.at[i];
        if ((i && entry->offset <= before) || entry->frame_n > SYMBOL_FRAMES_MAX ||
            entry->frame > file->frames.n || entry->frame_n > file->frames.n - entry->frame)
            return false;
        before = entry->offset;
    }
    for (size_t i = 0; i < file->frames.n; i++) {
        if (file->frames.at[i].function >= file->strings.n ||
            file->frames.at[i].file >= file->strings.n)
            return false;
    }
    return true;
}

#define CACHE_COPY(vec, max, from, count)                                                          \
    ((from) && vec_reserve((vec), sizeof *(vec)->at, (count), (max)) &&                            \
     ((count) == 0 || memcpy((vec)->at, (from), (count) * sizeof *(vec)->at)) &&                   \
     ((vec)->n = (count), true))

/* Fills the file from its bytes; false: they are not what we wrote. */
static bool cache_parse(struct cache_file *file, const char *bytes, size_t n)
{
    struct cache_header header;
    if (n < sizeof header)
        return false;
    memcpy(&header, bytes, sizeof header);
    const char *at = bytes + sizeof header;
    size_t left = n - sizeof header;
    if (memcmp(header.magic, CACHE_MAGIC, sizeof header.magic) != 0 ||
        memcmp(&header.identity, &file->identity, sizeof header.identity) != 0 ||
        crc32_z(0, (const unsigned char *)at, left) != header.checksum)
        return false;
    size_t entry_bytes = (size_t)header.entry_n * sizeof(struct cache_entry);
    size_t frame_bytes = (size_t)header.frame_n * sizeof(struct cache_frame);
    const void *entries = cache_take(&at, &left, entry_bytes);
    const void *frames = cache_take(&at, &left, frame_bytes);
    const void *strings = cache_take(&at, &left, header.string_bytes);
    return left == 0 && CACHE_COPY(&file->entries, CACHE_ENTRIES_MAX, entries, header.entry_n) &&
           CACHE_COPY(&file->frames, CACHE_FRAMES_MAX, frames, header.frame_n) &&
           CACHE_COPY(&file->strings, CACHE_FILE_BYTES_MAX, strings, header.string_bytes) &&
           cache_is_sound(file);
}

static void cache_clear(struct cache_file *file)
{
    file->entries.n = file->frames.n = file->strings.n = 0;
}

/* Reads an own, regular file of bounded size below folder; malloc'd. */
static char *cache_read(int folder, const char *name, size_t *ret_n)
{
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat status;
    if (fd < 0)
        return NULL;
    char *bytes = NULL;
    size_t at = 0;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
        !(status.st_mode & 077) && status.st_size <= CACHE_FILE_BYTES_MAX)
        bytes = malloc((size_t)status.st_size + 1);
    while (bytes && at < (size_t)status.st_size) {
        ssize_t got = read(fd, bytes + at, (size_t)status.st_size - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        at += (size_t)got;
    }
    /* The time of change tells when it was last used. */
    if (bytes)
        futimens(fd, NULL);
    close(fd);
    *ret_n = at;
    return bytes;
}

static void cache_name(struct cache_file *file)
{
    uint64_t hash = map_hash_bytes(&file->identity, sizeof file->identity);
    int n = 0;
    for (size_t i = 0; i < 8; i++)
        n += snprintf(file->name + n, sizeof file->name - (size_t)n, "%02x",
                      file->identity.build_id[i]);
    snprintf(file->name + n, sizeof file->name - (size_t)n, "-%016jx", (uintmax_t)hash);
}

struct cache_file *cache_file_load(int folder, const struct symbol_module *module)
{
    struct cache_identity identity;
    if (!cache_identify(module, &identity))
        return NULL;
    struct cache_file *file = calloc(1, sizeof *file);
    if (!file)
        return NULL;
    file->identity = identity;
    cache_name(file);
    size_t n = 0;
    char *bytes = cache_read(folder, file->name, &n);
    if (!bytes || !cache_parse(file, bytes, n))
        cache_clear(file);
    free(bytes);
    file->loaded_n = file->entries.n;
    if (file->strings.n == 0 && !VEC_PUSH(&file->strings, CACHE_FILE_BYTES_MAX, 0)) {
        cache_file_free(file);
        return NULL;
    }
    return file;
}

void cache_file_free(struct cache_file *file)
{
    if (!file)
        return;
    vec_done(&file->entries);
    vec_done(&file->frames);
    vec_done(&file->strings);
    map_done(&file->string_index);
    free(file);
}

bool cache_file_find(const struct cache_file *file, uint64_t offset, struct symbol_frame *frames,
                     size_t *ret_n)
{
    size_t low = 0, high = file->loaded_n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (file->entries.at[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == file->loaded_n || file->entries.at[low].offset != offset)
        return false;
    const struct cache_entry *entry = &file->entries.at[low];
    for (uint32_t i = 0; i < entry->frame_n; i++) {
        const struct cache_frame *kept = &file->frames.at[entry->frame + i];
        frames[i] = (struct symbol_frame){
                .function = kept->function ? file->strings.at + kept->function : NULL,
                .file = kept->file ? file->strings.at + kept->file : NULL,
                .line = kept->line,
                .inlined = kept->inlined && i + 1 < entry->frame_n,
        };
    }
    *ret_n = entry->frame_n;
    return true;
}

/* The position of a string, added if it is new; 0: none, or no room. */
static uint32_t cache_string(struct cache_file *file, const char *string)
{
    if (!string || !string[0])
        return 0;
    size_t n = strlen(string) + 1;
    uint64_t key = map_hash_bytes(string, n);
    int64_t found = map_find(&file->string_index, key);
    if (found >= 0 && strcmp(file->strings.at + found, string) == 0)
        return (uint32_t)found;
    uint32_t at = (uint32_t)file->strings.n;
    if (!vec_reserve(&file->strings, 1, n, CACHE_FILE_BYTES_MAX))
        return 0;
    memcpy(file->strings.at + at, string, n);
    file->strings.n += n;
    if (found < 0)
        map_put(&file->string_index, key, at);
    return at;
}

void cache_file_add(struct cache_file *file, uint64_t offset, const struct symbol_frame *frames,
                    size_t n)
{
    struct cache_entry entry = {offset, (uint32_t)file->frames.n, (uint32_t)n};
    for (size_t i = 0; i < n; i++) {
        struct cache_frame frame = {
                .function = cache_string(file, frames[i].function),
                .file = cache_string(file, frames[i].file),
                .line = frames[i].line,
                .inlined = frames[i].inlined,
        };
        /* Half an answer would be a wrong one. */
        bool is_whole = (frame.function || !frames[i].function) && (frame.file || !frames[i].file);
        if (!is_whole || !VEC_PUSH(&file->frames, CACHE_FRAMES_MAX, frame))
            return;
    }
    if (VEC_PUSH(&file->entries, CACHE_ENTRIES_MAX, entry))
        file->has_more = true;
}

static int cache_entry_compare(const void *left, const void *right)
{
    const struct cache_entry *a = left, *b = right;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static void cache_sort(struct cache_file *file)
{
    size_t kept = 0;
    qsort(file->entries.at, file->entries.n, sizeof *file->entries.at, cache_entry_compare);
    for (size_t i = 0; i < file->entries.n; i++) {
        if (kept == 0 || file->entries.at[i].offset != file->entries.at[kept - 1].offset)
            file->entries.at[kept++] = file->entries.at[i];
    }
    file->entries.n = file->loaded_n = kept;
    file->has_more = false;
}

bool cache_file_has_more(const struct cache_file *file)
{
    return file->has_more;
}

int cache_file_store(struct cache_file *file, int folder)
{
    if (!file->has_more)
        return 0;
    cache_sort(file);
    size_t entry_bytes = file->entries.n * sizeof *file->entries.at;
    size_t frame_bytes = file->frames.n * sizeof *file->frames.at;
    if (sizeof(struct cache_header) + entry_bytes + frame_bytes + file->strings.n >
        CACHE_FILE_BYTES_MAX)
        return ERR_LIMIT;
    struct cache_header header = {
            .identity = file->identity,
            .entry_n = (uint32_t)file->entries.n,
            .frame_n = (uint32_t)file->frames.n,
            .string_bytes = (uint32_t)file->strings.n,
    };
    memcpy(header.magic, CACHE_MAGIC, sizeof header.magic);
    uLong sum = crc32_z(0, (const unsigned char *)file->entries.at, entry_bytes);
    if (frame_bytes)
        sum = crc32_z(sum, (const unsigned char *)file->frames.at, frame_bytes);
    header.checksum =
            (uint32_t)crc32_z(sum, (const unsigned char *)file->strings.at, file->strings.n);
    char temporary[CACHE_NAME_BYTES + 32];
    snprintf(temporary, sizeof temporary, ".%s.%d", file->name, (int)getpid());
    int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return ERR_IO;
    int err = file_write_all(fd, &header, sizeof header);
    if (err == 0)
        err = file_write_all(fd, file->entries.at, entry_bytes);
    if (err == 0)
        err = file_write_all(fd, file->frames.at, frame_bytes);
    if (err == 0)
        err = file_write_all(fd, file->strings.at, file->strings.n);
    close(fd);
    if (err == 0 && renameat(folder, temporary, folder, file->name) != 0)
        err = ERR_IO;
    if (err < 0)
        unlinkat(folder, temporary, 0);
    return err;
}
