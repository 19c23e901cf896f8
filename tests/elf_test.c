/* SPDX-License-Identifier: MIT */
/*
 * Tests lib/elf.c on files built in memory with the host's <elf.h>: good ones, ones with a single
 * fault, truncated ones, and randomly damaged ones, of which those that are accepted must keep
 * every promise of lib/elf.h. SEED=n in the environment chooses other damage.
 */
#include "lib/elf.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/addr.h"
#include "tests/host/random.h"

static const uint64_t VIRT_MIN = 0xffffffff80000000;
static const uint64_t VIRT_MAX = 0xffffffffc0000000;

enum { PROGRAMS_MAX = 12, DATA_BYTES = 256 };

/* A file that the tests damage before they read it. */
struct file {
    Elf64_Ehdr header;
    Elf64_Phdr program[PROGRAMS_MAX];
    unsigned char data[DATA_BYTES];
};

static struct random dice;

static void start_file(struct file *file)
{
    memset(file, 0, sizeof(*file));
    memcpy(file->header.e_ident, ELFMAG, SELFMAG);
    file->header.e_ident[EI_CLASS] = ELFCLASS64;
    file->header.e_ident[EI_DATA] = ELFDATA2LSB;
    file->header.e_ident[EI_VERSION] = EV_CURRENT;
    file->header.e_type = ET_EXEC;
    file->header.e_machine = EM_X86_64;
    file->header.e_version = EV_CURRENT;
    file->header.e_entry = VIRT_MIN + 8;
    file->header.e_phoff = offsetof(struct file, program);
    file->header.e_ehsize = sizeof(Elf64_Ehdr);
    file->header.e_phentsize = sizeof(Elf64_Phdr);
}

static Elf64_Phdr *add_program(struct file *file, uint32_t flags, uint64_t virt,
                               uint64_t file_bytes, uint64_t memory_bytes)
{
    Elf64_Phdr *program = &file->program[file->header.e_phnum++];
    program->p_type = PT_LOAD;
    program->p_flags = flags;
    program->p_offset = offsetof(struct file, data);
    program->p_vaddr = virt;
    program->p_filesz = file_bytes;
    program->p_memsz = memory_bytes;
    program->p_align = PAGE_SIZE;
    return program;
}

/* Code, constants and data with a zeroed tail, as a kernel has them. */
static void build_kernel(struct file *file)
{
    start_file(file);
    add_program(file, PF_R | PF_X, VIRT_MIN, 128, 128)->p_offset += 1;
    add_program(file, PF_R, VIRT_MIN + 0x1000, 64, 64);
    add_program(file, PF_R | PF_W, VIRT_MIN + 0x3000, 32, 0x5001);
    add_program(file, 0, 0, 16, 16)->p_type = PT_NOTE;
    add_program(file, PF_R | PF_W, 0, 0, 0)->p_type = PT_GNU_STACK;
}

/* Reads the file's first `size` bytes from memory of just that size, at an odd address. */
static const char *read_part(const struct file *file, size_t size, struct elf_image *image)
{
    unsigned char *copy = malloc(size + 1);
    memcpy(copy + 1, file, size);
    const char *wrong = elf_read(copy + 1, size, VIRT_MIN, VIRT_MAX, image);
    free(copy);
    return wrong;
}

static void assert_accepted(const struct file *file, struct elf_image *image)
{
    const char *wrong = read_part(file, sizeof(*file), image);
    if (wrong != NULL)
        fail_msg("the file %s", wrong);
}

/* Asserts that the file is refused for a reason that contains `words`. */
static void assert_refused(const struct file *file, const char *words)
{
    struct elf_image image;
    const char *wrong = read_part(file, sizeof(*file), &image);
    if (wrong == NULL)
        fail_msg("a file that %s was accepted", words);
    if (strstr(wrong, words) == NULL)
        fail_msg("refused because it %s, not because it %s", wrong, words);
}

/* The promises of lib/elf.h, one a line; returns the one that is broken, or NULL. */
static const char *broken_promise(const struct elf_image *image, uint64_t size)
{
    bool entry_is_code = false;
    uint64_t end = image->virt_start;
    if (image->segments == 0 || image->segments > ELF_SEGMENTS_MAX)
        return "the count of segments";
    if (image->virt_start % PAGE_SIZE != 0 || image->virt_end % PAGE_SIZE != 0)
        return "a page-aligned range";
    if (image->virt_start < VIRT_MIN || image->virt_end > VIRT_MAX)
        return "a range within its limits";
    for (size_t i = 0; i < image->segments; i++) {
        const struct elf_segment *segment = &image->segment[i];
        if (segment->offset > size || segment->file_bytes > size - segment->offset)
            return "bytes within the file";
        if (segment->file_bytes > segment->memory_bytes || segment->memory_bytes == 0)
            return "room for the bytes";
        if (segment->virt % PAGE_SIZE != 0 || segment->virt < end)
            return "aligned, ascending, disjoint segments";
        if (segment->memory_bytes > image->virt_end - segment->virt)
            return "segments within the range";
        if ((segment->flags & ELF_WRITE) && (segment->flags & ELF_EXEC))
            return "write or execute";
        if ((segment->flags & ~7U) != 0)
            return "no unknown flags";
        end = segment->virt + segment->memory_bytes;
        entry_is_code |=
            (segment->flags & ELF_EXEC) && image->entry >= segment->virt && image->entry < end;
    }
    return entry_is_code ? NULL : "an entry in code";
}

static void elf_lists_the_segments_of_a_kernel(void **state)
{
    (void)state;
    struct file file;
    struct elf_image image;
    build_kernel(&file);
    assert_accepted(&file, &image);
    assert_null(broken_promise(&image, sizeof(file)));
    assert_int_equal(image.entry, VIRT_MIN + 8);
    assert_int_equal(image.virt_start, VIRT_MIN);
    assert_int_equal(image.virt_end, VIRT_MIN + 0x9000);
    assert_int_equal(image.segments, 3);
    assert_int_equal(image.segment[0].offset, offsetof(struct file, data) + 1);
    assert_int_equal(image.segment[0].flags, ELF_READ | ELF_EXEC);
    assert_int_equal(image.segment[1].virt, VIRT_MIN + 0x1000);
    assert_int_equal(image.segment[1].flags, ELF_READ);
    assert_int_equal(image.segment[2].file_bytes, 32);
    assert_int_equal(image.segment[2].memory_bytes, 0x5001);
    assert_int_equal(image.segment[2].flags, ELF_READ | ELF_WRITE);
}

static void elf_refuses_a_file_cut_at_any_length(void **state)
{
    (void)state;
    struct file file;
    struct elf_image image;
    build_kernel(&file);
    size_t needed = offsetof(struct file, data) + 129; /* the end of the code's bytes */
    for (size_t size = 0; size < needed; size++)
        assert_non_null(read_part(&file, size, &image));
    assert_null(read_part(&file, needed, &image));
    assert_string_equal(read_part(&file, 0, &image), "is not an ELF file");
    assert_string_equal(read_part(&file, 63, &image), "is not an ELF file");
    assert_non_null(strstr(read_part(&file, 64, &image), "ends before"));
    assert_non_null(strstr(read_part(&file, needed - 1, &image), "ends before"));
}

static void elf_refuses_every_change_of_its_identity(void **state)
{
    (void)state;
    for (size_t i = 0; i <= EI_VERSION; i++) {
        for (unsigned flip = 1; flip < 256; flip++) {
            struct file file;
            build_kernel(&file);
            file.header.e_ident[i] ^= (unsigned char)flip;
            assert_refused(&file, i < SELFMAG      ? "is not an ELF file"
                                  : i < EI_VERSION ? "is not for x86-64"
                                                   : "version");
        }
    }
}

/* Asserts that the kernel is refused once `field` holds `value`. */
#define ASSERT_FIELD_REFUSED(field, value, words) \
    do {                                          \
        struct file file;                         \
        build_kernel(&file);                      \
        file.field = (value);                     \
        assert_refused(&file, words);             \
    } while (0)

static void elf_refuses_a_damaged_header(void **state)
{
    (void)state;
    ASSERT_FIELD_REFUSED(header.e_type, ET_DYN, "statically linked executable");
    ASSERT_FIELD_REFUSED(header.e_type, ET_REL, "statically linked executable");
    ASSERT_FIELD_REFUSED(header.e_type, ET_CORE, "statically linked executable");
    ASSERT_FIELD_REFUSED(header.e_machine, EM_386, "x86-64");
    ASSERT_FIELD_REFUSED(header.e_machine, EM_AARCH64, "x86-64");
    ASSERT_FIELD_REFUSED(header.e_version, 0, "version");
    ASSERT_FIELD_REFUSED(header.e_phentsize, sizeof(Elf64_Phdr) - 1, "unknown size");
    ASSERT_FIELD_REFUSED(header.e_phentsize, 0, "unknown size");
    ASSERT_FIELD_REFUSED(header.e_phnum, 0, "no segment");
    ASSERT_FIELD_REFUSED(header.e_phnum, 0xffff, "ends before its program headers");
    ASSERT_FIELD_REFUSED(header.e_phoff, sizeof(file), "ends before its program headers");
    ASSERT_FIELD_REFUSED(header.e_phoff, UINT64_MAX, "ends before its program headers");
    ASSERT_FIELD_REFUSED(header.e_phoff, UINT64_MAX - 64, "ends before its program headers");
    ASSERT_FIELD_REFUSED(header.e_phoff, -(uint64_t)5 * sizeof(Elf64_Phdr), "ends before");
}

static void elf_refuses_segments_outside_the_file(void **state)
{
    (void)state;
    ASSERT_FIELD_REFUSED(program[1].p_offset, sizeof(file) - 63, "ends before its segments");
    ASSERT_FIELD_REFUSED(program[1].p_offset, sizeof(file) + 1, "ends before its segments");
    ASSERT_FIELD_REFUSED(program[1].p_offset, UINT64_MAX, "ends before its segments");
    ASSERT_FIELD_REFUSED(program[1].p_offset, -(uint64_t)64, "ends before its segments");
    ASSERT_FIELD_REFUSED(program[2].p_filesz, sizeof(file), "ends before its segments");
    ASSERT_FIELD_REFUSED(program[1].p_filesz, 65, "more bytes in the file");
    ASSERT_FIELD_REFUSED(program[1].p_filesz, UINT64_MAX, "more bytes in the file");
    ASSERT_FIELD_REFUSED(program[1].p_memsz, 63, "more bytes in the file");
    ASSERT_FIELD_REFUSED(program[1].p_memsz, 0, "more bytes in the file");

    struct file file;
    build_kernel(&file);
    file.program[2].p_filesz = UINT64_MAX - 8; /* its end wraps round to one in the file */
    file.program[2].p_memsz = UINT64_MAX;
    assert_refused(&file, "ends before its segments");
}

static void elf_refuses_segments_outside_their_addresses(void **state)
{
    (void)state;
    ASSERT_FIELD_REFUSED(program[0].p_vaddr, 0, "outside");
    ASSERT_FIELD_REFUSED(program[0].p_vaddr, VIRT_MIN - 0x1000, "outside");
    ASSERT_FIELD_REFUSED(program[2].p_vaddr, VIRT_MAX - 0x5000, "outside");
    ASSERT_FIELD_REFUSED(program[2].p_vaddr, VIRT_MAX, "outside");
    ASSERT_FIELD_REFUSED(program[2].p_vaddr, VIRT_MAX + 0x1000, "outside");
    ASSERT_FIELD_REFUSED(program[2].p_vaddr, -(uint64_t)0x1000, "outside");
    ASSERT_FIELD_REFUSED(program[2].p_memsz, UINT64_MAX, "outside");
    ASSERT_FIELD_REFUSED(program[2].p_memsz, -(VIRT_MIN + 0x3000), "outside");
    ASSERT_FIELD_REFUSED(program[2].p_memsz, -(VIRT_MIN + 0x3000) + 0x1000, "outside");
    ASSERT_FIELD_REFUSED(program[1].p_vaddr, VIRT_MIN + 0x1001, "start on a page");
}

static void elf_accepts_segments_up_to_the_last_address(void **state)
{
    (void)state;
    struct file file;
    struct elf_image image;
    build_kernel(&file);
    file.program[2].p_vaddr = VIRT_MAX - 0x6000;
    assert_accepted(&file, &image);
    assert_int_equal(image.virt_end, VIRT_MAX);
}

/* A limit inside a page must not let virt_end, which is rounded up, pass it or wrap to zero. */
static void elf_keeps_whole_pages_within_its_limits(void **state)
{
    (void)state;
    struct file file;
    struct elf_image image;
    start_file(&file);
    file.header.e_entry = -(uint64_t)0x2000;
    add_program(&file, PF_X, -(uint64_t)0x2000, 0, 0x1000);
    assert_null(elf_read(&file, sizeof(file), VIRT_MIN, UINT64_MAX, &image));
    assert_int_equal(image.virt_end, -(uint64_t)0x1000);
    file.program[0].p_memsz = 0x1001;
    assert_non_null(elf_read(&file, sizeof(file), VIRT_MIN, UINT64_MAX, &image));
    file.program[0].p_memsz = 0x800;
    assert_non_null(elf_read(&file, sizeof(file), VIRT_MIN, -(uint64_t)0x1800, &image));
    assert_null(elf_read(&file, sizeof(file), VIRT_MIN, -(uint64_t)0x1000, &image));
}

static void elf_refuses_overlapping_and_descending_segments(void **state)
{
    (void)state;
    ASSERT_FIELD_REFUSED(program[1].p_vaddr, VIRT_MIN, "overlap");
    ASSERT_FIELD_REFUSED(program[0].p_memsz, 0x1001, "overlap");
    ASSERT_FIELD_REFUSED(program[2].p_vaddr, VIRT_MIN + 0x1000, "overlap");
    ASSERT_FIELD_REFUSED(program[0].p_vaddr, VIRT_MIN + 0x100000, "overlap");
}

static void elf_refuses_writable_code(void **state)
{
    (void)state;
    ASSERT_FIELD_REFUSED(program[0].p_flags, PF_W | PF_X, "both writable and executable");
    ASSERT_FIELD_REFUSED(program[2].p_flags, PF_R | PF_W | PF_X, "both writable and executable");
}

static void elf_refuses_an_entry_outside_its_code(void **state)
{
    (void)state;
    ASSERT_FIELD_REFUSED(header.e_entry, 0, "entry");
    ASSERT_FIELD_REFUSED(header.e_entry, VIRT_MIN - 1, "entry");
    ASSERT_FIELD_REFUSED(header.e_entry, VIRT_MIN + 128, "entry");
    ASSERT_FIELD_REFUSED(header.e_entry, VIRT_MIN + 0x1000, "entry");
    ASSERT_FIELD_REFUSED(header.e_entry, UINT64_MAX, "entry");
    ASSERT_FIELD_REFUSED(program[0].p_flags, PF_R, "entry");
}

static void elf_refuses_dynamic_linking(void **state)
{
    (void)state;
    ASSERT_FIELD_REFUSED(program[3].p_type, PT_INTERP, "is not statically linked");
    ASSERT_FIELD_REFUSED(program[4].p_type, PT_DYNAMIC, "is not statically linked");
}

static void elf_skips_segments_of_no_size(void **state)
{
    (void)state;
    struct file file;
    struct elf_image image;
    build_kernel(&file);
    Elf64_Phdr *empty = add_program(&file, PF_W | PF_X, 1, 0, 0);
    empty->p_offset = UINT64_MAX;
    assert_accepted(&file, &image);
    assert_int_equal(image.segments, 3);
}

static void elf_holds_as_many_segments_as_it_says(void **state)
{
    (void)state;
    struct file file;
    struct elf_image image;
    start_file(&file);
    for (uint64_t i = 0; i < ELF_SEGMENTS_MAX; i++)
        add_program(&file, PF_R | PF_X, VIRT_MIN + i * PAGE_SIZE, 1, PAGE_SIZE);
    assert_accepted(&file, &image);
    assert_int_equal(image.segments, ELF_SEGMENTS_MAX);
    assert_int_equal(image.segment[ELF_SEGMENTS_MAX - 1].virt,
                     VIRT_MIN + (ELF_SEGMENTS_MAX - 1) * PAGE_SIZE);
    add_program(&file, PF_R, VIRT_MIN + ELF_SEGMENTS_MAX * PAGE_SIZE, 1, 1);
    assert_refused(&file, "too many segments");
}

static void elf_refuses_a_file_without_segments(void **state)
{
    (void)state;
    struct file file;
    start_file(&file);
    assert_refused(&file, "no segment to load");
    add_program(&file, PF_R, VIRT_MIN, 16, 16)->p_type = PT_NOTE;
    assert_refused(&file, "no segment to load");
}

/* Damages a field of 1 to 8 bytes, mostly by numbers that arithmetic goes wrong at. */
static void damage(struct file *file)
{
    static const uint64_t numbers[] = {
        0,
        1,
        7,
        0xfff,
        0x1000,
        0x1001,
        0x8000,
        UINT32_MAX,
        UINT64_MAX,
        1UL << 63,
        INT64_MAX,
        -0x1000UL,
        -0x1001UL,
        0xffffffff80000000,
        0xffffffff80001000,
        0xffffffffbffff000,
        0xffffffffc0000000,
        sizeof(struct file),
        offsetof(struct file, data),
    };
    size_t size = (size_t)1 << random_below(&dice, 4);
    size_t used = offsetof(struct file, program) + 5 * sizeof(Elf64_Phdr);
    size_t place = random_below(&dice, used / size) * size;
    uint64_t value = numbers[random_below(&dice, sizeof(numbers) / sizeof(numbers[0]))];
    if (random_once_in(&dice, 3))
        value = random_next(&dice);
    if (random_once_in(&dice, 3))
        value = 1 + random_below(&dice, 8);
    memcpy((char *)file + place, &value, size);
}

static void elf_never_breaks_its_promises_on_damaged_files(void **state)
{
    (void)state;
    dice = random_start();
    uint64_t accepted = 0;
    uint64_t variants = random_steps(100000);
    for (uint64_t variant = 0; variant < variants; variant++) {
        struct file file;
        struct elf_image image;
        build_kernel(&file);
        for (size_t faults = 1 + random_below(&dice, 4); faults > 0; faults--)
            damage(&file);
        size_t size =
            random_once_in(&dice, 4) ? random_below(&dice, sizeof(file) + 1) : sizeof(file);
        if (read_part(&file, size, &image) != NULL)
            continue;
        accepted++;
        const char *broken = broken_promise(&image, size);
        if (broken != NULL)
            fail_msg("SEED=%lu, variant %lu does not keep: %s", dice.seed, variant, broken);
    }
    /* A fuzzer that always or never gets through tests nothing. */
    assert_in_range(accepted, variants / 20, variants / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elf_lists_the_segments_of_a_kernel),
        cmocka_unit_test(elf_refuses_a_file_cut_at_any_length),
        cmocka_unit_test(elf_refuses_every_change_of_its_identity),
        cmocka_unit_test(elf_refuses_a_damaged_header),
        cmocka_unit_test(elf_refuses_segments_outside_the_file),
        cmocka_unit_test(elf_refuses_segments_outside_their_addresses),
        cmocka_unit_test(elf_accepts_segments_up_to_the_last_address),
        cmocka_unit_test(elf_keeps_whole_pages_within_its_limits),
        cmocka_unit_test(elf_refuses_overlapping_and_descending_segments),
        cmocka_unit_test(elf_refuses_writable_code),
        cmocka_unit_test(elf_refuses_an_entry_outside_its_code),
        cmocka_unit_test(elf_refuses_dynamic_linking),
        cmocka_unit_test(elf_skips_segments_of_no_size),
        cmocka_unit_test(elf_holds_as_many_segments_as_it_says),
        cmocka_unit_test(elf_refuses_a_file_without_segments),
        cmocka_unit_test(elf_never_breaks_its_promises_on_damaged_files),
    };
    return cmocka_run_group_tests_name("elf", tests, NULL, NULL);
}
