/* SPDX-License-Identifier: MIT */
/* The search as a whole: its time, its counts, its failures and their report. */
#define _GNU_SOURCE /* program_invocation_name */
#include "tests/explore/explore.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/explore/search.h"
#include "tests/explore/thread.h"
#include "tests/explore/trace.h"

#define DEFAULT_SECONDS 20.0
#define COUNT_SECONDS   0.2 /* for counting the schedules without reduction */
#define GRACE_SECONDS   10  /* a schedule that takes longer has no end */

void explore_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    thread_fail_v(EXPLORE_FAILED, format, arguments);
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- signals -----------------------------------------------------------------------------------*/

static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM};

#define CRASHES (sizeof crashes / sizeof *crashes)

/* Leaves the stack on which the signal came; nothing of it is needed again. */
static void crashed(int number)
{
    if (number == SIGALRM)
        thread_fail(EXPLORE_LIVELOCK, "livelock: no end after %d seconds", GRACE_SECONDS);
    thread_fail(EXPLORE_CRASH, "signal %d: %s", number, strsignal(number));
}

static void catch_crashes(struct sigaction before[CRASHES])
{
    static char stack[64 << 10];
    const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    const struct sigaction action = {.sa_handler = crashed, .sa_flags = SA_ONSTACK | SA_NODEFER};
    sigaltstack(&other, NULL);
    for (size_t i = 0; i < CRASHES; i++)
        sigaction(crashes[i], &action, &before[i]);
}

static void release_crashes(const struct sigaction before[CRASHES])
{
    const stack_t none = {.ss_flags = SS_DISABLE};
    for (size_t i = 0; i < CRASHES; i++)
        sigaction(crashes[i], &before[i], NULL);
    sigaltstack(&none, NULL);
}

/* --- the search --------------------------------------------------------------------------------*/

/* The number of the schedule of this test that the environment asks for, or 0. */
static uint64_t number_asked_for(const struct explore_test *test)
{
    const char *asked = getenv("EXPLORE");
    size_t length = strlen(test->name);
    if (asked == NULL || strncmp(asked, test->name, length) != 0 || asked[length] != ':')
        return 0;
    return strtoull(asked + length + 1, NULL, 10);
}

static void search(const struct explore_test *test, uint64_t last, struct explore_result *result)
{
    double end = seconds_now() + (test->seconds > 0 ? test->seconds : DEFAULT_SECONDS);
    search_begin(test->preemptions, !test->unreduced);
    for (;;) {
        alarm(GRACE_SECONDS);
        struct thread_outcome outcome = thread_run(test);
        if (outcome.pruned)
            result->pruned++;
        else
            result->schedules++;
        result->verdict = outcome.verdict;
        memcpy(result->message, outcome.message, sizeof result->message);
        bool is_last = last != 0 && result->schedules == last && !outcome.pruned;
        if (outcome.verdict != EXPLORE_PASSED || is_last || !search_advance())
            return;
        result->cut = last == 0 && seconds_now() >= end;
        if (result->cut)
            return;
    }
}

static void tell(const struct explore_test *test, const struct explore_result *result, FILE *to)
{
    fprintf(to, "%s: schedule %" PRIu64 ": %s\n", test->name, result->schedules,
            result->verdict == EXPLORE_PASSED ? "passes" : result->message);
    trace_print(to);
    fprintf(to, "  again: EXPLORE='%s:%" PRIu64 "' %s\n", test->name, result->schedules,
            program_invocation_name);
}

struct explore_result explore_run(const struct explore_test *test, FILE *report)
{
    struct explore_result result = {.verdict = EXPLORE_PASSED};
    struct sigaction before[CRASHES];
    uint64_t asked = number_asked_for(test);
    catch_crashes(before);
    search(test, asked, &result);
    alarm(0);
    release_crashes(before);
    if (asked != 0)
        tell(test, &result, stdout);
    else if (report != NULL && result.verdict != EXPLORE_PASSED)
        tell(test, &result, report);
    return result;
}

/* Prints how many schedules there are without reduction, so far as there is time; these must pass,
 * too. */
static bool compare_unreduced(const struct explore_test *test)
{
    char name[80];
    struct explore_test all = *test;
    snprintf(name, sizeof name, "%s, unreduced", test->name);
    all.name = name;
    all.unreduced = true;
    all.seconds = COUNT_SECONDS;
    struct explore_result result = explore_run(&all, stdout);
    printf("; without reduction %s%" PRIu64, result.cut ? "more than " : "", result.schedules);
    return result.verdict == EXPLORE_PASSED;
}

bool explore_passes(const struct explore_test *test)
{
    struct explore_result result = explore_run(test, stdout);
    if (result.verdict != EXPLORE_PASSED)
        return false;
    bool passes = !result.cut;
    printf("# %s: %" PRIu64 " schedules", test->name, result.schedules);
    if (test->preemptions != 0)
        printf(" with at most %u preemptions", test->preemptions);
    else if (!test->unreduced)
        printf(" and %" PRIu64 " given up", result.pruned);
    if (result.cut)
        printf(", CUT by time");
    else if (test->preemptions == 0 && !test->unreduced)
        passes = compare_unreduced(test);
    putchar('\n');
    return passes;
}
