#!/bin/sh
# SPDX-License-Identifier: MIT
#
# debug.sh BUILD [OPTIONS OF tests/qemu.py]: boots the kernel halted, and runs gdb on it with its
# symbols and the commands of tools/gdb/loam.py. GDB_ARGUMENTS are handed to gdb. When gdb ends, so
# does QEMU.
set -u

build=$1
shift
folder=$(mktemp -d)
tests/qemu.py --build "$build" "$@" --gdb "$folder/gdb" &
runner=$!
trap 'kill $runner 2>/dev/null; wait $runner 2>/dev/null; rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

tries=0
while [ ! -S "$folder/gdb" ] && [ $tries -lt 200 ] && kill -0 $runner 2>/dev/null; do
    sleep 0.1
    tries=$((tries + 1))
done
if [ ! -S "$folder/gdb" ]; then
    echo 'loam: QEMU did not open its gdb socket' >&2
    exit 1
fi
# shellcheck disable=SC2086 # words of their own
gdb -q -ex 'set architecture i386:x86-64' -ex "target remote $folder/gdb" \
    -x tools/gdb/loam.py -ex 'hbreak kmain' ${GDB_ARGUMENTS:-} "$build/kernel.elf"
