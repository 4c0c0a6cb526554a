/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collect: the recorder of a process that asked for one (wire/begin.h). Its words are the options
 * of run, as the user wrote them into MEMSCOPE, in one string.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/outputs.h"
#include "cli/record.h"
#include "collect/run.h"
#include "wire/begin.h"

enum { COLLECT_WORDS_MAX = 256, COLLECT_COMMAND_MAX = 1 << 20 };

/* Words of argv are char *. */
static char collect_run[] = "run", collect_dashes[] = "--", collect_program[] = "program";

/* What a recorder works for. */
struct collect {
    char *options;                      /* cut into words in place */
    char *command;                      /* likewise, as /proc shows it */
    char exe[PATH_MAX];                 /* what is executed, where the command has no name */
    char *words[COLLECT_WORDS_MAX];     /* of the options, and behind "--" the program */
    char *arguments[COLLECT_WORDS_MAX]; /* of the process */
    int word_n;
    pid_t asker;
};

/* The process at the other end, when descriptor BEGIN_FD is what it should be. */
static pid_t collect_asker(void)
{
    struct ucred peer;
    socklen_t n = sizeof peer;
    int type = 0;
    socklen_t type_n = sizeof type;
    if (getsockopt(BEGIN_FD, SOL_SOCKET, SO_TYPE, &type, &type_n) < 0 || type != SOCK_SEQPACKET ||
        getsockopt(BEGIN_FD, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0 || peer.uid != getuid())
        return 0;
    return peer.pid;
}

/* The arguments of the process. A program may be executed without a name, or without any. */
static void collect_command(struct collect *collect)
{
    char path[64];
    size_t n = 0;
    int argument_n = 0;
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)collect->asker);
    if (file_read_all(path, COLLECT_COMMAND_MAX, &collect->command, &n, NULL) < 0)
        collect->command = NULL;
    for (size_t at = 0; collect->command && at < n && argument_n < COLLECT_WORDS_MAX - 1;
         at += strlen(collect->command + at) + 1)
        collect->arguments[argument_n++] = collect->command + at;
    if (argument_n && *collect->arguments[0])
        return;
    snprintf(path, sizeof path, "/proc/%d/exe", (int)collect->asker);
    ssize_t link_n = readlink(path, collect->exe, sizeof collect->exe - 1);
    collect->arguments[0] = link_n > 0 ? collect->exe : collect_program;
}

/* "run OPTIONS -- PROGRAM" as words. */
static void collect_words(struct collect *collect, const char *options)
{
    char *state = NULL;
    collect->options = strdup(options);
    collect->words[collect->word_n++] = collect_run;
    char *word = collect->options ? strtok_r(collect->options, " \t\n", &state) : NULL;
    for (; word && collect->word_n < COLLECT_WORDS_MAX - 3; word = strtok_r(NULL, " \t\n", &state))
        collect->words[collect->word_n++] = word;
    collect->words[collect->word_n++] = collect_dashes;
    collect->words[collect->word_n++] = collect->arguments[0];
}

static int collect_refuse(const struct diag *diag)
{
    struct begin_reply reply = {.magic = BEGIN_MAGIC, .version = BEGIN_VERSION, .failed = 1};
    snprintf(reply.text, sizeof reply.text, "%.470s", diag->text);
    ssize_t sent = send(BEGIN_FD, &reply, sizeof reply, MSG_NOSIGNAL);
    return sent < 0 ? STATUS_OURS + 1 : STATUS_OURS;
}

int verb_collect(const struct cli *cli, const struct settings *settings)
{
    struct collect collect = {.asker = collect_asker()};
    struct diag diag = {""};
    struct settings asked;
    if (!collect.asker) {
        diag_set(&diag, ERR_USAGE, "collect is started by memscope itself, not by hand");
        return cli_fail(cli, &diag);
    }
    collect_command(&collect);
    collect_words(&collect, settings->word_n ? settings->words[0] : "");
    int status;
    if (settings_parse(&asked, verb_at(VERB_RUN), collect.word_n, collect.words, &diag) < 0) {
        status = collect_refuse(&diag);
    } else {
        struct cli said = *cli;
        if (asked.given[OPTION_QUIET])
            said.log.level = RUN_LOG_ERROR;
        asked.words = collect.arguments;
        status = record_asked(&said, &asked, collect.asker, BEGIN_FD, &diag);
        if (*diag.text)
            status = collect_refuse(&diag);
        settings_done(&asked);
    }
    free(collect.options);
    free(collect.command);
    return status;
}
