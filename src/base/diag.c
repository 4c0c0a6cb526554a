/* SPDX-License-Identifier: Apache-2.0 */
/* Formats diagnostic sentences. */
#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int diag_set(struct diag *diag, int err, const char *format, ...)
{
    if (!diag || diag->text[0])
        return err;
    va_list args;
    va_start(args, format);
    vsnprintf(diag->text, sizeof diag->text, format, args);
    va_end(args);
    return err;
}

int diag_set_errno(struct diag *diag, int err, int errno_value, const char *format, ...)
{
    if (!diag || diag->text[0])
        return err;
    va_list args;
    va_start(args, format);
    int used = vsnprintf(diag->text, sizeof diag->text, format, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof diag->text)
        snprintf(diag->text + used, sizeof diag->text - (size_t)used, ": %s",
                 strerrordesc_np(errno_value) ? strerrordesc_np(errno_value) : "unknown error");
    return err;
}
