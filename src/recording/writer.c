/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks to a descriptor: compressed, summed, and never half of one behind a commit. */
#include "recording/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/file.h"
#include "recording/codec.h"

enum { RECORDING_TRIES = 1000, RECORDING_LEVEL = 3, RECORDING_SMALL = 64 };

/* A file that takes chunks: the recording itself, or its replacement. */
struct recording_file {
    int fd;
    uint64_t written_bytes;
    uint64_t committed_bytes; /* end of the last COMMIT */
    bool has_pulse;           /* a PULSE lies behind the written bytes */
};

struct recording_packer {
    ZSTD_CCtx *zstd;
    uint8_t *packed; /* room for a head and any compressed payload */
    size_t packed_bytes;
};

struct recording_part {
    struct recording_packer packer;
    struct codec_out out;
};

struct recording_writer {
    struct recording_file file;
    struct recording_file rewrite; /* fd < 0: no rewrite is under way */
    bool rewrite_failed;
    bool off;
    bool has_events;
    uint64_t start_unix_ns;
    char *name;
    char *rewrite_name;
    struct recording_packer packer;
};

static bool recording_packer_init(struct recording_packer *packer)
{
    packer->zstd = ZSTD_createCCtx();
    packer->packed_bytes = RECORDING_HEAD_BYTES + ZSTD_compressBound(RECORDING_RAW_MAX);
    packer->packed = malloc(packer->packed_bytes);
    return packer->zstd && packer->packed;
}

static void recording_packer_done(struct recording_packer *packer)
{
    ZSTD_freeCCtx(packer->zstd);
    free(packer->packed);
}

static int recording_header_write(struct recording_file *file, uint64_t start_unix_ns)
{
    struct recording_header header = {
            .major = RECORDING_MAJOR, .minor = RECORDING_MINOR, .start_unix_ns = start_unix_ns};
    memcpy(header.magic, RECORDING_MAGIC, sizeof header.magic);
    header.checksum =
            (uint32_t)crc32(0, (const Bytef *)&header, offsetof(struct recording_header, checksum));
    if (file_write_all(file->fd, &header, sizeof header) < 0)
        return ERR_IO;
    file->written_bytes = file->committed_bytes = sizeof header;
    return 0;
}

int recording_adopt(struct recording_writer **ret_writer, int fd, const char *name,
                    uint64_t start_unix_ns, struct diag *diag)
{
    struct recording_writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        close(fd);
        return diag_set(diag, ERR_MEMORY, "no memory to write %s", name);
    }
    writer->file.fd = fd;
    writer->rewrite.fd = -1;
    writer->start_unix_ns = start_unix_ns;
    writer->name = strdup(name);
    int err = 0;
    if (!recording_packer_init(&writer->packer) || !writer->name)
        err = diag_set(diag, ERR_MEMORY, "no memory to write %s", name);
    else if (recording_header_write(&writer->file, start_unix_ns) < 0)
        err = diag_set_errno(diag, ERR_IO, errno, "cannot write %s", name);
    if (err < 0) {
        recording_close(writer);
        return err;
    }
    *ret_writer = writer;
    return 0;
}

int recording_create(struct recording_writer **ret_writer, const char *name, uint64_t start_unix_ns,
                     struct diag *diag)
{
    int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return diag_set_errno(diag, ERR_IO, errno, "cannot create %s", name);
    return recording_adopt(ret_writer, fd, name, start_unix_ns, diag);
}

/* Packs head and payload into packer->packed; returns their length. */
static size_t recording_pack(struct recording_packer *packer, enum recording_type type,
                             const void *bytes, size_t n)
{
    struct recording_head head = {.type = (uint16_t)type, .raw_bytes = (uint32_t)n};
    memcpy(head.magic, RECORDING_CHUNK_MAGIC, sizeof head.magic);
    uint8_t *payload = packer->packed + RECORDING_HEAD_BYTES;
    size_t stored = n;
    if (n > RECORDING_SMALL) {
        size_t packed = ZSTD_compressCCtx(packer->zstd, payload,
                                          packer->packed_bytes - RECORDING_HEAD_BYTES, bytes, n,
                                          RECORDING_LEVEL);
        if (!ZSTD_isError(packed) && packed < n &&
            n <= RECORDING_RAW_FREE + RECORDING_RATIO_MAX * packed) {
            stored = packed;
            head.flags = RECORDING_ZSTD;
        }
    }
    if (!(head.flags & RECORDING_ZSTD) && n)
        memcpy(payload, bytes, n);
    head.stored_bytes = (uint32_t)stored;
    uLong sum = crc32(0, (const Bytef *)&head, offsetof(struct recording_head, checksum));
    head.checksum = (uint32_t)crc32(sum, payload, (uInt)stored);
    memcpy(packer->packed, &head, sizeof head);
    return RECORDING_HEAD_BYTES + stored;
}

/* A rewrite that failed costs nothing but itself; the recording's own file goes off for good. */
static int recording_write_failed(struct recording_writer *writer, int error, struct diag *diag)
{
    if (writer->rewrite.fd >= 0) {
        writer->rewrite_failed = true;
        return RECORDING_KEPT;
    }
    writer->off = true;
    diag_set_errno(diag, ERR_IO, error, "cannot write %s", writer->name);
    /* Without room the cut may be all that still works; readers manage without it, too. */
    if (ftruncate(writer->file.fd, (off_t)writer->file.committed_bytes) == 0)
        writer->file.written_bytes = writer->file.committed_bytes;
    return ERR_IO;
}

/* Takes the PULSE out of the next chunk's way. */
static int recording_pulse_drop(struct recording_file *file)
{
    if (!file->has_pulse)
        return 0;
    file->has_pulse = false;
    return ftruncate(file->fd, (off_t)file->written_bytes);
}

int recording_pulse(struct recording_writer *writer, uint64_t at_ns, struct diag *diag)
{
    if (writer->off || writer->rewrite.fd >= 0)
        return RECORDING_OFF;
    struct recording_file *file = &writer->file;
    size_t packed = recording_pack(&writer->packer, RECORDING_PULSE, &at_ns, sizeof at_ns);
    ssize_t wrote = pwrite(file->fd, writer->packer.packed, packed, (off_t)file->written_bytes);
    file->has_pulse = wrote > 0;
    /* No room for it is no reason to give up the recording: there may be some again. */
    if (wrote != (ssize_t)packed && recording_pulse_drop(file) < 0)
        return recording_write_failed(writer, errno, diag);
    return 0;
}

static struct recording_file *recording_file_now(struct recording_writer *writer)
{
    return writer->rewrite.fd >= 0 ? &writer->rewrite : &writer->file;
}

static int recording_append(struct recording_writer *writer, struct recording_file *file,
                            const void *packed, size_t n, struct diag *diag)
{
    if (recording_pulse_drop(file) < 0 || file_write_all(file->fd, packed, n) < 0)
        return recording_write_failed(writer, errno, diag);
    file->written_bytes += n;
    return 0;
}

int recording_write(struct recording_writer *writer, enum recording_type type, const void *bytes,
                    size_t n, struct diag *diag)
{
    if (writer->off)
        return RECORDING_OFF;
    if (writer->rewrite_failed)
        return RECORDING_KEPT;
    if (n > RECORDING_RAW_MAX)
        return diag_set(diag, ERR_LIMIT, "a chunk of %zu bytes is too long", n);
    struct recording_file *file = recording_file_now(writer);
    size_t packed = recording_pack(&writer->packer, type, bytes, n);
    int err = recording_append(writer, file, writer->packer.packed, packed, diag);
    if (err)
        return err;
    if (type == RECORDING_COMMIT)
        file->committed_bytes = file->written_bytes;
    if (type == RECORDING_EVENTS)
        writer->has_events = true;
    return 0;
}

struct recording_part *recording_part_new(void)
{
    struct recording_part *part = calloc(1, sizeof *part);
    if (part && !recording_packer_init(&part->packer)) {
        recording_part_free(part);
        return NULL;
    }
    return part;
}

int recording_part_add(struct recording_part *part, enum recording_type type, const void *bytes,
                       size_t n)
{
    if (n > RECORDING_RAW_MAX)
        return ERR_LIMIT;
    codec_put_bytes(&part->out, part->packer.packed, recording_pack(&part->packer, type, bytes, n));
    return part->out.failed ? ERR_MEMORY : 0;
}

int recording_part_append(struct recording_writer *writer, const struct recording_part *part,
                          struct diag *diag)
{
    if (writer->off)
        return RECORDING_OFF;
    if (writer->rewrite_failed)
        return RECORDING_KEPT;
    if (!part || part->out.failed)
        return diag_set(diag, ERR_MEMORY, "no memory to write %s", writer->name);
    return recording_append(writer, recording_file_now(writer), part->out.bytes, part->out.n, diag);
}

void recording_part_free(struct recording_part *part)
{
    if (!part)
        return;
    recording_packer_done(&part->packer);
    codec_out_done(&part->out);
    free(part);
}

int recording_rewrite_begin(struct recording_writer *writer, struct diag *diag)
{
    if (writer->off)
        return RECORDING_OFF;
    if (writer->rewrite.fd >= 0 || writer->has_events)
        return diag_set(diag, ERR_STATE, "%s cannot be rewritten now", writer->name);
    for (int i = 0; i < RECORDING_TRIES && writer->rewrite.fd < 0; i++) {
        if (asprintf(&writer->rewrite_name, "%s.%d.part", writer->name, i) < 0) {
            writer->rewrite_name = NULL;
            return RECORDING_KEPT;
        }
        writer->rewrite.fd = open(writer->rewrite_name,
                                  O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (writer->rewrite.fd >= 0)
            break;
        free(writer->rewrite_name);
        writer->rewrite_name = NULL;
        if (errno != EEXIST)
            return RECORDING_KEPT;
    }
    if (writer->rewrite.fd < 0)
        return RECORDING_KEPT;
    writer->rewrite_failed = recording_header_write(&writer->rewrite, writer->start_unix_ns) < 0;
    return 0;
}

int recording_rewrite_end(struct recording_writer *writer, struct diag *diag)
{
    if (writer->rewrite.fd < 0)
        return diag_set(diag, ERR_STATE, "%s is not being rewritten", writer->name);
    /* What does not end in a commit is not whole. */
    bool kept = writer->rewrite_failed ||
                writer->rewrite.committed_bytes != writer->rewrite.written_bytes ||
                rename(writer->rewrite_name, writer->name) < 0;
    if (kept) {
        unlink(writer->rewrite_name);
        close(writer->rewrite.fd);
    } else {
        close(writer->file.fd);
        writer->file = writer->rewrite;
    }
    writer->rewrite = (struct recording_file){.fd = -1};
    writer->rewrite_failed = false;
    free(writer->rewrite_name);
    writer->rewrite_name = NULL;
    return kept ? RECORDING_KEPT : 0;
}

uint64_t recording_written_bytes(const struct recording_writer *writer)
{
    return writer->rewrite.fd >= 0 ? writer->rewrite.written_bytes : writer->file.written_bytes;
}

bool recording_is_off(const struct recording_writer *writer)
{
    return writer->off;
}

bool recording_has_events(const struct recording_writer *writer)
{
    return writer->has_events;
}

const char *recording_name(const struct recording_writer *writer)
{
    return writer->name;
}

void recording_close(struct recording_writer *writer)
{
    if (!writer)
        return;
    if (writer->rewrite.fd >= 0) {
        unlink(writer->rewrite_name);
        close(writer->rewrite.fd);
    }
    close(writer->file.fd);
    recording_packer_done(&writer->packer);
    free(writer->rewrite_name);
    free(writer->name);
    free(writer);
}
