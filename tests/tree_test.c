/* SPDX-License-Identifier: MIT */
/*
 * Tests lib/tree.c against a naive model: an array that says which keys are present, searched from
 * end to end. SEED=n in the environment chooses other operations.
 */
#include "lib/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/host/shrink.h"

enum { NODES_MAX = 1000, GAP = 16 };

/* The nodes' keys ascend with their index; `present` is the model. */
static struct tree_node node[NODES_MAX];
static bool present[NODES_MAX];
static struct tree_node *root;

static size_t nodes; /* those in play: the first ones */

static void start_empty(void)
{
    root = NULL;
    nodes = NODES_MAX;
    for (size_t i = 0; i < NODES_MAX; i++) {
        node[i] = (struct tree_node){.key = (i + 1) * GAP, .height = -1};
        present[i] = false;
    }
}

static void insert(size_t i)
{
    tree_insert(&root, &node[i]);
    present[i] = true;
}

static void take_out(size_t i)
{
    tree_remove(&root, &node[i]);
    present[i] = false;
}

static struct tree_node *model_at_or_below(uintptr_t key)
{
    for (size_t i = nodes; i > 0; i--) {
        if (present[i - 1] && node[i - 1].key <= key)
            return &node[i - 1];
    }
    return NULL;
}

static struct tree_node *model_at_or_above(uintptr_t key)
{
    for (size_t i = 0; i < nodes; i++) {
        if (present[i] && node[i].key >= key)
            return &node[i];
    }
    return NULL;
}

static bool answers_like_the_model(uintptr_t key)
{
    return tree_at_or_below(root, key) == model_at_or_below(key) &&
           tree_at_or_above(root, key) == model_at_or_above(key);
}

static size_t count_nodes(const struct tree_node *top)
{
    return top == NULL ? 0 : 1 + count_nodes(top->child[0]) + count_nodes(top->child[1]);
}

static size_t model_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < nodes; i++)
        count += present[i];
    return count;
}

/* Random operations: insert or remove node with[0], then ask for key with[1]. */

enum { INSERT, REMOVE };
static const char *const kinds[] = {"INSERT", "REMOVE"};

/* Phases that mostly insert and that mostly remove take turns, so that the tree is at times full
 * and at times empty. */
static struct shrink_op make_operation(struct random *dice, uint64_t step)
{
    bool grows = step / 4096 % 2 == 0;
    return (struct shrink_op){
        .with = {random_below(dice, nodes), random_below(dice, (nodes + 2) * GAP)},
        .what = random_once_in(dice, 4) == grows ? REMOVE : INSERT,
    };
}

static void apply_operation(const struct shrink_op *op)
{
    size_t i = op->with[0];
    if (op->what == INSERT && !present[i])
        insert(i);
    else if (op->what == REMOVE && present[i])
        take_out(i);
    assert_true(answers_like_the_model(op->with[1]));
}

static void check_tree(void)
{
    assert_true(tree_is_sound(root));
    assert_int_equal(count_nodes(root), model_count());
}

static const struct shrink_test operations = {
    .name = "operations",
    .kinds = kinds,
    .begin = start_empty,
    .make = make_operation,
    .apply = apply_operation,
    .check = check_tree,
    .check_every = 16,
};

static void tree_follows_the_model_with_few_keys(void **state)
{
    (void)state;
    nodes = 12;
    shrink_random(&operations, random_steps(100000));
}

static void tree_follows_the_model_with_many_keys(void **state)
{
    (void)state;
    nodes = NODES_MAX;
    shrink_random(&operations, random_steps(100000));
}

/* Makes `order` the next permutation of its `count` numbers. Returns false after the last. */
static bool next_order(size_t *order, size_t count)
{
    size_t i = count - 1;
    while (i > 0 && order[i - 1] > order[i])
        i--;
    if (i == 0)
        return false;
    size_t j = count - 1;
    while (order[j] < order[i - 1])
        j--;
    size_t swapped = order[i - 1];
    order[i - 1] = order[j];
    order[j] = swapped;
    for (j = count - 1; i < j; i++, j--) {
        swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
    }
    return true;
}

static void tree_stays_sound_in_every_order_of_seven(void **state)
{
    (void)state;
    size_t order[7] = {0, 1, 2, 3, 4, 5, 6};
    do {
        for (size_t first = 0; first < 7; first++) {
            start_empty();
            for (size_t i = 0; i < 7; i++) {
                insert(order[i]);
                assert_true(tree_is_sound(root));
            }
            for (size_t i = 0; i < 7; i++) {
                take_out((order[6 - i] + first) % 7);
                assert_true(tree_is_sound(root));
                assert_int_equal(count_nodes(root), 6 - i);
            }
        }
    } while (next_order(order, 7));
}

/* With n nodes the height is less than 1.4405 log2(n + 2): 14.4 for 1000. */
static void tree_height_stays_logarithmic(void **state)
{
    (void)state;
    for (int descending = 0; descending < 2; descending++) {
        start_empty();
        for (size_t i = 0; i < NODES_MAX; i++)
            insert(descending ? NODES_MAX - 1 - i : i);
        assert_true(tree_is_sound(root));
        assert_true(root->height <= 14);
    }
}

static void tree_takes_the_least_and_greatest_keys(void **state)
{
    (void)state;
    start_empty();
    node[0].key = 0;
    node[2].key = UINTPTR_MAX;
    for (size_t i = 0; i < 3; i++)
        insert(i);
    assert_ptr_equal(tree_at_or_above(root, 0), &node[0]);
    assert_ptr_equal(tree_at_or_below(root, 0), &node[0]);
    assert_ptr_equal(tree_at_or_below(root, UINTPTR_MAX), &node[2]);
    assert_ptr_equal(tree_at_or_above(root, UINTPTR_MAX), &node[2]);
    assert_ptr_equal(tree_at_or_below(root, UINTPTR_MAX - 1), &node[1]);
    assert_true(tree_is_sound(root));
}

static void tree_allows_a_key_to_move_between_its_neighbours(void **state)
{
    (void)state;
    start_empty();
    for (size_t i = 0; i < 100; i++)
        insert(i);
    node[50].key += GAP - 1;
    assert_true(tree_is_sound(root));
    assert_ptr_equal(tree_at_or_below(root, node[50].key - 1), &node[49]);
    take_out(50);
    assert_true(tree_is_sound(root));
    assert_int_equal(count_nodes(root), 99);
}

static void the_empty_tree_is_sound_and_has_no_answers(void **state)
{
    (void)state;
    assert_true(tree_is_sound(NULL));
    assert_null(tree_at_or_below(NULL, 5));
    assert_null(tree_at_or_above(NULL, 5));
}

/* Five nodes, keys 16 to 80; node[1] is the root, node[3] its greater child. */
static void build_five(void)
{
    start_empty();
    for (size_t i = 0; i < 5; i++)
        insert(i);
    assert_true(tree_is_sound(root));
    assert_ptr_equal(root, &node[1]);
    assert_ptr_equal(root->child[1], &node[3]);
}

static void soundness_fails_for_keys_out_of_order(void **state)
{
    (void)state;
    build_five();
    node[2].key = node[1].key; /* in order for its parent, but not for the root */
    assert_false(tree_is_sound(root));
    node[2].key = node[3].key;
    assert_false(tree_is_sound(root));
    node[2].key = node[3].key - 1;
    assert_true(tree_is_sound(root));
    node[0].key = node[1].key + 1;
    assert_false(tree_is_sound(root));
}

static void soundness_fails_for_a_key_beyond_a_distant_root(void **state)
{
    (void)state;
    start_empty();
    for (size_t i = 0; i < 7; i++)
        insert(i);
    assert_ptr_equal(root, &node[3]);
    assert_ptr_equal(root->child[0]->child[1], &node[2]);
    node[2].key = root->key;
    assert_false(tree_is_sound(root));
}

static void soundness_fails_for_wrong_heights(void **state)
{
    (void)state;
    static const int wrong[] = {0, 2, 4, -1, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        build_five();
        node[4].height = wrong[i];
        assert_false(tree_is_sound(root));
        build_five();
        root->height = wrong[i];
        assert_false(tree_is_sound(root));
    }
}

static void soundness_fails_for_siblings_too_unlike(void **state)
{
    (void)state;
    build_five();
    root->child[0] = NULL;
    assert_false(tree_is_sound(root));
}

static void soundness_fails_for_a_cycle(void **state)
{
    (void)state;
    build_five();
    node[4].child[1] = root;
    assert_false(tree_is_sound(root));
    node[4].child[1] = &node[4];
    assert_false(tree_is_sound(root));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tree_follows_the_model_with_few_keys),
        cmocka_unit_test(tree_follows_the_model_with_many_keys),
        cmocka_unit_test(tree_stays_sound_in_every_order_of_seven),
        cmocka_unit_test(tree_height_stays_logarithmic),
        cmocka_unit_test(tree_takes_the_least_and_greatest_keys),
        cmocka_unit_test(tree_allows_a_key_to_move_between_its_neighbours),
        cmocka_unit_test(the_empty_tree_is_sound_and_has_no_answers),
        cmocka_unit_test(soundness_fails_for_keys_out_of_order),
        cmocka_unit_test(soundness_fails_for_a_key_beyond_a_distant_root),
        cmocka_unit_test(soundness_fails_for_wrong_heights),
        cmocka_unit_test(soundness_fails_for_siblings_too_unlike),
        cmocka_unit_test(soundness_fails_for_a_cycle),
    };
    return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
