/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing limits, and the figures that they speak of. */
#include "analyze/limit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/frame.h"
#include "analyze/name.h"

enum { LIMIT_FIGURES_MAX = 1 << 16, LIMIT_NUMBER_MAX = 63 };

static const char *const limit_metrics[LIMIT_METRICS] = {
        "peak", "leaked", "allocated", "allocations", "blocks", "temporary", "rss"};
static const char *const limit_operators[] = {"==", "!=", "<=", ">=", "<", ">"};

const char *limit_operator_name(enum limit_operator operator)
{
    return limit_operators[operator];
}

static bool limit_is_bytes(enum limit_metric metric)
{
    return metric == LIMIT_PEAK || metric == LIMIT_LEAKED || metric == LIMIT_ALLOCATED ||
           metric == LIMIT_RSS;
}

static bool limit_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Trims blanks at both ends. */
static void limit_trim(const char **bytes, size_t *n)
{
    while (*n && limit_blank(**bytes))
        (*bytes)++, (*n)--;
    while (*n && limit_blank((*bytes)[*n - 1]))
        (*n)--;
}

/* What a unit stands for; 0: there is no such unit. */
static double limit_unit(const char *unit)
{
    static const struct {
        const char *name;
        double value;
    } units[] = {{"", 1},     {"B", 1},      {"k", 1e3},       {"kB", 1e3},
                 {"KB", 1e3}, {"M", 1e6},    {"MB", 1e6},      {"G", 1e9},
                 {"GB", 1e9}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(units[i].name, unit) == 0)
            return units[i].value;
    }
    return 0;
}

/* "peak>+5%" can only mean what must not happen: nobody demands that a figure grows. */
static enum limit_operator limit_not_grown(const struct limit *limit)
{
    if (!limit->is_relative || limit->value < 0)
        return limit->operator;
    return limit->operator== LIMIT_GT   ? LIMIT_LE
           : limit->operator== LIMIT_GE ? LIMIT_LT
                                        : limit->operator;
}

static int limit_parse_value(struct limit *limit, const char *bytes, size_t n, struct diag *diag)
{
    char word[LIMIT_NUMBER_MAX + 1], *end = NULL;
    limit_trim(&bytes, &n);
    if (n == 0 || n > LIMIT_NUMBER_MAX)
        return diag_set(diag, ERR_USAGE, "'%.120s' needs a number behind its operator",
                        text_string(&limit->word));
    memcpy(word, bytes, n);
    word[n] = 0;
    bool is_signed = *word == '+' || *word == '-';
    bool is_number = strspn(word + is_signed, "0123456789.") > 0;
    limit->value = is_number ? strtod(word, &end) : 0;
    while (end && limit_blank(*end))
        end++;
    if (is_number && strcmp(end, "%") == 0) {
        if (!is_signed)
            return diag_set(diag, ERR_USAGE,
                            "'%s' in '%.120s' needs a sign: '+5%%' allows 5 %% more than the "
                            "baseline has, '-5%%' asks for 5 %% less",
                            word, text_string(&limit->word));
        limit->is_relative = true;
        limit->operator= limit_not_grown(limit);
        return 0;
    }
    double unit = is_number ? limit_unit(end) : 0;
    if (unit == 0 || is_signed)
        return diag_set(diag, ERR_USAGE,
                        "'%s' in '%.120s' is no value: use a number, one with kB, MB, GB, KiB, MiB "
                        "or GiB, or +N%%",
                        word, text_string(&limit->word));
    limit->value *= unit;
    return 0;
}

/* Metric and function: what stands before the operator. */
static int limit_parse_subject(struct limit *limit, const char *bytes, size_t n, struct diag *diag)
{
    limit_trim(&bytes, &n);
    const char *at = memchr(bytes, '@', n);
    size_t length = at ? (size_t)(at - bytes) : n;
    for (int i = 0; i < LIMIT_METRICS; i++) {
        if (strlen(limit_metrics[i]) == length && memcmp(limit_metrics[i], bytes, length) == 0) {
            limit->metric = (enum limit_metric)i;
            text_add_n(&limit->subject, bytes, n);
            if (at && (i == LIMIT_RSS || length + 1 == n))
                return diag_set(diag, ERR_USAGE, "'%.120s': %s", text_string(&limit->word),
                                i == LIMIT_RSS ? "rss is known for the whole run only"
                                               : "a function's name belongs behind the @");
            return 0;
        }
    }
    return diag_set(diag, ERR_USAGE,
                    "'%.120s' has no metric: it begins with peak, leaked, allocated, allocations, "
                    "blocks, temporary or rss",
                    text_string(&limit->word));
}

int limit_parse(struct limit *ret_limit, const char *bytes, size_t n, struct diag *diag)
{
    struct limit limit = {.value = 0};
    limit_trim(&bytes, &n);
    text_add_n(&limit.word, bytes, n);
    size_t last = n; /* behind the last character of the operator: names may hold some too */
    while (last && !strchr("=<>", bytes[last - 1]))
        last--;
    int found = -1;
    for (int i = 0; found < 0 && last && i < 6; i++) {
        size_t length = strlen(limit_operators[i]);
        if (last >= length && strncmp(bytes + last - length, limit_operators[i], length) == 0)
            found = i;
    }
    int err;
    if (found < 0) {
        err = diag_set(diag, ERR_USAGE,
                       "'%.120s' is no limit: say for example 'leaked==0' or 'peak<200MB'",
                       text_string(&limit.word));
    } else {
        limit.operator=(enum limit_operator) found;
        err = limit_parse_subject(&limit, bytes, last - strlen(limit_operators[found]), diag);
        err = err ? err : limit_parse_value(&limit, bytes + last, n - last, diag);
    }
    if (err)
        limit_done(&limit);
    else
        *ret_limit = limit;
    return err;
}

void limit_done(struct limit *limit)
{
    text_done(&limit->subject);
    text_done(&limit->word);
}

/* A metric, and an @ or an operator with a figure: arguments of a template never look so. */
static bool limit_begins(const char *bytes)
{
    bytes += strspn(bytes, " \t");
    for (int i = 0; i < LIMIT_METRICS; i++) {
        size_t n = strlen(limit_metrics[i]);
        if (strncmp(bytes, limit_metrics[i], n) != 0)
            continue;
        const char *at = bytes + n + strspn(bytes + n, " \t");
        if (*at == '@')
            return true;
        for (int k = 0; k < 6; k++) {
            size_t length = strlen(limit_operators[k]);
            if (strncmp(at, limit_operators[k], length) != 0)
                continue;
            at += length + strspn(at + length, " \t");
            return *at && strchr("+-.0123456789", *at);
        }
    }
    return false;
}

size_t limit_length(const char *list)
{
    int depth = 0;
    size_t n = 0;
    bool has_function = false;
    for (; list[n]; n++) {
        has_function |= list[n] == '@';
        bool is_operator = list[n] == '<' && (list[n + 1] == '=' || !strchr(list + n, '>'));
        if (has_function && !is_operator && strchr("<([{", list[n]))
            depth++;
        else if (depth && strchr(">)]}", list[n]))
            depth--;
        else if (list[n] == ',' && (depth == 0 || limit_begins(list + n + 1)))
            break;
    }
    return n;
}

/* True for a name as the user may write it: full or short, whole or from a scope on. */
static bool limit_names(const char *name, const char *short_name, const char *wanted)
{
    return name_answers_to(name, wanted) || name_answers_to(short_name, wanted);
}

static bool limit_matches(const struct analysis *analysis, const struct function *function,
                          const char *wanted)
{
    return limit_names(model_string_at(analysis->model, function->name),
                       analysis->names.bytes + function->short_name, wanted);
}

static bool limit_site_has(const struct analysis *analysis, const struct site *site,
                           const char *wanted)
{
    struct frame_walk walk;
    struct frame frame;
    struct text name = {0}, short_name = {0};
    bool found = false;
    frame_walk_begin(&walk, analysis->model, site->node);
    while (!found && frame_walk_next(&walk, &frame)) {
        text_clear(&name);
        text_clear(&short_name);
        frame_add_name(&name, analysis->model, &frame);
        name_add_short(&short_name, text_string(&name));
        found = limit_names(text_string(&name), text_string(&short_name), wanted);
    }
    text_done(&name);
    text_done(&short_name);
    return found;
}

static double limit_of_figures(enum limit_metric metric, const struct figures *figures)
{
    switch (metric) {
    case LIMIT_PEAK:
        return (double)figures->peak_bytes;
    case LIMIT_LEAKED:
        return (double)figures->leak_bytes;
    case LIMIT_ALLOCATED:
        return (double)figures->alloc_bytes;
    case LIMIT_ALLOCATIONS:
        return (double)figures->alloc_n;
    case LIMIT_BLOCKS:
        return (double)figures->leak_n;
    default:
        return (double)figures->temporary_n;
    }
}

bool limit_figure_of(const struct analysis *analysis, const struct limit *limit, double *ret_value)
{
    const char *at = strchr(text_string(&limit->subject), '@');
    if (!at && limit->metric == LIMIT_RSS)
        *ret_value = (double)analysis->rss.peak_bytes;
    else if (!at && limit->metric == LIMIT_PEAK)
        *ret_value = (double)analysis->model->sums.peak_bytes;
    else if (!at)
        *ret_value = limit_of_figures(limit->metric, &analysis->figures);
    if (!at)
        return true;
    struct figures sum = {0};
    bool known = false;
    for (size_t i = 0; i < analysis->functions.n && !known; i++)
        known = limit_matches(analysis, &analysis->functions.at[i], at + 1);
    for (size_t i = 0; known && i < analysis->sites.n; i++) {
        if (limit_site_has(analysis, &analysis->sites.at[i], at + 1))
            figures_add(&sum, &analysis->sites.at[i].figures);
    }
    *ret_value = limit_of_figures(limit->metric, &sum);
    return known;
}

static bool limit_compare(enum limit_operator operator, double value, double bound)
{
    switch (operator) {
    case LIMIT_EQ:
        return value >= bound && value <= bound;
    case LIMIT_NE:
        return value < bound || value > bound;
    case LIMIT_LE:
        return value <= bound;
    case LIMIT_GE:
        return value >= bound;
    case LIMIT_LT:
        return value < bound;
    default:
        return value > bound;
    }
}

struct limit_result limit_hold(const struct limit *limit, const struct analysis *analysis,
                               const struct limit_baseline *baseline)
{
    struct limit_result result = {.bound = limit->value};
    result.is_known = limit_figure_of(analysis, limit, &result.value);
    if (limit->is_relative) {
        bool found = false;
        for (size_t i = 0; baseline && i < baseline->figures.n; i++) {
            if (strcmp(text_string(&baseline->figures.at[i].subject),
                       text_string(&limit->subject)) != 0)
                continue;
            result.bound = baseline->figures.at[i].value * (1 + limit->value / 100);
            found = true;
        }
        result.is_known = found;
        if (!found)
            return result;
    }
    result.holds = limit_compare(limit->operator, result.value, result.bound);
    return result;
}

static int limit_baseline_line(struct limit_baseline *baseline, const char *line, size_t n,
                               struct diag *diag)
{
    struct limit_figure figure = {.value = 0};
    char number[LIMIT_NUMBER_MAX + 1], *end = NULL;
    limit_trim(&line, &n);
    if (n == 0 || *line == '#')
        return 0;
    size_t space = n;
    while (space && !limit_blank(line[space - 1]))
        space--;
    if (space && n - space <= LIMIT_NUMBER_MAX) {
        memcpy(number, line + space, n - space);
        number[n - space] = 0;
        figure.value = strtod(number, &end);
    }
    if (!end || end == number || *end || !isfinite(figure.value))
        return diag_set(diag, ERR_FORMAT, "the baseline's line '%.*s' is no subject and number",
                        (int)(n < 80 ? n : 80), line);
    const char *subject = line;
    limit_trim(&subject, &space);
    text_add_n(&figure.subject, subject, space);
    if (!VEC_PUSH(&baseline->figures, LIMIT_FIGURES_MAX, figure)) {
        text_done(&figure.subject);
        return diag_set(diag, ERR_LIMIT, "the baseline has too many lines");
    }
    return 0;
}

int limit_baseline_read(struct limit_baseline *ret_baseline, const char *bytes, size_t n,
                        struct diag *diag)
{
    struct limit_baseline baseline = {.figures = {NULL, 0, 0}};
    int err = 0;
    for (size_t at = 0; at < n && err == 0;) {
        const char *end = memchr(bytes + at, '\n', n - at);
        size_t length = end ? (size_t)(end - bytes) - at : n - at;
        err = limit_baseline_line(&baseline, bytes + at, length, diag);
        at += length + 1;
    }
    if (err)
        limit_baseline_done(&baseline);
    else
        *ret_baseline = baseline;
    return err;
}

void limit_baseline_done(struct limit_baseline *baseline)
{
    VEC_EACH (struct limit_figure, figure, &baseline->figures) {
        text_done(&figure->subject);
    }
    vec_done(&baseline->figures);
}

void limit_baseline_add(struct text *text, const struct analysis *analysis,
                        const struct limit *limits, size_t n)
{
    double value = 0;
    for (int i = 0; i < LIMIT_METRICS; i++) {
        struct limit limit = {.metric = (enum limit_metric)i};
        text_add(&limit.subject, limit_metrics[i]);
        (void)limit_figure_of(analysis, &limit, &value);
        text_printf(text, "%s %.0f\n", limit_metrics[i], value);
        limit_done(&limit);
    }
    for (size_t i = 0; i < n; i++) {
        if (strchr(text_string(&limits[i].subject), '@') &&
            limit_figure_of(analysis, &limits[i], &value))
            text_printf(text, "%s %.0f\n", text_string(&limits[i].subject), value);
    }
}

void limit_add_value(struct text *text, const struct limit *limit, double value)
{
    if (limit_is_bytes(limit->metric))
        text_add_bytes_iec(text, value > 0 ? (uint64_t)(value + 0.5) : 0);
    else
        text_add_grouped(text, value > 0 ? (uint64_t)(value + 0.5) : 0);
}
