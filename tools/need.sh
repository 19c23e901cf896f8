#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Takes names of things that a build needs (the first column of TABLE; cc stands for the compiler
# in CC) and sees to it that they are there: on Debian and Ubuntu it installs what is missing,
# elsewhere and under NO_INSTALL=1 it prints the command that does. Silent, status 0, if nothing is
# missing; status 1 if something stays missing, 2 for an unknown name. With --doctor: a table.
set -u

# name | needed for | packages of Debian | Fedora | Arch | openSUSE | Alpine | Homebrew
TABLE='
gcc|compiling|gcc libc6-dev|gcc libasan libubsan libtsan|gcc|gcc|gcc musl-dev|x86_64-elf-gcc
clang|compiling|clang libclang-rt-dev|clang compiler-rt|clang compiler-rt|clang|clang|llvm
python|booting and testing|python3|python3|python|python3|python3|python3
cmocka|the hosted tests|libcmocka-dev|libcmocka-devel|cmocka|libcmocka-devel|cmocka-dev|cmocka
qemu|booting|qemu-system-x86|qemu-system-x86-core|qemu-system-x86|qemu-x86|qemu-system-x86_64|qemu
uefi|booting by UEFI|ovmf|edk2-ovmf|edk2-ovmf|qemu-ovmf-x86_64|ovmf|qemu
gnu-efi|building the UEFI loader|gnu-efi|gnu-efi-devel|gnu-efi|gnu-efi|gnu-efi-dev|
clang-format|layout|clang-format|clang-tools-extra|clang|clang-tools|clang-extra-tools|clang-format
clang-tidy|linting|clang-tidy|clang-tools-extra|clang|clang-tools|clang-extra-tools|llvm
gdb|debugging|gdb|gdb|gdb|gdb|gdb|gdb
valgrind|counting instructions|valgrind|valgrind|valgrind|valgrind|valgrind|valgrind
mtools|boot images|mtools|mtools|mtools|mtools|mtools|mtools
xorriso|boot images|xorriso|xorriso|libisoburn|xorriso|xorriso|xorriso
gnuplot|plots of benchmarks|gnuplot-nox|gnuplot|gnuplot|gnuplot|gnuplot|gnuplot
g++|C++ on libloam|g++|gcc-c++|gcc|gcc-c++|g++|
pkg-config|linking with libloam|pkgconf|pkgconf|pkgconf|pkgconf|pkgconf|pkgconf
frama-c|the proofs|frama-c-base why3 z3 cvc4|||||
'
EVERYTHING='gcc clang python cmocka qemu uefi gnu-efi clang-format clang-tidy gdb mtools xorriso
gnuplot valgrind g++ pkg-config frama-c'

# UEFI firmware: single images first, then pairs of code and variables. tests/qemu.py has the same.
OVMF='
/usr/share/ovmf/OVMF.fd
/usr/share/OVMF/OVMF.fd
/usr/share/edk2/x64/OVMF.4m.fd
/usr/share/edk2-ovmf/x64/OVMF.fd
/usr/share/qemu/OVMF.fd
/usr/share/qemu/ovmf-x86_64.bin
/usr/share/OVMF/OVMF_CODE_4M.fd:/usr/share/OVMF/OVMF_VARS_4M.fd
/usr/share/OVMF/OVMF_CODE.fd:/usr/share/OVMF/OVMF_VARS.fd
/usr/share/edk2/ovmf/OVMF_CODE.fd:/usr/share/edk2/ovmf/OVMF_VARS.fd
/usr/share/edk2-ovmf/OVMF_CODE.fd:/usr/share/edk2-ovmf/OVMF_VARS.fd
/opt/homebrew/share/qemu/edk2-x86_64-code.fd:/opt/homebrew/share/qemu/edk2-i386-vars.fd
/usr/local/share/qemu/edk2-x86_64-code.fd:/usr/local/share/qemu/edk2-i386-vars.fd
/usr/share/qemu/edk2-x86_64-code.fd:/usr/share/qemu/edk2-i386-vars.fd
'

say() {
    echo "loam: $*" >&2
}

field() { # NAME NUMBER
    echo "$TABLE" | grep "^$1|" | cut -d '|' -f "$2"
}

# --- what is there: each prints where it is, and fails if it is not -----------------------------

find_command() {
    command -v "$1"
}

find_compiler() { # COMMAND: it must also find the C library's headers
    command -v "$1" && echo '#include <stdio.h>' | "$1" -E -x c - >/dev/null 2>&1
}

find_clang() { # it must also find its sanitizers and its fuzzer
    command -v "$1" && echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
        "$1" -fsanitize=fuzzer,address,undefined -x c - -o /dev/null 2>/dev/null
}

find_cmocka() { # where Debian has it, or wherever the compiler finds it
    find_files /usr/include/cmocka.h && return
    for header in stdarg stddef stdint setjmp cmocka; do
        echo "#include <$header.h>"
    done | "$COMPILER" -E -x c - >/dev/null 2>&1 && echo cmocka.h
}

find_frama_c() { # it needs its provers
    for command in why3 z3 cvc4; do
        command -v $command >/dev/null || return 1
    done
    command -v frama-c
}

find_files() { # FILE or FILE:FILE...: the first of which all exist
    for files in "$@"; do
        if [ -e "${files%%:*}" ] && [ -e "${files#*:}" ]; then
            echo "$files"
            return 0
        fi
    done
    return 1
}

find_needed() { # NAME
    # shellcheck disable=SC2086
    case $1 in
    gcc) find_compiler "$GCC" ;;
    clang) find_clang "$CLANG" ;;
    python) find_command python3 ;;
    cmocka) find_cmocka ;;
    qemu) find_command qemu-system-x86_64 ;;
    uefi) find_files ${LOAM_OVMF:-$OVMF} ;;
    frama-c) find_frama_c ;;
    gnu-efi) find_files /usr/include/efi/efi.h /usr/local/include/efi/efi.h ;;
    *) find_command "$1" ;;
    esac
}

list_missing() { # NAME...
    for name in "$@"; do
        find_needed "$name" >/dev/null || echo "$name"
    done
}

# --- how to get what is not -----------------------------------------------------------------------

system_family() { # the column of TABLE for this system; fails if it is none of these
    if [ "$(uname)" = Darwin ]; then
        echo 8
        return
    fi
    # shellcheck disable=SC1090
    like=$(. "${LOAM_OS_RELEASE:-/etc/os-release}" 2>/dev/null && echo "${ID:-} ${ID_LIKE:-}")
    for id in $like; do
        case $id in
        debian | ubuntu) echo 3 && return ;;
        fedora | rhel | centos) echo 4 && return ;;
        arch) echo 5 && return ;;
        suse | opensuse*) echo 6 && return ;;
        alpine) echo 7 && return ;;
        esac
    done
    return 1
}

packages_of() { # FAMILY NAME...
    column=$1
    shift
    for name in "$@"; do
        field "$name" "$column"
    done | tr ' ' '\n' | grep . | sort -u | tr '\n' ' ' | sed 's/ $//'
}

install_line() { # FAMILY NAME...: the command to type
    packages=$(packages_of "$@")
    sudo=$([ "$(id -u)" = 0 ] || echo 'sudo ')
    [ -n "$packages" ] || return 1
    case $1 in
    3) echo "${sudo}apt-get install -y --no-install-recommends $packages" ;;
    4) echo "${sudo}dnf install -y $packages" ;;
    5) echo "${sudo}pacman -S --needed $packages" ;;
    6) echo "${sudo}zypper install $packages" ;;
    7) echo "${sudo}apk add $packages" ;;
    8) echo "brew install $packages" ;;
    esac
}

advise() { # NAME...: says what is missing and the command that gets it
    for name in "$@"; do
        say "missing: $name (for $(field "$name" 2))"
    done
    if family=$(system_family); then
        line=$(install_line "$family" "$@") && say "install with: $line"
        for name in "$@"; do
            [ -n "$(field "$name" "$family")" ] || say "$name is not packaged for this system"
        done
    else
        say "this system is not known here; Debian's packages are: $(packages_of 3 "$@")"
    fi
}

find_privilege() { # prints the prefix that runs a command as root; fails if there is none
    if [ "$(id -u)" = 0 ]; then
        return 0
    fi
    command -v sudo >/dev/null || return 1
    if sudo -n true 2>/dev/null; then
        echo 'sudo -n'
    elif [ -t 0 ]; then
        echo sudo
    else
        return 1
    fi
}

apt_install() { # PACKAGE...: the lists of packages, absent in a fresh image, only on failure
    install='env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends'
    install="$privilege $install -o DPkg::Lock::Timeout=300"
    # shellcheck disable=SC2086
    $install "$@" >&2 9>&- && return
    if [ "$updated" = no ]; then
        updated=yes
        # shellcheck disable=SC2086
        $privilege apt-get update >&2 9>&-
        # shellcheck disable=SC2086
        $install "$@" >&2 9>&-
    fi
}

install_missing() { # NAME...: what an older release does not package is left to the check after it
    updated=no
    for name in "$@"; do
        for package in $(field "$name" 3); do
            say "installing $package (for $(field "$name" 2))"
            apt_install "$package"
        done
    done
}

take_turn() { # calls of the same user go one after the other
    command -v flock >/dev/null || return 0
    exec 9>"${TMPDIR:-/tmp}/loam-need-$(id -u).lock" && flock 9
}

# --- the command ----------------------------------------------------------------------------------

provide() { # NAME...
    missing=$(list_missing "$@")
    [ -n "$missing" ] || return 0
    allowed=$([ "${NO_INSTALL:-}" = 1 ] || system_family)
    if [ "$allowed" != 3 ] || ! privilege=$(find_privilege); then
        # shellcheck disable=SC2086
        advise $missing
        return 1
    fi
    take_turn
    # shellcheck disable=SC2046
    install_missing $(list_missing "$@")
    missing=$(list_missing "$@")
    # shellcheck disable=SC2086
    [ -z "$missing" ] || { advise $missing; return 1; }
}

version_of() { # NAME PLACE
    case $1 in
    cmocka | uefi | gnu-efi) ;;
    *) "$2" --version 2>/dev/null | grep -o '[0-9][0-9]*\.[0-9][0-9.]*' | head -n 1 ;;
    esac
}

doctor() {
    family=$(system_family) || family=
    status=0
    for name in $EVERYTHING; do
        if place=$(find_needed "$name"); then
            printf '%-13s %-10s %s\n' "$name" "$(version_of "$name" "$place")" "$place"
        else
            status=1
            printf '%-13s %-10s for %s: ' "$name" missing "$(field "$name" 2)"
            { [ -n "$family" ] && install_line "$family" "$name"; } || echo 'not packaged here'
        fi
    done
    return $status
}

GCC=gcc CLANG=clang COMPILER=${CC:-gcc}
COMPILER=${COMPILER#ccache }
COMPILER=${COMPILER%% *}
case ${COMPILER##*/} in
*clang*) CLANG=$COMPILER compiler_name=clang ;;
*) GCC=$COMPILER compiler_name=gcc ;;
esac

names=
for argument in "$@"; do
    case $argument in
    --doctor) doctor && exit 0 || exit 1 ;;
    cc) argument=$compiler_name ;;
    ovmf) argument=uefi ;;
    esac
    if [ -z "$(field "$argument" 1)" ]; then
        say "need.sh: $argument is not one of: cc $EVERYTHING"
        exit 2
    fi
    names="$names $argument"
done
# shellcheck disable=SC2086
provide $names
