# SPDX-License-Identifier: MIT
"""Seeds errors into copies of lib/alloc/heap*, one at a time: tests/heap_explore_test.c must catch
each; see mutants.py."""
from mutants import Mutant, test_case

MUTANTS = [
    Mutant(
        "who hands over does not release the links",
        "heap_remote.c",
        "__ATOMIC_ACQ_REL",
        "__ATOMIC_ACQUIRE",
        "a_free_elsewhere_meets_the_owner_s_refill",
    ),
    Mutant(
        "who wakes does not acquire the link of the slab",
        "heap_remote.c",
        "__ATOMIC_ACQ_REL",
        "__ATOMIC_RELEASE",
        "a_slab_goes_to_sleep_and_is_woken",
    ),
    Mutant(
        "who goes to sleep does not release the link of the slab",
        "heap_slab.c",
        """HEAP_WAKE_ME, false, __ATOMIC_RELEASE,
                                     __ATOMIC_RELAXED""",
        """HEAP_WAKE_ME, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED""",
        "a_slab_goes_to_sleep_and_is_woken",
    ),
    Mutant(
        "objects are handed over by a store",
        "heap_remote.c",
        """    while (!__atomic_compare_exchange_n(&slab->remote, &before, batch->first, true,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
""",
        """    while (false);
    __atomic_store_n(&slab->remote, batch->first, __ATOMIC_SEQ_CST);
""",
        "two_frees_elsewhere_meet_the_owner_s_refill",
    ),
    Mutant(
        "the wish to be woken is taken for a link",
        "heap_remote.c",
        "before & ~HEAP_WAKE_ME",
        "before",
        "the_owner_and_another_wake_one_slab",
    ),
    Mutant(
        "nobody wakes",
        "heap_remote.c",
        """    if ((before & HEAP_WAKE_ME) != 0)
        push_woken(world, slab);
""",
        "    (void)push_woken;\n",
        "two_slabs_are_woken_at_once",
    ),
    Mutant(
        "woken slabs are stacked by a store",
        "heap_remote.c",
        """    while (!__atomic_compare_exchange_n(&owner->woken, &first, index, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED));
""",
        """    while (false);
    __atomic_store_n(&owner->woken, index, __ATOMIC_RELEASE);
""",
        "two_slabs_are_woken_at_once",
    ),
    Mutant(
        "who wakes does not release the link of the slab",
        "heap_remote.c",
        "&first, index, true, __ATOMIC_RELEASE,",
        "&first, index, true, __ATOMIC_RELAXED,",
        "two_slabs_are_woken_at_once",
    ),
    Mutant(
        "the owner does not acquire what woke",
        "heap_slab.c",
        "__atomic_exchange_n(&heap->woken, HEAP_NO_SLICE, __ATOMIC_ACQUIRE)",
        "__atomic_exchange_n(&heap->woken, HEAP_NO_SLICE, __ATOMIC_RELAXED)",
        "two_slabs_are_woken_at_once",
    ),
    Mutant(
        "the stack of woken slabs is emptied by a store",
        "heap_slab.c",
        "__atomic_exchange_n(&heap->woken, HEAP_NO_SLICE, __ATOMIC_ACQUIRE);",
        """__atomic_load_n(&heap->woken, __ATOMIC_ACQUIRE);
    __atomic_store_n(&heap->woken, HEAP_NO_SLICE, __ATOMIC_RELAXED);""",
        "two_slabs_are_woken_at_once",
    ),
    Mutant(
        "a slab goes to sleep over what others have freed of it",
        "heap_slab.c",
        """        !__atomic_compare_exchange_n(&slab->remote, &none, HEAP_WAKE_ME, false, __ATOMIC_RELEASE,
                                     __ATOMIC_RELAXED)) {
""",
        """        has_remote(slab) ||
        (__atomic_store_n(&slab->remote, HEAP_WAKE_ME, __ATOMIC_RELEASE), none != 0)) {
""",
        "two_frees_elsewhere_meet_the_owner_s_refill",
    ),
    Mutant(
        "an owner who wakes a slab forgets that another does",
        "heap_slab.c",
        """    if ((before & HEAP_WAKE_ME) != 0)
        heap_queue_push(heap->world, &heap->queue[slab->size_class], slab);
    else
        slab->place = HEAP_WAKING;
""",
        """    (void)before;
    heap_queue_push(heap->world, &heap->queue[slab->size_class], slab);
""",
        "the_owner_and_another_wake_one_slab",
    ),
    Mutant(
        "an owner who wakes a slab loses what others have freed of it",
        "heap_slab.c",
        "__atomic_fetch_and(&slab->remote, ~HEAP_WAKE_ME, __ATOMIC_ACQUIRE)",
        "__atomic_exchange_n(&slab->remote, 0, __ATOMIC_ACQUIRE)",
        "the_owner_*",
    ),
    Mutant(
        "a slab that another wakes counts as asleep",
        "heap_slab.c",
        "    slab->place = HEAP_QUEUED;\n    uintptr_t before",
        "    uintptr_t before",
        "the_owner_*",
    ),
    Mutant(
        "what others freed is taken by a load and a store",
        "heap_slab.c",
        "take_list(heap, slab, __atomic_exchange_n(&slab->remote, 0, __ATOMIC_ACQUIRE));",
        """take_list(heap, slab, __atomic_load_n(&slab->remote, __ATOMIC_ACQUIRE));
        __atomic_store_n(&slab->remote, 0, __ATOMIC_RELAXED);""",
        "two_frees_elsewhere_meet_the_owner_s_refill",
    ),
    Mutant(
        "what others freed is taken without acquiring it",
        "heap_slab.c",
        "take_list(heap, slab, __atomic_exchange_n(&slab->remote, 0, __ATOMIC_ACQUIRE));",
        "take_list(heap, slab, __atomic_exchange_n(&slab->remote, 0, __ATOMIC_RELAXED));",
        "a_free_elsewhere_meets_the_owner_s_refill",
    ),
    Mutant(
        "what others freed is collected without acquiring it",
        "heap_slab.c",
        "free_list(heap, slab, __atomic_exchange_n(&slab->remote, 0, __ATOMIC_ACQUIRE));",
        "free_list(heap, slab, __atomic_exchange_n(&slab->remote, 0, __ATOMIC_RELAXED));",
        "a_slab_is_purged_while_another_frees",
    ),
    Mutant(
        "a heap is parked without the lock",
        "heap_life.c",
        """    heap_port_lock(world);
    heap->next_parked = world->parked;
    __atomic_store_n(&world->parked, heap, __ATOMIC_RELAXED);
    heap_port_unlock(world);
""",
        """    heap->next_parked = world->parked;
    __atomic_store_n(&world->parked, heap, __ATOMIC_RELAXED);
""",
        "a_thread_exits_and_its_heap_is_adopted",
    ),
    Mutant(
        "two may adopt one heap",
        "heap_life.c",
        """    struct heap *heap = world->parked;
    if (heap != NULL)
""",
        """    struct heap *heap = world->parked;
    heap_port_unlock(world);
    heap_port_lock(world);
    if (heap != NULL)
""",
        "two_adopt_one_heap",
    ),
    Mutant(
        "a tick looks after a parked heap without adopting it",
        "heap_tick.c",
        "struct heap *parked = heap_adopt(world);",
        "struct heap *parked = world->parked;",
        "a_heap_is_adopted_while_a_tick_looks_after_it",
    ),
    Mutant(
        "runs are freed without the lock",
        "heap_run.c",
        """    heap_port_lock(world);
    heap_run_give_locked(world, first, slices);
    heap_port_unlock(world);
""",
        "    heap_run_give_locked(world, first, slices);\n",
        "free_runs_that_touch",
    ),
    Mutant(
        "a run is found under one lock and taken under the next",
        "heap_run.c",
        """    if (run != NULL)
        take_front(world, run, slices);
    heap_port_unlock(world);
    return run;
""",
        """    heap_port_unlock(world);
    heap_port_lock(world);
    if (run != NULL)
        take_front(world, run, slices);
    heap_port_unlock(world);
    return run;
""",
        "free_runs_that_touch",
    ),
    Mutant(
        "a run grows into another that was free a moment before",
        "heap_run.c",
        """    bool fits = behind != NULL && heap_run_slices(behind) >= slices;
""",
        """    bool fits = behind != NULL && heap_run_slices(behind) >= slices;
    heap_port_unlock(world);
    heap_port_lock(world);
""",
        "a_run_grows_into_what_another_wants",
    ),
    Mutant(
        "the memory of a run goes after the run is free",
        "heap_tick.c",
        """    size_t purged = 0;
    for (size_t i = slices; i > 0 && purged < pages; i--)
        purged += heap_world_purge(world, heap_slice_after(world, run, i - 1), UINT16_MAX);
    heap_run_give(world, run, slices);
""",
        """    size_t purged = 0;
    heap_run_give(world, run, slices);
    for (size_t i = slices; i > 0 && purged < pages; i--)
        purged += heap_world_purge(world, heap_slice_after(world, run, i - 1), UINT16_MAX);
""",
        "a_run_is_purged_while_another_is_wanted",
    ),
    Mutant(
        "the arena ends where who grew it last says",
        "heap_world.c",
        "    if (start + bytes > world->end)\n",
        "",
        "two_make_the_arena_grow",
    ),
    Mutant(
        "a handler takes the lock",
        "heap_large.c",
        """    if (heap->is_interrupt)
        return run == NULL ? heap_huge_leave(world, address) : leave_run(world, run);
""",
        "    (void)leave_run;\n",
        "a_handler_interrupts",
    ),
    Mutant(
        "handlers leave runs by a store",
        "heap_large.c",
        """    while (!__atomic_compare_exchange_n(&world->left_runs, &first, heap_slice_index(world, run),
                                        true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
""",
        """    while (false);
    __atomic_store_n(&world->left_runs, heap_slice_index(world, run), __ATOMIC_RELEASE);
""",
        "two_runs_are_left_while_another_is_wanted",
    ),
    Mutant(
        "the runs that handlers left are taken without acquiring them",
        "heap_large.c",
        "__atomic_exchange_n(&world->left_runs, HEAP_NO_SLICE, __ATOMIC_ACQUIRE);",
        "__atomic_exchange_n(&world->left_runs, HEAP_NO_SLICE, __ATOMIC_RELAXED);",
        "*_left_while_another_is_wanted",
    ),
    Mutant(
        "the runs that handlers left are taken by a load and a store",
        "heap_large.c",
        "__atomic_exchange_n(&world->left_runs, HEAP_NO_SLICE, __ATOMIC_ACQUIRE);",
        """__atomic_load_n(&world->left_runs, __ATOMIC_ACQUIRE);
    __atomic_store_n(&world->left_runs, HEAP_NO_SLICE, __ATOMIC_RELAXED);""",
        "*_left_while_another_is_wanted",
    ),
]

HeapMutants = test_case("heap", MUTANTS)
