#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes what is handed to people who do not build: dist/memscope-VERSION-linux-x86_64.tar.gz, or a .deb.
#
# usage: packaging/dist.sh tar|deb
#
# Both come from a release build of their own in build-dist-*. The tarball works wherever it is
# unpacked: the command finds the library and the page beside itself, and the libraries that it links
# lie in lib/memscope with their licences, so that nothing needs to be installed. libmemscope.so is
# loaded into other people's programs, also in old containers, so it must not insist on a libc newer
# than OLDEST_GLIBC. The same commit gives the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."

OLDEST_GLIBC=2.17

kind=${1:-}
case $kind in
tar) prefix=/ libdir=lib build=build-dist-tar ;;
deb) prefix=/usr libdir=lib/x86_64-linux-gnu build=build-dist-deb ;;
*) echo "usage: packaging/dist.sh tar|deb" >&2 && exit 2 ;;
esac
version=$(sed -n "s/^  version: '\(.*\)',$/\1/p" meson.build)
export SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y meson.build)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p dist

options=(--prefix "$prefix" --libdir "$libdir" --buildtype debugoptimized --strip -Dtests=false -Dweb=enabled
    -Dpkgconfig.relocatable=true)
# shellcheck disable=SC2016  # the loader's word, not the shell's
[ "$kind" = deb ] || options+=(-Dlibrary_path='$ORIGIN/../lib/memscope')
rm -rf "$build"
meson setup "$build" "${options[@]}" >/dev/null
ninja -C "$build" >/dev/null

# The newest symbol version of libc that a library needs to be loaded at all; weak ones do not count.
newest_glibc() {
    readelf -VW "$1" | sed -n 's/.*Name: GLIBC_\([0-9.]*\)  Flags: none.*/\1/p' | sort -V | tail -n 1
}
needs=$(newest_glibc "$build/src/capture/libmemscope.so")
if [ "$(printf '%s\n' "$needs" "$OLDEST_GLIBC" | sort -V | tail -n 1)" != "$OLDEST_GLIBC" ]; then
    echo "dist.sh: libmemscope.so needs glibc $needs, newer than $OLDEST_GLIBC" >&2
    exit 1
fi

# The libraries that the command links, apart from libc's own.
linked_libraries() {
    ldd "$1" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | grep -vE '/(libc|libm|libdl|libpthread|librt)\.so'
}

make_tar() {
    local root=$stage/memscope-$version library package
    meson install -C "$build" --no-rebuild --quiet --destdir "$root"
    mkdir -p "$root/lib/memscope" "$root/share/doc/memscope/licences"
    while read -r library; do
        install -m 755 "$(realpath "$library")" "$root/lib/memscope/$(basename "$library")"
        package=$({ dpkg -S "$library" || dpkg -S "$(realpath "$library")" ||
            dpkg -S "${library#/usr}" || dpkg -S "/usr$library"; } 2>/dev/null |
            head -n 1 | cut -d: -f1)
        cp "/usr/share/doc/$package/copyright" "$root/share/doc/memscope/licences/$package"
    done < <(linked_libraries "$build/src/cli/memscope")
    local archive=dist/memscope-$version-linux-x86_64.tar.gz
    tar -C "$stage" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
        -cf - "memscope-$version" | gzip -9n >"$archive"
    echo "$archive"
}

make_deb() {
    local root=$stage/root depends archive=dist/memscope_${version}_amd64.deb
    meson install -C "$build" --no-rebuild --quiet --destdir "$root"
    find "$root/usr/share/man" -name '*.1' -exec gzip -9n {} +
    mv "$root/usr/share/doc/memscope/LICENSE" "$root/usr/share/doc/memscope/copyright"
    mkdir -p "$root/DEBIAN" "$stage/debian"
    printf 'Source: memscope\n\nPackage: memscope\nArchitecture: amd64\n' >"$stage/debian/control"
    depends=$(cd "$stage" && dpkg-shlibdeps -O -eroot/usr/bin/memscope 2>/dev/null |
        sed -n 's/^shlibs:Depends=//p')
    cat >"$root/DEBIAN/control" <<CONTROL
Package: memscope
Version: $version
Architecture: amd64
Section: devel
Priority: optional
Maintainer: the developers of memscope <memscope@localhost>
Installed-Size: $(du -sk --apparent-size "$root/usr" | cut -f1)
Depends: $depends
Description: heap profiler for unmodified programs
 memscope runs a program and records every heap allocation with its call
 stack, thread and async task. It says what held the memory at the peak,
 what was never freed and what churned, and writes JSON, HTML and SVG.
CONTROL
    echo "activate-noawait ldconfig" >"$root/DEBIAN/triggers"
    (cd "$root" && find usr -type f -exec md5sum {} + | sort -k 2 >DEBIAN/md5sums)
    find "$stage" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb --root-owner-group -Zxz --build "$root" "$archive" >/dev/null
    echo "$archive"
}

"make_$kind"
