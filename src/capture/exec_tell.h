/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the collector of images that are about to begin (wire/exec.h). */
#ifndef MEMSCOPE_CAPTURE_EXEC_TELL_H
#define MEMSCOPE_CAPTURE_EXEC_TELL_H

#include <stdbool.h>
#include <sys/types.h>

#include "capture/exec_fit.h"

/*
 * Before the real call: what is executed, and whether it can go along. NULL where there is no room.
 * Safe in a vfork child. `spawning`: the child of a posix_spawn becomes the image, else this
 * process, or the vfork child that calls.
 */
struct wire_exec *exec_tell(const char *path, const struct exec_fit *fit, bool spawning);

/* The real call has failed: there is no such image. The entry may be NULL. */
void exec_tell_failed(struct wire_exec *entry);

/* posix_spawn has made the child; `error` is what it returned. */
void exec_tell_spawned(struct wire_exec *entry, int error, pid_t child);

#endif
