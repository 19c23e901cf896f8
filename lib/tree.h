/* SPDX-License-Identifier: MIT */
/*
 * Sorted sets of addresses: a height-balanced (AVL) binary search tree whose nodes live inside the
 * sorted objects, so that inserting and removing never allocate. Keys are unique. Every operation
 * takes O(log n) steps; none allocates, none locks. (Adelson-Velsky and Landis, 1962.)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tree_node {
    struct tree_node
        *child[2]; /* [0]: smaller keys, [1]: greater keys; NULL where there are none */
    uintptr_t key; /* set by the owner before inserting; may change as long as the
                      order among the nodes stays as it is */
    int height;    /* 1 for a leaf */
};

/* The tree is named by its root pointer; NULL is the empty tree. */

/* Adds `node`. Precondition: no node of the tree has its key. */
void tree_insert(struct tree_node **root, struct tree_node *node);

/* Takes out `node`. Precondition: it is in the tree. */
void tree_remove(struct tree_node **root, struct tree_node *node);

/* The node with the greatest key <= `key`, or NULL. */
struct tree_node *tree_at_or_below(struct tree_node *root, uintptr_t key);

/* The node with the smallest key >= `key`, or NULL. tree_at_or_above(root, 0) is the first. */
struct tree_node *tree_at_or_above(struct tree_node *root, uintptr_t key);

/* True iff keys are in order, heights are right, and siblings differ by at most one. */
bool tree_is_sound(const struct tree_node *root);
