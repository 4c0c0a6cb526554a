/* SPDX-License-Identifier: Apache-2.0 */
/* view: the report page beside its recording, opened where there is a desktop. */
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/load.h"
#include "export/export.h"

/* "x.mscope" becomes "x.html". */
static void view_add_name(struct text *text, const char *recording)
{
    size_t n = strlen(recording);
    if (n > 7 && strcmp(recording + n - 7, ".mscope") == 0)
        n -= 7;
    text_add_n(text, recording, n);
    text_add(text, ".html");
}

static bool view_has_desktop(void)
{
    const char *display = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");
    return (display && *display) || (wayland && *wayland);
}

/* Hands the page to the desktop; a desktop without xdg-open is no failure. */
static void view_open(const struct cli *cli, const char *name)
{
    char command[] = "xdg-open";
    char *copy = strdup(name);
    char *argv[] = {command, copy, NULL};
    pid_t pid;
    int status;
    if (!copy)
        return;
    if (posix_spawnp(&pid, command, NULL, NULL, argv, environ) != 0)
        log_line(&cli->log, RUN_LOG_WARN, "no xdg-open: open %s in a browser", name);
    else
        (void)waitpid(pid, &status, 0);
    free(copy);
}

static int view_write(const struct loaded *loaded, const char *name, struct diag *diag)
{
    const struct export_format *format = export_find("html");
    struct export_request request = {.recording_bytes = loaded->bytes,
                                     .version = MEMSCOPE_VERSION_TEXT};
    struct file_out out;
    if (!format)
        return diag_set(diag, ERR_MISSING,
                        "this build has no report page: build it where node and npm are");
    int err = file_out_open(&out, name, diag);
    if (err)
        return err;
    err = format->write(loaded->analysis, &request, &out, diag);
    if (err)
        file_out_abandon(&out);
    else
        err = file_out_commit(&out, diag);
    return err;
}

int verb_view(const struct cli *cli, const struct settings *settings)
{
    struct diag diag = {""};
    struct loaded loaded;
    struct text name = {0};
    if (settings->outputs.n > 1) {
        diag_set(&diag, ERR_USAGE, "view has one output: keep one -o");
        return cli_fail(cli, &diag);
    }
    if (load_recording(cli, settings->words[0], &loaded, &diag) < 0)
        return cli_fail(cli, &diag);
    if (settings->outputs.n)
        text_add(&name, settings->outputs.at[0]);
    else
        view_add_name(&name, settings->words[0]);
    int err = view_write(&loaded, text_string(&name), &diag);
    load_done(&loaded);
    bool is_stdout = strcmp(text_string(&name), "-") == 0;
    if (err == 0 && !is_stdout && !settings->given[OPTION_QUIET]) {
        struct text line = {0};
        text_printf(&line, "%s\n", text_string(&name));
        (void)cli_print(cli, &line);
        text_done(&line);
    }
    if (err == 0 && !is_stdout && !settings->given[OPTION_NO_OPEN] && view_has_desktop())
        view_open(cli, text_string(&name));
    text_done(&name);
    return err ? cli_fail(cli, &diag) : STATUS_DONE;
}
