/* SPDX-License-Identifier: Apache-2.0 */
/* The environment of the next image: the program's own, with our two variables in it. */
#ifndef MEMSCOPE_CAPTURE_EXEC_ENV_H
#define MEMSCOPE_CAPTURE_EXEC_ENV_H

#include <stddef.h>
#include <stdint.h>

/*
 * Scratch memory of the calling thread, at least bytes large; NULL: none to be had. The same area
 * every time: a vfork child borrows its suspended parent's, so nothing leaks and nothing races.
 */
void *exec_scratch(size_t bytes);

/* The bytes that exec_environment needs at the start of the scratch. */
size_t exec_environment_bytes(char *const *envp);

/* Builds it at `scratch`; the strings of envp are shared, not copied. */
char **exec_environment(void *scratch, char *const *envp);

/*
 * Builds a command in the scratch that runs `command` in a second shell, which takes the session's
 * variables out of its environment before the command can see them. NULL: no memory; the command
 * should run as it is.
 */
const char *exec_command(const char *command, char *const *envp);

/* The value of a variable in envp; NULL when it is not set. `name` ends with "=". */
const char *exec_variable(char *const *envp, const char *name);

#endif
