# SPDX-License-Identifier: MIT
"""Seeds errors into copies of lib/alloc/frame*, one at a time: tests/frame_explore_test.c must catch
each; see mutants.py."""
from mutants import Mutant, test_case

MUTANTS = [
    Mutant(
        "a listing ends without a second look at the descriptor",
        "frame_block.c",
        """    if (desc_list(atomic_recheck(block_desc(frames, block))) == list)
        list_block(frames, list, block);
""",
        "",
        "class_listing",
    ),
    Mutant(
        "the count comes before the bits",
        "frame_tree.h",
        """    if (!line_put_in_word(&words[word % ((uint64_t)SPAN_BLOCKS * LINE_WORDS)], bits))
        return false;
    uint16_t old = atomic_add(&span->desc[block % SPAN_BLOCKS], DESC(count));
    if (!desc_same_list(old, (uint16_t)(old + DESC(count))))
        block_added(frames, block, old, count);
    return true;
""",
        """    uint16_t old = atomic_add(&span->desc[block % SPAN_BLOCKS], DESC(count));
    if (!desc_same_list(old, (uint16_t)(old + DESC(count))))
        block_added(frames, block, old, count);
    return line_put_in_word(&words[word % ((uint64_t)SPAN_BLOCKS * LINE_WORDS)], bits);
""",
        "two_free_the_last_of_a_block",
    ),
    Mutant(
        "a merge clears the words without claiming them",
        "frame_block.c",
        "        if (!line_claim_words(line, 0, LINE_WORDS))",
        "        if ((line_fill(line, 0), false))",
        "merge_*",
    ),
    Mutant(
        "a merge does not look at the count again",
        "frame_block.c",
        "        if (atomic_cas(desc, &full, DESC_WHOLE)) {",
        "        if ((atomic_store(desc, DESC_WHOLE), full != 0)) {",
        "merge_against_the_owner",
    ),
    Mutant(
        "an allocation that disturbed a merge does not make up for it",
        "frame_find.c",
        "    else if (want.order > 6)\n        block_merge(frames, block);\n",
        "",
        "merge_against_allocate_in_vain",
    ),
    Mutant(
        "words claimed in vain are not put back",
        "frame_line.h",
        "        line_put_back(line, first, i);\n        return false;",
        "        return false;",
        "merge_against_allocate_of_words",
    ),
    Mutant(
        "words claimed in vain are put back by stores, which may come late",
        "frame_line.h",
        "        atomic_or(&line[i], UINT64_MAX);\n",
        "        atomic_store(&line[i], UINT64_MAX);\n",
        "merge_against_allocate_in_vain",
    ),
    Mutant(
        "freed frames are put back relaxed",
        "frame_line.h",
        "    if ((atomic_add(word, bits) & bits) == 0)",
        "    if ((__atomic_fetch_add(word, bits, __ATOMIC_RELAXED) & bits) == 0)",
        "allocate_against_free_in_one_word",
    ),
    Mutant(
        "frames of a word are claimed relaxed",
        "frame_line.h",
        "        if (first < 0 || atomic_cas(word, &bits, left))",
        """        if (first < 0 || __atomic_compare_exchange_n(word, &bits, left, false,
                                                     __ATOMIC_RELAXED, __ATOMIC_RELAXED))""",
        "allocate_against_free_in_one_word",
    ),
    Mutant(
        "frames of a word are claimed by a store",
        "frame_line.h",
        "        if (first < 0 || atomic_cas(word, &bits, left))\n",
        "        if (first >= 0)\n            atomic_store(word, left);\n        if (true)\n",
        "two_allocate_in_one_word",
    ),
    Mutant(
        "a word is taken relaxed",
        "frame.c",
        "bits = atomic_exchange(&line[cpu->rest], 0);",
        "bits = __atomic_exchange_n(&line[cpu->rest], 0, __ATOMIC_RELAXED);",
        "flush_against_take",
    ),
    Mutant(
        "a word is taken by a load and a store",
        "frame.c",
        "            bits = atomic_exchange(&line[cpu->rest], 0);",
        """        {
            bits = atomic_load(&line[cpu->rest]);
            atomic_store(&line[cpu->rest], 0);
        }""",
        "flush_against_take",
    ),
    Mutant(
        "a released block is not merged",
        "frame_block.c",
        "    disown(frames, block);\n    block_merge(frames, block);\n",
        "    disown(frames, block);\n",
        "merge_by_the_owner",
    ),
    Mutant(
        "a released block is listed by a count of before",
        "frame_block.c",
        "    uint16_t old = atomic_and(block_desc(frames, block), (uint16_t)~DESC_OWNED);\n",
        """    uint16_t old = atomic_load(block_desc(frames, block));
    atomic_and(block_desc(frames, block), (uint16_t)~DESC_OWNED);
""",
        "free_into_an_owned_block",
    ),
    Mutant(
        "a hint is taken back without a second look",
        "frame_list.c",
        "    if (!line_is(line, 0))\n        list_put(frames, list, level + 1, index);\n",
        "",
        "stale_hint_against_free",
    ),
    Mutant(
        "a list counts a block after it has it",
        "frame_block.c",
        """    atomic_add(&frames->listed[list], 1);
    if (!list_put(frames, list, 0, block))
        atomic_sub(&frames->listed[list], 1);
""",
        """    if (list_put(frames, list, 0, block))
        atomic_add(&frames->listed[list], 1);
""",
        "a_list_counts_before_it_has",
    ),
    Mutant(
        "hints come before what they tell of",
        "frame_list.c",
        """    bool put = set(frames, list, level, bit);
    while (level++ < LEVEL_TOP)
        set(frames, list, level, bit /= LINE_BITS);
    return put;
""",
        """    uint64_t hint = bit;
    for (unsigned above = level; above++ < LEVEL_TOP;)
        set(frames, list, above, hint /= LINE_BITS);
    return set(frames, list, level, bit);
""",
        "free_against_search",
    ),
    Mutant(
        "a whole block is split by whoever finds it",
        "frame_find.c",
        " || !list_take(frames, LIST_BLOCKS, 0, block))\n        return NOT_FOUND;",
        ")\n        return NOT_FOUND;\n    list_take(frames, LIST_BLOCKS, 0, block);",
        "split_against*",
    ),
    Mutant(
        "a whole GiB is split by whoever finds it",
        "frame_block.c",
        "    if (!list_take(frames, LIST_GIBS, 1, gib))\n        return false;\n",
        "    list_take(frames, LIST_GIBS, 1, gib);\n",
        "two_split_a_gib",
    ),
    Mutant(
        "a GiB is merged without claiming its blocks",
        "frame_block.c",
        "        if (line_claim_words(line, 0, LINE_WORDS)) {\n            list_put",
        "        if ((line_fill(line, 0), true)) {\n            list_put",
        "merge_a_gib_against_split",
    ),
    Mutant(
        "a block is free before its descriptor says so",
        "frame.c",
        """    atomic_store(&span->desc[index], DESC_WHOLE);
    blocks_put_word(frames, block, (uint64_t)1 << (block % 64));
""",
        """    blocks_put_word(frames, block, (uint64_t)1 << (block % 64));
    atomic_store(&span->desc[index], DESC_WHOLE);
""",
        "allocate_against_free_of_blocks",
    ),
    Mutant(
        "the pool is drawn from by a load and a store",
        "frame.c",
        "    } while (!atomic_cas(&frames->pool, &pool, pool - drawn));",
        "    } while (false);\n    atomic_store(&frames->pool, pool - drawn);",
        "two_own_one_block",
    ),
    Mutant(
        "nobody takes from a block that another CPU owns",
        "frame_find.c",
        "            found = find_in_block(frames, block, want);\n    }",
        "            continue;\n    }",
        "steal",
    ),
    Mutant(
        "a span is seen before it is written",
        "frame_setup.c",
        "    for (unsigned list = 0; list < LIST_GIBS; list++)\n        line_fill",
        """    atomic_store(&frames->span[gib], span);
    for (unsigned list = 0; list < LIST_GIBS; list++)
        line_fill""",
        "open_against_allocate",
    ),
    Mutant(
        "the bits of a split block come before its count",
        "frame_block.c",
        """    atomic_store(block_desc(frames, block), DESC(BLOCK_FRAMES) | DESC_OWNED);
    line_fill(block_line(frames, block), UINT64_MAX);
""",
        """    line_fill(block_line(frames, block), UINT64_MAX);
    atomic_store(block_desc(frames, block), DESC(BLOCK_FRAMES) | DESC_OWNED);
""",
        "merge_and_split_against_allocate",
    ),
    Mutant(
        "a block is put back relaxed",
        "frame_tree.h",
        "    uint64_t old = atomic_add(word, bits); /* they are clear */",
        "    uint64_t old = __atomic_fetch_add(word, bits, __ATOMIC_RELAXED);",
        "allocate_against_free_of_blocks",
    ),
    Mutant(
        "a block is taken by whoever sees it",
        "frame.c",
        "        if ((atomic_and(word, ~one) & one) != 0) {\n            atomic_poke",
        "        if (atomic_and(word, ~one) != 0) {\n            atomic_poke",
        "allocate_against_free_of_blocks",
    ),
    Mutant(
        "other CPUs are not asked for what they have at hand",
        "frame.c",
        "        frame_home_drain_others(frames);\n",
        "",
        "drained_before_a_request_fails",
    ),
    Mutant(
        "a handler allocates out of the hands of whom it interrupts",
        "frame.c",
        """    if (cpu->busy)
        return alloc_slow(frames, request);
    enter(cpu);
    if (cpu->mask == 0)""",
        """    enter(cpu);
    if (cpu->mask == 0)""",
        "a_handler_allocates_and_frees",
    ),
    Mutant(
        "a handler frees into the hands of whom it interrupts",
        "frame.c",
        "    if (order != 0 || cpu->busy) {",
        "    if (order != 0) {",
        "a_handler_allocates_and_frees",
    ),
    Mutant(
        "a handler pays with the credit of whom it interrupts",
        "frame.c",
        """    if (cpu->busy)
        return draw(frames, (int64_t)count, 0, flags) != 0;
""",
        "",
        "a_handler_allocates_and_frees",
    ),
    Mutant(
        "a handler puts back what whom it interrupts has at hand",
        "frame.c",
        """    if (cpu->busy)
        return false;
    enter(cpu);
    uint64_t mask""",
        """    enter(cpu);
    uint64_t mask""",
        "a_handler_allocates_and_frees",
    ),
]

FrameMutants = test_case("frame", MUTANTS)
