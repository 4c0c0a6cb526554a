/* SPDX-License-Identifier: Apache-2.0 */
/* Reading options by the table, checking values, and refusing what contradicts itself. */
#include "cli/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/guess.h"

static const double megabyte = 1e6;

/* Numbers as people write them: decimal, nothing behind. */
static int settings_number(const struct option_row *row, const char *word, double least,
                           double most, double *ret_value, struct diag *diag)
{
    char *end = NULL;
    errno = 0;
    double value = strtod(word, &end);
    bool plain = strspn(word, "0123456789.") == strlen(word) && *word && *end == 0 && !errno;
    if (plain && value >= least && value <= most) {
        *ret_value = value;
        return 0;
    }
    return diag_set(diag, ERR_USAGE, "--%s takes a number from %g to %g, not '%.80s'", row->name,
                    least, most, word);
}

static int settings_megabytes(const struct option_row *row, const char *word, uint64_t *ret_bytes,
                              struct diag *diag)
{
    double value = 0;
    int err = settings_number(row, word, 1, 1e9, &value, diag);
    if (err == 0)
        *ret_bytes = (uint64_t)(value * megabyte + 0.5);
    return err;
}

/* Why a word is not among the values of an option, with the nearest one. */
static int settings_bad_value(const struct option_row *row, const char *word, struct diag *diag)
{
    char values[256], list[320] = "";
    strncpy(values, row->values, sizeof values - 1);
    values[sizeof values - 1] = 0;
    struct guess guess = {.word = word};
    char *state = NULL;
    for (char *value = strtok_r(values, "|", &state); value;) {
        char *next = strtok_r(NULL, "|", &state);
        guess_offer(&guess, value);
        const char *joint = !*list ? "" : next ? ", " : " or ";
        size_t n = strlen(list);
        (void)!snprintf(list + n, sizeof list - n, "%s%s", joint, value);
        value = next;
    }
    if (guess.best)
        return diag_set(diag, ERR_USAGE, "--%s has no '%.80s': did you mean '%s'? (%s)", row->name,
                        word, guess.best, list);
    return diag_set(diag, ERR_USAGE, "--%s has no '%.80s': it takes %s", row->name, word, list);
}

static int settings_push(void *vec, const char *word, struct diag *diag)
{
    struct vec_any *any = vec;
    if (!vec_reserve(any, sizeof(const char *), 1, SETTINGS_LIST_MAX))
        return diag_set(diag, ERR_LIMIT, "too many options");
    ((const char **)any->at)[any->n++] = word;
    return 0;
}

static int settings_list(struct settings *settings, enum option_id id, const char *word,
                         struct diag *diag)
{
    if (id == OPTION_INCLUDE)
        return settings_push(&settings->includes, word, diag);
    if (id == OPTION_EXCLUDE)
        return settings_push(&settings->excludes, word, diag);
    if (id == OPTION_EXPORT)
        return settings_push(&settings->exports, word, diag);
    if (*word == 0)
        return diag_set(diag, ERR_USAGE, "-o needs the name of a file, not an empty word");
    return settings_push(&settings->outputs, word, diag);
}

/* Options whose argument is one of the words in the table. */
static void settings_word(struct settings *settings, enum option_id id, int index)
{
    if (id == OPTION_MODE)
        settings->mode = (enum run_mode)index;
    else if (id == OPTION_STRATEGY)
        settings->strategy = (enum run_strategy)index;
    else if (id == OPTION_SVG_PANEL)
        settings->svg_panel = (unsigned)index;
    else if (id == OPTION_SUMMARY)
        settings->summary = (enum settings_summary)index;
    else if (id == OPTION_COLOR)
        settings->color = (enum settings_color)index;
}

static int settings_set(struct settings *settings, const struct option_row *row, const char *word,
                        struct diag *diag)
{
    settings->given[row->id] = true;
    if (row->values) {
        int index = option_value_index(row->values, word);
        if (index < 0)
            return settings_bad_value(row, word, diag);
        settings_word(settings, row->id, index);
    }
    switch (row->id) {
    case OPTION_SAMPLE_RATE:
        return settings_number(row, word, 0, 1, &settings->sample_rate, diag);
    case OPTION_MAX_OVERHEAD:
        return settings_megabytes(row, word, &settings->max_overhead_bytes, diag);
    case OPTION_MAX_OVERHEAD_PERCENT:
        return settings_number(row, word, 0.01, 1000, &settings->max_overhead_percent, diag);
    case OPTION_RECORDER_MEMORY:
        return settings_megabytes(row, word, &settings->recorder_memory_bytes, diag);
    case OPTION_TIMEOUT:
        return settings_number(row, word, 0.01, 86400, &settings->timeout_s, diag);
    case OPTION_INTERVAL:
        return settings_number(row, word, 0.1, 86400, &settings->interval_s, diag);
    case OPTION_INCLUDE:
    case OPTION_EXCLUDE:
    case OPTION_EXPORT:
    case OPTION_OUTPUT:
        return settings_list(settings, row->id, word, diag);
    case OPTION_SUPPRESSIONS:
        settings->suppressions = word;
        return 0;
    case OPTION_BASELINE:
        settings->baseline = word;
        return 0;
    case OPTION_WRITE_BASELINE:
        settings->write_baseline = word;
        return 0;
    case OPTION_JUNIT:
        settings->junit = word;
        return 0;
    case OPTION_DEBUG_PATH:
        settings->debug_path = word;
        return 0;
    default:
        return 0;
    }
}

/*
 * The sentence for what getopt did not understand. option: its optopt, a letter, a val of a long
 * option that was given a value, or 0 for an unknown long option, which is `word`.
 */
static int settings_unknown(const struct verb *verb, const char *word, int option,
                            struct diag *diag)
{
    if (option && option < OPTION_GETOPT_BASE)
        return diag_set(diag, ERR_USAGE,
                        "%s has no option -%c; `memscope help %s` lists its options", verb->name,
                        option >= 0x20 && option < 0x7f ? option : '?', verb->name);
    char name[64] = "";
    size_t n = strcspn(word + 2, "=");
    memcpy(name, word + 2, n < sizeof name ? n : sizeof name - 1);
    const struct option_row *near = option_guess(verb->id, name);
    if (option)
        return diag_set(diag, ERR_USAGE, "--%s takes no value", name);
    if (near)
        return diag_set(diag, ERR_USAGE, "%s has no option --%s: did you mean --%s?", verb->name,
                        name, near->name);
    return diag_set(diag, ERR_USAGE, "%s has no option --%s; `memscope help %s` lists its options",
                    verb->name, name, verb->name);
}

static int settings_contradictions(const struct settings *settings, struct diag *diag)
{
    if (settings->mode == RUN_MODE_LEGACY && settings->strategy != RUN_STRATEGY_AUTO)
        return diag_set(diag, ERR_USAGE,
                        "--mode legacy has no strategies: leave out --strategy, or use --mode "
                        "unified");
    if (settings->given[OPTION_NO_FOLLOW] && settings->includes.n)
        return diag_set(diag, ERR_USAGE,
                        "--no-follow and --include exclude each other: --include is about the "
                        "processes that --no-follow leaves out");
    if (settings->given[OPTION_LIVE] &&
        (settings->given[OPTION_QUIET] || settings->given[OPTION_EXEC]))
        return diag_set(diag, ERR_USAGE,
                        "--live needs a launcher that may print: leave out --quiet and --exec");
    if (settings->given[OPTION_QUIET] && settings->given[OPTION_PROGRESS])
        return diag_set(diag, ERR_USAGE, "--quiet and --progress exclude each other: choose one");
    return 0;
}

static int settings_words(struct settings *settings, const struct verb *verb, struct diag *diag)
{
    if (settings->word_n < verb->words_min)
        return diag_set(diag, ERR_USAGE, "%s needs %s: memscope %s %s", verb->name,
                        verb->takes_command    ? "a program to run"
                        : verb->words_min == 2 ? "two arguments"
                                               : "an argument",
                        verb->name, verb->arguments);
    if (settings->word_n > verb->words_max)
        return diag_set(diag, ERR_USAGE, "%s does not take '%.80s': memscope %s %s", verb->name,
                        settings->words[verb->words_max], verb->name, verb->arguments);
    return 0;
}

static void settings_defaults(struct settings *settings, enum verb_id verb)
{
    *settings = (struct settings){
            .verb = verb, .sample_rate = 1.0, .interval_s = 1.0, .timeout_s = 5.0};
    settings->summary = verb == VERB_RUN ? SUMMARY_SHORT : SUMMARY_FULL;
}

int settings_parse(struct settings *ret_settings, const struct verb *verb, int argc, char **argv,
                   struct diag *diag)
{
    struct settings settings;
    settings_defaults(&settings, verb->id);
    struct option_getopt table;
    option_getopt_fill(&table, verb);
    optind = 0; /* glibc: begin anew */
    opterr = 0;
    int err = 0;
    while (err == 0) {
        int result = getopt_long(argc, argv, table.shorts, table.longs, NULL);
        if (result == -1)
            break;
        enum option_id id = option_of_getopt(result);
        if (result == '?') {
            err = settings_unknown(verb, argv[optind - 1], optopt, diag);
        } else if (result == ':') {
            const struct option_row *row = option_row_of(option_of_getopt(optopt));
            err = diag_set(diag, ERR_USAGE, "--%s needs a value: --%s %s", row->name, row->name,
                           row->argument);
        } else {
            err = settings_set(&settings, option_row_of(id), optarg, diag);
        }
        if (settings.given[OPTION_HELP])
            break;
    }
    settings.words = argv + optind;
    settings.word_n = (size_t)(argc - optind);
    if (err == 0 && !settings.given[OPTION_HELP]) {
        err = settings_contradictions(&settings, diag);
        err = err ? err : settings_words(&settings, verb, diag);
    }
    if (err) {
        settings_done(&settings);
        return err;
    }
    *ret_settings = settings;
    return 0;
}

void settings_done(struct settings *settings)
{
    vec_done(&settings->includes);
    vec_done(&settings->excludes);
    vec_done(&settings->exports);
    vec_done(&settings->outputs);
}

void settings_add_later(const struct settings *settings, struct text *text)
{
    const struct option_row *row;
    bool any = false;
    for (size_t i = 0; (row = option_row_at(i)); i++) {
        bool asked = settings->given[row->id] &&
                     !(row->id == OPTION_SAMPLE_RATE && settings->sample_rate >= 1);
        if (!asked || !row->later)
            continue;
        text_printf(text, "%s--%s", any ? ", " : "", row->name);
        any = true;
    }
    if (any)
        text_add(text, ": not supported yet; every event is recorded exactly");
}

const char *settings_strategy_name(enum run_strategy strategy)
{
    static const char *const names[] = {"Auto", "SingleThread", "ThreadLocal", "AsyncOptimized",
                                        "Hybrid"};
    return names[strategy];
}
