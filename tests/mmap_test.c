/* SPDX-License-Identifier: MIT */
/* Tests kernel/mm/mmap.c: what Linux answered, case by case (the letters are those of the cases),
 * and random calls page by page against tests/host/model.c. */
#include "kernel/mm/mmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/memlayout.h"
#include "lib/error.h"
#include "tests/host/machine.h"
#include "tests/host/model.h"
#include "tests/host/ram.h"
#include "tests/host/shrink.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define PAGE         PAGE_SIZE
#define START        MEMLAYOUT_MMAP_START
#define END          MEMLAYOUT_MMAP_END

/* The window of the model lies across the border of two page tables. */
#define AT(page) (START + 2 * MIB - 100 * PAGE + (page)*PAGE)

#define RO   PROT_READ
#define RW   (PROT_READ | PROT_WRITE)
#define RX   (PROT_READ | PROT_EXEC)
#define RWX  (PROT_READ | PROT_WRITE | PROT_EXEC)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static struct model model;

static int begin(void **state)
{
    *state = &model;
    model_start(&model, START, END, AT(0));
    mmap_init(&model.space);
    return 0;
}

/* What a protection means on x86, where whatever can be written or executed can be read, too. */
static const unsigned flags_of[] = {
    [PROT_NONE] = 0,
    [PROT_READ] = PAGE_READ | PAGE_GLOBAL,
    [PROT_WRITE] = PAGE_READ | PAGE_WRITE | PAGE_GLOBAL,
    [PROT_READ | PROT_WRITE] = PAGE_READ | PAGE_WRITE | PAGE_GLOBAL,
    [PROT_EXEC] = PAGE_READ | PAGE_EXEC | PAGE_GLOBAL,
    [PROT_READ | PROT_EXEC] = PAGE_READ | PAGE_EXEC | PAGE_GLOBAL,
};

/* Unknown bits mean nothing. */
static unsigned page_flags(unsigned prot)
{
    assert_in_range(prot & RWX, 0, COUNT(flags_of) - 1);
    return flags_of[prot & RWX];
}

static void map_fixed(size_t first, size_t past, unsigned prot)
{
    assert_int_equal(kmmap(AT(first), (past - first) * PAGE, prot, ANON | MAP_FIXED), AT(first));
    model_map(&model, first, past, page_flags(prot));
}

/* Single calls. Before each, pages 20 to 27 are mapped and written, 40 and 42 are mapped. A failing
 * call must change nothing; what a succeeding one maps is unmapped again. */

enum { ANYWHERE = 1 }; /* an address that no call returns: any will do */

static const struct {
    const char *name;
    uintptr_t hint;
    size_t length;
    unsigned prot, flags;
    intptr_t expected;
} map_cases[] = {
    {"M1", 0, PAGE, RW, ANON, ANYWHERE},
    {"M2: length 0", 0, 0, RW, ANON, -EINVAL},
    {"M3: length 1", AT(3), 1, RW, ANON, AT(3)},
    {"M4: rounding up wraps", 0, SIZE_MAX, RW, ANON, -ENOMEM},
    {"M4: rounding up wraps, fixed", AT(0), SIZE_MAX, RW, ANON | MAP_FIXED, -ENOMEM},
    {"M4b: larger than the window", 0, END - START + PAGE, RW, ANON, -ENOMEM},
    {"M4b", 0, (size_t)1 << 47, RW, ANON, -ENOMEM},
    {"M4c", 0, SIZE_MAX - 4095, RW, ANON, -ENOMEM},
    {"M5: neither shared nor private", 0, PAGE, RW, MAP_ANONYMOUS, -EINVAL},
    {"M6: both", 0, PAGE, RW, ANON | MAP_SHARED, -EINVAL},
    {"M7: shared", 0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, ANYWHERE},
    {"M9: no file", 0, PAGE, RW, MAP_PRIVATE, -EBADF},
    {"M9, M2: no file and length 0", 0, 0, RW, MAP_PRIVATE, -EBADF},
    {"M9, M5: no file, not shared, not private", 0, PAGE, RW, 0, -EBADF},
    {"M11: the hint is rounded down", AT(5) + 123, PAGE, RW, ANON, AT(5)},
    {"M11: the hint has room", AT(14), 6 * PAGE, RW, ANON, AT(14)},
    {"M12: no room at the hint", AT(15), 6 * PAGE, RW, ANON, ANYWHERE},
    {"M12: the hint is mapped", AT(24), PAGE, RW, ANON, ANYWHERE},
    {"M13: fixed, misaligned", AT(5) + 1, PAGE, RW, ANON | MAP_FIXED, -EINVAL},
    {"M13: noreplace, misaligned", AT(5) + 1, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -EINVAL},
    {"M14: fixed, free", AT(5), 3 * PAGE, RW, ANON | MAP_FIXED, AT(5)},
    {"M15: noreplace over a mapping", AT(24), PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -EEXIST},
    {"M15: noreplace, the end touches", AT(16), 5 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -EEXIST},
    {"M15: noreplace over a hole", AT(39), 5 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -EEXIST},
    {"M15: noreplace, both", AT(24), PAGE, RW, ANON | MAP_FIXED | MAP_FIXED_NOREPLACE, -EEXIST},
    {"M15: noreplace, free", AT(16), 4 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, AT(16)},
    {"M16: fixed at 0", 0, PAGE, RW, ANON | MAP_FIXED, -ENOMEM},
    {"M17: fixed below the window", START - PAGE, PAGE, RW, ANON | MAP_FIXED, -ENOMEM},
    {"M17: fixed above the window", END, PAGE, RW, ANON | MAP_FIXED, -ENOMEM},
    {"M17: fixed at the top of all", 0xfffffffffffff000, PAGE, RW, ANON | MAP_FIXED, -ENOMEM},
    {"M17b: across the top", END - PAGE, 2 * PAGE, RW, ANON | MAP_FIXED, -ENOMEM},
    {"M17b: across the bottom", START - PAGE, 2 * PAGE, RW, ANON | MAP_FIXED, -ENOMEM},
    {"M17b: wraps", 0xfffffffffffff000, 2 * PAGE, RW, ANON | MAP_FIXED, -ENOMEM},
    {"M17b: noreplace across the top", END - PAGE, 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE,
     -ENOMEM},
    {"M17: the last page", END - PAGE, PAGE, RW, ANON | MAP_FIXED, END - PAGE},
    {"M17c: hint outside", 0xffff800000000000, PAGE, RW, ANON, ANYWHERE},
    {"M17c: hint across the top", END - PAGE, 2 * PAGE, RW, ANON, ANYWHERE},
    {"M17c: hint at the top of all", UINTPTR_MAX, PAGE, RW, ANON, ANYWHERE},
    {"M18: unknown prot bit", AT(3), PAGE, RW | 0x80, ANON, AT(3)},
    {"M19: unknown flag bit", AT(3), PAGE, RW, ANON | 0x8000000, AT(3)},
    {"M20: no access", AT(3), 2 * PAGE, PROT_NONE, ANON, AT(3)},
    {"M21: read", AT(3), 2 * PAGE, RO, ANON, AT(3)},
    {"M22: write alone", AT(3), 2 * PAGE, PROT_WRITE, ANON, AT(3)},
    {"M22: execute alone", AT(3), 2 * PAGE, PROT_EXEC, ANON, AT(3)},
    {"M24: writable and executable", AT(3), PAGE, RWX, ANON, -EINVAL},
    {"M24: without read", 0, PAGE, PROT_WRITE | PROT_EXEC, ANON, -EINVAL},
    {"M25b: more than there is", 0, 64 * GIB, RW, ANON, -ENOMEM},
};

static void prepare(void)
{
    map_fixed(20, 28, RW);
    map_fixed(40, 41, RW);
    map_fixed(42, 43, RW);
    for (size_t page = 0; page < MODEL_PAGES; page++)
        model_write(&model, page, 0x5000 + page);
}

/* What was mapped at `address`: zero, as asked for, and not where something was. */
static void check_and_unmap(const char *name, uintptr_t address, size_t length, unsigned prot)
{
    size_t pages = (length + PAGE - 1) / PAGE, first = (address - AT(0)) / PAGE;
    if (address % PAGE != 0 || address < START || address > END - pages * PAGE)
        fail_msg("%s: 0x%lx is not in the window", name, address);
    if (address >= AT(0) && first + pages <= MODEL_PAGES) {
        for (size_t page = first; page < first + pages; page++)
            if (model.page[page].mapped)
                fail_msg("%s: what was mapped has been replaced", name);
        model_map(&model, first, first + pages, page_flags(prot));
        model_compare(&model, name);
        model_unmap(&model, first, first + pages);
    }
    assert_int_equal(kmunmap(address, length), 0);
}

static void each_map_is_answered_as_by_linux(void **state)
{
    (void)state;
    prepare();
    for (size_t i = 0; i < COUNT(map_cases); i++) {
        const char *name = map_cases[i].name;
        uint64_t free = ram_free();
        intptr_t got =
            kmmap(map_cases[i].hint, map_cases[i].length, map_cases[i].prot, map_cases[i].flags);
        intptr_t expected = map_cases[i].expected;
        if (expected == ANYWHERE ? is_error(got) : got != expected)
            fail_msg("%s: %ld (0x%lx), not %ld", name, got, got, expected);
        if (!is_error(got))
            check_and_unmap(name, (uintptr_t)got, map_cases[i].length, map_cases[i].prot);
        model_compare(&model, name);
        if (ram_free() != free)
            fail_msg("%s: frames were lost", name);
    }
}

static const struct {
    const char *name;
    uintptr_t start;
    size_t length;
    int expected;
} unmap_cases[] = {
    {"U1: misaligned", AT(20) + 1, PAGE, -EINVAL},
    {"U2: length 0", AT(20), 0, -EINVAL},
    {"U4: nothing mapped", AT(50), 4 * PAGE, 0},
    {"U4: the hole", AT(41), PAGE, 0},
    {"U7: wraps", AT(20), SIZE_MAX - 0x10000, -EINVAL},
    {"U7: wraps to above", 0xfffffffffffff000, 2 * PAGE, -EINVAL},
    {"U8: above the window", END, PAGE, -EINVAL},
    {"U8: below the window", START - PAGE, PAGE, -EINVAL},
    {"U8: across the top", END - PAGE, 2 * PAGE, -EINVAL},
    {"U8: across the bottom", START - PAGE, 2 * PAGE, -EINVAL},
    {"U8: one byte too many", END - PAGE, PAGE + 1, -EINVAL},
    {"U8: the last page", END - PAGE, PAGE, 0},
    {"U10: page 0", 0, PAGE, -EINVAL},
    {"U11: as long as can be", AT(20), SIZE_MAX, -EINVAL},
    {"U11: rounds to 0", START, SIZE_MAX - 4094, -EINVAL},
};

static void each_unmap_is_answered_as_by_linux(void **state)
{
    (void)state;
    prepare();
    for (size_t i = 0; i < COUNT(unmap_cases); i++) {
        int got = kmunmap(unmap_cases[i].start, unmap_cases[i].length);
        if (got != unmap_cases[i].expected)
            fail_msg("%s: %d, not %d", unmap_cases[i].name, got, unmap_cases[i].expected);
        model_compare(&model, unmap_cases[i].name);
    }
}

#define PROT_GROWSDOWN 0x1000000
#define PROT_GROWSUP   0x2000000

static const struct {
    const char *name;
    uintptr_t start;
    size_t length;
    unsigned prot;
    int expected;
} protect_cases[] = {
    {"P1: misaligned", AT(20) + 1, PAGE, RO, -EINVAL},
    {"P1, P2: misaligned, length 0", AT(20) + 1, 0, RO, -EINVAL},
    {"P2: length 0", AT(20), 0, RO, 0},
    {"P2b: length 0, nothing mapped", AT(50), 0, RO, 0},
    {"P2b: length 0, outside", 0, 0, RO, 0},
    {"P6: nothing mapped", AT(50), PAGE, RO, -ENOMEM},
    {"P6: the page before", AT(19), 3 * PAGE, RO, -ENOMEM},
    {"P8: unknown bit", AT(20), PAGE, RO | 0x80, -EINVAL},
    {"P8, P6: unknown bit, nothing mapped", AT(50), PAGE, RO | 0x80, -EINVAL},
    {"P8c: grows up and down", AT(20), PAGE, RO | PROT_GROWSUP | PROT_GROWSDOWN, -EINVAL},
    {"P9: wraps", AT(20), SIZE_MAX - 0x100000, RO, -ENOMEM},
    {"P10: above the window", END, PAGE, RO, -ENOMEM},
    {"P10: below the window", START - PAGE, PAGE, RO, -ENOMEM},
    {"P10: page 0", 0, PAGE, RO, -ENOMEM},
    {"P11: writable and executable", AT(20), PAGE, RWX, -EINVAL},
    {"P11: without read", AT(20), PAGE, PROT_WRITE | PROT_EXEC, -EINVAL},
    {"P12: rounds to 0", AT(20), SIZE_MAX, RO, -ENOMEM},
};

static void each_protect_is_answered_as_by_linux(void **state)
{
    (void)state;
    prepare();
    for (size_t i = 0; i < COUNT(protect_cases); i++) {
        int got = kmprotect(protect_cases[i].start, protect_cases[i].length, protect_cases[i].prot);
        if (got != protect_cases[i].expected)
            fail_msg("%s: %d, not %d", protect_cases[i].name, got, protect_cases[i].expected);
        model_compare(&model, protect_cases[i].name);
    }
}

/* Cases of several calls */

static void m12b_a_hint_does_not_replace(void **state)
{
    (void)state;
    prepare();
    intptr_t got = kmmap(AT(20), 8 * PAGE, RW, ANON);
    assert_false(is_error(got));
    assert_true((uintptr_t)got >= AT(28) || (uintptr_t)got + 8 * PAGE <= AT(20));
    assert_int_equal(kmunmap((uintptr_t)got, 8 * PAGE), 0);
    model_compare(&model, "M12b");
}

static void m14b_fixed_replaces_and_the_old_contents_are_gone(void **state)
{
    (void)state;
    prepare();
    map_fixed(22, 24, RW);
    model_compare(&model, "M14b");
    assert_int_equal(model.space.region_count, 3);
    map_fixed(18, 45, RO);
    model_compare(&model, "M14b");
}

static void m25_no_access_takes_no_memory(void **state)
{
    (void)state;
    uint64_t before = ram_free();
    intptr_t got = kmmap(0, 64 * GIB, PROT_NONE, ANON);
    assert_false(is_error(got));
    assert_true(ram_free() >= before - 1);
    assert_int_equal(kmunmap((uintptr_t)got, 64 * GIB), 0);
    assert_int_equal(ram_free(), before);
}

static void the_whole_window_can_be_had(void **state)
{
    (void)state;
    assert_int_equal(kmmap(0, END - START, PROT_NONE, ANON), START);
    assert_int_equal(kmmap(0, PAGE, RW, ANON), -ENOMEM);
    assert_int_equal(kmmap(AT(0), PAGE, RW, ANON), -ENOMEM);
    assert_int_equal(kmunmap(AT(3), 2 * PAGE), 0);
    assert_int_equal(kmmap(0, 3 * PAGE, RW, ANON), -ENOMEM);
    assert_int_equal(kmmap(0, 2 * PAGE, RW, ANON), AT(3));
    assert_int_equal(kmunmap(START, END - START), 0);
    model_compare(&model, "the whole window");
}

static void u3_one_byte_unmaps_a_page(void **state)
{
    (void)state;
    prepare();
    assert_int_equal(kmunmap(AT(20), 1), 0);
    model_unmap(&model, 20, 21);
    model_compare(&model, "U3");
    assert_int_equal(kmunmap(AT(21), PAGE + 1), 0);
    model_unmap(&model, 21, 23);
    model_compare(&model, "U3");
}

static void u5_u6_u9_unmap_cuts_and_goes_over_holes(void **state)
{
    (void)state;
    prepare();
    assert_int_equal(kmunmap(AT(23), 2 * PAGE), 0);
    model_unmap(&model, 23, 25);
    model_compare(&model, "U6");
    assert_int_equal(kmunmap(AT(26), 16 * PAGE), 0);
    model_unmap(&model, 26, 42);
    model_compare(&model, "U5, U9");
}

static void p3_to_p5_protection_keeps_the_contents(void **state)
{
    (void)state;
    prepare();
    static const struct {
        const char *name;
        size_t page, length;
        unsigned prot;
    } steps[] = {
        {"P3", 21, PAGE, RO},           {"P4: none", 22, PAGE, PROT_NONE},
        {"P4c: back", 22, PAGE, RW},    {"P5: one byte", 23, 1, RO},
        {"P11: execute", 24, PAGE, RX}, {"P11: back", 24, PAGE, RW},
        {"P3: back", 20, 8 * PAGE, RW},
    };
    for (size_t i = 0; i < COUNT(steps); i++) {
        size_t past = steps[i].page + (steps[i].length + PAGE - 1) / PAGE;
        assert_int_equal(kmprotect(AT(steps[i].page), steps[i].length, steps[i].prot), 0);
        assert_int_equal(model_protect(&model, steps[i].page, past, page_flags(steps[i].prot)), 0);
        model_compare(&model, steps[i].name);
    }
}

static void p7_protection_acts_before_the_hole_alone(void **state)
{
    (void)state;
    prepare();
    assert_int_equal(kmprotect(AT(40), 3 * PAGE, RO), -ENOMEM);
    assert_int_equal(model_protect(&model, 40, 43, page_flags(RO)), -ENOMEM);
    assert_false(model.page[40].flags & PAGE_WRITE);
    assert_true(model.page[42].flags & PAGE_WRITE);
    model_compare(&model, "P7");
    assert_int_equal(kmprotect(AT(25), 10 * PAGE, PROT_NONE), -ENOMEM);
    assert_int_equal(model_protect(&model, 25, 35, 0), -ENOMEM);
    model_compare(&model, "P7");
}

static void p8b_prot_sem_is_accepted(void **state)
{
    (void)state;
    prepare();
    assert_int_equal(kmprotect(AT(20), PAGE, RO | PROT_SEM), 0);
    model_protect(&model, 20, 21, page_flags(RO));
    model_compare(&model, "P8b");
}

static void l3_a_cut_without_memory_for_it_changes_nothing(void **state)
{
    (void)state;
    prepare();
    /* Use up the memory for descriptions of regions that is there already. */
    uintptr_t more = START + GIB;
    int error = 0;
    ram_fail_after(0, true);
    size_t regions = 0;
    while (error == 0 && regions < 1000)
        error = is_error(kmmap(more + 2 * regions++ * PAGE, PAGE, PROT_NONE, ANON | MAP_FIXED));
    assert_true(error);
    assert_int_equal(kmunmap(AT(23), PAGE), -ENOMEM);
    assert_int_equal(kmprotect(AT(23), PAGE, RO), -ENOMEM);
    assert_int_equal(kmunmap(AT(20), PAGE), 0); /* cuts nothing in two */
    ram_fail_never();
    assert_int_equal(kmunmap(more, 2000 * PAGE), 0);
    model_unmap(&model, 20, 21);
    model_compare(&model, "L3");
}

/* Random calls, some of them starved as in aspace_test. As a shrink_op, a call is {what, {first
 * page, length, MIX of prot and flags, dice}}. */

enum { MAP, UNMAP, PROTECT };
static const char *const kinds[] = {"MAP", "UNMAP", "PROTECT"};

struct call {
    unsigned what;
    size_t first, length;
    unsigned prot, flags;
};

static size_t past(struct call call)
{
    return call.first + (call.length + PAGE - 1) / PAGE;
}

#define MIX(prot, flags) ((uint64_t)(flags) << 4 | (prot))

static struct shrink_op make_call(struct random *dice, uint64_t step)
{
    static const unsigned prots[] = {PROT_NONE, RO, RW, RW, PROT_WRITE, RX, RWX};
    static const unsigned placing[] = {0, 0, MAP_FIXED, MAP_FIXED_NOREPLACE};
    size_t most = random_once_in(dice, 10) ? MODEL_PAGES : 12;
    size_t first = random_below(dice, MODEL_PAGES), length = random_below(dice, most * PAGE);
    unsigned prot = prots[random_below(dice, COUNT(prots))];
    unsigned flags = ANON | placing[random_below(dice, COUNT(placing))];
    (void)step;
    if (length > (MODEL_PAGES - first) * PAGE)
        length = (MODEL_PAGES - first) * PAGE;
    return (struct shrink_op){
        .what = (unsigned)random_below(dice, 3),
        .with = {first, length, MIX(prot, flags), random_next(dice)},
    };
}

/* A shrunk operation may have lost some of its flags. */
static struct call call_of(const struct shrink_op *op)
{
    return (struct call){.what = op->what,
                         .first = op->with[0],
                         .length = op->with[1],
                         .prot = op->with[2] & RWX,
                         .flags = ((op->with[2] >> 4) & (MAP_FIXED | MAP_FIXED_NOREPLACE)) | ANON};
}

static bool any_mapped(struct call call)
{
    for (size_t page = call.first; page < past(call); page++)
        if (model.page[page].mapped)
            return true;
    return false;
}

static intptr_t make(struct call call)
{
    if (call.what == MAP)
        return kmmap(AT(call.first), call.length, call.prot, call.flags);
    if (call.what == UNMAP)
        return kmunmap(AT(call.first), call.length);
    return kmprotect(AT(call.first), call.length, call.prot);
}

/* What the call should answer when it has memory; the model has changed then. */
static intptr_t make_in_model(struct call call)
{
    bool forbidden = (call.prot & RWX) == RWX;
    if (call.length == 0)
        return call.what == PROTECT ? 0 : -EINVAL;
    if (call.what == UNMAP) {
        model_unmap(&model, call.first, past(call));
        return 0;
    }
    if (call.what == PROTECT)
        return forbidden ? -EINVAL
                         : model_protect(&model, call.first, past(call), page_flags(call.prot));
    if ((call.flags & MAP_FIXED_NOREPLACE) && any_mapped(call))
        return -EEXIST;
    if (forbidden)
        return -EINVAL;
    if (!(call.flags & MAP_FIXED) && any_mapped(call))
        return ANYWHERE;
    model_map(&model, call.first, past(call), page_flags(call.prot));
    return (intptr_t)AT(call.first);
}

static intptr_t make_with_failures(struct random *dice, struct call call)
{
    bool for_good = random_once_in(dice, 2);
    uint64_t free = ram_free();
    for (uint64_t nth = 0;; nth++) {
        ram_fail_after(nth, for_good);
        intptr_t got = make(call);
        if (!ram_fail_never())
            return got;
        assert_int_equal(got, -ENOMEM);
        assert_int_equal(ram_free(), free);
        model_compare(&model, "starved");
    }
}

static void apply_call(const struct shrink_op *op)
{
    struct call call = call_of(op);
    struct random dice = {.state = op->with[3]};
    for (int i = 0; i < 20; i++)
        model_write(&model, random_below(&dice, MODEL_PAGES), random_next(&dice));
    for (int i = 0; i < 60; i++)
        model_touch(&model, random_below(&dice, MODEL_PAGES));
    intptr_t got = random_once_in(&dice, 8) ? make_with_failures(&dice, call) : make(call);
    intptr_t expected = make_in_model(call);
    if (expected == ANYWHERE) {
        assert_false(is_error(got));
        check_and_unmap("a hint without room", (uintptr_t)got, call.length, call.prot);
    } else {
        assert_int_equal(got, expected);
    }
    model_compare(&model, kinds[call.what]);
}

static void check_space(void)
{
    model_compare(&model, "at the end");
}

static void finish_space(void)
{
    assert_silent(model_stop(&model));
}

static const struct shrink_test calls = {
    .name = "calls",
    .kinds = kinds,
    .make = make_call,
    .apply = apply_call,
    .check = check_space,
    .check_every = UINT64_MAX,
    .finish = finish_space,
};

static void random_calls_agree_with_the_model(void **state)
{
    (void)state;
    shrink_random(&calls, random_steps(4000));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, model_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_map_is_answered_as_by_linux),
        TEST(each_unmap_is_answered_as_by_linux),
        TEST(each_protect_is_answered_as_by_linux),
        TEST(m12b_a_hint_does_not_replace),
        TEST(m14b_fixed_replaces_and_the_old_contents_are_gone),
        TEST(m25_no_access_takes_no_memory),
        TEST(the_whole_window_can_be_had),
        TEST(u3_one_byte_unmaps_a_page),
        TEST(u5_u6_u9_unmap_cuts_and_goes_over_holes),
        TEST(p3_to_p5_protection_keeps_the_contents),
        TEST(p7_protection_acts_before_the_hole_alone),
        TEST(p8b_prot_sem_is_accepted),
        TEST(l3_a_cut_without_memory_for_it_changes_nothing),
        TEST(random_calls_agree_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
