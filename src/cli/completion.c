/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion scripts from the two tables.
 *
 * Every script does the same three things: verbs at the first word; options of the verb behind a
 * dash, and their values; else what the verb works on. Where a verb takes a command, everything
 * from that command on is completed as if it stood alone.
 */
#include "cli/completion.h"

#include <string.h>

enum completion_kind completion_of_option(const struct option_row *row)
{
    if (!row->argument)
        return COMPLETION_NONE;
    if (row->values)
        return COMPLETION_WORDS;
    if (strcmp(row->argument, "FILE") == 0)
        return COMPLETION_FILE;
    return strcmp(row->argument, "DIR") == 0 ? COMPLETION_FOLDER : COMPLETION_NONE;
}

enum completion_kind completion_of_verb(const struct verb *verb)
{
    if (verb->takes_command)
        return COMPLETION_COMMAND;
    if (strstr(verb->arguments, "RECORDING") || strstr(verb->arguments, "BEFORE"))
        return COMPLETION_RECORDING;
    if (strstr(verb->arguments, "PID"))
        return COMPLETION_PROCESS;
    return strstr(verb->arguments, "VERB") ? COMPLETION_VERB : COMPLETION_NONE;
}

/* Appends "a|b" as "a b". */
static void completion_add_values(struct text *text, const char *values)
{
    for (; *values; values++)
        text_add_char(text, *values == '|' ? ' ' : *values);
}

/* Appends the names of all shown verbs with a space between. */
static void completion_add_verbs(struct text *text)
{
    const char *space = "";
    for (int i = 0; i < VERB_N; i++) {
        const struct verb *verb = verb_at((enum verb_id)i);
        if (!verb->group)
            continue;
        text_printf(text, "%s%s", space, verb->name);
        space = " ";
        if (verb->alias)
            text_printf(text, " %s", verb->alias);
    }
}

/* Appends words for the inside of a shell's '...', with what ends them or means something escaped.
 */
static void completion_add_escaped(struct text *text, const char *words, const char *special,
                                   const char *quote)
{
    for (; *words; words++) {
        if (*words == '\'')
            text_add(text, quote);
        else if (strchr(special, *words))
            text_printf(text, "\\%c", *words);
        else
            text_add_char(text, *words);
    }
}

/* ---- bash ---- */

static const char bash_kinds[][12] = {
        [COMPLETION_NONE] = "none",       [COMPLETION_WORDS] = "words",
        [COMPLETION_FILE] = "file",       [COMPLETION_FOLDER] = "folder",
        [COMPLETION_RECORDING] = "rec",   [COMPLETION_COMMAND] = "command",
        [COMPLETION_PROCESS] = "process", [COMPLETION_VERB] = "verb",
};

static void bash_add_options(struct text *text, const struct verb *verb)
{
    const struct option_row *row;
    text_printf(text, "    %s", verb->name);
    if (verb->alias)
        text_printf(text, "|%s", verb->alias);
    text_printf(text, ")\n        kind=%s\n        options='",
                bash_kinds[completion_of_verb(verb)]);
    const char *space = "";
    for (size_t i = 0; (row = option_row_at(i)); i++) {
        if (row->verbs & VERB_BIT(verb->id)) {
            text_printf(text, "%s--%s", space, row->name);
            space = " ";
        }
    }
    text_add(text, "' ;;\n");
}

static void bash_add_values(struct text *text)
{
    const struct option_row *row;
    for (size_t i = 0; (row = option_row_at(i)); i++) {
        if (!row->argument)
            continue;
        text_printf(text, "    --%s", row->name);
        if (row->letter)
            text_printf(text, "|-%c", row->letter);
        text_printf(text, ") value=%s", bash_kinds[completion_of_option(row)]);
        if (row->values) {
            text_add(text, " words='");
            completion_add_values(text, row->values);
            text_add_char(text, '\'');
        }
        text_add(text, " ;;\n");
    }
}

static const char bash_head[] =
        "# Completion of memscope for bash. Made from the tables of verbs and options.\n\n"
        "_memscope_option() {\n"
        "    value='' words=''\n"
        "    case $1 in\n";

static const char bash_verb[] = "    esac\n"
                                "}\n\n"
                                "_memscope_verb() {\n"
                                "    kind='' options=''\n"
                                "    case $1 in\n";

static const char bash_offer[] =
        "    esac\n"
        "}\n\n"
        "# Offers what a place of the given kind takes.\n"
        "_memscope_offer() {\n"
        "    local current=$2\n"
        "    case $1 in\n"
        "    words) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\") ;;\n"
        "    file) mapfile -t COMPREPLY < <(compgen -f -- \"$current\") ;;\n"
        "    folder) mapfile -t COMPREPLY < <(compgen -d -- \"$current\") ;;\n"
        "    rec) mapfile -t COMPREPLY < <(compgen -f -X '!*.mscope' -- \"$current\"\n"
        "                                  compgen -d -- \"$current\") ;;\n"
        "    command) mapfile -t COMPREPLY < <(compgen -c -- \"$current\") ;;\n"
        "    process) mapfile -t COMPREPLY < <(compgen -W \"$(ps -eo pid= 2>/dev/null)\" -- "
        "\"$current\") ;;\n"
        "    verb) mapfile -t COMPREPLY < <(compgen -W \"$verbs\" -- \"$current\") ;;\n"
        "    esac\n"
        "    case $1 in file|folder|rec|command) compopt -o filenames 2>/dev/null ;; esac\n"
        "}\n\n";

static const char bash_main[] = "    local kind options value words i word\n"
                                "    local current=${COMP_WORDS[COMP_CWORD]}\n"
                                "    COMPREPLY=()\n"
                                "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                                "        _memscope_offer verb \"$current\"\n"
                                "        return\n"
                                "    fi\n"
                                "    _memscope_verb \"${COMP_WORDS[1]}\"\n"
                                "    value=''\n"
                                "    for ((i = 2; i < COMP_CWORD; i++)); do\n"
                                "        word=${COMP_WORDS[i]}\n"
                                "        if [ -n \"$value\" ]; then\n"
                                "            [ \"$word\" = = ] || value=''\n"
                                "            continue\n"
                                "        fi\n"
                                "        case $word in\n"
                                "        --) i=$((i + 1)) && break ;;\n"
                                "        -*) _memscope_option \"$word\" ;;\n"
                                "        *) [ \"$kind\" != command ] || break ;;\n"
                                "        esac\n"
                                "    done\n"
                                "    if [ \"$kind\" = command ] && [ -z \"$value\" ] && [ \"$i\" "
                                "-lt \"$COMP_CWORD\" ]; then\n"
                                "        if declare -F _command_offset >/dev/null; then\n"
                                "            _command_offset \"$i\"\n"
                                "        else\n"
                                "            _memscope_offer file \"$current\"\n"
                                "        fi\n"
                                "    elif [ -n \"$value\" ]; then\n"
                                "        [ \"$current\" != = ] || current=''\n"
                                "        _memscope_offer \"$value\" \"$current\"\n"
                                "    elif [[ $current == -* ]]; then\n"
                                "        words=$options\n"
                                "        _memscope_offer words \"$current\"\n"
                                "    else\n"
                                "        _memscope_offer \"$kind\" \"$current\"\n"
                                "    fi\n"
                                "}\n"
                                "complete -F _memscope memscope\n";

void completion_add_bash(struct text *text)
{
    text_add(text, bash_head);
    bash_add_values(text);
    text_add(text, bash_verb);
    for (int i = 0; i < VERB_N; i++) {
        const struct verb *verb = verb_at((enum verb_id)i);
        if (verb->group)
            bash_add_options(text, verb);
    }
    text_add(text, bash_offer);
    text_add(text, "_memscope() {\n    local verbs='");
    completion_add_verbs(text);
    text_add(text, "'\n");
    text_add(text, bash_main);
}

/* ---- zsh ---- */

/* Letters that _arguments reads as its own syntax inside a specification. */
static const char zsh_special[] = "[]:\\";

static void zsh_add_kind(struct text *text, enum completion_kind kind, const char *values)
{
    static const char actions[][40] = {
            [COMPLETION_NONE] = " ",
            [COMPLETION_WORDS] = "",
            [COMPLETION_FILE] = "_files",
            [COMPLETION_FOLDER] = "_files -/",
            [COMPLETION_RECORDING] = "_files -g \"*.mscope(-.)\"",
            [COMPLETION_COMMAND] = "",
            [COMPLETION_PROCESS] = "_pids",
            [COMPLETION_VERB] = "_memscope_verbs",
    };
    if (kind == COMPLETION_WORDS && values) {
        text_add_char(text, '(');
        completion_add_values(text, values);
        text_add_char(text, ')');
    } else {
        text_add(text, actions[kind]);
    }
}

static void zsh_add_option(struct text *text, const struct option_row *row, const char *name)
{
    text_printf(text, " \\\n            '*%s%s[", name, row->argument && name[1] == '-' ? "=" : "");
    completion_add_escaped(text, row->help, zsh_special, "'\\''");
    text_add_char(text, ']');
    if (row->argument) {
        text_printf(text, ":%s:", row->argument);
        zsh_add_kind(text, completion_of_option(row), row->values);
    }
    text_add_char(text, '\'');
}

static void zsh_add_verb(struct text *text, const struct verb *verb)
{
    const struct option_row *row;
    text_printf(text, "    %s", verb->name);
    if (verb->alias)
        text_printf(text, "|%s", verb->alias);
    text_add(text, ")\n        _arguments -S -s");
    for (size_t i = 0; (row = option_row_at(i)); i++) {
        if (!(row->verbs & VERB_BIT(verb->id)))
            continue;
        char name[64];
        int n = 0;
        while (row->name[n] && n < 60)
            n++;
        name[0] = name[1] = '-';
        memcpy(name + 2, row->name, (size_t)n);
        name[n + 2] = 0;
        zsh_add_option(text, row, name);
        if (row->letter)
            zsh_add_option(text, row, (char[]){'-', row->letter, 0});
    }
    enum completion_kind kind = completion_of_verb(verb);
    if (kind == COMPLETION_COMMAND) {
        text_add(text, " \\\n            '(-)1:program:_command_names -e' '*::arguments:_normal'");
    } else if (kind != COMPLETION_NONE) {
        text_add(text, " \\\n            '*: :");
        zsh_add_kind(text, kind, NULL);
        text_add_char(text, '\'');
    }
    text_add(text, "\n        ;;\n");
}

void completion_add_zsh(struct text *text)
{
    text_add(text,
             "#compdef memscope\n"
             "# Completion of memscope for zsh. Made from the tables of verbs and options.\n\n"
             "_memscope_verbs() {\n"
             "    local -a verbs=(\n");
    for (int i = 0; i < VERB_N; i++) {
        const struct verb *verb = verb_at((enum verb_id)i);
        if (!verb->group)
            continue;
        text_printf(text, "        '%s:", verb->name);
        completion_add_escaped(text, verb->summary, ":\\", "'\\''");
        text_add(text, "'\n");
    }
    text_add(text, "    )\n"
                   "    _describe verb verbs\n"
                   "}\n\n"
                   "_memscope() {\n"
                   "    local curcontext=\"$curcontext\" verb\n"
                   "    if ((CURRENT == 2)); then\n"
                   "        _memscope_verbs\n"
                   "        return\n"
                   "    fi\n"
                   "    verb=${words[2]}\n"
                   "    shift words\n"
                   "    ((CURRENT--))\n"
                   "    case $verb in\n");
    for (int i = 0; i < VERB_N; i++) {
        const struct verb *verb = verb_at((enum verb_id)i);
        if (verb->group)
            zsh_add_verb(text, verb);
    }
    text_add(text, "    esac\n"
                   "}\n\n"
                   "_memscope \"$@\"\n");
}

/* ---- fish ---- */

static void fish_add_kind(struct text *text, enum completion_kind kind, const char *values)
{
    static const char actions[][64] = {
            [COMPLETION_NONE] = "",
            [COMPLETION_WORDS] = "",
            [COMPLETION_FILE] = " -F",
            [COMPLETION_FOLDER] = " -a '(__fish_complete_directories)'",
            [COMPLETION_RECORDING] = " -a '(__memscope_recordings)'",
            [COMPLETION_COMMAND] = " -a '(__memscope_command)'",
            [COMPLETION_PROCESS] = " -a '(__fish_complete_pids)'",
            [COMPLETION_VERB] = "",
    };
    if (kind == COMPLETION_WORDS || kind == COMPLETION_VERB) {
        text_add(text, " -a '");
        if (values)
            completion_add_values(text, values);
        else
            completion_add_verbs(text);
        text_add_char(text, '\'');
    } else {
        text_add(text, actions[kind]);
    }
}

static void fish_add_verb(struct text *text, const struct verb *verb)
{
    const struct option_row *row;
    for (size_t i = 0; (row = option_row_at(i)); i++) {
        if (!(row->verbs & VERB_BIT(verb->id)))
            continue;
        text_printf(text, "complete -c memscope -n '__memscope_options %s' -l %s", verb->name,
                    row->name);
        if (row->letter)
            text_printf(text, " -s %c", row->letter);
        if (row->argument) {
            text_add(text, completion_of_option(row) == COMPLETION_FILE ? " -r" : " -x");
            fish_add_kind(text, completion_of_option(row), row->values);
        }
        text_add(text, " -d '");
        completion_add_escaped(text, row->help, "\\", "\\'");
        text_add(text, "'\n");
    }
    enum completion_kind kind = completion_of_verb(verb);
    if (kind != COMPLETION_NONE) {
        text_printf(text, "complete -c memscope -n '__memscope_verb %s'", verb->name);
        fish_add_kind(text, kind, NULL);
        text_add_char(text, '\n');
    }
}

/* The verbs whose command has options of its own, for the test that stops at its first word. */
static void fish_add_takers(struct text *text)
{
    for (int i = 0; i < VERB_N; i++) {
        const struct verb *verb = verb_at((enum verb_id)i);
        if (verb->group && verb->takes_command)
            text_printf(text, " %s", verb->name);
    }
}

/* The options that take their argument from the next word. */
static void fish_add_arguments(struct text *text)
{
    const struct option_row *row;
    for (size_t i = 0; (row = option_row_at(i)); i++) {
        if (row->argument)
            text_printf(text, " --%s", row->name);
        if (row->argument && row->letter)
            text_printf(text, " -%c", row->letter);
    }
}

void completion_add_fish(struct text *text)
{
    text_add(text,
             "# Completion of memscope for fish. Made from the tables of verbs and options.\n\n"
             "function __memscope_verb -d 'the verb is this one'\n"
             "    set -l words (commandline -opc)\n"
             "    test (count $words) -gt 1; and test \"$words[2]\" = $argv[1]\n"
             "end\n\n"
             "# The words from the program's name on, one a line; nothing before it is typed.\n"
             "function __memscope_program\n"
             "    set -l words (commandline -opc)\n"
             "    contains -- \"$words[2]\"");
    fish_add_takers(text);
    text_add(text, "; or return\n"
                   "    set -l skip 0\n"
                   "    for i in (seq 3 (count $words))\n"
                   "        if test $skip -eq 1\n"
                   "            set skip 0\n"
                   "        else if contains -- $words[$i]");
    fish_add_arguments(text);
    text_add(text,
             "\n"
             "            set skip 1\n"
             "        else if not string match -q -- '-*' $words[$i]\n"
             "            string join \\n -- $words[$i..-1]\n"
             "            return\n"
             "        end\n"
             "    end\n"
             "end\n\n"
             "function __memscope_options -d 'the verb is this one, and options may stand here'\n"
             "    __memscope_verb $argv[1]; and test -z \"$(__memscope_program)\"\n"
             "end\n\n"
             "function __memscope_command -d 'a program, or what that program takes'\n"
             "    set -l program (__memscope_program) (commandline -ct)\n"
             "    string match -q -- '-*' $program[1]; and return\n"
             "    complete -C \"$(string join ' ' -- $program)\"\n"
             "end\n\n"
             "function __memscope_recordings -d 'recordings, and folders on the way to one'\n"
             "    set -l typed (commandline -ct)\n"
             "    set -l found $typed*.mscope $typed*/\n"
             "    string join \\n -- $found\n"
             "end\n\n"
             "complete -c memscope -f\n");
    for (int i = 0; i < VERB_N; i++) {
        const struct verb *verb = verb_at((enum verb_id)i);
        if (!verb->group)
            continue;
        text_printf(text, "complete -c memscope -n __fish_use_subcommand -a %s -d '", verb->name);
        completion_add_escaped(text, verb->summary, "\\", "\\'");
        text_add(text, "'\n");
    }
    for (int i = 0; i < VERB_N; i++) {
        const struct verb *verb = verb_at((enum verb_id)i);
        if (verb->group)
            fish_add_verb(text, verb);
    }
}
