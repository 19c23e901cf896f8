/* SPDX-License-Identifier: MIT */
/* Tests kernel/mm/kmem_cache.c and kmem_cache_check.c over the hosted heap. */
#include "kernel/mm/kmem_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/mm/kmalloc.h"
#include "kernel/mm/kmem_slab.h"
#include "lib/addr.h"
#include "lib/alloc/heap.h"
#include "lib/bits.h"
#include "lib/error.h"
#include "tests/host/expect.h"
#include "tests/host/lock_home.h"
#include "tests/host/ram.h"
#include "tests/host/random.h"
#include "tests/host/told.h"

#define CONSTRUCTED 0xc0457c7ed
#define MANY        1000

struct thing {
    uint64_t state; /* CONSTRUCTED while nobody has it */
    uint64_t owner;
    char rest[40];
};

static unsigned constructed;

static void construct(void *object)
{
    *(struct thing *)object = (struct thing){.state = CONSTRUCTED};
    constructed++;
}

static struct kmem_cache *make_things(void)
{
    constructed = 0;
    return kmem_cache_create("things", sizeof(struct thing), 8, construct);
}

/* Once for all tests, as locks of caches are for ever. */
static int begin(void **state)
{
    (void)state;
    ram_start(64 * MIB);
    host_cpus[0].interrupts_are_on = true;
    kmalloc_init();
    kmem_cache_init();
    return 0;
}

static int end(void **state)
{
    (void)state;
    ram_stop();
    return 0;
}

/* Every test destroys its caches. */
static int check(void **state)
{
    (void)state;
    assert_int_equal(kmem_cache_check(ram_told), 0);
    assert_null(kmem_caches);
    assert_int_equal(kmalloc_check(ram_told), 0);
    return 0;
}

static struct kmem_cache_stats found;

static void find(const struct kmem_cache_stats *stats)
{
    found = *stats;
}

/* Of the oldest cache. */
static struct kmem_cache_stats stats_of_oldest(void)
{
    memset(&found, 0, sizeof found);
    kmem_cache_visit(find);
    return found;
}

static void objects_stay_constructed(void **state)
{
    (void)state;
    struct kmem_cache *cache = make_things();
    struct thing *things[MANY];
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            things[i] = kmem_cache_alloc(cache, 0);
            assert_int_equal(things[i]->state, CONSTRUCTED);
            things[i]->state = i;
            memset(things[i]->rest, (int)i, sizeof things[i]->rest);
        }
        for (unsigned i = 0; i < MANY; i++) {
            assert_int_equal(things[i]->state, i);
            things[i]->state = CONSTRUCTED;
            kmem_cache_free(cache, things[i]);
        }
    }
    kmem_cache_free(cache, NULL);
    assert_int_equal(constructed, stats_of_oldest().capacity);
    assert_int_equal(kmem_cache_destroy(cache), 0);
}

static void objects_of_any_size_are_aligned_and_apart(void **state)
{
    (void)state;
    const size_t sizes[] = {1, 7, 8, 24, 65, 500, 512, 513, 4096, 5000, 40000, 300000};
    const size_t aligns[] = {1, 8, 64, 4096};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes * 4; i++) {
        size_t size = sizes[i / 4], align = aligns[i % 4];
        struct kmem_cache *cache = kmem_cache_create("any", size, align, NULL);
        unsigned char *objects[40];
        for (size_t j = 0; j < 40; j++) {
            objects[j] = kmem_cache_alloc(cache, j % 2 != 0 ? KM_ZERO : 0);
            assert_true(bits_is_aligned((uintptr_t)objects[j], bits_max(align, 8)));
            assert_true(j % 2 == 0 || objects[j][size - 1] == 0);
            memset(objects[j], (int)j, size);
        }
        for (size_t j = 0; j < 40; j++) {
            assert_true(objects[j][0] == j && objects[j][size - 1] == j);
            kmem_cache_free(cache, objects[j]);
        }
        assert_int_equal(kmem_cache_destroy(cache), 0);
    }
    assert_null(kmem_cache_create("absurd", SIZE_MAX / 2, 8, NULL));
    assert_null(kmem_cache_create("absurd", 8, (size_t)1 << 62, NULL));
    expect_panic(kmem_cache_create("bad", 0, 8, NULL), "the cache bad cannot have objects of 0");
    expect_panic(kmem_cache_create("bad", 8, 12, NULL), "objects of 8 bytes aligned to 12");
}

static void bulk_is_all_or_nothing(void **state)
{
    (void)state;
    struct kmem_cache *cache = make_things();
    void *objects[MANY];
    for (unsigned calls = 0; calls < 4; calls++) {
        kmem_cache_shrink(cache);
        kmalloc_trim();
        host_heap_fail(calls, true);
        bool done = kmem_cache_alloc_bulk(cache, 0, MANY, objects);
        host_heap_fail_never();
        assert_int_equal(stats_of_oldest().live, done ? MANY : 0);
        if (done)
            kmem_cache_free_bulk(cache, MANY, objects);
    }
    assert_true(kmem_cache_alloc_bulk(cache, 0, MANY, objects));
    for (unsigned i = 0; i < MANY; i++)
        ((struct thing *)objects[i])->owner = i;
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(((struct thing *)objects[i])->owner, i);
    kmem_cache_free_bulk(cache, MANY, objects);
    kmem_cache_free_bulk(cache, 0, NULL);
    assert_int_equal(kmem_cache_destroy(cache), 0);
}

static void without_memory_nothing_changes(void **state)
{
    (void)state;
    struct kmem_cache *caches[MANY];
    size_t count = 0;
    kmalloc_trim();
    heap_set_cap(kmalloc_world(), heap_taken(kmalloc_world()));
    for (caches[0] = make_things(); caches[count] != NULL; caches[count] = make_things())
        assert_true(++count < MANY);
    void *objects[MANY];
    size_t taken = 0;
    while (taken < MANY && kmem_cache_alloc_bulk(caches[0], KM_NOWAIT, 1, &objects[taken]))
        taken++;
    assert_in_range(taken, 0, MANY - 1);
    assert_int_equal(stats_of_oldest().live, taken);
    assert_int_equal(stats_of_oldest().capacity, taken);
    heap_set_cap(kmalloc_world(), 0);
    kmem_cache_free_bulk(caches[0], taken, objects);
    while (count > 0)
        assert_int_equal(kmem_cache_destroy(caches[--count]), 0);
}

/* What is out: each object holds its own address while it is. */
struct model {
    struct kmem_cache *cache;
    struct thing *things[MANY];
    size_t count;
    struct random random;
};

static void take_some(struct model *model, size_t count)
{
    struct thing **taken = model->things + model->count;
    if (model->count + count > MANY)
        return;
    assert_true(kmem_cache_alloc_bulk(model->cache, 0, count, (void **)taken));
    for (size_t i = 0; i < count; i++) {
        random_assert(&model->random, taken[i]->state == CONSTRUCTED);
        taken[i]->state = (uintptr_t)taken[i];
    }
    model->count += count;
}

static void give_some(struct model *model, size_t count)
{
    if (count > model->count)
        return;
    model->count -= count;
    for (size_t i = model->count + count; i-- > model->count;) {
        size_t chosen = random_below(&model->random, i + 1);
        struct thing *thing = model->things[chosen];
        model->things[chosen] = model->things[i];
        model->things[i] = thing;
        random_assert(&model->random, thing->state == (uintptr_t)thing);
        thing->state = CONSTRUCTED;
    }
    kmem_cache_free_bulk(model->cache, count, (void **)model->things + model->count);
}

static void objects_at_random_stay_apart(void **state)
{
    (void)state;
    struct model model = {.cache = make_things(), .random = random_start()};
    uint64_t steps = random_steps(20000);
    for (uint64_t step = 0; step < steps; step++) {
        model.random.step = step;
        size_t count = random_below(&model.random, 40);
        if (random_once_in(&model.random, 2))
            take_some(&model, count);
        else
            give_some(&model, count);
        assert_int_equal(stats_of_oldest().live, model.count);
        if (step % 100 == 0)
            assert_int_equal(kmem_cache_check(ram_told), 0);
        if (step % 500 == 0)
            kmem_cache_shrink(model.cache);
    }
    give_some(&model, model.count);
    assert_int_equal(kmem_cache_destroy(model.cache), 0);
}

static void misuse_panics(void **state)
{
    (void)state;
    struct kmem_cache *cache = make_things();
    struct kmem_cache *other = kmem_cache_create("others", 64, 64, NULL);
    char *object = kmem_cache_alloc(cache, 0), *foreign = kmem_cache_alloc(other, 0);
    char *neighbour = kmem_cache_alloc(cache, 0), *block = kmalloc(56, 0);
    kmem_cache_free(cache, object);
    expect_panic(kmem_cache_free(cache, object), "an object of the cache things (56 bytes), is");
    expect_panic(kmem_cache_free(cache, neighbour + 8), "is not the start of an object");
    expect_panic(kmem_cache_free(cache, object + 56 * (PAGE_SIZE / 56)), "is not the start of");
    expect_panic(kmem_cache_free(cache, foreign), "is not an object of the cache things");
    expect_panic(kmem_cache_free(cache, block), "is not an object of the cache things");
    void *twice[] = {neighbour, neighbour};
    expect_panic(kmem_cache_free_bulk(cache, 2, twice), "is already free");
    expect_panic(kmem_cache_alloc(cache, KM_ZERO),
                 "is constructed, and cannot be asked for zeroed");
    expect_panic(kmem_cache_alloc(other, KM_DMA32), "0x8 is not a set of flags for the cache");
    kfree(block);
    kmem_cache_free(other, foreign);
    assert_int_equal(kmem_cache_destroy(other), 0);
    assert_int_equal(kmem_cache_destroy(cache), 0);
    expect_panic(kmem_cache_destroy(cache), "is not an object cache");
}

static void destroy_names_what_is_live(void **state)
{
    (void)state;
    struct kmem_cache *cache = make_things();
    void *objects[MANY];
    assert_true(kmem_cache_alloc_bulk(cache, 0, MANY, objects));
    assert_int_equal(kmem_cache_destroy(cache), -EBUSY);
    told_expect(1, "things cannot be destroyed: 1000 objects are live: 0x");
    kmem_cache_free_bulk(cache, 500, objects);
    kmem_cache_free_bulk(cache, 499, objects + 501);
    char name[100];
    snprintf(name, sizeof name, "1 objects are live: %p", objects[500]);
    assert_int_equal(kmem_cache_destroy(cache), -EBUSY);
    told_expect(1, name);
    kmem_cache_free(cache, objects[500]);
    assert_int_equal(kmem_cache_destroy(cache), 0);
    assert_ptr_equal(make_things(), cache);
    assert_int_equal(kmem_cache_destroy(cache), 0);
}

static void shrink_gives_back_slabs_without_live_objects(void **state)
{
    (void)state;
    struct kmem_cache *cache = make_things();
    void *objects[MANY];
    assert_true(kmem_cache_alloc_bulk(cache, 0, MANY, objects));
    size_t slabs = stats_of_oldest().slabs;
    assert_int_equal(kmem_cache_shrink(cache), 0);
    kmem_cache_free_bulk(cache, MANY - 1, objects);
    assert_int_equal(stats_of_oldest().bytes, slabs * PAGE_SIZE);
    assert_true(kmem_cache_shrink(cache) >= (slabs - 1) * PAGE_SIZE);
    assert_int_equal(stats_of_oldest().slabs, 1);
    assert_int_equal(((struct thing *)objects[MANY - 1])->state, CONSTRUCTED);
    kmem_cache_free(cache, objects[MANY - 1]);
    assert_int_equal(kmem_cache_destroy(cache), 0);
}

static void unused_slabs_go_before_an_allocation_fails(void **state)
{
    (void)state;
    struct kmem_cache *cache = kmem_cache_create("large", 100000, 8, NULL);
    kmem_cache_free(cache, kmem_cache_alloc(cache, 0));
    heap_set_cap(kmalloc_world(), heap_taken(kmalloc_world()));
    assert_null(kmalloc(500000, KM_NOWAIT));
    assert_int_equal(stats_of_oldest().slabs, 1);
    char *block = kmalloc(500000, 0);
    assert_non_null(block);
    assert_int_equal(stats_of_oldest().slabs, 0);
    heap_set_cap(kmalloc_world(), 0);
    kfree(block);
    assert_int_equal(kmem_cache_destroy(cache), 0);
}

static void the_checker_sees_each_damage(void **state)
{
    (void)state;
    struct kmem_cache *cache = make_things();
    void *object = kmem_cache_alloc(cache, 0);
    struct kmem_slab *slab = kmem_slab_of_link(cache->ready.next);
    slab->free_count--;
    told_expect(kmem_cache_check(told_collect), "free objects, but has");
    slab->free_count++;
    cache->live++;
    told_expect(kmem_cache_check(told_collect), "counts 1 slabs and 2 live objects, but has 1");
    cache->live--;
    slab->node.height += 5;
    told_expect(kmem_cache_check(told_collect), "is out of order or of balance");
    slab->node.height -= 5;
    list_remove(&slab->link);
    told_expect(kmem_cache_check(told_collect), "free objects, but is not listed");
    list_push_front(&cache->ready, &slab->link);
    kmem_cache_free(cache, object);
    assert_int_equal(kmem_cache_destroy(cache), 0);
}

#define TEST(function) cmocka_unit_test_teardown(function, check)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(objects_stay_constructed),
        TEST(objects_of_any_size_are_aligned_and_apart),
        TEST(bulk_is_all_or_nothing),
        TEST(without_memory_nothing_changes),
        TEST(objects_at_random_stay_apart),
        TEST(misuse_panics),
        TEST(destroy_names_what_is_live),
        TEST(shrink_gives_back_slabs_without_live_objects),
        TEST(unused_slabs_go_before_an_allocation_fails),
        TEST(the_checker_sees_each_damage),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
