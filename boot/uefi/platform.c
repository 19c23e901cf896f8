/* SPDX-License-Identifier: MIT */
/* What the firmware knows of the machine: the framebuffer that it draws to, and the ACPI tables. */
#include "boot/uefi/loader.h"
#include "lib/bits.h"
#include "lib/string.h"

static EFI_GUID graphics_guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
static const EFI_GUID acpi_guid = ACPI_20_TABLE_GUID;
static const EFI_GUID acpi_1_guid = ACPI_TABLE_GUID;

/* True iff the mask is 8 bits in a row; `shift` is the lowest. */
static bool is_byte(uint32_t mask, uint8_t *shift)
{
    if (mask == 0)
        return false;
    *shift = (uint8_t)bits_lowest(mask);
    return mask >> *shift == 0xff;
}

static bool pixel_shifts(const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode,
                         struct boot_framebuffer *screen)
{
    EFI_PIXEL_BITMASK mask = mode->PixelInformation;
    if (mode->PixelFormat == PixelRedGreenBlueReserved8BitPerColor)
        mask = (EFI_PIXEL_BITMASK){0xff, 0xff00, 0xff0000, 0};
    else if (mode->PixelFormat == PixelBlueGreenRedReserved8BitPerColor)
        mask = (EFI_PIXEL_BITMASK){0xff0000, 0xff00, 0xff, 0};
    else if (mode->PixelFormat != PixelBitMask)
        return false;
    /* A mask says nothing else of the pixel's size: that of all its bits must be 4 bytes. */
    uint32_t all = mask.RedMask | mask.GreenMask | mask.BlueMask | mask.ReservedMask;
    if (mode->PixelFormat == PixelBitMask && (all >> 24) == 0)
        return false;
    return is_byte(mask.RedMask, &screen->red_shift) &&
           is_byte(mask.GreenMask, &screen->green_shift) &&
           is_byte(mask.BlueMask, &screen->blue_shift);
}

/* True iff the handle draws to a linear framebuffer of 32-bit pixels. */
static bool find_on(EFI_HANDLE handle, struct boot_framebuffer *screen)
{
    EFI_GRAPHICS_OUTPUT_PROTOCOL *graphics;
    if (EFI_ERROR(services->HandleProtocol(handle, &graphics_guid, (void **)&graphics)))
        return false;
    const EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE *mode = graphics->Mode;
    if (mode == NULL || mode->Info == NULL || mode->FrameBufferBase == 0 ||
        !pixel_shifts(mode->Info, screen))
        return false;
    screen->base = mode->FrameBufferBase;
    screen->width = mode->Info->HorizontalResolution;
    screen->height = mode->Info->VerticalResolution;
    screen->pitch = mode->Info->PixelsPerScanLine;
    return true;
}

/* The screen that shows the firmware's console comes first, then any. */
static struct boot_framebuffer find_framebuffer(void)
{
    struct boot_framebuffer screen = {0};
    EFI_HANDLE *handles;
    UINTN count;
    bool found = find_on(firmware->ConsoleOutHandle, &screen);
    if (found ||
        EFI_ERROR(services->LocateHandleBuffer(ByProtocol, &graphics_guid, NULL, &count, &handles)))
        return screen;
    for (UINTN i = 0; i < count && !found; i++)
        found = find_on(handles[i], &screen);
    services->FreePool(handles);
    return screen;
}

static uint64_t find_table(const EFI_GUID *guid)
{
    for (UINTN i = 0; i < firmware->NumberOfTableEntries; i++) {
        const EFI_CONFIGURATION_TABLE *table = &firmware->ConfigurationTable[i];
        if (memcmp(&table->VendorGuid, guid, sizeof *guid) == 0)
            return (uint64_t)table->VendorTable;
    }
    return 0;
}

/* Neither is needed: a machine may have none. */
EFI_STATUS platform_find(struct loader *loader)
{
    struct boot_info *info = &loader->out->info;
    info->framebuffer = find_framebuffer();
    info->rsdp = find_table(&acpi_guid);
    if (info->rsdp == 0)
        info->rsdp = find_table(&acpi_1_guid);
    return EFI_SUCCESS;
}
