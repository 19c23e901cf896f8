/* SPDX-License-Identifier: MIT */
/*
 * The in-kernel tests. A test is a function defined by KTEST in tests/kernel/GROUP_ktest.c; the
 * linker gathers them. Results are printed as TAP. A test that panics, faults or fails a check is
 * abandoned there and counts as failed; the others go on.
 */
#pragma once

#include <stdbool.h>

struct ktest {
    const char *group;
    const char *name; /* a sentence with underscores */
    void (*run)(void);
};

#define KTEST(group_name, test_name)                                                    \
    static void test_name(void);                                                        \
    static const struct ktest ktest_##test_name = {#group_name, #test_name, test_name}; \
    __attribute__((section(".ktest"),                                                   \
                   used)) static const struct ktest *const ktest_entry_##test_name =    \
        &ktest_##test_name;                                                             \
    static void test_name(void)

/* Fails the running test unless `holds`. */
#define KTEST_CHECK(holds)                          \
    do {                                            \
        if (!(holds))                               \
            ktest_fail(__FILE__, __LINE__, #holds); \
    } while (0)

_Noreturn void ktest_fail(const char *file, int line, const char *text);

/* Ends the running test as skipped, since this machine cannot run it. */
_Noreturn void ktest_skip(const char *reason);

/* For checkers: prints the sentence as a diagnostic of the running test. */
void ktest_report(const char *sentence);

/* Prints "# suite GROUP" for each group. */
void ktest_list(void);

/* Runs the tests of one group, or all if `group` is NULL; `is_long`: those that can, for longer.
 * True iff none failed and there were any. */
bool ktest_run(const char *group, bool is_long);

/* May the running test take minutes? */
bool ktest_is_long(void);
