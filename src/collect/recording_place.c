/* SPDX-License-Identifier: Apache-2.0 */
/* A file that has its name is whole: nobody finds half a recording where an older one lay. */
#include "collect/recording_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

int recording_place_open(struct recording_place *place, const struct run_request *request,
                         int root_pid, uint64_t start_unix_ns, struct recording_writer **ret_writer,
                         struct diag *diag)
{
    if (request->recording_path) {
        int err = file_check_replaceable(request->recording_path, diag);
        if (err < 0)
            return err;
        place->path = strdup(request->recording_path);
        if (asprintf(&place->other, "%s.%d.part", request->recording_path, (int)getpid()) < 0)
            place->other = NULL;
        if (!place->path || !place->other)
            return diag_set(diag, ERR_MEMORY, "no memory for a file name");
        return recording_create(ret_writer, place->other, start_unix_ns, diag);
    }
    char stem[512];
    snprintf(stem, sizeof stem, "memscope-%.200s-%d", request->program, root_pid);
    int fd;
    int err = file_create_new(request->recording_folder, stem, ".mscope", &place->path, &fd, diag);
    return err < 0 ? err : recording_adopt(ret_writer, fd, place->path, start_unix_ns, diag);
}

const char *recording_place_now(const struct recording_place *place)
{
    return place->other ? place->other : place->path;
}

void recording_place_settle(struct recording_place *place)
{
    if (!place->other)
        return;
    if (rename(place->other, place->path) == 0) {
        free(place->other);
    } else {
        free(place->path);
        place->path = place->other;
    }
    place->other = NULL;
}

void recording_place_done(struct recording_place *place)
{
    free(place->path);
    free(place->other);
}
