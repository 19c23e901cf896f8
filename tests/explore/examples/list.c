/* SPDX-License-Identifier: MIT */
/*
 * A list that many threads push on and one thread drains as a whole: how a block that another CPU
 * frees comes home. No ABA, since nobody takes single nodes.
 */
#include <stddef.h>

#include "tests/explore/examples/example.h"

#define PRODUCERS 2
#define EACH      2

static struct node {
    struct node *next; /* plain: the consumer reads it after the exchange that took the list */
    unsigned drained;
} nodes[PRODUCERS * EACH];

static struct node *head;

static void reset(void)
{
    head = NULL;
    for (unsigned i = 0; i < PRODUCERS * EACH; i++)
        nodes[i] = (struct node){0};
}

static void count_all(struct node *node)
{
    for (; node != NULL; node = node->next)
        node->drained++;
}

/* What was drained and what is left is each node once. */
static void check(void)
{
    count_all(head);
    for (unsigned i = 0; i < PRODUCERS * EACH; i++)
        explore_assert(nodes[i].drained == 1);
}

#define PRODUCER(name, order)                                                                 \
    static void name(unsigned id)                                                             \
    {                                                                                         \
        for (struct node *node = &nodes[id * EACH]; node < &nodes[(id + 1) * EACH]; node++) { \
            node->next = __atomic_load_n(&head, __ATOMIC_RELAXED);                            \
            while (!__atomic_compare_exchange_n(&head, &node->next, node, true, order,        \
                                                __ATOMIC_RELAXED))                            \
                continue;                                                                     \
        }                                                                                     \
    }

PRODUCER(push_release, __ATOMIC_RELEASE)
PRODUCER(push_relaxed, __ATOMIC_RELAXED)

static void drain(unsigned id)
{
    (void)id;
    count_all(__atomic_exchange_n(&head, NULL, __ATOMIC_ACQUIRE));
}

static void drain_relaxed(unsigned id)
{
    (void)id;
    count_all(__atomic_exchange_n(&head, NULL, __ATOMIC_RELAXED));
}

/* Loses what is pushed between the two. */
static void drain_in_two_steps(unsigned id)
{
    (void)id;
    struct node *first = __atomic_load_n(&head, __ATOMIC_ACQUIRE);
    __atomic_store_n(&head, NULL, __ATOMIC_RELAXED);
    count_all(first);
}

#define LIST(called, producer, consumer) \
    .test = {                            \
        .name = called, .setup = reset, .thread = {producer, producer, consumer}, .check = check}

const struct example list_examples[] = {
    {LIST("list with drain", push_release, drain)},
    {LIST("list pushed relaxed", push_relaxed, drain), .verdict = EXPLORE_RACE,
     .part = "data race on nodes"},
    {LIST("list drained relaxed", push_release, drain_relaxed), .verdict = EXPLORE_RACE,
     .part = "data race on nodes"},
    {LIST("list drained in two steps", push_release, drain_in_two_steps), .verdict = EXPLORE_FAILED,
     .part = "drained == 1"},
    {.verdict = EXPLORE_PASSED},
};
