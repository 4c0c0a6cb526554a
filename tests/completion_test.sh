#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Asks each shell what it would offer for a command line, and roff whether it reads the manual pages.
#
# usage: tests/completion_test.sh BUILD
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

made=$(realpath "$1")/packaging
memscope=$(realpath "$1")/src/cli/memscope
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
touch "$folder/one.mscope" "$folder/other.txt"
cd "$folder" || exit 1
passed=0 failed=0 skipped=0

# The three shells print the offers for the command line in $1, one a line.
ask_bash() {
    bash -c '. "$0"/memscope
        read -ra COMP_WORDS <<<"$1"
        [ "${1% }" = "$1" ] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _memscope
        [ ${#COMPREPLY[@]} -eq 0 ] || printf "%s\n" "${COMPREPLY[@]}"' "$made" "$1"
}

ask_fish() {
    fish --no-config -c 'source $argv[1]/memscope.fish; complete -C $argv[2]' "$made" "$1" | cut -f 1
}

# zsh completes in an interactive shell only: one runs on a pseudo-terminal and tells what it adds.
ask_zsh() {
    rm -f offers
    MADE=$made zsh -f -c '
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell "PROMPT=; fpath=(\$MADE \$fpath); autoload -U compinit; compinit -u -D
            compadd() { local -a out; builtin compadd -O out \"\$@\"
                (( \$#out )) && print -rl -- \$out >>offers; builtin compadd \"\$@\" }
            bindkey \"^I\" complete-word; touch ready"
        for ((i = 0; i < 200; i++)) { [[ -e ready ]] && break; sleep 0.1 }
        zpty -n -w shell "$1"$'"'\\t'"'
        for ((i = 0; i < 50; i++)) { [[ -s offers ]] && break; sleep 0.1 }
        zpty -d shell' zsh "$1"
    rm -f ready
    sort -u offers 2>/dev/null
}

# offers SHELL LINE WANTED UNWANTED: one test; each but SHELL a whole line of the offers, or empty.
offers() {
    if ! command -v "$1" >/dev/null; then
        echo "skip  $1: '$2' ($1 is not installed)"
        skipped=$((skipped + 1))
        return
    fi
    local seen
    seen=$("ask_$1" "$2")
    if { [ -z "$3" ] || grep -qxF -e "$3" <<<"$seen"; } &&
        { [ -z "$4" ] || ! grep -qxF -e "$4" <<<"$seen"; }; then
        echo "pass  $1: '$2' offers ${3:-nothing like $4}"
        passed=$((passed + 1))
    else
        echo "FAIL  $1: '$2' should offer '$3' and not '$4', offers:"
        head -n 20 <<<"$seen" | sed 's/^/      /'
        failed=$((failed + 1))
    fi
}

for shell in bash zsh fish; do
    offers "$shell" 'memscope sna' snapshot ''
    offers "$shell" 'memscope run --sample' --sample-rate ''
    offers "$shell" 'memscope report --sample' '' --sample-rate
    offers "$shell" 'memscope run --strategy th' thread-local ''
    offers "$shell" 'memscope run -e sv' svg ''
    offers "$shell" 'memscope report o' one.mscope other.txt
    offers "$shell" 'memscope help dia' '' run
    offers "$shell" 'memscope run cat --strat' '' --strategy
done

# One test per manual page: it exists for the verb, and roff reads it without a warning.
page() {
    local complaint
    if ! [ -s "$1" ]; then
        complaint="there is no $1"
    elif command -v groff >/dev/null; then
        complaint=$(groff -ww -man -Tutf8 "$1" 2>&1 >/dev/null)
    else
        echo "skip  $(basename "$1") (groff is not installed)"
        skipped=$((skipped + 1))
        return
    fi
    if [ -z "$complaint" ]; then
        echo "pass  $(basename "$1")"
        passed=$((passed + 1))
    else
        printf 'FAIL  %s\n      %s\n' "$1" "$complaint"
        failed=$((failed + 1))
    fi
}

page "$made/memscope.1"
for verb in $("$memscope" help | sed -n 's/^  \([a-z]\+\)  .*/\1/p'); do
    page "$made/memscope-$verb.1"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
