/* SPDX-License-Identifier: MIT */
/* The trace of a schedule, and its printed form. */
#include "tests/explore/trace.h"

#include <inttypes.h>

#include "tests/explore/symbol.h"

#define EVENTS 100 /* the last ones are kept */
#define TEXT   160

struct event {
    unsigned thread;
    struct op op;
};

static struct event events[EVENTS];
static size_t count;

static const char *const names[] = {"load",  "store",  "exchange", "add",  "sub",
                                    "and",   "or",     "xor",      "nand", "cas",
                                    "fence", "commit", "read",     "write"};
static const char *const orders[] = {"relaxed", "consume", "acquire",
                                     "release", "acq_rel", "seq_cst"};

void trace_reset(void)
{
    count = 0;
}

void trace_note(unsigned thread, const struct op *op)
{
    events[count++ % EVENTS] = (struct event){thread, *op};
}

/* Small numbers are decimal; what may be an address or a mask is not. */
static int print_value(char *to, size_t size, value_t value)
{
    uint64_t high = (uint64_t)(value >> 64), low = (uint64_t)value;
    if (high != 0)
        return snprintf(to, size, "%#" PRIx64 ":%#" PRIx64, high, low);
    return snprintf(to, size, low < 1000 ? "%" PRIu64 : "%#" PRIx64, low);
}

static void describe_value(const struct op *op, char text[TEXT])
{
    char old[TEXT / 4], new[TEXT / 4], expected[TEXT / 4];
    print_value(old, sizeof old, op->old);
    print_value(new, sizeof new, op->new);
    print_value(expected, sizeof expected, op->expected);
    if (op->kind == OP_FENCE || op_is_plain(op))
        text[0] = 0;
    else if (op->kind == OP_LOAD)
        snprintf(text, TEXT, "%s", old);
    else if (op->failed)
        snprintf(text, TEXT, "%s, not %s", old, expected);
    else if (op->kind == OP_STORE || op->kind == OP_COMMIT)
        snprintf(text, TEXT, "%s", new);
    else
        snprintf(text, TEXT, "%s -> %s", old, new);
}

static void print_event(FILE *to, const struct event *event)
{
    const struct op *op = &event->op;
    char value[TEXT], data[TEXT] = "", place[TEXT];
    describe_value(op, value);
    if (op->size != 0)
        symbol_data(op->address, data, sizeof data);
    symbol_code(op->pc, place, sizeof place);
    int order = op->failed ? op->failure_order : op->order;
    fprintf(to, "  %6u  %-9s %-20s %-22s %-8s %s\n", event->thread, names[op->kind], data, value,
            op_is_plain(op) ? "plain" : orders[order], place);
}

void trace_print(FILE *to)
{
    fprintf(to, "  thread  operation %-20s %-22s %-8s place\n", "address", "value", "order");
    if (count > EVENTS)
        fprintf(to, "  ... %zu earlier ones\n", count - EVENTS);
    for (size_t i = count > EVENTS ? count - EVENTS : 0; i < count; i++)
        print_event(to, &events[i % EVENTS]);
}
