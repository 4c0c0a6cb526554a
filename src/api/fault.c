/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the sentences of the API's errors in the caller's storage. */
#include "api/fault.h"

#include <errno.h>
#include <string.h>

void fault_add(char *to, size_t size, const char *text)
{
    size_t at = strlen(to), n = strlen(text);
    if (at + 1 >= size)
        return;
    if (n > size - 1 - at)
        n = size - 1 - at;
    memcpy(to + at, text, n);
    to[at + n] = 0;
}

void fault_copy(char *to, size_t size, const char *text)
{
    to[0] = 0;
    fault_add(to, size, text);
}

void fault_add_number(char *to, size_t size, uint64_t number)
{
    char digits[21];
    size_t at = sizeof digits - 1;
    digits[at] = 0;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    fault_add(to, size, digits + at);
}

int fault_set(struct memscope_error *error, int code, const char *text, const char *detail)
{
    if (!error)
        return code;
    error->code = code;
    fault_copy(error->text, sizeof error->text, text);
    if (detail) {
        fault_add(error->text, sizeof error->text, ": ");
        fault_add(error->text, sizeof error->text, detail);
    }
    return code;
}

static const char *fault_errno_name(long number)
{
    switch (number) {
    case EPERM:
        return "not permitted";
    case EACCES:
        return "permission denied";
    case ENOENT:
        return "no such file";
    case ENOMEM:
        return "no memory";
    case EMFILE:
    case ENFILE:
        return "too many open files";
    case EAGAIN:
        return "a limit on processes or memory is reached";
    case ENOSYS:
        return "the system does not have that call, or a sandbox forbids it";
    case ENOSPC:
        return "no space left";
    case ECONNREFUSED:
        return "nobody answers";
    default:
        return NULL;
    }
}

int fault_errno(struct memscope_error *error, int code, const char *text, long negative_errno)
{
    const char *name = fault_errno_name(-negative_errno);
    char number[32] = "error ";
    if (!name) {
        fault_add_number(number, sizeof number, (uint64_t)-negative_errno);
        name = number;
    }
    return fault_set(error, code, text, name);
}
