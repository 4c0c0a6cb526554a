/* SPDX-License-Identifier: Apache-2.0 */
/* Pairing, suffixes, folders that can be written, and names that replace nothing. */
#include "cli/outputs.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static const struct {
    const char *suffix, *format;
} outputs_suffixes[] = {
        {".json", "json"},
        {".html", "html"},
        {".svg", "svg"},
        {".pb.gz", "pprof"},
        {".speedscope.json", "speedscope"},
        {".folded", "folded"},
        {".htm", "html"},
        {".pprof", "pprof"},
        {".mscope", "recording"},
};
enum { OUTPUTS_SUFFIX_N = sizeof outputs_suffixes / sizeof outputs_suffixes[0] };

const char *outputs_suffix(const char *format)
{
    for (size_t i = 0; i < OUTPUTS_SUFFIX_N; i++) {
        if (strcmp(outputs_suffixes[i].format, format) == 0)
            return outputs_suffixes[i].suffix;
    }
    return "";
}

const char *outputs_format_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *base = slash ? slash + 1 : name;
    size_t n = strlen(base), best_n = 0;
    const char *best = strchr(base + (*base == '.'), '.') ? NULL : "recording";
    for (size_t i = 0; i < OUTPUTS_SUFFIX_N; i++) {
        size_t length = strlen(outputs_suffixes[i].suffix);
        if (length > best_n && length < n &&
            strcmp(base + n - length, outputs_suffixes[i].suffix) == 0) {
            best = outputs_suffixes[i].format;
            best_n = length;
        }
    }
    return best;
}

static bool outputs_is_folder(const char *name)
{
    struct stat status;
    size_t n = strlen(name);
    return name[n - 1] == '/' || (stat(name, &status) == 0 && S_ISDIR(status.st_mode));
}

static bool outputs_folder_writable(const char *folder)
{
    struct stat status;
    return stat(folder, &status) == 0 && S_ISDIR(status.st_mode) &&
           access(folder, W_OK | X_OK) == 0;
}

/* Whether a file of this name can be made: asked before the program runs, not after an hour. */
static int outputs_check(const char *name, struct diag *diag)
{
    if (strcmp(name, "-") == 0)
        return 0;
    char *copy = strdup(name);
    if (!copy)
        return diag_set(diag, ERR_MEMORY, "no memory");
    const char *folder = dirname(copy);
    int err = 0;
    if (access(folder, F_OK) != 0)
        err = diag_set(diag, ERR_IO, "cannot write %.120s: there is no folder %.120s", name,
                       folder);
    else if (!outputs_folder_writable(folder))
        err = diag_set(diag, ERR_IO,
                       "cannot write %.120s: no permission to write in %.120s; name another "
                       "place with -o",
                       name, folder);
    free(copy);
    return err;
}

static int outputs_add(struct outputs *outputs, const char *format, const char *name,
                       struct diag *diag)
{
    if (outputs->n == OUTPUTS_MAX)
        return diag_set(diag, ERR_USAGE, "more than %d outputs", OUTPUTS_MAX);
    outputs->exports[outputs->n++] = (struct output){.format = format, .name = name};
    return 0;
}

/* An -o without its -e. */
static int outputs_add_lone(struct outputs *outputs, const char *name, bool takes_recording,
                            struct diag *diag)
{
    if (strcmp(name, "-") == 0)
        return diag_set(diag, ERR_USAGE, "-o - needs a format: put -e json before it");
    const char *format = outputs_format_of(name);
    if (!format)
        return diag_set(diag, ERR_USAGE,
                        "-o %.120s: the suffix tells no format; use .json, .html, .svg, .pb.gz, "
                        ".speedscope.json, .folded or .mscope, or say -e FORMAT",
                        name);
    if (strcmp(format, "recording") != 0)
        return outputs_add(outputs, format, name, diag);
    if (!takes_recording)
        return diag_set(diag, ERR_USAGE,
                        "-o %.120s: a recording is read here, not written; say -e FORMAT", name);
    if (outputs->recording)
        return diag_set(diag, ERR_USAGE, "-o names two recordings, %.100s and %.100s: keep one",
                        outputs->recording, name);
    outputs->recording = name;
    return 0;
}

/* A recording by its suffix: such a name belongs to no -e, wherever it stands. */
static bool outputs_is_recording(const char *name)
{
    static const char suffix[] = ".mscope";
    size_t n = strlen(name), suffix_n = sizeof suffix - 1;
    return n > suffix_n && strcmp(name + n - suffix_n, suffix) == 0;
}

static int outputs_pair(struct outputs *outputs, const struct settings *settings,
                        bool takes_recording, struct diag *diag)
{
    int err = 0;
    size_t next = 0;
    for (size_t i = 0; i < settings->exports.n && err == 0; i++)
        err = outputs_add(outputs, settings->exports.at[i], NULL, diag);
    for (size_t i = 0; i < settings->outputs.n && err == 0; i++) {
        const char *name = settings->outputs.at[i];
        if (strcmp(name, "-") != 0 && outputs_is_folder(name)) {
            if (outputs->folder)
                return diag_set(diag, ERR_USAGE, "-o names two folders: keep one");
            outputs->folder = strdup(name);
            if (!outputs->folder)
                return diag_set(diag, ERR_MEMORY, "no memory");
        } else if (next < settings->exports.n && !outputs_is_recording(name)) {
            outputs->exports[next++].name = name;
        } else {
            err = outputs_add_lone(outputs, name, takes_recording, diag);
        }
    }
    return err;
}

static int outputs_check_all(const struct outputs *outputs, struct diag *diag)
{
    int err = outputs->recording ? outputs_check(outputs->recording, diag) : 0;
    for (size_t i = 0; i < outputs->n && err == 0; i++) {
        const char *name = outputs->exports[i].name;
        if (!name)
            continue;
        for (size_t j = 0; j < i; j++) {
            if (outputs->exports[j].name && strcmp(outputs->exports[j].name, name) == 0)
                return diag_set(diag, ERR_USAGE, "two outputs go to %.120s: give each its own -o",
                                name);
        }
        if (outputs->recording && strcmp(outputs->recording, name) == 0)
            return diag_set(diag, ERR_USAGE, "two outputs go to %.120s: give each its own -o",
                            name);
        err = outputs_check(name, diag);
    }
    return err;
}

/* folder/leaf, made with all its parents as private folders. NULL: not possible. */
static char *outputs_make_folder(const char *base, const char *leaf)
{
    struct text path = {0};
    text_printf(&path, "%s%s", base, leaf);
    for (size_t i = 1; !path.failed && i <= path.n; i++) {
        if (path.bytes[i] != '/' && path.bytes[i] != 0)
            continue;
        char kept = path.bytes[i];
        path.bytes[i] = 0;
        (void)mkdir(path.bytes, 0700);
        path.bytes[i] = kept;
    }
    if (!path.failed && outputs_folder_writable(path.bytes))
        return path.bytes;
    text_done(&path);
    return NULL;
}

/* The state directory of the user, else TMPDIR, else /tmp. */
static char *outputs_other_folder(void)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    char *folder = NULL;
    if (state && *state == '/')
        folder = outputs_make_folder(state, "/memscope");
    if (!folder && home && *home == '/')
        folder = outputs_make_folder(home, "/.local/state/memscope");
    const char *temporary = getenv("TMPDIR");
    if (!folder && temporary && *temporary == '/' && outputs_folder_writable(temporary))
        folder = strdup(temporary);
    if (!folder && outputs_folder_writable("/tmp"))
        folder = strdup("/tmp");
    return folder;
}

/* Where outputs without a name go. */
static int outputs_choose_folder(struct outputs *outputs, struct text *note, struct diag *diag)
{
    if (outputs->folder) {
        (void)mkdir(outputs->folder, 0777);
        if (!outputs_folder_writable(outputs->folder))
            return diag_set(diag, ERR_IO, "cannot write in the folder %.120s: name another with -o",
                            outputs->folder);
        return 0;
    }
    if (outputs_folder_writable(".")) {
        outputs->folder = strdup(".");
    } else {
        outputs->folder = outputs_other_folder();
        if (outputs->folder)
            text_printf(note, "the working directory cannot be written: outputs go to %s",
                        outputs->folder);
    }
    if (!outputs->folder)
        return diag_set(diag, ERR_IO, "no folder for the outputs can be written: name one with -o");
    return 0;
}

int outputs_plan(struct outputs *ret_outputs, const struct settings *settings, bool takes_recording,
                 struct text *ret_note, struct diag *diag)
{
    struct outputs outputs = {0};
    int err = outputs_pair(&outputs, settings, takes_recording, diag);
    if (err == 0 && outputs.recording && settings->given[OPTION_NO_RECORDING])
        err = diag_set(diag, ERR_USAGE, "--no-recording and -o %.120s exclude each other",
                       outputs.recording);
    err = err ? err : outputs_check_all(&outputs, diag);
    err = err ? err : outputs_choose_folder(&outputs, ret_note, diag);
    if (err)
        outputs_done(&outputs);
    else
        *ret_outputs = outputs;
    return err;
}

void outputs_done(struct outputs *outputs)
{
    free(outputs->folder);
    outputs->folder = NULL;
}

static bool outputs_is_plain(char c, bool first)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || c == '_' || c == '+' ||
           ((c == '-' || c == '.') && !first);
}

void outputs_add_program(struct text *text, const char *path)
{
    enum { NAME_MAX_BYTES = 48 };
    size_t end = strlen(path);
    while (end && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start && path[start - 1] != '/')
        start--;
    if (start == end)
        text_add(text, "program");
    for (size_t i = start; i < end && i - start < NAME_MAX_BYTES; i++) {
        text_add_char(text, outputs_is_plain(path[i], i == start) ? path[i] : '_');
    }
}

int outputs_claim(const char *folder, const char *program, pid_t pid, const char *suffix,
                  char **ret_name, struct diag *diag)
{
    struct text stem = {0};
    text_printf(&stem, "memscope-%s-%d", program, (int)pid);
    int fd = -1;
    int err = file_create_new(folder, text_string(&stem), suffix, ret_name, &fd, diag);
    if (err == 0)
        close(fd);
    text_done(&stem);
    return err;
}
