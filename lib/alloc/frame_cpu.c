/* SPDX-License-Identifier: MIT */
/* Filling and emptying the hands of a CPU; see frame_cpu.h. */
#include "lib/alloc/frame_cpu.h"

static void give_back(struct frames *frames, struct frame_cpu *cpu, uint64_t first, uint64_t bits)
{
    put_word(frames, block_of(frames, first).span, first / 64, bits);
    atomic_poke(&cpu->taken, cpu->taken - word_count(bits));
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
    struct freed freed;
    freed.at = cpu->freed_at;
    cpu->freed_at = other.at;
    freed.desc = cpu->freed_desc;
    cpu->freed_desc = other.desc;
    freed.word = cpu->freed_word;
    cpu->freed_word = other.word;
    freed.bits = cpu->freed;
    atomic_poke(&cpu->freed, other.bits);
    atomic_poke(&cpu->taken, cpu->taken - word_count(freed.bits));
    return freed;
}

static __attribute__((noinline)) void freed_moved(struct frames *frames, uint64_t word,
                                                  uint16_t old, unsigned count)
{
    block_added(frames, block_of(frames, word * 64), old, count);
}

/* put_word() without looking for the word. Nothing at hand is touched: the CPU may be interrupted.
 */
static inline void put_freed(struct frames *frames, struct freed freed)
{
    if (!line_put_in_word(freed.at, freed.bits))
        frame_already_free(frames, freed.word * 64 + bits_lowest(freed.bits), 0);
    unsigned count = word_count(freed.bits);
    uint16_t old = atomic_add(freed.desc, (uint16_t)count);
    if (!desc_same_class(old, (uint16_t)(old + count)))
        freed_moved(frames, freed.word, old, count);
}

static void release_owned(struct frames *frames, struct frame_cpu *cpu)
{
    uint64_t owned = cpu->owned;
    atomic_poke(&cpu->owned, NOT_FOUND);
    if (owned != NOT_FOUND)
        block_release(frames, block_of(frames, owned));
}

/* Makes the highest word of the owned block that has free frames the CPU's mask. */
static bool take_word(struct frames *frames, struct frame_cpu *cpu)
{
    struct block block = block_of(frames, cpu->owned);
    while (cpu->rest > 0) {
        uint64_t *word = &block_line(block)[--cpu->rest];
        if (atomic_peek(word) == 0)
            continue;
        uint64_t bits = atomic_exchange(word, 0);
        if (bits == 0)
            continue;
        unsigned count = word_count(bits);
        block_subtract(frames, block, count);
        atomic_poke(&cpu->taken, cpu->taken + count);
        uint64_t first = cpu->owned + cpu->rest * 64ULL;
        bool ragged = (atomic_peek(block_desc(block)) & DESC_RAGGED) != 0 &&
                      !frame_is_managed(frames, first, 64);
        cpu->first = first;
        cpu->word = ragged ? NOT_FOUND : cpu->first / 64;
        atomic_poke(&cpu->mask, bits);
        return true;
    }
    return false;
}

bool cpu_refill(struct frames *frames, struct frame_cpu *cpu)
{
    if (frames->reserve != 0)
        return false;
    for (;;) {
        if (cpu->owned != NOT_FOUND && take_word(frames, cpu))
            return true;
        release_owned(frames, cpu);
        uint64_t start = find_block(frames);
        if (start == NOT_FOUND)
            return false;
        atomic_poke(&cpu->owned, start);
        cpu->rest = LINE_WORDS;
    }
}

uint64_t cpu_find_run(struct frames *frames, struct frame_cpu *cpu, unsigned order)
{
    const struct frame_range everything = {{0}, {(uint64_t)1 << 52}};
    if (cpu->owned == NOT_FOUND) {
        atomic_poke(&cpu->owned, find_block(frames));
        cpu->rest = LINE_WORDS;
    }
    if (cpu->owned == NOT_FOUND)
        return NOT_FOUND;
    return find_in_block(frames, block_of(frames, cpu->owned), order, everything);
}

bool frame_drain(struct frames *frames)
{
    struct frame_cpu *cpu = this_cpu(frames);
    if (cpu->busy)
        return false;
    enter(cpu);
    struct freed freed = swap_freed(cpu, (struct freed){0, NOT_FOUND, NULL, NULL});
    uint64_t bits = cpu->mask;
    atomic_poke(&cpu->mask, 0);
    cpu->word = NOT_FOUND;
    if (bits != 0)
        give_back(frames, cpu, cpu->first, bits);
    release_owned(frames, cpu);
    leave(cpu);
    if (freed.bits != 0)
        put_freed(frames, freed);
    return true;
}

/* What is out of the ordinary about a block: a frame of it needs a closer look. */
#define DESC_ODD (DESC_WHOLE | DESC_RAW | DESC_RAGGED)

/* Begins the second mask with a frame of that word, and puts back what was in it. Leaves. */
static inline void begin_freed(struct frames *frames, struct frame_cpu *cpu, struct block block,
                               frame_t frame)
{
    uint64_t *lines = (uint64_t *)block.span->line, word = frame.number / 64;
    struct freed other = {(uint64_t)1 << (frame.number % 64), word,
                          &lines[word % ((uint64_t)SPAN_BLOCKS * LINE_WORDS)], block_desc(block)};
    struct freed freed = swap_freed(cpu, other);
    leave(cpu);
    if (freed.bits != 0)
        put_freed(frames, freed);
}

/* The block is odd; if only its ends are not managed, the word may still be. */
static __attribute__((noinline)) void free_odd_single(struct frames *frames, frame_t frame,
                                                      struct frame_cpu *cpu, struct block block)
{
    if ((atomic_peek(block_desc(block)) & DESC_ODD) == DESC_RAGGED &&
        frame_is_managed(frames, frame.number & ~63ULL, 64)) {
        begin_freed(frames, cpu, block, frame);
        return;
    }
    leave(cpu);
    frame_free_slow(frames, frame, 0);
}

void cpu_free_other(struct frames *frames, frame_t frame, struct frame_cpu *cpu)
{
    uint64_t gib = frame.number >> SPAN_SHIFT;
    if (!frame_is_open(frames, gib)) {
        leave(cpu);
        frame_free_slow(frames, frame, 0);
        return;
    }
    struct block block = {frame_span_of(frames, gib), frame.number >> BLOCK_SHIFT};
    if ((atomic_peek(block_desc(block)) & DESC_ODD) == 0)
        begin_freed(frames, cpu, block, frame);
    else
        free_odd_single(frames, frame, cpu, block);
}

frame_t cpu_alloc_refill(struct frames *frames, struct frame_request request)
{
    struct frame_cpu *cpu = this_cpu(frames);
    bool filled = cpu_refill(frames, cpu);
    uint64_t found = filled ? cpu_pop(cpu) : NOT_FOUND;
    leave(cpu);
    return filled ? (frame_t){found} : frame_alloc_slow(frames, request);
}

/* A block out of the word of blocks that the last one came from. */
frame_t cpu_alloc_odd(struct frames *frames, struct frame_request request)
{
    struct frame_cpu *cpu = this_cpu(frames);
    struct block block = {cpu->block_span, cpu->block};
    if (kind_of(request) != BLOCK_SHIFT || request.below.number != 0 || block.span == NULL ||
        cpu->busy || FRAME_DEBUG)
        return frame_alloc_slow(frames, request);
    uint64_t *word = &block.span->whole[block.number % SPAN_BLOCKS / 64];
    uint64_t bits = atomic_peek(word);
    if (bits == 0)
        return frame_alloc_slow(frames, request);
    uint64_t bit = bits_highest(bits), one = (uint64_t)1 << bit;
    if ((atomic_and(word, ~one) & one) == 0)
        return frame_alloc_slow(frames, request);
    block.number = (block.number & ~63ULL) + bit;
    enter(cpu);
    atomic_poke(&cpu->taken, cpu->taken + (int64_t)BLOCK_FRAMES);
    leave(cpu);
    block_use(block);
    return (frame_t){block_start(block)};
}

void cpu_free_odd(struct frames *frames, frame_t frame, unsigned order)
{
    uint64_t gib = frame.number >> SPAN_SHIFT;
    if (order == BLOCK_SHIFT && frame.number % BLOCK_FRAMES == 0 && frame_is_open(frames, gib)) {
        struct block block = {frame_span_of(frames, gib), frame.number >> BLOCK_SHIFT};
        if (atomic_peek(block_desc(block)) == DESC(0)) {
            book(frames, this_cpu(frames), -(int64_t)BLOCK_FRAMES);
            atomic_store(block_desc(block), DESC(0) | DESC_WHOLE);
            span_put_word(frames, block, (uint64_t)1 << (block.number % 64));
            return;
        }
    }
    frame_free_slow(frames, frame, order);
}
