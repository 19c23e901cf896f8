/* SPDX-License-Identifier: MIT */
/*
 * Takes the bytes of an ELF64 file, gives the list of its segments or the reason why not. Every
 * offset and size is compared with what is left, never added first, so that none can wrap.
 */
#include "lib/elf.h"

#include "lib/addr.h"
#include "lib/bits.h"
#include "lib/string.h"

struct file_header {
    unsigned char magic[4];
    unsigned char class; /* 2: 64 bits */
    unsigned char order; /* 1: little-endian */
    unsigned char ident_version;
    unsigned char padding[9];
    uint16_t type;
    uint16_t machine;
    uint32_t version;
    uint64_t entry;
    uint64_t program_offset; /* of the table of program headers */
    uint64_t section_offset;
    uint32_t flags;
    uint16_t header_bytes;
    uint16_t program_bytes; /* of one program header */
    uint16_t program_count;
    uint16_t section_bytes;
    uint16_t section_count;
    uint16_t section_names;
};

struct program_header {
    uint32_t type;
    uint32_t flags;
    uint64_t offset;
    uint64_t virt;
    uint64_t phys;
    uint64_t file_bytes;
    uint64_t memory_bytes;
    uint64_t align;
};

_Static_assert(sizeof(struct file_header) == 64, "the layout of Elf64_Ehdr");
_Static_assert(sizeof(struct program_header) == 56, "the layout of Elf64_Phdr");

enum { TYPE_EXECUTABLE = 2, MACHINE_X86_64 = 62, CLASS_64 = 2, LITTLE_ENDIAN = 1, VERSION = 1 };
enum { PROGRAM_LOAD = 1, PROGRAM_DYNAMIC = 2, PROGRAM_INTERPRETER = 3 };

/* What a file is checked against. */
struct limits {
    uint64_t size;
    uint64_t virt_min;
    uint64_t virt_max;
};

static const char *check_header(const struct file_header *header, uint64_t size)
{
    if (header->class != CLASS_64 || header->order != LITTLE_ENDIAN ||
        header->machine != MACHINE_X86_64)
        return "is not for x86-64";
    if (header->ident_version != VERSION || header->version != VERSION)
        return "has an unknown ELF version";
    if (header->type != TYPE_EXECUTABLE)
        return "is not a statically linked executable";
    if (header->program_bytes != sizeof(struct program_header))
        return "has program headers of an unknown size";
    if (header->program_offset > size ||
        header->program_count > (size - header->program_offset) / sizeof(struct program_header))
        return "ends before its program headers do";
    return NULL;
}

static const char *check_segment(const struct program_header *program, const struct limits *limits)
{
    if (program->file_bytes > program->memory_bytes)
        return "has a segment with more bytes in the file than in memory";
    if (program->offset > limits->size || program->file_bytes > limits->size - program->offset)
        return "ends before its segments do";
    if (!bits_is_aligned(program->virt, PAGE_SIZE))
        return "has a segment that does not start on a page";
    uint64_t last_end = bits_round_down(limits->virt_max, PAGE_SIZE);
    if (program->virt < limits->virt_min || program->virt > last_end ||
        program->memory_bytes > last_end - program->virt)
        return "has a segment outside the addresses meant for it";
    if ((program->flags & ELF_WRITE) && (program->flags & ELF_EXEC))
        return "has a segment that is both writable and executable";
    return NULL;
}

static const char *add_segment(struct elf_image *image, const struct program_header *program)
{
    if (image->segments == ELF_SEGMENTS_MAX)
        return "has too many segments";
    if (image->segments > 0 && program->virt < image->virt_end)
        return "has segments that overlap or are out of order";
    if (image->segments == 0)
        image->virt_start = program->virt;
    image->virt_end = bits_round_up(program->virt + program->memory_bytes, PAGE_SIZE);
    image->segment[image->segments++] = (struct elf_segment){
        .offset = program->offset,
        .file_bytes = program->file_bytes,
        .virt = program->virt,
        .memory_bytes = program->memory_bytes,
        .flags = program->flags & (ELF_READ | ELF_WRITE | ELF_EXEC),
    };
    return NULL;
}

/* Takes one program header into the image. */
static const char *read_program(const struct program_header *program, const struct limits *limits,
                                struct elf_image *image)
{
    if (program->type == PROGRAM_DYNAMIC || program->type == PROGRAM_INTERPRETER)
        return "is not statically linked";
    bool is_empty = program->memory_bytes == 0 && program->file_bytes == 0;
    if (program->type != PROGRAM_LOAD || is_empty)
        return NULL;
    const char *wrong = check_segment(program, limits);
    return wrong != NULL ? wrong : add_segment(image, program);
}

static bool entry_is_executable(const struct elf_image *image)
{
    for (size_t i = 0; i < image->segments; i++) {
        const struct elf_segment *segment = &image->segment[i];
        if ((segment->flags & ELF_EXEC) && image->entry >= segment->virt &&
            image->entry - segment->virt < segment->memory_bytes)
            return true;
    }
    return false;
}

const char *elf_read(const void *file, size_t size, uint64_t virt_min, uint64_t virt_max,
                     struct elf_image *image)
{
    struct file_header header;
    if (size < sizeof(header) || memcmp(file, "\177ELF", 4) != 0)
        return "is not an ELF file";
    memcpy(&header, file, sizeof(header));
    const char *wrong = check_header(&header, size);
    if (wrong != NULL)
        return wrong;

    struct limits limits = {size, virt_min, virt_max};
    image->entry = header.entry;
    image->segments = 0;
    const char *programs = (const char *)file + header.program_offset;
    for (size_t i = 0; i < header.program_count; i++) {
        struct program_header program;
        memcpy(&program, programs + i * sizeof(program), sizeof(program));
        wrong = read_program(&program, &limits, image);
        if (wrong != NULL)
            return wrong;
    }
    if (image->segments == 0)
        return "has no segment to load";
    return entry_is_executable(image) ? NULL : "has its entry outside its code";
}
