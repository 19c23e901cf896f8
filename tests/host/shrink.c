/* SPDX-License-Identifier: MIT */
/* Running, shortening and printing sequences of operations; see shrink.h. */
#include "tests/host/shrink.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define RUN_SECONDS    60 /* after which the whole sequence is taken to hang, LONG=1 aside */
#define TRY_SECONDS    5  /* after which a candidate is */
#define SHRINK_SECONDS 60 /* after which the shortest one found is good enough */
#define LINE_WIDTH     96

/* How many operations the child has begun: the ones behind it have no part in its failure. */
static atomic_size_t *begun;

static void play(const struct shrink_test *test, const struct shrink_op *ops, size_t count)
{
    if (test->begin != NULL)
        test->begin();
    for (size_t i = 0; i < count; i++) {
        if (begun != NULL)
            *begun = i + 1;
        test->apply(&ops[i]);
        if ((i + 1) % test->check_every == 0)
            test->check();
    }
    test->check();
    if (test->finish != NULL)
        test->finish();
}

void shrink_replay(const struct shrink_test *test, const struct shrink_op *ops, size_t count)
{
    play(test, ops, count);
}

/* In the child: a failed assertion must end it, not the cmocka test that it believes to be in. */
static _Noreturn void play_in_child(const struct shrink_test *test, const struct shrink_op *ops,
                                    size_t count, bool aloud)
{
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    setenv("CMOCKA_TEST_ABORT", "1", 1);
    signal(SIGALRM, SIG_DFL);
    signal(SIGABRT, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    alarm(aloud ? (unsigned)random_steps(RUN_SECONDS) : TRY_SECONDS);
    if (aloud)
        dup2(STDERR_FILENO, STDOUT_FILENO);
    else if (freopen("/dev/null", "w", stderr) == NULL || freopen("/dev/null", "w", stdout) == NULL)
        exit(EXIT_FAILURE);
    play(test, ops, count);
    if (aloud)
        exit(EXIT_SUCCESS); /* with all that is done at an exit: leaks, coverage */
    _exit(EXIT_SUCCESS);
}

/* True iff the operations fail. `aloud` lets them say why on stderr. */
static bool fails(const struct shrink_test *test, const struct shrink_op *ops, size_t count,
                  bool aloud)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        play_in_child(test, ops, count, aloud);
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child)
        fail_msg("no child process to run %zu operations in", count);
    return status != 0;
}

static void share_progress(void)
{
    if (begun == NULL)
        begun =
            mmap(NULL, sizeof *begun, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (begun == MAP_FAILED)
        fail_msg("no memory to share with a child process");
}

/* Shortening */

struct search {
    const struct shrink_test *test;
    struct shrink_op *ops;
    struct shrink_op *trial; /* as many, for candidates */
    size_t count;
    time_t deadline;
};

static bool is_over(const struct search *search)
{
    return time(NULL) >= search->deadline;
}

/* Leaves out `size` operations from `first` on if the others fail without them. */
static bool leave_out(struct search *search, size_t first, size_t size)
{
    size_t behind = search->count - first - size;
    memcpy(search->trial, search->ops, first * sizeof *search->ops);
    memcpy(search->trial + first, search->ops + first + size, behind * sizeof *search->ops);
    if (!fails(search->test, search->trial, first + behind, false))
        return false;
    search->count = *begun < first + behind ? *begun : first + behind;
    memcpy(search->ops, search->trial, search->count * sizeof *search->ops);
    return true;
}

/* Tries to leave out each run of `size` operations, the last one first. True iff one went. */
static bool leave_out_runs(struct search *search, size_t size)
{
    bool any = false;
    for (size_t end = search->count; end > 0 && !is_over(search);) {
        size_t first = end > size ? end - size : 0;
        any |= leave_out(search, first, end - first);
        end = first < search->count ? first : search->count;
    }
    return any;
}

static void shorten(struct search *search)
{
    for (size_t size = search->count / 2; size > 1 && !is_over(search); size /= 2)
        leave_out_runs(search, size);
    while (leave_out_runs(search, 1) && !is_over(search))
        continue;
}

static bool fails_with(const struct search *search, uint64_t *argument, uint64_t value)
{
    uint64_t kept = *argument;
    *argument = value;
    if (fails(search->test, search->ops, search->count, false))
        return true;
    *argument = kept;
    return false;
}

/* Makes an argument 0, or halves and decrements it as often as that still fails. */
static void make_small(const struct search *search, uint64_t *argument)
{
    if (*argument == 0 || fails_with(search, argument, 0))
        return;
    while (*argument > 1 && !is_over(search) && fails_with(search, argument, *argument / 2))
        continue;
    while (*argument > 1 && !is_over(search) && fails_with(search, argument, *argument - 1))
        continue;
}

size_t shrink_ops(const struct shrink_test *test, struct shrink_op *ops, size_t count)
{
    struct search search = {test, ops, NULL, count, time(NULL) + SHRINK_SECONDS};
    share_progress();
    search.trial = malloc(count * sizeof *ops);
    assert_non_null(search.trial);
    shorten(&search);
    free(search.trial);
    for (size_t i = 0; i < search.count; i++)
        for (size_t j = 0; j < SHRINK_ARGUMENTS && !is_over(&search); j++)
            make_small(&search, &ops[i].with[j]);
    return search.count;
}

/* Telling */

static void format_op(char *text, size_t size, const struct shrink_test *test,
                      const struct shrink_op *op)
{
    size_t arguments = SHRINK_ARGUMENTS;
    while (arguments > 1 && op->with[arguments - 1] == 0)
        arguments--;
    int length = snprintf(text, size, "{%s, {", test->kinds[op->what]);
    for (size_t i = 0; i < arguments; i++)
        length += snprintf(text + length, size - (size_t)length, "%s%llu", i > 0 ? ", " : "",
                           (unsigned long long)op->with[i]);
    snprintf(text + length, size - (size_t)length, "}},");
}

static void print_ops(const struct shrink_test *test, const struct shrink_op *ops, size_t count)
{
    char text[160];
    size_t column = LINE_WIDTH;
    for (size_t i = 0; i < count; i++) {
        format_op(text, sizeof text, test, &ops[i]);
        bool wraps = column + 1 + strlen(text) > LINE_WIDTH;
        fprintf(stderr, "%s%s", wraps ? (i > 0 ? "\n        " : "        ") : " ", text);
        column = (wraps ? 8 : column + 1) + strlen(text);
    }
    fprintf(stderr, "\n");
}

static void print_test(const struct shrink_test *test, const struct shrink_op *ops, size_t count,
                       uint64_t seed)
{
    fprintf(stderr,
            "\nstatic void %s_of_seed_%llu(void **state)\n"
            "{\n"
            "    (void)state;\n"
            "    static const struct shrink_op ops[] = {\n",
            test->name, (unsigned long long)seed);
    print_ops(test, ops, count);
    fprintf(stderr, "    };\n    shrink_replay(&%s, ops, %zu);\n}\n\n", test->name, count);
}

static struct shrink_op *make_ops(const struct shrink_test *test, struct random *dice, size_t count)
{
    struct shrink_op *ops = calloc(count, sizeof *ops);
    assert_non_null(ops);
    for (size_t i = 0; i < count; i++)
        ops[i] = test->make(dice, i);
    return ops;
}

void shrink_random(const struct shrink_test *test, uint64_t steps)
{
    struct random dice = random_start();
    struct shrink_op *ops = make_ops(test, &dice, steps);
    share_progress();
    if (!fails(test, ops, steps, true)) {
        free(ops);
        return;
    }
    size_t failed = *begun;
    fprintf(stderr, "\nSEED=%llu: operation %zu of %llu fails; looking for the shortest sequence\n",
            (unsigned long long)dice.seed, failed, (unsigned long long)steps);
    size_t count = shrink_ops(test, ops, failed);
    bool fails_still = fails(test, ops, count, true);
    fprintf(stderr, "\n%zu of these operations fail%s; as a test:\n", count,
            fails_still ? "" : ", though not always");
    print_test(test, ops, count, dice.seed);
    free(ops);
    fail_msg("SEED=%llu: the random operations fail; stderr has a short test",
             (unsigned long long)dice.seed);
}
