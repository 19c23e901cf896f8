/* SPDX-License-Identifier: MIT */
/* The jump into the kernel: takes a machine without firmware, gives it to the kernel's entry. */
#include "boot/uefi/loader.h"
#include "lib/string.h"

typedef void handoff_function(uint64_t info, uint64_t entry, uint64_t tables, uint32_t no_execute);

/* handoff.S */
extern const uint8_t handoff_code[] __attribute__((visibility("hidden")));
extern const uint8_t handoff_code_end[] __attribute__((visibility("hidden")));

/* Copies the code of handoff.S to a page that the kernel's tables map where it is. */
EFI_STATUS handoff_place(struct loader *loader)
{
    loader->handoff = memory_take_code("the jump to the kernel");
    if (loader->handoff == NULL)
        return EFI_OUT_OF_RESOURCES;
    memcpy(loader->handoff, handoff_code, (size_t)(handoff_code_end - handoff_code));
    return EFI_SUCCESS;
}

/* Precondition: every step is done. */
_Noreturn void handoff_jump(const struct loader *loader)
{
    handoff_function *jump = (handoff_function *)loader->handoff;
    jump(BOOT_DIRECT_MAP + (uint64_t)loader->out, loader->image.entry, loader->tables,
         tables_no_execute());
    __builtin_unreachable();
}
