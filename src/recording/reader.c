/* SPDX-License-Identifier: Apache-2.0 */
/* Chunk by chunk through a file or a piece of memory; every length is checked before its use. */
#include "recording/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum {
    RECORDING_COMMIT_BYTES = 1024, /* no COMMIT is longer; bounds the search behind damage */
    RECORDING_WINDOW_BYTES = 64 << 10,
};

struct recording_reader {
    int fd; /* < 0: memory */
    const uint8_t *memory;
    char *name;
    struct recording_extent extent;
    uint64_t at;      /* next chunk */
    uint64_t last_at; /* chunks end here: the newest commit */
    ZSTD_DCtx *zstd;
    uint8_t *stored; /* RECORDING_RAW_MAX each, taken as far as chunks need it */
    size_t stored_capacity;
    uint8_t *raw;
    size_t raw_capacity;
};

/* Exactly n bytes at offset; ERR_FORMAT when the file is shorter (it may shrink under us). */
static int recording_read_at(struct recording_reader *reader, uint64_t offset, void *bytes,
                             size_t n, struct diag *diag)
{
    if (offset > reader->extent.file_bytes || n > reader->extent.file_bytes - offset)
        return ERR_FORMAT;
    if (reader->fd < 0 && n) {
        memcpy(bytes, reader->memory + offset, n);
        return 0;
    }
    uint8_t *at = bytes;
    while (n) {
        ssize_t got = pread(reader->fd, at, n, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return diag_set_errno(diag, ERR_IO, errno, "cannot read %s", reader->name);
        if (got == 0)
            return ERR_FORMAT;
        at += got;
        offset += (uint64_t)got;
        n -= (size_t)got;
    }
    return 0;
}

static int recording_room(uint8_t **bytes, size_t *capacity, size_t n)
{
    if (n <= *capacity)
        return 0;
    uint8_t *larger = realloc(*bytes, n);
    if (!larger)
        return ERR_MEMORY;
    *bytes = larger;
    *capacity = n;
    return 0;
}

static bool recording_head_sane(const struct recording_head *head, uint64_t left)
{
    if (memcmp(head->magic, RECORDING_CHUNK_MAGIC, sizeof head->magic) != 0 ||
        (head->flags & ~RECORDING_ZSTD) || head->raw_bytes > RECORDING_RAW_MAX ||
        head->stored_bytes > left)
        return false;
    if (!(head->flags & RECORDING_ZSTD))
        return head->raw_bytes == head->stored_bytes;
    return head->stored_bytes <= RECORDING_RAW_MAX &&
           head->raw_bytes <=
                   RECORDING_RAW_FREE + (uint64_t)RECORDING_RATIO_MAX * head->stored_bytes;
}

/* Reads the chunk at offset into reader->stored; ERR_FORMAT without a sentence: damaged. */
static int recording_fetch(struct recording_reader *reader, uint64_t offset,
                           struct recording_head *ret_head, struct diag *diag)
{
    struct recording_head head;
    int err = recording_read_at(reader, offset, &head, sizeof head, diag);
    if (err < 0)
        return err;
    uint64_t left = reader->extent.file_bytes - offset - sizeof head;
    if (!recording_head_sane(&head, left))
        return ERR_FORMAT;
    if (recording_room(&reader->stored, &reader->stored_capacity, head.stored_bytes) < 0)
        return diag_set(diag, ERR_MEMORY, "no memory to read %s", reader->name);
    err = recording_read_at(reader, offset + sizeof head, reader->stored, head.stored_bytes, diag);
    if (err < 0)
        return err;
    uLong sum = crc32(0, (const Bytef *)&head, offsetof(struct recording_head, checksum));
    if (head.stored_bytes)
        sum = crc32(sum, reader->stored, head.stored_bytes);
    if (sum != head.checksum)
        return ERR_FORMAT;
    *ret_head = head;
    return 0;
}

/* Finds the newest commit that ends at or before limit_bytes. */
static int recording_scan(struct recording_reader *reader, uint64_t limit_bytes, struct diag *diag)
{
    uint64_t at = RECORDING_HEADER_BYTES, committed = 0;
    reader->extent.alive_ns = 0;
    while (at < limit_bytes) {
        struct recording_head head = {0};
        int err = recording_fetch(reader, at, &head, diag);
        if (err == ERR_FORMAT)
            break;
        if (err < 0)
            return err;
        uint64_t end = at + sizeof head + head.stored_bytes;
        if (end > limit_bytes)
            break;
        at = end;
        if (head.type == RECORDING_COMMIT)
            committed = at;
        if (head.type == RECORDING_PULSE && !head.flags &&
            head.stored_bytes == RECORDING_PULSE_BYTES)
            memcpy(&reader->extent.alive_ns, reader->stored, RECORDING_PULSE_BYTES);
    }
    reader->extent.good_bytes = at;
    reader->extent.committed_bytes = committed;
    reader->extent.is_damaged = at < reader->extent.file_bytes;
    reader->at = RECORDING_HEADER_BYTES;
    reader->last_at = committed;
    return 0;
}

static int recording_header_read(struct recording_reader *reader, struct diag *diag)
{
    struct recording_header header;
    int err = recording_read_at(reader, 0, &header, sizeof header, diag);
    if (err == ERR_IO)
        return err;
    if (err < 0 || memcmp(header.magic, RECORDING_MAGIC, sizeof header.magic) != 0)
        return diag_set(diag, ERR_FORMAT, "%s is not a memscope recording", reader->name);
    uLong sum = crc32(0, (const Bytef *)&header, offsetof(struct recording_header, checksum));
    if (sum != header.checksum)
        return diag_set(diag, ERR_FORMAT, "%s: the header of the recording is damaged",
                        reader->name);
    if (header.major != RECORDING_MAJOR)
        return diag_set(diag, ERR_FORMAT,
                        "%s was written in format version %u; this memscope reads version %d",
                        reader->name, header.major, RECORDING_MAJOR);
    reader->extent.start_unix_ns = header.start_unix_ns;
    return 0;
}

static int recording_reader_init(struct recording_reader *reader, struct diag *diag)
{
    reader->zstd = ZSTD_createDCtx();
    if (!reader->zstd)
        return diag_set(diag, ERR_MEMORY, "no memory to read %s", reader->name);
    int err = recording_header_read(reader, diag);
    return err < 0 ? err : recording_scan(reader, UINT64_MAX, diag);
}

static int recording_reader_new(struct recording_reader **ret_reader, const char *name, int fd,
                                const void *memory, uint64_t n, struct diag *diag)
{
    struct recording_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        if (fd >= 0)
            close(fd);
        return diag_set(diag, ERR_MEMORY, "no memory to read %s", name);
    }
    reader->fd = fd;
    reader->memory = memory;
    reader->extent.file_bytes = n;
    reader->name = strdup(name);
    int err = reader->name ? recording_reader_init(reader, diag)
                           : diag_set(diag, ERR_MEMORY, "no memory to read %s", name);
    if (err < 0) {
        recording_reader_close(reader);
        return err;
    }
    *ret_reader = reader;
    return 0;
}

int recording_open(struct recording_reader **ret_reader, const char *name, struct diag *diag)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return diag_set_errno(diag, errno == ENOENT ? ERR_MISSING : ERR_IO, errno, "cannot open %s",
                              name);
    struct stat info;
    if (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode)) {
        close(fd);
        return diag_set(diag, ERR_FORMAT, "%s is not a regular file", name);
    }
    return recording_reader_new(ret_reader, name, fd, NULL, (uint64_t)info.st_size, diag);
}

int recording_open_memory(struct recording_reader **ret_reader, const void *bytes, size_t n,
                          struct diag *diag)
{
    return recording_reader_new(ret_reader, "(memory)", -1, bytes, n, diag);
}

const struct recording_extent *recording_extent(const struct recording_reader *reader)
{
    return &reader->extent;
}

static int recording_unpack(struct recording_reader *reader, const struct recording_head *head,
                            uint64_t offset, struct diag *diag)
{
    if (recording_room(&reader->raw, &reader->raw_capacity, head->raw_bytes) < 0)
        return diag_set(diag, ERR_MEMORY, "no memory to read %s", reader->name);
    size_t raw = ZSTD_decompressDCtx(reader->zstd, reader->raw, head->raw_bytes, reader->stored,
                                     head->stored_bytes);
    if (ZSTD_isError(raw) || raw != head->raw_bytes)
        return diag_set(diag, ERR_FORMAT, "%s: the chunk at byte %llu cannot be unpacked",
                        reader->name, (unsigned long long)offset);
    return 0;
}

int recording_next(struct recording_reader *reader, struct recording_chunk *ret_chunk,
                   struct diag *diag)
{
    if (reader->at >= reader->last_at)
        return RECORDING_END;
    struct recording_head head;
    int err = recording_fetch(reader, reader->at, &head, diag);
    if (err < 0)
        return diag_set(diag, err, "%s: the chunk at byte %llu changed while it was read",
                        reader->name, (unsigned long long)reader->at);
    bool packed = head.flags & RECORDING_ZSTD;
    struct recording_chunk chunk = {
            .type = (enum recording_type)head.type, .n = head.raw_bytes, .offset = reader->at};
    chunk.end = chunk.offset + sizeof head + head.stored_bytes;
    reader->at = chunk.end;
    err = packed ? recording_unpack(reader, &head, chunk.offset, diag) : 0;
    chunk.bytes = packed ? reader->raw : reader->stored;
    *ret_chunk = chunk;
    return err;
}

int recording_rewind(struct recording_reader *reader, uint64_t limit_bytes, struct diag *diag)
{
    return recording_scan(reader, limit_bytes, diag);
}

/* The chunk at offset when it is a COMMIT that is whole. */
static bool recording_is_commit(struct recording_reader *reader, uint64_t offset)
{
    struct recording_head head;
    if (recording_read_at(reader, offset, &head, sizeof head, NULL) < 0 ||
        head.type != RECORDING_COMMIT || head.stored_bytes > RECORDING_COMMIT_BYTES)
        return false;
    return recording_fetch(reader, offset, &head, NULL) == 0;
}

/* Looks for heads at any offset: behind damage chunks cannot be counted off. */
static uint64_t recording_last_commit(struct recording_reader *reader)
{
    uint8_t window[RECORDING_WINDOW_BYTES];
    uint64_t found = 0;
    uint64_t at = reader->extent.good_bytes;
    while (at < reader->extent.file_bytes) {
        uint64_t left = reader->extent.file_bytes - at;
        size_t n = left < sizeof window ? (size_t)left : sizeof window;
        if (n < RECORDING_HEAD_BYTES || recording_read_at(reader, at, window, n, NULL) < 0)
            break;
        const uint8_t *from = window, *end = window + n;
        while ((from = memmem(from, (size_t)(end - from), RECORDING_CHUNK_MAGIC, 4)) != NULL) {
            uint64_t offset = at + (uint64_t)(from - window);
            if (recording_is_commit(reader, offset))
                found = offset;
            from++;
        }
        at += n - 3; /* a head may lie across the edge */
    }
    return found;
}

int recording_later_commit(struct recording_reader *reader, struct recording_chunk *ret_chunk)
{
    uint64_t offset = recording_last_commit(reader);
    if (offset == 0)
        return RECORDING_END;
    reader->at = offset;
    reader->last_at = reader->extent.file_bytes;
    return recording_next(reader, ret_chunk, NULL);
}

void recording_reader_close(struct recording_reader *reader)
{
    if (!reader)
        return;
    if (reader->fd >= 0)
        close(reader->fd);
    ZSTD_freeDCtx(reader->zstd);
    free(reader->stored);
    free(reader->raw);
    free(reader->name);
    free(reader);
}
