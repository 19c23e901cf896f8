/* SPDX-License-Identifier: MIT */
/*
 * The kernel's command line: one line of text from cmdline.txt; where there is no such file, what
 * the firmware or its shell passed to the loader (`BOOTX64.EFI words`); else empty.
 */
#include "boot/uefi/loader.h"
#include "lib/string.h"

static EFI_GUID loaded_image_guid = LOADED_IMAGE_PROTOCOL;
static EFI_GUID shell_guid = {
    0x752f3136, 0x4e16, 0x4fdc, {0xa2, 0x2a, 0xe5, 0xf4, 0x68, 0x12, 0xf4, 0xca}};

static EFI_STATUS too_long(const char *where)
{
    return console_error(EFI_BAD_BUFFER_SIZE, "%s too long: shorten the command line to %d bytes",
                         where, COMMAND_LINE_MAX);
}

/* True iff `character` can stand in a line of ASCII, or is part of a longer UTF-8 one. */
static bool is_text(unsigned character)
{
    return character == '\t' || (character >= ' ' && character != 0x7f);
}

static EFI_STATUS copy_file(const struct file *file, char *line)
{
    uint64_t length = file->bytes;
    while (length > 0 && (file->data[length - 1] == '\n' || file->data[length - 1] == '\r'))
        length--;
    if (length > COMMAND_LINE_MAX)
        return too_long("cmdline.txt is");
    for (uint64_t i = 0; i < length; i++) {
        if (!is_text(file->data[i]))
            return console_error(EFI_UNSUPPORTED, "cmdline.txt is not one line of plain text: save "
                                                  "it as a single line, in UTF-8");
    }
    memcpy(line, file->data, length);
    return EFI_SUCCESS;
}

/* The number of characters before the terminator; 0 unless all of them are printable ASCII: boot
 * menus pass binary data of their own in the same place. */
static size_t options_length(const EFI_LOADED_IMAGE *self)
{
    const CHAR16 *text = self->LoadOptions;
    size_t count = text == NULL ? 0 : self->LoadOptionsSize / sizeof *text;
    for (size_t i = 0; i < count; i++) {
        if (text[i] == 0)
            return i;
        if (!is_text(text[i]) || text[i] > 0x7f)
            return 0;
    }
    return count;
}

/* The number of characters to skip: a shell, unlike a boot menu, passes the program's name first.
 * It may be quoted, wholly or in part. */
static size_t options_name(const CHAR16 *text, size_t length)
{
    void *shell;
    if (EFI_ERROR(services->HandleProtocol(loader_image, &shell_guid, &shell)))
        return 0;
    bool quoted = false;
    size_t i = 0;
    for (; i < length && (quoted || text[i] != ' '); i++)
        quoted ^= text[i] == '"';
    while (i < length && text[i] == ' ')
        i++;
    return i;
}

static EFI_STATUS copy_options(char *line)
{
    EFI_LOADED_IMAGE *self;
    if (EFI_ERROR(services->HandleProtocol(loader_image, &loaded_image_guid, (void **)&self)))
        return EFI_SUCCESS;
    const CHAR16 *text = self->LoadOptions;
    size_t length = options_length(self);
    size_t first = options_name(text, length);
    if (length - first > COMMAND_LINE_MAX)
        return too_long("the loader's arguments are");
    for (size_t i = first; i < length; i++)
        line[i - first] = (char)text[i];
    return EFI_SUCCESS;
}

/* Precondition: the line is all zero bytes. */
EFI_STATUS command_line_read(struct loader *loader)
{
    struct file file;
    EFI_STATUS status = volume_read("cmdline.txt", BOOT_LOADER, &file);
    if (status == EFI_NOT_FOUND)
        return copy_options(loader->out->command_line);
    if (EFI_ERROR(status))
        return status;
    return copy_file(&file, loader->out->command_line);
}
