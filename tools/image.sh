#!/bin/sh
# SPDX-License-Identifier: MIT
#
# image.sh FOLDER IMAGE: makes an image that boots by UEFI from a CD or, byte for byte the same
# image, from a USB stick or disk. FOLDER is laid out as a boot volume; its files go to a FAT file
# system, which is at once the CD's El Torito boot image and the EFI system partition of a GPT.
set -eu

folder=$1
image=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# From 16 MiB on it is FAT16, which every firmware reads.
mebibytes=$(($(du -sm "$folder" | cut -f 1) + 16))
truncate -s "${mebibytes}M" "$work/esp.img"
mformat -i "$work/esp.img" -v LOAM ::
mcopy -s -i "$work/esp.img" "$folder"/* ::

mkdir "$work/cd"
echo 'Loam: boot this by UEFI. Its files are in the EFI system partition.' >"$work/cd/README.TXT"
xorriso -report_about WARNING -as mkisofs -R -V LOAM -o "$image.new" \
    -append_partition 2 0xef "$work/esp.img" -appended_part_as_gpt \
    -e --interval:appended_partition_2:all:: -no-emul-boot "$work/cd"
mv "$image.new" "$image"
