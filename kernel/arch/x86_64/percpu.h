/* SPDX-License-Identifier: MIT */
/*
 * What each CPU has for itself. The base of gs points to it from the kernel's first instruction on,
 * so that finding out which CPU this is costs one load. Kernel code is not preempted: it stays on
 * its CPU from entry to exit.
 *
 * Locking: none. A CPU writes its own area only, and fields marked atomic are read by others.
 */
#pragma once

#define PERCPU_STACK  16 /* offsets, for assembly */
#define PERCPU_CANARY 40

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CPU_MAX   255 /* an xAPIC id is a byte, and 255 means all of them */
#define CPU_WORDS 4   /* of 64 bits: a bit for each CPU */

/* What CPUs write each other about. */
enum mail_kind { MAIL_FLUSH, MAIL_DRAIN, MAIL_CALL, MAIL_KINDS };

/* As the CPU reads it. (Intel SDM vol. 3A, 8.7) */
struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7]; /* ist[i] is called IST i + 1 */
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map; /* beyond the limit: no port is allowed in ring 3 */
} __attribute__((packed));

struct attempt;
struct heap;
struct letter;
struct lock;

/* CPU_STALE: it sleeps, and has to flush its TLB when it wakes up. */
enum cpu_sleep { CPU_AWAKE, CPU_ASLEEP, CPU_STALE };

enum cpu_state { CPU_PREPARED, CPU_STARTING, CPU_ONLINE, CPU_LEFT_OUT };

struct percpu {
    struct percpu *self;
    uint32_t id;             /* 0: the boot CPU; counted without gaps */
    uint32_t apic_id;        /* what interrupts call it */
    uint64_t stack_top;      /* of its main stack */
    uint32_t interrupts;     /* that it is handling, one inside the other */
    uint32_t nmis;           /* NMIs and machine checks, likewise */
    struct lock *held;       /* the innermost lock that it holds; kernel/lock.h */
    uint64_t canary;         /* of the stack in use: both compilers look for it here, at gs:40 */
    struct attempt *attempt; /* the innermost fault_try() */
    struct heap *heap;       /* that kmalloc uses now; percpu_heap.h */
    struct heap *task_heap, *interrupt_heap;
    uint32_t slices_kept; /* that the latter should have in reserve */
    uint32_t state;       /* enum cpu_state; atomic */
    uint32_t sleep;       /* enum cpu_sleep; atomic */
    bool is_tidy;         /* has nothing to do before it sleeps */
    uint32_t nmis_taken;  /* that nmi_send() sent; */
    uint32_t nmi_sent;    /* 1: one that was not taken yet; atomic */
    void (*job)(void *);  /* what an idle CPU is to run, and runs; else NULL; atomic */
    void *job_argument;
    uint64_t senders[MAIL_KINDS][CPU_WORDS]; /* kernel/mail.h: who wrote to it; atomic */
    struct letter *letter[MAIL_KINDS];       /* what it wrote itself */
    struct tss tss;
    uint64_t irqs[256 - 32]; /* taken, by vector - 32 */
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct tss) == 104, "as the CPU reads it");
_Static_assert(offsetof(struct percpu, self) == 0, "percpu_this() reads it there");
_Static_assert(offsetof(struct percpu, stack_top) == PERCPU_STACK, "as the assembly believes");
_Static_assert(offsetof(struct percpu, canary) == PERCPU_CANARY, "as the compilers believe");

/* The boot CPU's, there from the start. */
extern struct percpu percpu_boot;

/* This CPU's number, 0 to CPU_MAX - 1. */
static inline unsigned cpu_id(void)
{
    unsigned id;
    __asm__("movl %%gs:%c1, %0" : "=r"(id) : "i"(offsetof(struct percpu, id)));
    return id;
}

static inline struct percpu *percpu_this(void)
{
    struct percpu *this;
    __asm__("movq %%gs:0, %0" : "=r"(this));
    return this;
}

/* The area of a CPU, or NULL: numbers are given out in order and never taken back. */
struct percpu *percpu_get(unsigned id);

/* How many CPUs have one, started or not. */
unsigned percpu_count(void);

/* Makes `area`, all zero, that of the next CPU, which is called `apic_id`. Precondition: fewer than
 * CPU_MAX have one, and the caller is the boot CPU. */
void percpu_add(struct percpu *area, uint32_t apic_id);

/* Takes back what percpu_add() did last. */
void percpu_remove_last(void);

/* Makes gs point to `area`, on this CPU. */
void percpu_load(struct percpu *area);

#endif
