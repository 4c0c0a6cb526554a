/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings in memfds. A reader tells them from cut ones by the fact "snapshot". */
#include "collect/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect/segment.h"
#include "heap/excerpt.h"
#include "heap/store.h"
#include "recording/writer.h"

static int snapshot_seal(int fd, uint64_t *ret_bytes, struct diag *diag)
{
    struct stat info;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0 ||
        fstat(fd, &info) < 0)
        return diag_set_errno(diag, ERR_IO, errno, "cannot seal the snapshot");
    *ret_bytes = (uint64_t)info.st_size;
    return 0;
}

static int snapshot_write(struct model *model, int *ret_fd, uint64_t *ret_bytes, struct diag *diag)
{
    int fd = segment_memfd("memscope-snapshot");
    int own = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (own < 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return diag_set_errno(diag, ERR_IO, error, "cannot make memory for a snapshot");
    }
    struct recording_writer *writer = NULL;
    int err = recording_adopt(&writer, own, "a snapshot", model->start_unix_ns, diag);
    if (err == 0) {
        err = store_snapshot(writer, model, diag);
        recording_close(writer);
    }
    if (err == 0)
        err = snapshot_seal(fd, ret_bytes, diag);
    if (err) {
        close(fd);
        return err < 0 ? err : diag_set(diag, ERR_IO, "cannot write the snapshot");
    }
    *ret_fd = fd;
    return 0;
}

int snapshot_whole(struct model *model, int *ret_fd, uint64_t *ret_bytes, struct diag *diag)
{
    if (model_fact_set(model, "snapshot", "1") < 0)
        return diag_set(diag, ERR_MEMORY, "no memory for a snapshot");
    int err = snapshot_write(model, ret_fd, ret_bytes, diag);
    model_fact_set(model, "snapshot", "0");
    return err;
}

int snapshot_top(struct model *model, size_t site_n, int *ret_fd, uint64_t *ret_bytes,
                 struct diag *diag)
{
    struct model *excerpt;
    int err = excerpt_new(model, site_n, &excerpt);
    if (err < 0)
        return diag_set(diag, err, "no memory for a view");
    model_fact_set(excerpt, "snapshot", "1");
    err = snapshot_write(excerpt, ret_fd, ret_bytes, diag);
    model_free_all(excerpt);
    return err;
}
