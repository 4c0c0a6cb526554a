/* SPDX-License-Identifier: Apache-2.0 */
/* compare: two recordings side by side, in the terminal, as JSON or as a page. */
#include <string.h>
#include <unistd.h>

#include "analyze/compare.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/load.h"
#include "cli/outputs.h"
#include "cli/terminal.h"
#include "export/difference.h"

typedef int compare_writer(const struct comparison *comparison, struct file_out *out,
                           struct diag *diag);

static int compare_write(compare_writer *write, const struct comparison *comparison,
                         const char *name, struct diag *diag)
{
    struct file_out out;
    int err = file_out_open(&out, name, diag);
    if (err)
        return err;
    err = write(comparison, &out, diag);
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

static bool compare_is_page(const char *name)
{
    size_t n = strlen(name);
    return n > 5 && strcmp(name + n - 5, ".html") == 0;
}

/* The exports that a comparison knows: JSON and the page, by -e or by the suffix of -o. */
static int compare_outputs(const struct cli *cli, const struct settings *settings,
                           const struct comparison *comparison, struct diag *diag)
{
    if (settings->outputs.n > 1 || settings->exports.n > 1)
        return diag_set(diag, ERR_USAGE, "compare has one output: keep one -e and one -o");
    const char *name = settings->outputs.n ? settings->outputs.at[0] : "-";
    const char *format = settings->exports.n ? settings->exports.at[0] : NULL;
    if (!format && settings->outputs.n && compare_is_page(name))
        format = "html";
    if (!format && (settings->given[OPTION_JSON] || settings->outputs.n))
        format = "json";
    if (!format)
        return compare_print(cli, settings, comparison) == STATUS_DONE ? 0 : ERR_IO;
    if (strcmp(format, "json") == 0)
        return compare_write(difference_write_json, comparison, name, diag);
    if (strcmp(format, "html") == 0)
        return compare_write(difference_write_html, comparison, name, diag);
    return diag_set(diag, ERR_USAGE, "compare writes json or html, not %s", format);
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
