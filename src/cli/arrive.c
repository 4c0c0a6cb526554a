/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes what an installation brings besides the command; run by the build.
 *
 * usage: arrive bash|zsh|fish|man [VERB]
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/completion.h"
#include "cli/manual.h"

static int arrive_fill(struct text *text, int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "bash") == 0)
        completion_add_bash(text);
    else if (argc == 2 && strcmp(argv[1], "zsh") == 0)
        completion_add_zsh(text);
    else if (argc == 2 && strcmp(argv[1], "fish") == 0)
        completion_add_fish(text);
    else if (argc == 2 && strcmp(argv[1], "man") == 0)
        manual_add_overview(text);
    else if (argc == 3 && strcmp(argv[1], "man") == 0 && verb_find(argv[2]))
        manual_add_verb(text, verb_find(argv[2]));
    else
        return -1;
    return 0;
}

int main(int argc, char **argv)
{
    struct text text = {0};
    if (arrive_fill(&text, argc, argv) < 0) {
        fprintf(stderr, "usage: arrive bash|zsh|fish|man [VERB]\n");
        return 2;
    }
    int status = text.failed || file_write_all(STDOUT_FILENO, text.bytes, text.n) < 0;
    text_done(&text);
    return status;
}
