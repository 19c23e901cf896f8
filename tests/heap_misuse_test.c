/* SPDX-License-Identifier: MIT */
/* Commits every misuse of tests/misuse, in all builds of the heap that see it. */
#include "tests/misuse/misuse.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct heap_world misuse_world, misuse_other_world;
struct heap misuse_heap, misuse_other_heap, misuse_foreign_heap;

static sigjmp_buf faulted;
static const char *fault_expected;

void *misuse_alloc(size_t size)
{
    void *block = heap_alloc(&misuse_heap, size);
    assert_non_null(block);
    return block;
}

void misuse_format(char *text, size_t room, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, room, format, arguments);
    va_end(arguments);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (info->si_addr == fault_expected)
        siglongjmp(faulted, 1);
    signal(number, SIG_DFL);
}

sigjmp_buf *misuse_catch(const void *address)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    fault_expected = address;
    sigaction(SIGSEGV, &action, NULL);
    return &faulted;
}

void misuse_caught(void)
{
    signal(SIGSEGV, SIG_DFL);
}

static int start_over(void **state)
{
    (void)state;
    host_heap_start(&misuse_world, 0, 4 * GIB, 0);
    host_heap_start(&misuse_other_world, 1, 4 * GIB, 0);
    heap_init(&misuse_heap, &misuse_world);
    heap_init(&misuse_other_heap, &misuse_world);
    heap_init(&misuse_foreign_heap, &misuse_other_world);
    misuse_alloc(40); /* slabs of these sizes stay */
    misuse_alloc(500);
    return 0;
}

static void commit(void **state)
{
    ((const struct misuse *)*state)->commit();
}

#define EACH(MISUSE)                        \
    MISUSE(double_free)                     \
    MISUSE(double_free_later)               \
    MISUSE(double_free_by_two_heaps)        \
    MISUSE(double_free_of_large_block)      \
    MISUSE(double_free_of_huge_block)       \
    MISUSE(interior_pointer)                \
    MISUSE(interior_pointer_of_large_block) \
    MISUSE(invalid_free)                    \
    MISUSE(free_of_never_allocated_block)   \
    MISUSE(free_of_foreign_heap)            \
    MISUSE(overflow_of_small_block)         \
    MISUSE(overflow_of_large_block)         \
    MISUSE(overflow_into_guard)             \
    MISUSE(overflow_seen_by_realloc)        \
    MISUSE(underflow)                       \
    MISUSE(write_after_free)                \
    MISUSE(write_after_free_of_huge_block)  \
    MISUSE(sized_free_mismatch)             \
    MISUSE(realloc_after_free)              \
    MISUSE(bad_alignment)                   \
    MISUSE(zero_taken_for_granted)          \
    MISUSE(read_after_free)

#define DECLARE(name) extern const struct misuse misuse_##name;
#define ENTER(name)   &misuse_##name,
EACH(DECLARE)
static const struct misuse *const misuses[] = {EACH(ENTER)};

static int run(unsigned build, const char *title)
{
    struct CMUnitTest tests[COUNT(misuses)];
    size_t count = 0;
    host_heap_debug = build == DEBUG;
    host_heap_harden = build == HARDENED;
    for (size_t i = 0; i < COUNT(misuses); i++)
        if ((misuses[i]->seen_by & build) != 0)
            tests[count++] = (struct CMUnitTest){.name = misuses[i]->name,
                                                 .test_func = commit,
                                                 .setup_func = start_over,
                                                 .initial_state = (void *)misuses[i]};
    return _cmocka_run_group_tests(title, tests, count, NULL, NULL);
}

int main(void)
{
    return run(RELEASE, "heap misuse, release") + run(DEBUG, "heap misuse, debug") +
           run(HARDENED, "heap misuse, hardened");
}
