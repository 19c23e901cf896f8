/* SPDX-License-Identifier: MIT */
/*
 * Height-balanced trees. An operation walks down from the root and notes the links that it passes;
 * then it walks back up along them and rebalances, until a subtree has kept its height. A link is
 * the root pointer or one of a node's child pointers.
 */
#include "lib/tree.h"

/* A tree of height h has at least F(h + 2) - 1 nodes, F being Fibonacci's numbers. A node takes 2^5
 * bytes, so there are fewer than 2^59; F(87) - 1 > 2^59, hence every tree is lower than 85. (Knuth,
 * The Art of Computer Programming, volume 3, 6.2.3.) */
#define HEIGHT_MAX 84

_Static_assert(sizeof(uintptr_t) < 8 || sizeof(struct tree_node) == 32, "HEIGHT_MAX counts on it");

/* The links from the root to a place in the tree. */
struct path {
    struct tree_node **link[HEIGHT_MAX];
    size_t length;
};

static int height_of(const struct tree_node *node)
{
    return node == NULL ? 0 : node->height;
}

static void update_height(struct tree_node *node)
{
    int left = height_of(node->child[0]);
    int right = height_of(node->child[1]);
    node->height = 1 + (left > right ? left : right);
}

/* Lifts the child at `side` above its parent:
 *
 *        top                     child
 *       /   \      side = 0      /   \
 *    child   c    --------->    a    top
 *     / \                            / \
 *    a   b                          b   c
 */
static void rotate(struct tree_node **link, int side)
{
    struct tree_node *top = *link;
    struct tree_node *child = top->child[side];
    top->child[side] = child->child[!side];
    child->child[!side] = top;
    update_height(top);
    update_height(child);
    *link = child;
}

/* Puts the subtree at `link` right whose own subtrees are right and differ by at most two. Returns
 * whether its height has changed. */
static bool rebalance(struct tree_node **link)
{
    struct tree_node *top = *link;
    int height = top->height;
    int lean = height_of(top->child[1]) - height_of(top->child[0]);
    if (lean < -1 || lean > 1) {
        int side = lean > 0;
        struct tree_node *child = top->child[side];
        if (height_of(child->child[!side]) > height_of(child->child[side]))
            rotate(&top->child[side], !side);
        rotate(link, side);
    } else {
        update_height(top);
    }
    return (*link)->height != height;
}

static void rebalance_path(struct path *path)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): walk() has filled it so far. */
    while (path->length > 0 && rebalance(path->link[path->length - 1]))
        path->length--;
}

/* Follows `key` down from `link` and notes each link to a node, the one with that key being the
 * last if it is there. Returns the link at which the walk ended. */
static struct tree_node **walk(struct path *path, struct tree_node **link, uintptr_t key)
{
    while (*link != NULL) {
        path->link[path->length++] = link;
        if ((*link)->key == key)
            break;
        link = &(*link)->child[key > (*link)->key];
    }
    return link;
}

void tree_insert(struct tree_node **root, struct tree_node *node)
{
    struct path path;
    path.length = 0;
    struct tree_node **link = walk(&path, root, node->key);
    node->child[0] = NULL;
    node->child[1] = NULL;
    node->height = 1;
    *link = node;
    rebalance_path(&path);
}

/* Lets the next greater node take the place of `node`, which has two children; `link` leads to
 * `node` and is the last of `path`. The path ends where a node has gone. */
static void replace_by_next(struct path *path, struct tree_node **link, struct tree_node *node)
{
    size_t below = path->length;
    struct tree_node **next_link = &node->child[1];
    for (; (*next_link)->child[0] != NULL; next_link = &(*next_link)->child[0])
        path->link[path->length++] = next_link;

    struct tree_node *next = *next_link;
    *next_link = next->child[1];
    next->child[0] = node->child[0];
    next->child[1] = node->child[1];
    next->height = node->height;
    *link = next;
    if (below < path->length)
        path->link[below] = &next->child[1];
}

void tree_remove(struct tree_node **root, struct tree_node *node)
{
    struct path path;
    path.length = 0;
    struct tree_node **link = walk(&path, root, node->key);
    if (node->child[0] != NULL && node->child[1] != NULL) {
        replace_by_next(&path, link, node);
    } else {
        *link = node->child[node->child[0] == NULL];
        path.length--;
    }
    rebalance_path(&path);
}

struct tree_node *tree_at_or_below(struct tree_node *root, uintptr_t key)
{
    struct tree_node *best = NULL;
    while (root != NULL) {
        bool fits = root->key <= key;
        if (fits)
            best = root;
        root = root->child[fits];
    }
    return best;
}

struct tree_node *tree_at_or_above(struct tree_node *root, uintptr_t key)
{
    struct tree_node *best = NULL;
    while (root != NULL) {
        bool fits = root->key >= key;
        if (fits)
            best = root;
        root = root->child[!fits];
    }
    return best;
}

/* Heights are checked before descending: they fall with every step, so that even a tree that has
 * become a cycle is found unsound. */
static bool heights_are_right(const struct tree_node *node)
{
    int left = height_of(node->child[0]);
    int right = height_of(node->child[1]);
    int higher = left > right ? left : right;
    int lower = left > right ? right : left;
    return lower >= 0 && higher - lower <= 1 && node->height > higher && node->height - higher == 1;
}

/* True iff the subtree is sound and its keys lie between those of `below` and `above`, where they
 * are not NULL. */
static bool is_sound_between(const struct tree_node *node, const struct tree_node *below,
                             const struct tree_node *above)
{
    if (node == NULL)
        return true;
    if ((below != NULL && node->key <= below->key) || (above != NULL && node->key >= above->key))
        return false;
    return heights_are_right(node) && is_sound_between(node->child[0], below, node) &&
           is_sound_between(node->child[1], node, above);
}

bool tree_is_sound(const struct tree_node *root)
{
    return is_sound_between(root, NULL, NULL);
}
