/* SPDX-License-Identifier: Apache-2.0 */
/* The model as it stands, as a recording in sealed memory. */
#ifndef MEMSCOPE_COLLECT_SNAPSHOT_H
#define MEMSCOPE_COLLECT_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "heap/model.h"

/* All of it: costs what a checkpoint of everything costs. *ret_fd is the caller's. */
int snapshot_whole(struct model *model, int *ret_fd, uint64_t *ret_bytes, struct diag *diag);

/* Only the site_n sites that hold most; see heap/excerpt.h. */
int snapshot_top(struct model *model, size_t site_n, int *ret_fd, uint64_t *ret_bytes,
                 struct diag *diag);

#endif
