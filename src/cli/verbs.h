/* SPDX-License-Identifier: Apache-2.0 */
/* The table of verbs: what `memscope VERB` exists, from which help and dispatch derive. */
#ifndef MEMSCOPE_CLI_VERBS_H
#define MEMSCOPE_CLI_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verb_id {
    VERB_RUN,
    VERB_ANALYZE,
    VERB_REPORT,
    VERB_INFO,
    VERB_VIEW,
    VERB_COMPARE,
    VERB_CHECK,
    VERB_SYMBOLIZE,
    VERB_PS,
    VERB_LIVE,
    VERB_SNAPSHOT,
    VERB_STOP,
    VERB_CTL,
    VERB_DETECT,
    VERB_DOCTOR,
    VERB_HELP,
    VERB_VERSION,
    VERB_COLLECT,
    VERB_ANSWER,
    VERB_N,
};

#define VERB_BIT(verb) (UINT32_C(1) << (verb))

struct verb {
    enum verb_id id;
    const char *name;
    const char *alias;     /* NULL = none */
    const char *group;     /* heading in the overview; NULL = hidden */
    const char *arguments; /* behind "memscope NAME" in its usage line */
    const char *summary;   /* one line */
    const char *text;      /* a paragraph for `help VERB`, NULL = none */
    const char *examples;  /* lines, NULL = none */
    bool takes_command;    /* options end at the first word: the program's name */
    unsigned words_min, words_max;
};

enum { VERB_WORDS_ANY = 1u << 30 };

/* The verb with this id. */
const struct verb *verb_at(enum verb_id id);

/* The verb that name or alias names, or NULL. */
const struct verb *verb_find(const char *name);

/* The verb nearest to a mistyped name, or NULL when none is near. */
const struct verb *verb_guess(const char *name);

#endif
