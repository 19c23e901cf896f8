/* SPDX-License-Identifier: MIT */
/* Atomic operations on memory and store buffers. Only one context runs at a time, so plain C does.
 */
#include "tests/explore/memory.h"

#include <stddef.h>
#include <string.h>

#include "tests/explore/race.h"

#define BUFFERED                                                                     \
    16 /* stores in a buffer at most; more than any thread of a sensible test issues \
        */

struct store {
    struct op op; /* an OP_COMMIT */
    struct clock released;
};

/* Stores [first, end), oldest first, modulo BUFFERED. */
struct buffer {
    struct store stores[BUFFERED];
    unsigned first, end;
};

static struct buffer buffers[EXPLORE_THREADS];
static bool has_buffers;

void memory_reset(enum explore_memory memory)
{
    has_buffers = memory == EXPLORE_TSO;
    for (unsigned i = 0; i < EXPLORE_THREADS; i++)
        buffers[i].first = buffers[i].end = 0;
}

static value_t peek(const struct op *op)
{
    value_t value = 0;
    memcpy(&value, (const void *)op->address, op->size);
    return value;
}

static void poke(const struct op *op, value_t value)
{
    memcpy((void *)op->address, &value, op->size);
}

static value_t cut_to_size(value_t value, unsigned size)
{
    return size == sizeof value ? value : value & (((value_t)1 << 8 * size) - 1);
}

/* --- buffers -----------------------------------------------------------------------------------*/

static bool is_empty(const struct buffer *buffer)
{
    return buffer->first == buffer->end;
}

/* The newest store in the buffer that overlaps the operand, or NULL. */
static const struct op *newest_overlap(const struct buffer *buffer, const struct op *op)
{
    for (unsigned i = buffer->end; i != buffer->first; i--) {
        const struct op *store = &buffer->stores[(i - 1) % BUFFERED].op;
        if (op_overlaps(store, op->address, op->size))
            return store;
    }
    return NULL;
}

/* Does the store hold all that the operand asks for? */
static bool can_forward(const struct op *store, const struct op *op)
{
    return store->address <= op->address && op->address + op->size <= store->address + store->size;
}

bool memory_is_buffered(const struct op *op)
{
    return has_buffers && op->kind == OP_STORE && op->order != __ATOMIC_SEQ_CST;
}

bool memory_must_drain(unsigned thread, const struct op *op)
{
    const struct buffer *buffer = &buffers[thread];
    if (is_empty(buffer))
        return false;
    if (memory_is_buffered(op))
        return buffer->end - buffer->first == BUFFERED;
    const struct op *store = newest_overlap(buffer, op);
    return op_is_locked(op) || (store != NULL && (op_is_plain(op) || !can_forward(store, op)));
}

const struct op *memory_oldest(unsigned thread)
{
    const struct buffer *buffer = &buffers[thread];
    return is_empty(buffer) ? NULL : &buffer->stores[buffer->first % BUFFERED].op;
}

void memory_commit(unsigned thread, struct op *op)
{
    const struct store *store = &buffers[thread].stores[buffers[thread].first++ % BUFFERED];
    *op = store->op;
    op->old = peek(op);
    race_publish(op, &store->released, false);
    op->new = op->operand;
    poke(op, op->new);
}

static void put_in_buffer(struct buffer *buffer, const struct op *op, struct clock released)
{
    struct store *store = &buffer->stores[buffer->end++ % BUFFERED];
    *store = (struct store){*op, released};
    store->op.kind = OP_COMMIT;
}

/* --- performing --------------------------------------------------------------------------------*/

static value_t combined(const struct op *op)
{
    switch (op->kind) {
    case OP_ADD:
        return op->old + op->operand;
    case OP_SUB:
        return op->old - op->operand;
    case OP_AND:
        return op->old & op->operand;
    case OP_OR:
        return op->old | op->operand;
    case OP_XOR:
        return op->old ^ op->operand;
    case OP_NAND:
        return ~(op->old & op->operand);
    default:
        return op->operand;
    }
}

/* Given what the operation read, finds how it goes. */
static void work_out(struct op *op)
{
    op->failed = op->kind == OP_CAS && op->old != op->expected;
    bool writes = op_may_write(op) && !op->failed;
    op->new = writes ? cut_to_size(combined(op), op->size) : op->old;
}

/* Reads what the thread sees there. Gives the store that this is, if it still is in the buffer. */
static const struct op *read_old(unsigned thread, struct op *op)
{
    const struct op *store = newest_overlap(&buffers[thread], op);
    if (store != NULL && op->kind == OP_LOAD)
        op->old = cut_to_size(store->operand >> 8 * (op->address - store->address), op->size);
    else
        op->old = peek(op);
    return store;
}

static void write_new(unsigned thread, const struct op *op)
{
    struct clock released = race_released(thread, op->order);
    if (memory_is_buffered(op)) {
        put_in_buffer(&buffers[thread], op, released);
    } else {
        race_publish(op, &released, op->kind != OP_STORE);
        poke(op, op->new);
    }
}

void memory_perform(unsigned thread, struct op *op)
{
    if (op->kind == OP_FENCE) {
        race_fence(thread, op->order);
        return;
    }
    const struct op *own = read_old(thread, op);
    work_out(op);
    if (op->kind != OP_STORE && own == NULL)
        race_acquire(thread, op, op->failed ? op->failure_order : op->order);
    if (op_may_write(op) && !op->failed)
        write_new(thread, op);
}

void memory_perform_alone(struct op *op)
{
    if (op->kind == OP_FENCE)
        return;
    op->old = peek(op);
    work_out(op);
    if (op_may_write(op))
        poke(op, op->new);
}
