/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs, in the order in which help lists them. */
#include "cli/verbs.h"

#include <string.h>

#include "cli/guess.h"

static const struct verb verb_table[VERB_N] = {
        {.id = VERB_RUN,
         .name = "run",
         .group = "Record a program",
         .arguments = "[OPTIONS] PROGRAM [ARGUMENTS]...",
         .summary = "run a program, record its heap, print a short summary",
         .text = "The program runs as if started by itself: same output, same exit status, same "
                 "signals. Every allocation is recorded with its call stack, thread and task. The "
                 "summary goes to standard error when the program ends; the recording is kept "
                 "unless --no-recording is given.",
         .examples = "memscope run ./server --port 8080\n"
                     "memscope run -e html -o report.html cargo test\n"
                     "memscope run --max-overhead 32 --sample-rate 0.2 ./server",
         .takes_command = true,
         .words_min = 1,
         .words_max = VERB_WORDS_ANY},
        {.id = VERB_ANALYZE,
         .name = "analyze",
         .group = "Record a program",
         .arguments = "[OPTIONS] PROGRAM [ARGUMENTS]...",
         .summary = "as run, with the full summary and a report to look into",
         .text = "Takes the same options as run; only the defaults differ: the full summary is "
                 "printed, and an HTML report is written.",
         .examples = "memscope analyze --mode auto cargo run --bin my_app\n"
                     "memscope analyze --strategy async --export html tokio_app",
         .takes_command = true,
         .words_min = 1,
         .words_max = VERB_WORDS_ANY},
        {.id = VERB_REPORT,
         .name = "report",
         .group = "Look into a recording",
         .arguments = "[OPTIONS] RECORDING",
         .summary = "print the full summary of a recording, write exports from it",
         .examples = "memscope report memscope-server-4711.mscope\n"
                     "memscope report -e json -o - memscope-server-4711.mscope",
         .words_min = 1,
         .words_max = 1},
        {.id = VERB_INFO,
         .name = "info",
         .group = "Look into a recording",
         .arguments = "[OPTIONS] RECORDING",
         .summary = "print what a recording holds: session, totals, what was lost",
         .words_min = 1,
         .words_max = 1},
        {.id = VERB_VIEW,
         .name = "view",
         .group = "Look into a recording",
         .arguments = "[OPTIONS] RECORDING",
         .summary = "write the HTML report beside the recording and open it",
         .words_min = 1,
         .words_max = 1},
        {.id = VERB_COMPARE,
         .name = "compare",
         .alias = "diff",
         .group = "Look into a recording",
         .arguments = "[OPTIONS] BEFORE AFTER",
         .summary = "compare two recordings by function",
         .words_min = 2,
         .words_max = 2},
        {.id = VERB_CHECK,
         .name = "check",
         .group = "Look into a recording",
         .arguments = "[OPTIONS] RECORDING LIMIT...",
         .summary = "hold a recording to limits, for continuous integration",
         .text = "A limit is METRIC OPERATOR VALUE, where METRIC is peak, leaked, allocated, rss "
                 "(bytes), allocations, blocks (never freed), temporary, or one of them but rss "
                 "@FUNCTION, OPERATOR is one of == != < <= > >=, and VALUE is a number with an "
                 "optional unit (kB, MB, GB, KiB, MiB, GiB), or +N% against --baseline. Exits "
                 "with 0 when all limits hold, 1 when one does not, 125 when it cannot tell.",
         .examples = "memscope check app.mscope 'leaked==0' 'peak<200MB'\n"
                     "memscope check app.mscope 'allocations@parse_line<1000'\n"
                     "memscope check --baseline heap.txt app.mscope 'peak<=+5%'",
         .words_min = 1,
         .words_max = VERB_WORDS_ANY},
        {.id = VERB_SYMBOLIZE,
         .name = "symbolize",
         .group = "Look into a recording",
         .arguments = "[OPTIONS] RECORDING",
         .summary = "find function names that were missing when it was recorded",
         .words_min = 1,
         .words_max = 1},
        {.id = VERB_PS,
         .name = "ps",
         .group = "Running sessions",
         .arguments = "",
         .summary = "list the programs that are being recorded",
         .text = "Each line is a recorded process: its state, age, live bytes, events so far and a "
                 "second, and its session.",
         .words_max = 0},
        {.id = VERB_LIVE,
         .name = "live",
         .group = "Running sessions",
         .arguments = "[OPTIONS] PID",
         .summary = "watch the heap of a recorded program",
         .text = "Totals, and what holds most by function, thread and task. On a terminal the view "
                 "is redrawn until q or Ctrl-C; elsewhere views follow each other. PID is any "
                 "process of the session, or the session's name.",
         .examples = "memscope live 4711\n"
                     "memscope live --once --plain 4711",
         .words_min = 1,
         .words_max = 1},
        {.id = VERB_SNAPSHOT,
         .name = "snapshot",
         .group = "Running sessions",
         .arguments = "[OPTIONS] PID",
         .summary = "write a report of a recorded program without stopping it",
         .text = "Everything until this moment, as an HTML report in the working directory, or as "
                 "-e and -o say; -o x.mscope takes a whole recording. The program is not stopped.",
         .examples = "memscope snapshot 4711\n"
                     "memscope snapshot -e json -o now.json 4711",
         .words_min = 1,
         .words_max = 1},
        {.id = VERB_STOP,
         .name = "stop",
         .group = "Running sessions",
         .arguments = "PID",
         .summary = "end the recording of a program; the program runs on",
         .text = "The recording is completed and its name printed. From then on the program runs "
                 "as if it had never been recorded.",
         .words_min = 1,
         .words_max = 1},
        {.id = VERB_CTL,
         .name = "ctl",
         .group = "Running sessions",
         .arguments = "PID pause|resume|rate R|mark NAME|status",
         .summary = "steer a recording under way",
         .text = "pause: allocations are not recorded until resume, frees of known blocks still "
                 "are. rate R: another sampling rate, above 0 and at most 1. mark NAME: a mark in "
                 "the recording and the reports. status: the session's figures.",
         .examples = "memscope ctl 4711 mark 'after warm-up'\n"
                     "memscope ctl 4711 pause",
         .words_min = 2,
         .words_max = 3},
        {.id = VERB_DETECT,
         .name = "detect",
         .group = "Help",
         .arguments = "PROGRAM|PID",
         .summary = "say which strategy fits a program, and why",
         .takes_command = true,
         .words_min = 1,
         .words_max = VERB_WORDS_ANY},
        {.id = VERB_DOCTOR,
         .name = "doctor",
         .group = "Help",
         .arguments = "",
         .summary = "say what works on this machine and how to mend the rest",
         .words_max = 0},
        {.id = VERB_HELP,
         .name = "help",
         .group = "Help",
         .arguments = "[VERB]",
         .summary = "explain a verb and its options",
         .words_max = 1},
        {.id = VERB_VERSION,
         .name = "version",
         .group = "Help",
         .arguments = "",
         .summary = "print the version",
         .words_max = 0},
        {.id = VERB_COLLECT,
         .name = "collect",
         .arguments = "",
         .summary = "the recorder; started by memscope itself",
         .takes_command = true,
         .words_max = VERB_WORDS_ANY},
        {.id = VERB_ANSWER,
         .name = "answer",
         .arguments = "tables|detect|FORMAT",
         .summary = "answers a program that uses the API; started by the library",
         .takes_command = true,
         .words_min = 1,
         .words_max = VERB_WORDS_ANY},
};

const struct verb *verb_at(enum verb_id id)
{
    for (size_t i = 0; i < VERB_N; i++) {
        if (verb_table[i].id == id)
            return &verb_table[i];
    }
    return NULL;
}

const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; i < VERB_N; i++) {
        const struct verb *verb = &verb_table[i];
        if (strcmp(verb->name, name) == 0 || (verb->alias && strcmp(verb->alias, name) == 0))
            return verb;
    }
    return NULL;
}

const struct verb *verb_guess(const char *name)
{
    struct guess guess = {.word = name};
    for (size_t i = 0; i < VERB_N; i++) {
        if (verb_table[i].group)
            guess_offer(&guess, verb_table[i].name);
    }
    return guess.best ? verb_find(guess.best) : NULL;
}
