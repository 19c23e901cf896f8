/* SPDX-License-Identifier: MIT */
/*
 * The memory map, and with it the way out of the firmware: ExitBootServices wants proof that its
 * caller has seen the newest map. Takes the firmware's descriptors, gives boot_info's ranges.
 *
 * Rules from the first call of ExitBootServices on: its timers and drivers may be gone even if it
 * failed, so that GetMemoryMap is the only service left, and no line can be printed.
 */
#include "boot/uefi/loader.h"
#include "lib/addr.h"

/* Descriptors that may come up between the sizing of the map and its last reading. */
#define SLACK 32

#define TRIES_MAX 16

#define MEMORY_WRITE_BACK ((uint64_t)1 << 3)
#define MEMORY_SPECIFIC_PURPOSE                                       \
    ((uint64_t)1 << 18) /* set aside for somebody: not general memory \
                         */

static EFI_STATUS read_map(struct firmware_map *map)
{
    UINT32 version;
    map->bytes = map->capacity;
    return services->GetMemoryMap(&map->bytes, (EFI_MEMORY_DESCRIPTOR *)map->descriptors, &map->key,
                                  &map->stride, &version);
}

/* Makes room for the map, and for the ranges that it will become. */
EFI_STATUS map_reserve(struct loader *loader)
{
    struct firmware_map *map = &loader->map;
    EFI_STATUS status = read_map(map);
    if (status != EFI_BUFFER_TOO_SMALL)
        return console_error(EFI_DEVICE_ERROR, "the firmware gives no memory map: update it");
    map->capacity = map->bytes + SLACK * map->stride;
    size_t ranges = map->capacity / map->stride + MEMORY_RANGES_MAX;
    map->descriptors = memory_take("the memory map", map->capacity, BOOT_LOADER);
    loader->ranges = memory_take("the memory map", ranges * sizeof(struct boot_range), BOOT_LOADER);
    if (map->descriptors == NULL || loader->ranges == NULL)
        return EFI_OUT_OF_RESOURCES;
    return EFI_SUCCESS;
}

static uint32_t kind_of(const EFI_MEMORY_DESCRIPTOR *descriptor)
{
    switch (descriptor->Type) {
    case EfiConventionalMemory:
    case EfiBootServicesCode:
    case EfiBootServicesData:
        return (descriptor->Attribute & MEMORY_WRITE_BACK) != 0 &&
                       (descriptor->Attribute & MEMORY_SPECIFIC_PURPOSE) == 0
                   ? BOOT_USABLE
                   : BOOT_RESERVED;
    case EfiLoaderCode:
    case EfiLoaderData:
        return BOOT_LOADER;
    case EfiACPIReclaimMemory:
        return BOOT_ACPI;
    case EfiACPIMemoryNVS:
    case EfiRuntimeServicesCode:
    case EfiRuntimeServicesData:
        return BOOT_FIRMWARE;
    default:
        return BOOT_RESERVED;
    }
}

static size_t convert(const struct firmware_map *map, struct boot_range *ranges)
{
    size_t count = 0;
    for (UINTN at = 0; at < map->bytes; at += map->stride) {
        const EFI_MEMORY_DESCRIPTOR *descriptor =
            (const EFI_MEMORY_DESCRIPTOR *)(map->descriptors + at);
        ranges[count++] = (struct boot_range){
            .start = descriptor->PhysicalStart,
            .bytes = descriptor->NumberOfPages > UINT64_MAX / PAGE_SIZE
                         ? UINT64_MAX
                         : descriptor->NumberOfPages * PAGE_SIZE,
            .kind = kind_of(descriptor),
        };
    }
    return count + memory_ranges(ranges + count);
}

_Noreturn static void halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* Takes the machine from the firmware. Fails only while it is still whole; if it can neither be
 * left nor used any more, halts. */
EFI_STATUS map_leave(struct loader *loader)
{
    struct firmware_map *map = &loader->map;
    EFI_STATUS status = read_map(map);
    if (EFI_ERROR(status))
        return console_error(status, "the firmware's memory map has outgrown its room: try again");
    status = services->ExitBootServices(loader_image, map->key);
    for (int tries = 1; EFI_ERROR(status); tries++) {
        if (tries == TRIES_MAX || EFI_ERROR(read_map(map)))
            halt();
        status = services->ExitBootServices(loader_image, map->key);
    }
    struct boot_info *info = &loader->out->info;
    info->range_count = convert(map, loader->ranges);
    info->ranges = (const struct boot_range *)(BOOT_DIRECT_MAP + (uint64_t)loader->ranges);
    return EFI_SUCCESS;
}
