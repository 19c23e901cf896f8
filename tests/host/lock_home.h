/* SPDX-License-Identifier: MIT */
/*
 * What locks ask of the machine, hosted: each thread plays the CPU that it says it is. The kernel's
 * own is kernel/arch/x86_64/lock_home.h; both answer the same contract.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct lock;

enum lock_context { LOCK_IN_TASK, LOCK_IN_INTERRUPT, LOCK_IN_NMI };

#define HOST_CPUS 8

/* What a CPU is doing. */
struct host_cpu {
    struct lock *held;
    enum lock_context context;
    bool interrupts_are_on;
};

extern struct host_cpu host_cpus[HOST_CPUS];
extern _Thread_local unsigned host_cpu; /* which of them this thread plays */
extern uint64_t host_clock;
extern void (*host_pause)(void); /* what happens meanwhile when a CPU waits; NULL: nothing */

uint32_t lock_home_cpu(void);
struct lock *lock_home_held(void);
void lock_home_hold(struct lock *lock);
enum lock_context lock_home_context(void);
bool lock_home_interrupts_are_on(void);
void lock_home_interrupts_off(void);
void lock_home_interrupts_on(void);
uint64_t lock_home_clock(void);
void lock_home_pause(void);
