/* SPDX-License-Identifier: Apache-2.0 */
/* The command: finds the verb, reads its options, and hands over. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "analyze/suppress.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/help.h"

static verb_fn *const main_verbs[VERB_N] = {
        [VERB_RUN] = verb_run,
        [VERB_ANALYZE] = verb_run,
        [VERB_REPORT] = verb_report,
        [VERB_INFO] = verb_info,
        [VERB_VIEW] = verb_view,
        [VERB_COMPARE] = verb_compare,
        [VERB_CHECK] = verb_check,
        [VERB_SNAPSHOT] = verb_snapshot,
        [VERB_LIVE] = verb_live,
        [VERB_STOP] = verb_stop,
        [VERB_CTL] = verb_ctl,
        [VERB_PS] = verb_ps,
        [VERB_DETECT] = verb_detect,
        [VERB_DOCTOR] = verb_doctor,
        [VERB_SYMBOLIZE] = verb_symbolize,
        [VERB_HELP] = verb_help,
        [VERB_VERSION] = verb_version,
        [VERB_ANSWER] = verb_answer,
        [VERB_COLLECT] = verb_collect,
};

int cli_fail(const struct cli *cli, const struct diag *diag)
{
    log_line(&cli->log, RUN_LOG_ERROR, "%s", *diag->text ? diag->text : "failed without a reason");
    return STATUS_OURS;
}

int cli_print(const struct cli *cli, const struct text *text)
{
    struct diag diag = {""};
    if (text->failed)
        diag_set(&diag, ERR_MEMORY, "no memory");
    else if (text->n && file_write_all(STDOUT_FILENO, text->bytes, text->n) < 0)
        diag_set_errno(&diag, ERR_IO, errno, "cannot write to standard output");
    return *diag.text ? cli_fail(cli, &diag) : STATUS_DONE;
}

int verb_version(const struct cli *cli, const struct settings *settings)
{
    struct text text = {0};
    text_add(&text, "memscope " MEMSCOPE_VERSION_TEXT "\n");
    int status = cli_print(cli, &text);
    text_done(&text);
    return status;
}

/* The sentence for a first word that is no verb. */
static int main_no_verb(const struct cli *cli, const char *word)
{
    struct diag diag = {""};
    const struct verb *near = verb_guess(word);
    if (near)
        diag_set(&diag, ERR_USAGE, "there is no verb '%.80s': did you mean '%s'?", word,
                 near->name);
    else if (*word == '-')
        diag_set(&diag, ERR_USAGE, "options stand behind a verb: memscope run %.80s ...", word);
    else
        diag_set(&diag, ERR_USAGE,
                 "there is no verb '%.80s': to record a program say `memscope run %.80s`; "
                 "`memscope help` lists the verbs",
                 word, word);
    return cli_fail(cli, &diag);
}

int verb_help(const struct cli *cli, const struct settings *settings)
{
    const struct verb *verb = NULL;
    if (settings->word_n && !(verb = verb_find(settings->words[0])))
        return main_no_verb(cli, settings->words[0]);
    struct text text = {0};
    if (verb)
        help_add_verb(&text, verb);
    else
        help_add_overview(&text);
    int status = cli_print(cli, &text);
    text_done(&text);
    return status;
}

/* Before the program runs: a file that is wrong must not cost its report. */
static int main_check_suppressions(const char *path, struct diag *diag)
{
    struct suppress rules = {.rules = {.n = 0}};
    int err = suppress_read(&rules, path, diag);
    suppress_done(&rules);
    return err;
}

static int main_verb(struct cli *cli, const struct verb *verb, int argc, char **argv)
{
    struct diag diag = {""};
    struct settings settings;
    if (settings_parse(&settings, verb, argc, argv, &diag) < 0)
        return cli_fail(cli, &diag);
    int status;
    if (settings.given[OPTION_HELP]) {
        struct text text = {0};
        help_add_verb(&text, verb);
        status = cli_print(cli, &text);
        text_done(&text);
    } else {
        if (settings.given[OPTION_QUIET])
            cli->log.level = RUN_LOG_ERROR;
        cli->suppressions = settings.suppressions;
        if (cli->suppressions && main_check_suppressions(cli->suppressions, &diag) < 0)
            status = cli_fail(cli, &diag);
        else
            status = main_verbs[verb->id](cli, &settings);
    }
    settings_done(&settings);
    return status;
}

int main(int argc, char **argv)
{
    struct cli cli = {.log = {.fd = STDERR_FILENO, .level = log_level_from_environment()}};
    if (argc < 2) {
        struct text text = {0};
        help_add_overview(&text);
        (void)file_write_all(STDERR_FILENO, text_string(&text), text.n);
        text_done(&text);
        return STATUS_OURS;
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        word = "help";
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        word = "version";
    const struct verb *verb = verb_find(word);
    if (!verb)
        return main_no_verb(&cli, word);
    return main_verb(&cli, verb, argc - 1, argv + 1);
}
