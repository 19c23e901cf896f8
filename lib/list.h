/* SPDX-License-Identifier: MIT */
/*
 * Circular doubly linked lists whose links live inside the listed objects. A list head is a struct
 * list that belongs to no object; an empty list is a head that points to itself. The caller locks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *prev;
};

/* The object that contains `member` at `pointer`. */
#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

/* Visits every link of `head`; the loop body must not remove `link` (take the first until empty).
 */
#define list_for_each(link, head) \
    for (struct list *link = (head)->next; link != (head); link = link->next)

static inline void list_init(struct list *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_insert_between(struct list *link, struct list *prev, struct list *next)
{
    link->prev = prev;
    link->next = next;
    prev->next = link;
    next->prev = link;
}

static inline void list_push_front(struct list *head, struct list *link)
{
    list_insert_between(link, head, head->next);
}

static inline void list_push_back(struct list *head, struct list *link)
{
    list_insert_between(link, head->prev, head);
}

/* Takes `link` out of the list it is in and leaves it as a list of its own, so that removing it
 * twice is harmless. */
static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}
