/* SPDX-License-Identifier: MIT */
/*
 * The boot volume, that is, the one that the firmware read the loader from: takes a file's name,
 * gives the whole file in memory.
 */
#include "boot/uefi/loader.h"
#include "lib/addr.h"
#include "lib/bits.h"

#define NAME_MAX 16

/* Large reads fail on some firmware. */
#define READ_MAX MIB

static EFI_GUID loaded_image_guid = LOADED_IMAGE_PROTOCOL;
static EFI_GUID file_system_guid = SIMPLE_FILE_SYSTEM_PROTOCOL;
static EFI_GUID file_info_guid = EFI_FILE_INFO_ID;

static EFI_STATUS open_root(EFI_FILE **root)
{
    EFI_LOADED_IMAGE *self;
    EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *volume;
    EFI_STATUS status = services->HandleProtocol(loader_image, &loaded_image_guid, (void **)&self);
    if (!EFI_ERROR(status))
        status = services->HandleProtocol(self->DeviceHandle, &file_system_guid, (void **)&volume);
    if (!EFI_ERROR(status))
        status = volume->OpenVolume(volume, root);
    if (EFI_ERROR(status))
        return console_error(EFI_NO_MEDIA,
                             "the device that the loader came from has no file system: "
                             "start it from a disk that holds kernel.elf");
    return EFI_SUCCESS;
}

/* Opens a file of the top folder. Says nothing if there is none. */
static EFI_STATUS open_file(const char *name, EFI_FILE **file)
{
    CHAR16 wide[NAME_MAX] = {0};
    for (size_t i = 0; name[i] != '\0' && i < NAME_MAX - 1; i++)
        wide[i] = (unsigned char)name[i];
    EFI_FILE *root;
    EFI_STATUS status = open_root(&root);
    if (EFI_ERROR(status))
        return status;
    status = root->Open(root, file, wide, EFI_FILE_MODE_READ, 0);
    root->Close(root);
    if (EFI_ERROR(status) && status != EFI_NOT_FOUND)
        return console_error(status, "%s cannot be opened: check the boot volume", name);
    return status;
}

static EFI_STATUS file_size(EFI_FILE *file, uint64_t *bytes)
{
    union {
        EFI_FILE_INFO info;
        uint8_t room[sizeof(EFI_FILE_INFO) + 256 * sizeof(CHAR16)];
    } answer;
    UINTN size = sizeof answer;
    EFI_STATUS status = file->GetInfo(file, &file_info_guid, &size, &answer);
    if (EFI_ERROR(status))
        return status;
    *bytes = answer.info.FileSize;
    return (answer.info.Attribute & EFI_FILE_DIRECTORY) != 0 ? EFI_UNSUPPORTED : EFI_SUCCESS;
}

static EFI_STATUS read_all(EFI_FILE *file, uint8_t *data, uint64_t bytes)
{
    for (uint64_t done = 0; done < bytes;) {
        UINTN count = bytes - done < READ_MAX ? bytes - done : READ_MAX;
        EFI_STATUS status = file->Read(file, &count, data + done);
        if (EFI_ERROR(status))
            return status;
        if (count == 0)
            return EFI_END_OF_FILE;
        done += count;
    }
    return EFI_SUCCESS;
}

static EFI_STATUS read_open(EFI_FILE *open, const char *name, enum boot_memory kind,
                            struct file *file)
{
    EFI_STATUS status = file_size(open, &file->bytes);
    if (EFI_ERROR(status))
        return console_error(EFI_DEVICE_ERROR, "%s is no readable file: check the boot volume",
                             name);
    if (file->bytes == 0)
        return EFI_SUCCESS;
    file->data = memory_take(name, file->bytes, kind);
    if (file->data == NULL)
        return EFI_OUT_OF_RESOURCES;
    status = read_all(open, file->data, file->bytes);
    if (EFI_ERROR(status))
        return console_error(EFI_DEVICE_ERROR, "%s cannot be read: check the boot volume", name);
    return EFI_SUCCESS;
}

/* Reads the file `name` of the top folder into memory of the given kind. Returns EFI_NOT_FOUND, in
 * silence, if there is none. */
EFI_STATUS volume_read(const char *name, enum boot_memory kind, struct file *file)
{
    EFI_FILE *open;
    *file = (struct file){0};
    EFI_STATUS status = open_file(name, &open);
    if (EFI_ERROR(status))
        return status;
    status = read_open(open, name, kind, file);
    open->Close(open);
    return status;
}
