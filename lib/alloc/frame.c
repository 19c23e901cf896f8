/* SPDX-License-Identifier: MIT */
/*
 * The page frame allocator: what each CPU does alone, with the frames it has at hand. What CPUs do
 * together is in frame_block.c and frame_find.c, the structure is drawn in frame_tree.h.
 *
 * A single frame comes from the CPU's mask; an empty mask is filled with a word of the block that
 * the CPU owns. A single frame that is freed goes back into the mask, or into a second one that
 * gathers frames of one word until a frame of another word comes. All else goes to the tree.
 */
#include "lib/alloc/frame.h"

#include "lib/alloc/frame_port.h"
#include "lib/alloc/frame_tree.h"

#define NOINLINE __attribute__((noinline)) /* keeps registers from being saved on the short way */

static inline struct frame_cpu *this_cpu(const struct frames *frames)
{
    return &frames->cpu[frame_home_cpu()];
}

/* What the CPU has at hand is its own between these two: an interrupt handler in between leaves it
 * alone. */
static inline void enter(struct frame_cpu *cpu)
{
    cpu->busy = true;
    atomic_compiler_barrier();
}

static inline void leave(struct frame_cpu *cpu)
{
    atomic_compiler_barrier();
    cpu->busy = false;
}

/* The kernel's tests survive panics: the CPU is left as one that nothing interrupted. */
static NOINLINE _Noreturn void already_free(struct frames *frames, uint64_t frame, unsigned order)
{
    leave(this_cpu(frames));
    frame_misuse(frames, "frame_free", frame, order);
}

/* Credit */

/* Takes `need` out of the pool and up to `more` of what is there for everybody: of little only a
 * part, or who draws first leaves nothing to the others. Returns how much, 0 if there is not
 * enough. */
static uint64_t draw(struct frames *frames, int64_t need, int64_t more, unsigned flags)
{
    int64_t pool = atomic_peek(&frames->pool), drawn;
    do {
        int64_t spare = pool - need - atomic_peek(&frames->reserve);
        if (pool < need || (spare < 0 && (flags & FRAME_ATOMIC) == 0))
            return 0;
        drawn = need + (spare < 0 ? 0 : spare / 8 < more ? spare / 8 : more);
    } while (!atomic_cas(&frames->pool, &pool, pool - drawn));
    return (uint64_t)drawn;
}

/* True if the CPU has credit for `count` frames, now. */
static bool afford(struct frames *frames, struct frame_cpu *cpu, uint64_t count, unsigned flags)
{
    uint64_t credit = cpu->credit;
    if (credit >= count)
        return true;
    uint64_t drawn =
        draw(frames, (int64_t)(count - credit), (int64_t)atomic_peek(&frames->batch), flags);
    atomic_poke(&cpu->credit, credit + drawn);
    return drawn != 0;
}

/* Pays for frames that the caller is about to take out of the tree: false if so many are not to be
 * had. */
static bool pay(struct frames *frames, uint64_t count, unsigned flags)
{
    struct frame_cpu *cpu = this_cpu(frames);
    if (cpu->busy)
        return draw(frames, (int64_t)count, 0, flags) != 0;
    enter(cpu);
    bool paid = afford(frames, cpu, count, flags);
    if (paid)
        atomic_poke(&cpu->credit, cpu->credit - count);
    leave(cpu);
    return paid;
}

/* Others may need what is above `most`. */
static NOINLINE void share(struct frames *frames, struct frame_cpu *cpu, uint64_t most)
{
    enter(cpu);
    uint64_t credit = cpu->credit, keep = bits_min(credit, most);
    atomic_poke(&cpu->credit, keep);
    leave(cpu);
    atomic_add(&frames->pool, (int64_t)(credit - keep));
}

static inline void earn(struct frames *frames, struct frame_cpu *cpu, uint64_t count)
{
    if (cpu->busy) {
        atomic_add(&frames->pool, (int64_t)count);
        return;
    }
    enter(cpu);
    uint64_t credit = cpu->credit + count;
    atomic_poke(&cpu->credit, credit);
    leave(cpu);
    if (credit > 2 * atomic_peek(&frames->batch))
        share(frames, cpu, atomic_peek(&frames->batch));
}

void frame_earn(struct frames *frames, uint64_t count)
{
    earn(frames, this_cpu(frames), count);
}

uint64_t frame_free_count(const struct frames *frames)
{
    uint64_t count = (uint64_t)atomic_peek(&frames->pool);
    for (unsigned i = 0; i < frames->cpus; i++) {
        const struct frame_cpu *cpu = &frames->cpu[i];
        count += atomic_peek(&cpu->credit) + bits_count(atomic_peek(&cpu->mask)) +
                 bits_count(atomic_peek(&cpu->freed));
    }
    return count;
}

/* Filling the CPU's hands. All of this between enter() and leave(). */

static void release(struct frames *frames, uint64_t *owned)
{
    uint64_t block = *owned;
    atomic_poke(owned, NOT_FOUND);
    if (block != NOT_FOUND)
        block_release(frames, block);
}

static bool own(struct frames *frames, struct frame_cpu *cpu)
{
    const struct want any = {.end = FRAME_END, .own = true};
    uint64_t found = find(frames, any, cpu->node);
    atomic_poke(&cpu->owned, found == NOT_FOUND ? NOT_FOUND : found >> BLOCK_SHIFT);
    cpu->rest = LINE_WORDS;
    return found != NOT_FOUND;
}

/* May frames of this word come back without the checks of free_slow()? */
static inline bool is_plain(const struct frames *frames, uint16_t desc, uint64_t word)
{
    return (desc & DESC_ODD) == 0 ||
           ((desc & DESC_ODD) == DESC_RAGGED && frame_is_managed(frames, word * 64, 64));
}

/* Makes the highest word of the owned block that has free frames the CPU's mask. */
static bool take_word(struct frames *frames, struct frame_cpu *cpu)
{
    uint64_t block = cpu->owned, bits = 0;
    if (block == NOT_FOUND)
        return false;
    uint64_t *line = block_line(frames, block);
    while (bits == 0 && cpu->rest > 0)
        if (atomic_peek(&line[--cpu->rest]) != 0)
            bits = atomic_exchange(&line[cpu->rest], 0);
    if (bits == 0)
        return false;
    unsigned count = bits_count(bits);
    uint64_t word = block * LINE_WORDS + cpu->rest;
    block_subtract(frames, block, count);
    atomic_poke(&cpu->credit, cpu->credit - count);
    cpu->first = word * 64;
    cpu->word = is_plain(frames, atomic_peek(block_desc(frames, block)), word) ? word : NOT_FOUND;
    atomic_poke(&cpu->mask, bits);
    return true;
}

/* Fills the mask if it is empty. False if there is nothing that no other CPU has. */
static bool refill(struct frames *frames, struct frame_cpu *cpu)
{
    if (cpu->mask != 0)
        return true;
    if (!afford(frames, cpu, 64, 0))
        return false;
    while (!take_word(frames, cpu)) {
        release(frames, &cpu->owned);
        if (!own(frames, cpu))
            return false;
    }
    return true;
}

/* Takes the highest frame out of the mask, which is not empty. */
static inline uint64_t pop(struct frame_cpu *cpu)
{
    uint64_t mask = cpu->mask, bit = bits_highest(mask);
    atomic_poke(&cpu->mask, mask & ~((uint64_t)1 << bit));
    return cpu->first + bit;
}

/* A run of 2 to 256 frames out of the block that the CPU owns for them; or one from elsewhere,
 * whose block it owns from now on. Else it would be split and merged again and again. */
static uint64_t take_run(struct frames *frames, struct frame_cpu *cpu, struct want want)
{
    uint64_t found = cpu->runs == NOT_FOUND ? NOT_FOUND : find_in_block(frames, cpu->runs, want);
    if (found != NOT_FOUND)
        return found;
    release(frames, &cpu->runs);
    found = find(frames, want, cpu->node);
    if (found != NOT_FOUND && block_own(frames, found >> BLOCK_SHIFT))
        atomic_poke(&cpu->runs, found >> BLOCK_SHIFT);
    return found;
}

/* Allocating */

/* Order, flags and node of a request as one number, 0 if all are. */
static inline uint32_t kind_of(struct frame_request request)
{
    return request.order | (uint32_t)request.flags << 8 | (uint32_t)request.node << 16;
}

/* One frame that the CPU has at hand, or a run, or NOT_FOUND. */
static uint64_t take_at_hand(struct frames *frames, struct want want, unsigned flags)
{
    struct frame_cpu *cpu = this_cpu(frames);
    uint64_t found = NOT_FOUND, count = (uint64_t)1 << want.order;
    if (cpu->busy || want.order >= BLOCK_SHIFT)
        return NOT_FOUND;
    enter(cpu);
    if (want.order == 0 && refill(frames, cpu)) {
        found = pop(cpu);
    } else if (want.order != 0 && afford(frames, cpu, count, flags)) {
        found = take_run(frames, cpu, want);
        if (found != NOT_FOUND)
            atomic_poke(&cpu->credit, cpu->credit - count);
    }
    leave(cpu);
    return found;
}

/* What is wanted, paid and claimed; where it is not to be had at once, then when this CPU has put
 * back what it has at hand, from the blocks of others, and when those have, too. */
uint64_t frame_take(struct frames *frames, struct want want, unsigned flags, unsigned node)
{
    uint64_t count = (uint64_t)1 << want.order, found = NOT_FOUND;
    for (unsigned attempt = 0; attempt < 3; attempt++) {
        if (attempt == 1)
            frame_drain(frames);
        if (attempt == 2)
            frame_home_drain_others(frames);
        if (!pay(frames, count, flags))
            continue;
        found = find(frames, want, node);
        if (found == NOT_FOUND && want.order < BLOCK_SHIFT && attempt > 0)
            found = find_in_owned(frames, want);
        if (found != NOT_FOUND)
            break;
        frame_earn(frames, count);
    }
    return found;
}

/* The next block of 2 MiB shall come from beside this one. */
static void remember(struct frames *frames, struct frame_cpu *cpu, uint64_t block)
{
    enter(cpu);
    cpu->block = bits_round_down(block, 64);
    cpu->blocks = list_word(frames, LIST_BLOCKS, 0, block);
    leave(cpu);
}

static NOINLINE frame_t alloc_slow(struct frames *frames, struct frame_request request)
{
    struct frame_cpu *cpu = this_cpu(frames);
    struct want want = {.end = FRAME_END, .order = request.order};
    uint64_t found = NOT_FOUND;
    frame_check_request(frames, request);
    if (request.below.number != 0)
        want.end = bits_min(want.end, request.below.number);
    else if (request.node == 0)
        found = take_at_hand(frames, want, request.flags);
    if (found == NOT_FOUND)
        found =
            frame_take(frames, want, request.flags, request.node != 0 ? request.node : cpu->node);
    if (found == NOT_FOUND)
        return FRAME_NONE;
    if (request.order == BLOCK_SHIFT && !cpu->busy)
        remember(frames, cpu, found >> BLOCK_SHIFT);
    if (FRAME_DEBUG)
        frame_debug_alloc(frames, found, request.order);
    return (frame_t){found};
}

static NOINLINE frame_t alloc_other(struct frames *frames, struct frame_request request)
{
    if ((request.flags & FRAME_ZERO) == 0)
        return alloc_slow(frames, request);
    request.flags &= (uint8_t)~FRAME_ZERO;
    frame_t frame = frame_alloc(frames, request);
    if (!frame_is_none(frame))
        frame_port_zero(frame, request.order);
    return frame;
}

static frame_t alloc_block(struct frames *frames, struct frame_request request);

/* Where there was no block, or no credit for one: tries again if it was only that. */
static NOINLINE frame_t alloc_block_slow(struct frames *frames, struct frame_request request)
{
    struct frame_cpu *cpu = this_cpu(frames);
    enter(cpu);
    bool drawn = cpu->credit < BLOCK_FRAMES && afford(frames, cpu, BLOCK_FRAMES, 0);
    leave(cpu);
    return drawn ? alloc_block(frames, request) : alloc_slow(frames, request);
}

/* A block of 2 MiB out of the word of blocks that the last one came from. */
static NOINLINE frame_t alloc_block(struct frames *frames, struct frame_request request)
{
    struct frame_cpu *cpu = this_cpu(frames);
    if (cpu->busy || cpu->blocks == NULL)
        return alloc_slow(frames, request);
    enter(cpu);
    uint64_t *word = cpu->blocks, bits = atomic_peek(word), credit = cpu->credit;
    if (bits != 0 && credit >= BLOCK_FRAMES) {
        uint64_t bit = bits_highest(bits), one = (uint64_t)1 << bit, block = cpu->block + bit;
        if ((atomic_and(word, ~one) & one) != 0) {
            atomic_poke(&cpu->credit, credit - BLOCK_FRAMES);
            leave(cpu);
            block_use(span_of(frames, block), block % SPAN_BLOCKS);
            return (frame_t){block << BLOCK_SHIFT};
        }
    }
    leave(cpu);
    return alloc_block_slow(frames, request);
}

static NOINLINE frame_t alloc_first(struct frames *frames, struct frame_request request)
{
    struct frame_cpu *cpu = this_cpu(frames);
    uint64_t found = refill(frames, cpu) ? pop(cpu) : NOT_FOUND;
    leave(cpu);
    return found == NOT_FOUND ? alloc_slow(frames, request) : (frame_t){found};
}

/* Nothing here but jumps to the slow ways: no register is saved on the short one. */
frame_t frame_alloc(struct frames *frames, struct frame_request request)
{
    uint64_t odd = request.below.number | kind_of(request);
    if (odd != 0 || FRAME_DEBUG)
        return odd == BLOCK_SHIFT && !FRAME_DEBUG ? alloc_block(frames, request)
                                                  : alloc_other(frames, request);
    struct frame_cpu *cpu = this_cpu(frames);
    if (cpu->busy)
        return alloc_slow(frames, request);
    enter(cpu);
    if (cpu->mask == 0)
        return alloc_first(frames, request);
    uint64_t found = pop(cpu);
    leave(cpu);
    return (frame_t){found};
}

bool frame_alloc_at(struct frames *frames, frame_t frame, unsigned order)
{
    frame_check_place(frames, "frame_alloc_at", frame.number, order);
    struct want want = {frame.number, frame.number + ((uint64_t)1 << order), (uint8_t)order, false};
    if (frame_take(frames, want, FRAME_ATOMIC, 0) == NOT_FOUND)
        return false;
    if (FRAME_DEBUG)
        frame_debug_alloc(frames, frame.number, order);
    return true;
}

/* Freeing */

static NOINLINE void free_slow(struct frames *frames, uint64_t frame, unsigned order)
{
    frame_check_place(frames, "frame_free", frame, order);
    bool done = open_span(frames, frame >> SPAN_SHIFT) != NULL;
    if (done && order < BLOCK_SHIFT)
        done = frames_put(frames, frame, 1u << order);
    else if (done)
        done = blocks_put(frames, frame >> BLOCK_SHIFT, 1u << (order - BLOCK_SHIFT), DESC(0));
    if (!done)
        already_free(frames, frame, order);
    frame_earn(frames, (uint64_t)1 << order);
}

/* Puts back frames of one word that a CPU had at hand. */
static inline void put_back(struct frames *frames, uint64_t word, uint64_t bits, unsigned count)
{
    if (!frames_put_word(frames, word, bits, count))
        already_free(frames, word * 64 + bits_lowest(bits), 0);
}

static NOINLINE void put_back_mask(struct frames *frames, uint64_t word, uint64_t mask)
{
    if (mask == 0)
        return;
    put_back(frames, word, mask, bits_count(mask));
    frame_earn(frames, bits_count(mask));
}

bool frame_drain(struct frames *frames)
{
    struct frame_cpu *cpu = this_cpu(frames);
    if (cpu->busy)
        return false;
    enter(cpu);
    uint64_t mask = cpu->mask, first = cpu->first, freed = cpu->freed, word = cpu->freed_word;
    atomic_poke(&cpu->mask, 0);
    atomic_poke(&cpu->freed, 0);
    cpu->word = cpu->freed_word = NOT_FOUND;
    release(frames, &cpu->owned);
    release(frames, &cpu->runs);
    leave(cpu);
    put_back_mask(frames, first / 64, mask);
    put_back_mask(frames, word, freed);
    share(frames, cpu, 0);
    return true;
}

/* Puts back the frames that were freed, all of one word, and begins with this one anew. */
static inline void gather(struct frames *frames, struct frame_cpu *cpu, uint64_t word, uint64_t bit)
{
    uint64_t freed = cpu->freed, freed_word = cpu->freed_word;
    cpu->freed_word = word;
    atomic_poke(&cpu->freed, bit);
    if (bits_is_power_of_two(freed)) {
        atomic_poke(&cpu->credit, cpu->credit + 1);
        leave(cpu);
        put_back(frames, freed_word, freed, 1);
    } else {
        leave(cpu);
        put_back_mask(frames, freed_word, freed);
    }
}

static NOINLINE void free_ragged(struct frames *frames, struct frame_cpu *cpu, uint64_t word,
                                 uint64_t bit)
{
    uint64_t block = word / LINE_WORDS;
    if (open_span(frames, block / SPAN_BLOCKS) != NULL &&
        is_plain(frames, atomic_peek(block_desc(frames, block)), word)) {
        gather(frames, cpu, word, bit);
        return;
    }
    leave(cpu);
    free_slow(frames, word * 64 + bits_lowest(bit), 0);
}

/* The frame belongs to neither mask. */
static NOINLINE void free_other(struct frames *frames, struct frame_cpu *cpu, uint64_t word,
                                uint64_t bit)
{
    uint64_t block = word / LINE_WORDS;
    const struct frame_span *span = open_span(frames, block / SPAN_BLOCKS);
    if (span == NULL || (atomic_peek(&span->desc[block % SPAN_BLOCKS]) & DESC_ODD) != 0)
        free_ragged(frames, cpu, word, bit);
    else
        gather(frames, cpu, word, bit);
}

static NOINLINE void free_block(struct frames *frames, uint64_t frame, struct frame_cpu *cpu)
{
    uint64_t block = frame >> BLOCK_SHIFT, index = block % SPAN_BLOCKS;
    struct frame_span *span = open_span(frames, block / SPAN_BLOCKS);
    if (frame % BLOCK_FRAMES != 0 || span == NULL || atomic_load(&span->desc[index]) != DESC(0)) {
        free_slow(frames, frame, BLOCK_SHIFT);
        return;
    }
    atomic_store(&span->desc[index], DESC_WHOLE);
    blocks_put_word(frames, block, (uint64_t)1 << (block % 64));
    earn(frames, cpu, BLOCK_FRAMES);
}

void frame_free(struct frames *frames, frame_t frame, unsigned order)
{
    struct frame_cpu *cpu = this_cpu(frames);
    if (FRAME_DEBUG)
        frame_debug_free(frames, frame.number, order);
    if (order != 0 || cpu->busy) {
        if (order == BLOCK_SHIFT)
            free_block(frames, frame.number, cpu);
        else
            free_slow(frames, frame.number, order);
        return;
    }
    uint64_t word = frame.number / 64, bit = (uint64_t)1 << (frame.number % 64);
    enter(cpu);
    uint64_t *mask = &cpu->freed;
    if (word != cpu->freed_word) {
        mask = &cpu->mask;
        if (word != cpu->word) {
            free_other(frames, cpu, word, bit);
            return;
        }
    }
    if ((*mask & bit) != 0)
        already_free(frames, frame.number, 0);
    atomic_poke(mask, *mask | bit);
    leave(cpu);
}

void frame_free_part(struct frames *frames, frame_t block, unsigned order, frame_t part,
                     unsigned part_order)
{
    frame_check_place(frames, "frame_free_part", block.number, order);
    frame_check_place(frames, "frame_free_part", part.number, part_order);
    if (part_order > order || part.number >> order != block.number >> order)
        frame_port_panic("frame_free_part: frame 0x%llx, order %u, is no part of order %u",
                         (unsigned long long)part.number, part_order, order);
    if (FRAME_DEBUG)
        frame_debug_split(frames, block.number, order, part.number, part_order);
    frame_free(frames, part, part_order);
}
