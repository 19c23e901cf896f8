#!/bin/sh
# SPDX-License-Identifier: MIT
#
#   unpack.sh DIR PACKAGE...
#
# Takes the first of these packages of Debian or Ubuntu that there is and unpacks it, with whatever
# it needs that is not installed, into DIR: nothing is installed or started. DIR/versions lists
# what lies there. Silent, status 0, if it is there already; status 1, and a sentence, if it cannot
# be had: NO_INSTALL=1 forbids to fetch, too.
set -u

say() {
    echo "loam: $*" >&2
}

# Lists of packages, absent in a fresh image, are fetched into DIR, which needs no privilege.
apt() {
    apt-get -qq -o APT::Sandbox::User="$(id -un)" $own_lists "$@"
}

fetch_lists() {
    say "fetching lists of packages, to unpack $names"
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
    own_lists="-o Dir::State::lists=$dir/lists -o Dir::Cache=$dir/cache"
    apt update >&2
}

list_needed() { # PACKAGE: it, and what it needs that is not installed
    echo "$1"
    apt install -s --no-install-recommends "$1" 2>/dev/null | sed -n 's/^Inst \([^ ]*\) .*/\1/p'
}

unpack() { # PACKAGE
    mkdir -p "$dir/debs"
    # shellcheck disable=SC2046
    (cd "$dir/debs" && rm -f ./*.deb && apt download $(list_needed "$1" | sort -u)) 2>/dev/null || return 1
    for deb in "$dir"/debs/*.deb; do
        dpkg-deb -x "$deb" "$dir" || return 1
        dpkg-deb -W --showformat='${Package} ${Version}\n' "$deb" >>"$dir/versions"
    done
    rm -f "$dir"/debs/*.deb
}

unpack_first() {
    for name in $names; do
        unpack "$name" && return 0
    done
    return 1
}

mkdir -p "$1"
dir=$(cd "$1" && pwd)
shift
names="$*" own_lists=
touch "$dir/versions"
for name in $names; do
    grep -q "^$name " "$dir/versions" && exit 0
done
[ "${NO_INSTALL:-}" != 1 ] || {
    say "no $1: NO_INSTALL=1 forbids to fetch it"
    exit 1
}
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || {
    say "no $1: packages of Debian cannot be unpacked without apt-get and dpkg-deb"
    exit 1
}
unpack_first || { fetch_lists && unpack_first; } || {
    say "no $1: no such package can be fetched"
    exit 1
}
