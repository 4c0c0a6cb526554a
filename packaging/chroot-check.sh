#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves that a fresh Debian 12 with nothing but git and make runs the README's commands, and that
# one with nothing at all can use what `make dist` and `make deb` hand out.
#
# usage: packaging/chroot-check.sh [TARGET...]        (as root; TARGETs of the Makefile: demo test;
#                                                    dist, deb: the file in dist/ is used there)
#
# debootstrap makes a minimal system in a new folder; a clean clone of HEAD goes into it; each
# target runs there. Packages come from where this machine takes its own: the apt configuration and
# the certificates are copied, no host is named here. Mounts live in a mount namespace of their own
# and processes in a pid namespace, so nothing is left behind when the script ends, however it ends.
# CHROOT_DIR names the parent folder (/var/tmp); KEEP=1 keeps the system for a look.
set -eu

suite=bookworm

if [ "${1:-}" != --inside ]; then
    [ "$(id -u)" -eq 0 ] || { echo "chroot-check.sh: needs root" >&2; exit 1; }
    command -v debootstrap >/dev/null || { echo "chroot-check.sh: needs debootstrap" >&2; exit 1; }
    cd "$(dirname "$0")/.."
    system=$(mktemp -d "${CHROOT_DIR:-/var/tmp}/memscope-chroot.XXXXXX")
    chmod 755 "$system" # programs that change their user are tested in it
    [ -n "${KEEP:-}" ] || trap 'rm -rf --one-file-system "$system"' EXIT
    unshare --mount --pid --fork --kill-child packaging/chroot-check.sh --inside "$system" "$@"
    exit
fi

shift
system=$1
shift
[ $# -gt 0 ] || set -- demo test

# The first archive that apt itself uses for the suite, in either of its two formats.
mirror=$(apt-get indextargets --format '$(SITE) $(CODENAME) $(SUITE)' |
    awk -v suite="$suite" '$2 == suite || $3 == suite { print $1; exit }')
[ -n "$mirror" ] || { echo "chroot-check.sh: apt knows no archive of $suite" >&2; exit 1; }
debootstrap --variant=minbase --include=git,make,ca-certificates "$suite" "$system" "$mirror" \
    >"$system.log" 2>&1 || { tail -n 20 "$system.log" >&2; exit 1; }
rm -f "$system.log"

rm -rf "$system/etc/apt/sources.list" "$system/etc/apt/sources.list.d"
mkdir "$system/etc/apt/sources.list.d"
cp -a /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources \
    "$system/etc/apt/sources.list.d/" 2>/dev/null || :
[ ! -f /etc/apt/sources.list ] || cp /etc/apt/sources.list "$system/etc/apt/"
for folder in apt.conf.d keyrings trusted.gpg.d; do
    [ ! -d "/etc/apt/$folder" ] || cp -a "/etc/apt/$folder/." "$system/etc/apt/$folder/"
done
rm -f "$system"/etc/apt/apt.conf.d/*docker* "$system"/etc/apt/apt.conf.d/*packagekit* \
    "$system"/etc/apt/apt.conf.d/*appstream*
cp -L /etc/resolv.conf /etc/hosts "$system/etc/"
cp -aL /etc/ssl/certs/ca-certificates.crt "$system/etc/ssl/certs/here.crt"

mount -t proc proc "$system/proc"
mount -t sysfs -o ro sysfs "$system/sys"
mount --bind /dev "$system/dev"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$system/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$system/dev/shm"

git -c safe.directory='*' clone -q --no-hardlinks . "$system/srv/memscope"

inside() {
    chroot "$system" env -i HOME=/root LANG=C.UTF-8 CI=true TERM=dumb \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        NODE_EXTRA_CA_CERTS=/etc/ssl/certs/here.crt CARGO_HTTP_CAINFO=/etc/ssl/certs/here.crt \
        "$@" </dev/null
}

# The command at $1 records a program and writes a report; its manual page is at $2.
use() {
    inside sh -c 'cd /srv && "$1" run -e html -o report.html -- ls / && test -s report.html && ls "$2"' \
        sh "$1" "$2"
}

for target in "$@"; do
    echo "== $target"
    case $target in
    deb)
        cp dist/memscope_*_amd64.deb "$system/srv/memscope.deb"
        inside apt-get update -q
        inside apt-get install -q -y --no-install-recommends /srv/memscope.deb
        use memscope /usr/share/man/man1/memscope.1.gz
        ;;
    dist)
        tar -C "$system/opt" -xzf dist/memscope-*-linux-x86_64.tar.gz
        inside sh -c 'mv /opt/memscope-* /opt/memscope'
        use /opt/memscope/bin/memscope /opt/memscope/share/man/man1/memscope.1
        ;;
    *) inside make --no-print-directory -C /srv/memscope "$target" ;;
    esac
done
