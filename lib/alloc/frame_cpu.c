/* SPDX-License-Identifier: MIT */
/* Filling and emptying the hands of a CPU; see frame_cpu.h. */
#include "lib/alloc/frame_cpu.h"

/* Credit */

/* Takes `need` out of the pool and up to `more` of what is there for everybody. Returns how much, 0
 * if there is not enough. */
static uint64_t draw(struct frames *frames, int64_t need, int64_t more, unsigned flags)
{
    int64_t pool = atomic_peek(&frames->pool), drawn;
    do {
        int64_t spare = pool - need - atomic_peek(&frames->reserve);
        if (pool < need || (spare < 0 && (flags & FRAME_ATOMIC) == 0))
            return 0;
        drawn = need + (spare < 0 ? 0 : spare < more ? spare : more);
    } while (!atomic_cas(&frames->pool, &pool, pool - drawn));
    return (uint64_t)drawn;
}

static bool afford(struct frames *frames, struct frame_cpu *cpu, uint64_t count, unsigned flags)
{
    uint64_t credit = cpu->credit, drawn = 0;
    if (credit < count)
        drawn = draw(frames, (int64_t)(count - credit), (int64_t)frames->batch, flags);
    atomic_poke(&cpu->credit, credit + drawn);
    return credit + drawn >= count;
}

bool frame_pay(struct frames *frames, uint64_t count, unsigned flags)
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

static __attribute__((noinline)) void repay(struct frames *frames, struct frame_cpu *cpu)
{
    uint64_t more = cpu->credit - frames->batch;
    atomic_poke(&cpu->credit, frames->batch);
    atomic_add(&frames->pool, (int64_t)more);
}

static inline void earn(struct frames *frames, struct frame_cpu *cpu, uint64_t count)
{
    atomic_poke(&cpu->credit, cpu->credit + count);
    if (cpu->credit > 2 * frames->batch)
        repay(frames, cpu);
}

void frame_earn(struct frames *frames, uint64_t count)
{
    struct frame_cpu *cpu = this_cpu(frames);
    if (cpu->busy) {
        atomic_add(&frames->pool, (int64_t)count);
        return;
    }
    enter(cpu);
    earn(frames, cpu, count);
    leave(cpu);
}

/* Freed frames on their way back: all of one word. */
struct freed {
    uint64_t bits, word;
    uint64_t *at;
    uint16_t *desc;
};

/* Takes them out of the CPU's hands, and puts others there. */
static inline struct freed swap_freed(struct frame_cpu *cpu, struct freed other)
{
    struct freed freed = {cpu->freed, cpu->freed_word, cpu->freed_at, cpu->freed_desc};
    cpu->freed_at = other.at;
    cpu->freed_desc = other.desc;
    cpu->freed_word = other.word;
    atomic_poke(&cpu->freed, other.bits);
    return freed;
}

static inline unsigned count_of(uint64_t bits)
{
    return (bits & (bits - 1)) == 0 ? 1 : word_count(bits);
}

/* frames_put_word() without looking for the word. Nothing at hand is touched: the CPU may be
 * interrupted. */
static inline void put_freed(struct frames *frames, struct freed freed, unsigned count)
{
    if (!line_put_in_word(freed.at, freed.bits))
        frame_already_free(frames, freed.word * 64 + bits_lowest(freed.bits), 0);
    uint16_t old = atomic_add(freed.desc, DESC(count));
    if (!desc_same_list(old, (uint16_t)(old + DESC(count))))
        block_added(frames, freed.word / LINE_WORDS, old, count);
}

static void release_owned(struct frames *frames, struct frame_cpu *cpu)
{
    uint64_t owned = cpu->owned;
    atomic_poke(&cpu->owned, NOT_FOUND);
    if (owned != NOT_FOUND)
        block_release(frames, owned);
}

static bool own(struct frames *frames, struct frame_cpu *cpu)
{
    const struct want any = {.end = FRAME_END, .own = true};
    uint64_t found = find(frames, any, cpu->node);
    atomic_poke(&cpu->owned, found == NOT_FOUND ? NOT_FOUND : found >> BLOCK_SHIFT);
    cpu->rest = LINE_WORDS;
    return found != NOT_FOUND;
}

/* A word whose frames are not all managed, or that is not in use, gets none of them back but
 * through the checks of frame_free_slow(). */
static bool is_odd(const struct frames *frames, uint16_t desc, uint64_t word)
{
    return (desc & (DESC_RAW | DESC_WHOLE)) != 0 ||
           ((desc & DESC_RAGGED) != 0 && !frame_is_managed(frames, word * 64, 64));
}

/* Makes the highest word of the owned block that has free frames the CPU's mask. */
static bool take_word(struct frames *frames, struct frame_cpu *cpu)
{
    uint64_t block = cpu->owned;
    while (cpu->rest > 0) {
        uint64_t *word = &block_line(frames, block)[--cpu->rest];
        uint64_t bits = atomic_peek(word) == 0 ? 0 : atomic_exchange(word, 0);
        if (bits == 0)
            continue;
        unsigned count = word_count(bits);
        block_subtract(frames, block, count);
        atomic_poke(&cpu->credit, cpu->credit - count);
        uint64_t number = block * LINE_WORDS + cpu->rest;
        bool odd = is_odd(frames, atomic_peek(block_desc(frames, block)), number);
        cpu->first = number * 64;
        cpu->word = odd ? NOT_FOUND : number;
        atomic_poke(&cpu->mask, bits);
        return true;
    }
    return false;
}

bool cpu_refill(struct frames *frames, struct frame_cpu *cpu)
{
    if (!afford(frames, cpu, 64, 0))
        return false;
    while (cpu->owned == NOT_FOUND || !take_word(frames, cpu)) {
        release_owned(frames, cpu);
        if (!own(frames, cpu))
            return false;
    }
    return true;
}

uint64_t cpu_find_run(struct frames *frames, struct want want)
{
    struct frame_cpu *cpu = this_cpu(frames);
    if (cpu->busy)
        return NOT_FOUND;
    enter(cpu);
    uint64_t found = NOT_FOUND;
    if (cpu->owned != NOT_FOUND || own(frames, cpu))
        found = find_in_block(frames, cpu->owned, want);
    leave(cpu);
    return found;
}

bool frame_drain(struct frames *frames)
{
    struct frame_cpu *cpu = this_cpu(frames);
    if (cpu->busy)
        return false;
    enter(cpu);
    struct freed freed = swap_freed(cpu, (struct freed){0, NOT_FOUND, NULL, NULL});
    uint64_t bits = cpu->mask, first = cpu->first;
    uint64_t credit = cpu->credit + word_count(bits) + word_count(freed.bits);
    atomic_poke(&cpu->mask, 0);
    atomic_poke(&cpu->credit, 0);
    cpu->word = NOT_FOUND;
    release_owned(frames, cpu);
    leave(cpu);
    atomic_add(&frames->pool, (int64_t)credit);
    if (bits != 0 && !frames_put_word(frames, first / 64, bits))
        frame_already_free(frames, first + bits_lowest(bits), 0);
    if (freed.bits != 0)
        put_freed(frames, freed, word_count(freed.bits));
    return true;
}

frame_t cpu_alloc_refill(struct frames *frames, struct frame_request request)
{
    struct frame_cpu *cpu = this_cpu(frames);
    bool filled = cpu_refill(frames, cpu);
    uint64_t found = filled ? cpu_pop(cpu) : NOT_FOUND;
    leave(cpu);
    return filled ? (frame_t){found} : frame_alloc_slow(frames, request);
}

void cpu_free_other(struct frames *frames, frame_t frame, struct frame_cpu *cpu)
{
    uint64_t gib = frame.number >> SPAN_SHIFT, word = frame.number / 64;
    uint64_t block = frame.number >> BLOCK_SHIFT;
    struct frame_span *span = gib < frames->gibs ? atomic_load(&frames->span[gib]) : NULL;
    uint16_t *desc = span == NULL ? NULL : &span->desc[block % SPAN_BLOCKS];
    if (desc == NULL || ((atomic_peek(desc) & (DESC_RAW | DESC_WHOLE | DESC_RAGGED)) != 0 &&
                         is_odd(frames, atomic_peek(desc), word))) {
        leave(cpu);
        frame_free_slow(frames, frame, 0);
        return;
    }
    uint64_t *lines = (uint64_t *)span->line;
    struct freed other = {(uint64_t)1 << (frame.number % 64), word,
                          &lines[word % ((uint64_t)SPAN_BLOCKS * LINE_WORDS)], desc};
    struct freed freed = swap_freed(cpu, other);
    unsigned count = 0;
    if (freed.bits != 0) {
        count = count_of(freed.bits);
        earn(frames, cpu, count);
    }
    leave(cpu);
    if (count != 0)
        put_freed(frames, freed, count);
}

/* A block out of the word of blocks that the last one came from. */
frame_t cpu_alloc_odd(struct frames *frames, struct frame_request request)
{
    struct frame_cpu *cpu = this_cpu(frames);
    uint64_t block = cpu->block;
    if (kind_of(request) != BLOCK_SHIFT || request.below.number != 0 || block == NOT_FOUND ||
        cpu->busy || cpu->credit < BLOCK_FRAMES || FRAME_DEBUG)
        return frame_alloc_slow(frames, request);
    uint64_t *word = &span_of(frames, block)->list[LIST_BLOCKS][block % SPAN_BLOCKS / 64];
    uint64_t bits = atomic_peek(word);
    if (bits == 0)
        return frame_alloc_slow(frames, request);
    uint64_t bit = bits_highest(bits), one = (uint64_t)1 << bit;
    if ((atomic_and(word, ~one) & one) == 0)
        return frame_alloc_slow(frames, request);
    enter(cpu);
    atomic_poke(&cpu->credit, cpu->credit - BLOCK_FRAMES);
    leave(cpu);
    block = (block & ~63ULL) + bit;
    block_use(frames, block);
    return (frame_t){block << BLOCK_SHIFT};
}

void cpu_free_odd(struct frames *frames, frame_t frame, unsigned order)
{
    uint64_t block = frame.number >> BLOCK_SHIFT;
    if (order == BLOCK_SHIFT && frame.number % BLOCK_FRAMES == 0 &&
        span_is_open(frames, frame.number >> SPAN_SHIFT) && blocks_put(frames, block, 1, DESC(0)))
        frame_earn(frames, BLOCK_FRAMES);
    else
        frame_free_slow(frames, frame, order);
}
