/* SPDX-License-Identifier: Apache-2.0 */
/* Levels from directives, and whole lines in one write. */
#include "cli/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/text.h"

static const char *const log_names[] = {"error", "warn", "info", "debug", "trace"};

static bool log_level_named(const char *name, size_t n, enum run_log_level *ret_level)
{
    if (n == 3 && strncasecmp(name, "off", n) == 0) {
        *ret_level = RUN_LOG_ERROR;
        return true;
    }
    for (int i = RUN_LOG_ERROR; i <= RUN_LOG_TRACE; i++) {
        if (strlen(log_names[i]) == n && strncasecmp(name, log_names[i], n) == 0) {
            *ret_level = (enum run_log_level)i;
            return true;
        }
    }
    return false;
}

enum run_log_level log_level_of(const char *directives, enum run_log_level fallback)
{
    static const char ours[] = "memscope=";
    enum run_log_level bare = fallback, named = fallback;
    bool has_named = false;
    for (const char *at = directives ? directives : ""; *at;) {
        size_t n = strcspn(at, ",");
        const char *word = at;
        size_t length = n;
        while (length && *word == ' ')
            word++, length--;
        while (length && word[length - 1] == ' ')
            length--;
        if (length >= sizeof ours && strncmp(word, ours, sizeof ours - 1) == 0)
            has_named |= log_level_named(word + sizeof ours - 1, length - sizeof ours + 1, &named);
        else
            (void)log_level_named(word, length, &bare);
        at += n + (at[n] == ',');
    }
    return has_named ? named : bare;
}

enum run_log_level log_level_from_environment(void)
{
    const char *directives = getenv("MEMSCOPE_LOG");
    if (!directives || !*directives)
        directives = getenv("RUST_LOG");
    return log_level_of(directives, RUN_LOG_WARN);
}

void log_line(const struct log *log, enum run_log_level level, const char *format, ...)
{
    if (level > log->level)
        return;
    char sentence[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    struct text line = {0};
    text_add(&line, "memscope: ");
    if (level >= RUN_LOG_INFO)
        text_printf(&line, "%s: ", log_names[level]);
    text_add_shown(&line, sentence, strlen(sentence));
    text_add_char(&line, '\n');
    (void)file_write_all(log->fd, line.bytes, line.n);
    text_done(&line);
}
