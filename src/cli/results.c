/* SPDX-License-Identifier: Apache-2.0 */
/* Exports first, so that the summary can name the files. */
#include "cli/results.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/session.h"
#include "base/file.h"
#include "cli/load.h"
#include "cli/terminal.h"
#include "export/export.h"
#include "export/summary.h"

/* What a run of exports leaves for the summary. */
struct results_files {
    struct summary_file at[OUTPUTS_MAX + 1];
    char *owned[OUTPUTS_MAX + 1];
    size_t n;
};

/* The name as a user would type it. */
static const char *results_plain(const char *name)
{
    return strncmp(name, "./", 2) == 0 ? name + 2 : name;
}

static void results_name(const struct results *results, const struct model *model,
                         struct text *program, pid_t *ret_pid)
{
    struct session session = session_of(model);
    *ret_pid = results->pid ? results->pid : session.root ? (pid_t)session.root->pid : 0;
    if (results->program)
        text_add(program, results->program);
    else
        outputs_add_program(program, session.root ? model_string_at(model, session.root->exe) : "");
}

/* Writes one export to its name, or to a new name in the folder. *ret_name is malloc'd. */
static int results_export(const struct results *results, const struct output *output,
                          const struct loaded *loaded, const struct export_request *request,
                          char **ret_name, uint64_t *ret_bytes, struct diag *diag)
{
    const struct export_format *format = export_find(output->format);
    if (!format)
        return diag_set(diag, ERR_MISSING, "this build cannot write %s", output->format);
    char *name = NULL;
    int err = 0;
    if (output->name) {
        name = strdup(output->name);
        err = name ? 0 : diag_set(diag, ERR_MEMORY, "no memory");
    } else {
        struct text program = {0};
        pid_t pid;
        results_name(results, loaded->model, &program, &pid);
        err = outputs_claim(results->outputs->folder, text_string(&program), pid,
                            outputs_suffix(output->format), &name, diag);
        text_done(&program);
    }
    if (err)
        return err;
    struct file_out out;
    err = file_out_open(&out, name, diag);
    if (err == 0) {
        err = format->write(loaded->analysis, request, &out, diag);
        *ret_bytes = out.written_bytes;
        if (err)
            file_out_abandon(&out);
        else
            err = file_out_commit(&out, diag);
    }
    if (err && !output->name)
        unlink(name);
    *ret_name = name;
    return err;
}

static const char *results_label(const char *format)
{
    if (strcmp(format, "json") == 0)
        return "JSON";
    if (strcmp(format, "html") == 0)
        return "Report";
    return strcmp(format, "svg") == 0 ? "SVG" : format;
}

static int results_exports(const struct cli *cli, const struct settings *settings,
                           const struct results *results, const struct loaded *loaded,
                           struct results_files *files)
{
    struct export_request request = {.recording_bytes = loaded->bytes,
                                     .panel = (enum export_panel)settings->svg_panel,
                                     .version = MEMSCOPE_VERSION_TEXT};
    int first = 0;
    for (size_t i = 0; i < results->outputs->n; i++) {
        const struct output *output = &results->outputs->exports[i];
        struct diag diag = {""};
        char *name = NULL;
        uint64_t bytes = 0;
        int err = results_export(results, output, loaded, &request, &name, &bytes, &diag);
        if (err) {
            (void)cli_fail(cli, &diag);
            first = first ? first : err;
            free(name);
        } else if (strcmp(name, "-") == 0) {
            free(name);
        } else {
            files->owned[files->n] = name;
            files->at[files->n++] = (struct summary_file){results_label(output->format),
                                                          results_plain(name), bytes};
        }
    }
    return first;
}

static int results_summary(const struct settings *settings, const struct results *results,
                           const struct loaded *loaded, const struct results_files *files,
                           struct diag *diag)
{
    if (settings->summary == SUMMARY_NONE || settings->given[OPTION_QUIET])
        return 0;
    struct text text = {0};
    int err = 0;
    if (settings->summary == SUMMARY_JSON) {
        struct export_request request = {.recording_bytes = loaded->bytes,
                                         .version = MEMSCOPE_VERSION_TEXT};
        struct file_out out = {.fd = results->summary_fd, .is_stdout = true};
        return export_json(loaded->analysis, &request, &out, diag);
    }
    struct terminal terminal = terminal_of(results->summary_fd, settings->color);
    struct summary_style style = {.columns = terminal.columns,
                                  .utf8 = terminal.utf8,
                                  .color = terminal.color,
                                  .full = settings->summary == SUMMARY_FULL};
    struct summary_files shown = {.at = files->at,
                                  .n = files->n,
                                  .recording = results->names_recording && !style.full
                                                       ? results_plain(results->recording)
                                                       : NULL};
    summary_add(&text, loaded->analysis, &style, &shown);
    if (text.failed)
        err = diag_set(diag, ERR_MEMORY, "no memory for the summary");
    else if (file_write_all(results->summary_fd, text_string(&text), text.n) < 0)
        err = ERR_IO; /* nobody reads it: nothing to say it to */
    text_done(&text);
    return err;
}

int results_give(const struct cli *cli, const struct settings *settings,
                 const struct results *results)
{
    struct loaded loaded;
    struct diag diag = {""};
    struct results_files files = {.n = 0};
    int err = load_recording(cli, results->recording, &loaded, &diag);
    if (err) {
        (void)cli_fail(cli, &diag);
        return err;
    }
    err = results_exports(cli, settings, results, &loaded, &files);
    if (results->names_recording)
        files.at[files.n++] =
                (struct summary_file){"Recording", results_plain(results->recording), loaded.bytes};
    int summary_err = results_summary(settings, results, &loaded, &files, &diag);
    if (summary_err && *diag.text)
        (void)cli_fail(cli, &diag);
    for (size_t i = 0; i < files.n; i++)
        free(files.owned[i]);
    load_done(&loaded);
    return err ? err : summary_err == ERR_IO ? 0 : summary_err;
}
