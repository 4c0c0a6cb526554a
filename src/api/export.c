/* SPDX-License-Identifier: Apache-2.0 */
/* Exports of an analysis, made by the executable from the recording. */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "api/ask.h"
#include "api/fault.h"
#include "api/object.h"
#include "capture/cpu/x86_64/syscall.h"
#include "memscope/memscope.h"

struct memscope_buffer {
    struct ask_bytes bytes; /* owned, unless shared */
    bool is_copy;
};

static const char *const export_formats[] = {"json",   "html",       "svg",   "pprof",
                                             "folded", "speedscope", "mscope"};

static bool export_is_format(const char *format)
{
    for (size_t i = 0; format && i < sizeof export_formats / sizeof *export_formats; i++) {
        if (strlen(format) == strlen(export_formats[i]) &&
            memcmp(format, export_formats[i], strlen(format)) == 0)
            return true;
    }
    return false;
}

/* The bytes of an export. The recording's own are a copy: the buffer outlives the analysis. */
static int export_make(const memscope_analysis *analysis, const char *format,
                       struct ask_bytes *ret_bytes, bool *ret_is_copy, struct memscope_error *error)
{
    struct ask_bytes raw;
    if (!analysis)
        return fault_set(error, MEMSCOPE_E_INVALID, "analysis is NULL", NULL);
    if (!export_is_format(format))
        return fault_set(error, MEMSCOPE_E_FORMAT,
                         "formats are json, html, svg, pprof, folded, speedscope and mscope", NULL);
    raw.at = memscope_analysis_raw(analysis, &raw.n);
    *ret_is_copy = format[0] == 'm';
    if (*ret_is_copy) {
        uint8_t *copy = object_take(raw.n + 1);
        if (!copy)
            return fault_set(error, MEMSCOPE_E_MEMORY, "no memory for the recording", NULL);
        memcpy(copy, raw.at, raw.n);
        *ret_bytes = (struct ask_bytes){.at = copy, .n = raw.n};
        return MEMSCOPE_OK;
    }
    const char *const words[] = {format, NULL};
    return ask_answer(words, &raw, 1, ret_bytes, error);
}

static void export_drop(struct ask_bytes *bytes, bool is_copy)
{
    if (is_copy)
        object_give((void *)(uintptr_t)bytes->at, bytes->n + 1);
    else
        ask_unmap(bytes);
}

int memscope_analysis_export(const memscope_analysis *analysis, const char *format,
                             const char *path, struct memscope_error *ret_error)
{
    struct ask_bytes bytes;
    bool is_copy;
    if (!path || !*path)
        return fault_set(ret_error, MEMSCOPE_E_INVALID, "path is empty", NULL);
    int err = export_make(analysis, format, &bytes, &is_copy, ret_error);
    if (err < 0)
        return err;
    long fd = syscall_6(SYS_openat, AT_FDCWD, (long)(uintptr_t)path,
                        O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666, 0, 0);
    long written = fd < 0 ? fd : ask_write(fd, bytes.at, bytes.n);
    if (fd >= 0)
        syscall_3(SYS_close, fd, 0, 0);
    export_drop(&bytes, is_copy);
    return written < 0 ? fault_errno(ret_error, MEMSCOPE_E_IO, path, written) : MEMSCOPE_OK;
}

int memscope_analysis_export_memory(const memscope_analysis *analysis, const char *format,
                                    memscope_buffer **ret_buffer, struct memscope_error *ret_error)
{
    struct ask_bytes bytes;
    bool is_copy;
    if (!ret_buffer)
        return fault_set(ret_error, MEMSCOPE_E_INVALID, "ret_buffer is NULL", NULL);
    int err = export_make(analysis, format, &bytes, &is_copy, ret_error);
    if (err < 0)
        return err;
    /* A whole page has no room for the 0 behind it: such an answer is copied. */
    if (!is_copy && bytes.n % 4096 == 0) {
        uint8_t *copy = object_take(bytes.n + 1);
        if (copy)
            memcpy(copy, bytes.at, bytes.n);
        size_t n = bytes.n;
        ask_unmap(&bytes);
        bytes = (struct ask_bytes){.at = copy, .n = n};
        is_copy = true;
    }
    memscope_buffer *buffer = bytes.at ? object_take(sizeof *buffer) : NULL;
    if (!buffer) {
        export_drop(&bytes, is_copy);
        return fault_set(ret_error, MEMSCOPE_E_MEMORY, "no memory for an export", NULL);
    }
    *buffer = (memscope_buffer){.bytes = bytes, .is_copy = is_copy};
    *ret_buffer = buffer;
    return MEMSCOPE_OK;
}

const char *memscope_buffer_bytes(const memscope_buffer *buffer, size_t *ret_bytes)
{
    if (!buffer)
        return NULL;
    if (ret_bytes)
        *ret_bytes = buffer->bytes.n;
    return (const char *)buffer->bytes.at;
}

void memscope_buffer_free(memscope_buffer *buffer)
{
    if (!buffer)
        return;
    export_drop(&buffer->bytes, buffer->is_copy);
    object_give(buffer, sizeof *buffer);
}
