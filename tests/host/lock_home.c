/* SPDX-License-Identifier: MIT */
/* The CPUs that hosted tests play. */
#include "tests/host/lock_home.h"

#include <stddef.h>

struct host_cpu host_cpus[HOST_CPUS];
_Thread_local unsigned host_cpu;
uint64_t host_clock;
void (*host_pause)(void);

uint32_t lock_home_cpu(void)
{
    return host_cpu;
}

struct lock *lock_home_held(void)
{
    return host_cpus[host_cpu].held;
}

void lock_home_hold(struct lock *lock)
{
    host_cpus[host_cpu].held = lock;
}

enum lock_context lock_home_context(void)
{
    return host_cpus[host_cpu].context;
}

bool lock_home_interrupts_are_on(void)
{
    return host_cpus[host_cpu].interrupts_are_on;
}

void lock_home_interrupts_off(void)
{
    host_cpus[host_cpu].interrupts_are_on = false;
}

void lock_home_interrupts_on(void)
{
    host_cpus[host_cpu].interrupts_are_on = true;
}

uint64_t lock_home_clock(void)
{
    return host_clock;
}

void lock_home_pause(void)
{
    if (host_pause != NULL)
        host_pause();
}
