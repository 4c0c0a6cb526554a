/* SPDX-License-Identifier: Apache-2.0 */
/* The root command decides: whoever says `cargo run` means the program, not the compiler. */
#include "launch/choice.h"

#include <string.h>

/* A kind of root command and what is passed over under it. */
struct choice_rule {
    const char *programs; /* "a|b": the command's base name */
    const char *verbs;    /* one of which must be its first word that is no option; NULL = any */
    const char *tools;    /* patterns, divided by blanks */
};

#define CHOICE_LAUNCHERS                                                                           \
    "env nice nohup timeout time setsid stdbuf taskset numactl xvfb-run sudo ionice chrt chroot "

static const struct choice_rule choice_rules[] = {
        {"cargo", "run|r|test|t|bench",
         "cargo cargo-* rustc rustdoc rustup clippy-driver sccache ccache build-script-* "
         "cc c++ gcc gcc-* g++ g++-* clang* cc1* as ld ld.* lld rust-lld mold collect2 lto* ar "
         "*-linux-gnu-* cmake make pkg-config"},
        {"npm|yarn|pnpm", "run|run-script|start|test|t|exec",
         "npm npm-cli.js npx npx-cli.js yarn yarn.js pnpm pnpm.cjs corepack sh bash dash env"},
        {"npx", NULL, "npm npm-cli.js npx npx-cli.js sh bash dash env"},
        {"env|nice|nohup|timeout|time|setsid|stdbuf|taskset|numactl|xvfb-run|sudo|ionice|chrt",
         NULL, CHOICE_LAUNCHERS},
};

/* Programs that only ask another one, which is not ours, to run something. */
static const char choice_others[] = "docker|podman|ssh|systemd-run|kubectl|nsenter|lxc|machinectl";

static bool choice_has(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = words; n && *at;) {
        size_t length = strcspn(at, "|");
        if (length == n && strncmp(at, word, n) == 0)
            return true;
        at += length + (at[length] == '|');
    }
    return false;
}

static int choice_add(char list[WIRE_PATTERNS_BYTES], const char *pattern, size_t n,
                      struct diag *diag)
{
    size_t used = 0;
    while (list[used])
        used += strlen(list + used) + 1;
    if (n == 0)
        return diag_set(diag, ERR_USAGE, "a pattern cannot be empty");
    if (used + n + 2 > WIRE_PATTERNS_BYTES)
        return diag_set(diag, ERR_LIMIT, "the patterns are too long: %d bytes at most in all",
                        WIRE_PATTERNS_BYTES - 2);
    memcpy(list + used, pattern, n);
    return 0;
}

/* The first word behind the program that is no option. */
static const char *choice_verb(char *const *argv)
{
    for (size_t i = 1; argv[i]; i++) {
        if (argv[i][0] != '-' && argv[i][0] != '+')
            return argv[i];
    }
    return "";
}

/* `sh -c COMMAND`: the shell itself is no more than the launcher. */
static bool choice_is_shell(char *const *argv)
{
    return choice_has("sh|bash|dash|zsh|ksh", wire_base_name(argv[0])) && argv[1] &&
           argv[1][0] == '-' && argv[1][1] != '-' && strchr(argv[1], 'c');
}

static int choice_add_tools(struct wire_choice *choice, const char *tools, struct diag *diag)
{
    int err = 0;
    for (const char *at = tools; err == 0 && *at;) {
        size_t n = strcspn(at, " ");
        err = n ? choice_add(choice->tools, at, n, diag) : 0;
        at += n + (at[n] == ' ');
    }
    return err;
}

int choice_fill(struct wire_choice *ret_choice, const struct run_request *request,
                struct diag *diag)
{
    struct wire_choice choice = {.include = ""};
    int err = 0;
    for (size_t i = 0; err == 0 && i < request->include.n; i++)
        err = choice_add(choice.include, request->include.at[i], strlen(request->include.at[i]),
                         diag);
    for (size_t i = 0; err == 0 && i < request->exclude.n; i++)
        err = choice_add(choice.exclude, request->exclude.at[i], strlen(request->exclude.at[i]),
                         diag);
    const char *root = wire_base_name(request->argv[0]);
    size_t rule_n = request->follow ? sizeof choice_rules / sizeof *choice_rules : 0;
    for (size_t i = 0; err == 0 && i < rule_n; i++) {
        const struct choice_rule *rule = &choice_rules[i];
        if (choice_has(rule->programs, root) &&
            (!rule->verbs || choice_has(rule->verbs, choice_verb(request->argv))))
            err = choice_add_tools(&choice, rule->tools, diag);
    }
    if (err == 0)
        *ret_choice = choice;
    return err;
}

bool choice_passes_root(const struct run_request *request)
{
    return request->follow && choice_is_shell(request->argv);
}

const char *choice_elsewhere(char *const *argv)
{
    return choice_has(choice_others, wire_base_name(argv[0]))
                   ? "runs the program elsewhere: put memscope inside"
                   : NULL;
}
