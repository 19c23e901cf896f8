/* SPDX-License-Identifier: MIT */
/*
 * The rate of the time stamp counter, by counter 2 of the interval timer (8254), which counts down
 * from 0xffff at 1193182 Hz without disturbing anybody. What is measured is the ratio of the ticks
 * that both have made: how long the loop took does not matter.
 */
#include "kernel/arch/x86_64/tsc.h"

#include "kernel/arch/x86_64/asm.h"

#define PIT_COUNTER2 0x42
#define PIT_CONTROL  0x43
#define PIT_START    0xb0 /* counter 2, two bytes, mode 0: count down once, then raise the output */
#define PIT_LATCH    0x80 /* counter 2: hold the present count for reading */
#define PIT_HZ       1193182

#define SPEAKER        0x61
#define SPEAKER_GATE   0x01 /* lets counter 2 count */
#define SPEAKER_DATA   0x02 /* lets its output be heard */
#define SPEAKER_OUTPUT 0x20 /* that output */

#define READS_MAX 100000 /* of a timer that may not be there */
#define TRIES     5
#define RATE_MAX  8000000 /* 8 GHz */

static uint64_t rate; /* ticks a millisecond; 0: not measured */

static void pit_start(void)
{
    asm_out8(SPEAKER, (asm_in8(SPEAKER) & ~SPEAKER_DATA) | SPEAKER_GATE);
    asm_out8(PIT_CONTROL, PIT_START);
    asm_out8(PIT_COUNTER2, 0xff);
    asm_out8(PIT_COUNTER2, 0xff);
}

static unsigned pit_read(void)
{
    asm_out8(PIT_CONTROL, PIT_LATCH);
    unsigned low = asm_in8(PIT_COUNTER2);
    return low | (unsigned)asm_in8(PIT_COUNTER2) << 8;
}

/* False if the timer ran out, because something held this CPU up. */
static bool measure_once(uint64_t *measured)
{
    pit_start();
    unsigned first = pit_read(), passed = 0;
    uint64_t start = asm_read_tsc(), end = start;
    for (unsigned reads = 0; passed < PIT_HZ / 1000 && reads < READS_MAX; reads++) {
        passed = first - pit_read();
        end = asm_read_tsc();
    }
    *measured = passed == 0 ? 0 : (end - start) * PIT_HZ / passed / 1000;
    return (asm_in8(SPEAKER) & SPEAKER_OUTPUT) == 0;
}

void tsc_init(void)
{
    for (unsigned i = 0; i < TRIES && !tsc_is_measured(); i++)
        if (!measure_once(&rate))
            rate = 0;
}

uint64_t tsc_rate(void)
{
    return tsc_is_measured() ? rate : RATE_MAX;
}

bool tsc_is_measured(void)
{
    return rate != 0;
}

void tsc_wait_since(uint64_t start, uint64_t microseconds)
{
    uint64_t ticks = microseconds * tsc_rate() / 1000;
    while (asm_read_tsc() - start < ticks)
        asm_pause();
}
