/* SPDX-License-Identifier: MIT */
/* The runner of the in-kernel tests. */
#include "kernel/ktest.h"

#include <stddef.h>

#include "kernel/console.h"
#include "kernel/fault.h"
#include "kernel/panic.h"
#include "lib/string.h"

/* A table of pointers, gathered by linker.ld. */
extern const struct ktest *const ktest_first[], *const ktest_end[];

static bool run_is_long;
static const char *skip_reason; /* set by a test that ended itself as skipped */

_Noreturn void ktest_fail(const char *file, int line, const char *text)
{
    panic("%s:%d: %s does not hold", file, line, text);
}

_Noreturn void ktest_skip(const char *reason)
{
    skip_reason = reason;
    panic("skipped: %s", reason);
}

void ktest_report(const char *sentence)
{
    console_print("# %s\n", sentence);
}

static void call(void *test)
{
    ((const struct ktest *)test)->run();
}

static bool matches(const struct ktest *test, const char *group)
{
    return group == NULL || strcmp(test->group, group) == 0;
}

/* True unless the test failed. */
static bool run(const struct ktest *test, unsigned number)
{
    struct fault fault;
    skip_reason = NULL;
    bool passed = fault_try(call, (void *)test, &fault);
    if (!passed && skip_reason == NULL)
        console_print("# %s\n", fault.reason);
    console_print("%s %u - %s: %s", passed || skip_reason != NULL ? "ok" : "not ok", number,
                  test->group, test->name);
    if (skip_reason != NULL)
        console_print(" # SKIP %s", skip_reason);
    console_print("\n");
    return passed || skip_reason != NULL;
}

void ktest_list(void)
{
    const char *group = "";
    for (const struct ktest *const *test = ktest_first; test < ktest_end; test++) {
        if (strcmp((*test)->group, group) != 0)
            console_print("# suite %s\n", (*test)->group);
        group = (*test)->group;
    }
}

bool ktest_is_long(void)
{
    return run_is_long;
}

bool ktest_run(const char *group, bool is_long)
{
    unsigned count = 0, failed = 0, number = 0;
    run_is_long = is_long;
    for (const struct ktest *const *test = ktest_first; test < ktest_end; test++)
        count += matches(*test, group);
    if (count == 0) {
        console_print("test: there are none named %s\n", group);
        return false;
    }
    console_print("TAP version 13\n1..%u\n", count);
    for (const struct ktest *const *test = ktest_first; test < ktest_end; test++)
        if (matches(*test, group))
            failed += !run(*test, ++number);
    return failed == 0;
}
