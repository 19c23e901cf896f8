/* SPDX-License-Identifier: MIT */
/*
 * How CPUs ask each other for something and wait until it is done: a CPU writes one letter of each
 * kind at a time, to any number of others, and each of them reads it in its own time and context.
 *
 *     CPU 0                                    CPU 2
 *     letter: unread by {2, 3}   <--- reads ---  senders: {0, 5}     letter
 *                                                                    of CPU 5
 *
 * A letter is memory of its writer's; nothing is allocated, and nobody waits for a lock.
 */
#pragma once

#include "kernel/arch/x86_64/percpu.h"

struct letter {
    void (*read)(const struct letter *letter); /* what a CPU does that reads it */
    uint64_t unread[CPU_WORDS];                /* by whom; atomic */
};

/* From now on this is the letter of this CPU. The writer stays on this
 * CPU until mail_wait() returns, and writes no other of that kind until then. */
void mail_write(enum mail_kind kind, struct letter *letter);

/* Gives it to one of them, to be read at the next mail_read(). Interrupting that CPU is the
 * writer's business. */
void mail_send(enum mail_kind kind, struct percpu *to);

/* Reads what other CPUs have sent to this one. Interrupts are off. */
void mail_read(enum mail_kind kind);

/* Reads all that can be read in any context but NMI: for those who wait with interrupts off, lest
 * they wait for each other. */
void mail_serve(void);

/* Returns when all have read it, and calls meanwhile() again and again until then. A CPU that does
 * not for MAIL_PATIENCE_MS has come to grief: panics and says which. */
void mail_wait(const struct letter *letter, void (*meanwhile)(void));

#define MAIL_PATIENCE_MS 10000 /* an emulated CPU may have to wait long for one of its host's */
