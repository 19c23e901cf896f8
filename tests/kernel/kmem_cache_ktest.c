/* SPDX-License-Identifier: MIT */
/* Object caches on the real machine: CPUs and their interrupt handlers share one. */
#include "kernel/mm/kmem_cache.h"

#include "kernel/fault.h"
#include "kernel/ktest.h"
#include "kernel/mm/kmalloc.h"
#include "lib/error.h"
#include "tests/kernel/cpus.h"
#include "tests/kernel/memory.h"

#define CONSTRUCTED 0xc0457c7ed
#define AT_ONCE     4
#define ROUNDS      200
#define HELD        50

static struct kmem_cache *cache;

static void construct(void *object)
{
    *(uint64_t *)object = CONSTRUCTED;
}

static void take_and_give(void *argument)
{
    (void)argument;
    uint64_t *objects[HELD];
    for (unsigned round = 0; round < ROUNDS; round++) {
        KTEST_CHECK(kmem_cache_alloc_bulk(cache, 0, HELD, (void **)objects));
        for (unsigned i = 0; i < HELD; i++) {
            KTEST_CHECK(*objects[i] == CONSTRUCTED);
            *objects[i] = (uintptr_t)&objects[i];
        }
        for (unsigned i = 0; i < HELD; i++) {
            KTEST_CHECK(*objects[i] == (uintptr_t)&objects[i]);
            *objects[i] = CONSTRUCTED;
        }
        kmem_cache_free_bulk(cache, HELD, (void **)objects);
    }
}

KTEST(kmem_cache, cpus_share_a_cache)
{
    cpus_need(2);
    cache = kmem_cache_create("shared", 100, 8, construct);
    KTEST_CHECK(cache != NULL);
    cpus_run_in_turns(AT_ONCE, take_and_give, NULL);
    KTEST_CHECK(kmem_cache_check(ktest_report) == 0);
    KTEST_CHECK(kmem_cache_destroy(cache) == 0);
    memory_check_everything();
}

static void free_object(void *object)
{
    kmem_cache_free(cache, object);
}

KTEST(kmem_cache, misuse_panics_and_leaks_are_told)
{
    struct fault fault;
    cache = kmem_cache_create("misused", 48, 16, NULL);
    KTEST_CHECK(cache != NULL);
    char *object = kmem_cache_alloc(cache, KM_ZERO);
    KTEST_CHECK(object != NULL && memory_is_filled(object, 0, 48));
    KTEST_CHECK(kmem_cache_destroy(cache) == -EBUSY);
    KTEST_CHECK(!fault_try(free_object, object + 16, &fault) && fault.vector == FAULT_PANIC);
    kmem_cache_free(cache, object);
    KTEST_CHECK(!fault_try(free_object, object, &fault) && fault.vector == FAULT_PANIC);
    KTEST_CHECK(kmem_cache_destroy(cache) == 0);
    memory_check_everything();
}
