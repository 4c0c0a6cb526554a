#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the packages that lists name, or says in one line what is missing.
#
# usage: packaging/deps.sh LIST...
#
# As root it installs what is missing; otherwise it prints the apt-get line and ends with 1. A
# package counts as there when its probe succeeds, so a compiler or a node from elsewhere is fine.
set -eu

distribution=$(. /etc/os-release && echo "$ID")
missing=
while IFS= read -r line; do
    case $line in
    '' | '#'*) continue ;;
    "$distribution: "*) line=${line#*: } ;;
    debian:* | ubuntu:*) continue ;;
    esac
    package=$(echo "${line%% : *}" | tr -d ' ')
    probe=${line#* : }
    if [ "$probe" = dpkg ]; then
        probe="dpkg-query -W -f '\${Status}' $package 2>/dev/null | grep -q 'ok installed'"
    fi
    sh -c "$probe" >/dev/null 2>&1 || missing="$missing $package"
done <<LISTS
$(cat "$@")
LISTS

[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "missing packages; as root run:" >&2
    echo "apt-get install -y --no-install-recommends$missing" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q </dev/null
# shellcheck disable=SC2086  # a list of words
apt-get install -q -y --no-install-recommends $missing </dev/null
