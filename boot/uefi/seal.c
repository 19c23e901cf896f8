/* SPDX-License-Identifier: MIT */
/*
 * The seal: 16 bytes that tools/seal.py appends to kernel.elf for the boot volume, so that a file
 * damaged on the way is refused with a reason instead of started. Little endian, as the machine.
 */
#include "boot/uefi/loader.h"
#include "lib/string.h"

struct seal {
    char magic[8];
    uint32_t crc;   /* zlib's CRC-32 of every byte before the seal */
    uint32_t bytes; /* their number, modulo 2^32 */
};
_Static_assert(sizeof(struct seal) == 16, "the seal's form is fixed by tools/seal.py");

/* Takes the seal off `file` and returns NULL, or returns what is wrong with it. */
const char *seal_check(struct file *file)
{
    struct seal seal;
    uint32_t crc = 0;
    if (file->bytes <= sizeof seal)
        return "it is almost empty";
    file->bytes -= sizeof seal;
    memcpy(&seal, file->data + file->bytes, sizeof seal);
    if (memcmp(seal.magic, "LoamCRC1", sizeof seal.magic) != 0)
        return "it does not end in a seal";
    if (seal.bytes != (uint32_t)file->bytes)
        return "its length is wrong";
    if (EFI_ERROR(services->CalculateCrc32(file->data, file->bytes, &crc)) || crc != seal.crc)
        return "its checksum is wrong";
    return NULL;
}
