/* SPDX-License-Identifier: Apache-2.0 */
/* compare: two recordings side by side, in the terminal or as JSON. */
#include <string.h>
#include <unistd.h>

#include "analyze/compare.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/load.h"
#include "cli/outputs.h"
#include "cli/terminal.h"
#include "export/difference.h"

static int compare_json(const struct comparison *comparison, const char *name, struct diag *diag)
{
    struct file_out out;
    int err = file_out_open(&out, name, diag);
    if (err)
        return err;
    err = difference_write_json(comparison, &out, diag);
    if (err)
        file_out_abandon(&out);
    else
        err = file_out_commit(&out, diag);
    return err;
}

static int compare_print(const struct cli *cli, const struct settings *settings,
                         const struct comparison *comparison)
{
    struct terminal terminal = terminal_of(STDOUT_FILENO, settings->color);
    struct summary_style style = {
            .columns = terminal.columns, .utf8 = terminal.utf8, .color = terminal.color};
    struct text text = {0};
    difference_add(&text, comparison, &style);
    int status = cli_print(cli, &text);
    text_done(&text);
    return status;
}

/* The exports that a comparison knows: JSON. */
static int compare_outputs(const struct cli *cli, const struct settings *settings,
                           const struct comparison *comparison, struct diag *diag)
{
    bool json = settings->given[OPTION_JSON];
    for (size_t i = 0; i < settings->exports.n; i++) {
        if (strcmp(settings->exports.at[i], "json") != 0)
            return diag_set(diag, ERR_USAGE, "compare writes json, not %s",
                            settings->exports.at[i]);
        json = true;
    }
    if (settings->outputs.n > 1)
        return diag_set(diag, ERR_USAGE, "compare has one output: keep one -o");
    const char *name = settings->outputs.n ? settings->outputs.at[0] : "-";
    if (json || settings->outputs.n)
        return compare_json(comparison, name, diag);
    return compare_print(cli, settings, comparison) == STATUS_DONE ? 0 : ERR_IO;
}

int verb_compare(const struct cli *cli, const struct settings *settings)
{
    struct diag diag = {""};
    struct loaded before, after;
    struct comparison comparison;
    if (load_recording(cli, settings->words[0], &before, &diag) < 0)
        return cli_fail(cli, &diag);
    if (load_recording(cli, settings->words[1], &after, &diag) < 0) {
        load_done(&before);
        return cli_fail(cli, &diag);
    }
    int err = compare_build(&comparison, before.analysis, after.analysis, &diag);
    if (err == 0) {
        err = compare_outputs(cli, settings, &comparison, &diag);
        compare_done(&comparison);
    }
    load_done(&before);
    load_done(&after);
    if (err && *diag.text)
        (void)cli_fail(cli, &diag);
    return err ? STATUS_OURS : STATUS_DONE;
}
