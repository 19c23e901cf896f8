/* SPDX-License-Identifier: MIT */
/* Fuzzes lib/elf.c: the bytes are the file. Whatever list it gives, a loader must be able to copy
 * by it without another look. */
#include "boot/boot_info.h"
#include "lib/addr.h"
#include "lib/elf.h"
#include "tests/fuzz/fuzz.h"

#define VIRT_MIN BOOT_KERNEL_BASE
#define VIRT_MAX (BOOT_KERNEL_BASE + GIB)

static void check_segment(const struct elf_image *image, size_t i, size_t size)
{
    const struct elf_segment *segment = &image->segment[i];
    FUZZ_EXPECT(segment->offset <= size && segment->file_bytes <= size - segment->offset);
    FUZZ_EXPECT(segment->file_bytes <= segment->memory_bytes && segment->memory_bytes > 0);
    FUZZ_EXPECT(segment->virt % PAGE_SIZE == 0);
    FUZZ_EXPECT(segment->virt >= image->virt_start && segment->virt < image->virt_end);
    FUZZ_EXPECT(segment->memory_bytes <= image->virt_end - segment->virt);
    FUZZ_EXPECT(!(segment->flags & ELF_WRITE) || !(segment->flags & ELF_EXEC));
    FUZZ_EXPECT((segment->flags & ~(unsigned)(ELF_READ | ELF_WRITE | ELF_EXEC)) == 0);
    FUZZ_EXPECT(i == 0 || segment[-1].virt + segment[-1].memory_bytes <= segment->virt);
}

static void check_image(const struct elf_image *image, size_t size)
{
    bool entry_is_code = false;
    FUZZ_EXPECT(image->segments > 0 && image->segments <= ELF_SEGMENTS_MAX);
    FUZZ_EXPECT(image->virt_start % PAGE_SIZE == 0 && image->virt_end % PAGE_SIZE == 0);
    FUZZ_EXPECT(image->virt_start >= VIRT_MIN && image->virt_end <= VIRT_MAX);
    for (size_t i = 0; i < image->segments; i++) {
        const struct elf_segment *segment = &image->segment[i];
        check_segment(image, i, size);
        entry_is_code |= (segment->flags & ELF_EXEC) && image->entry >= segment->virt &&
                         image->entry - segment->virt < segment->memory_bytes;
    }
    FUZZ_EXPECT(entry_is_code);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf_image image;
    const char *wrong = elf_read(data, size, VIRT_MIN, VIRT_MAX, &image);
    if (wrong == NULL)
        check_image(&image, size);
    else
        FUZZ_EXPECT(wrong[0] != '\0');
    return 0;
}
