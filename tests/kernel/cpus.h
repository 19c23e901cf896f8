/* SPDX-License-Identifier: MIT */
/* Running test code on several CPUs at once. */
#pragma once

#include <stdbool.h>

struct fault;

/* Ends the running test as skipped unless so many CPUs are there. */
void cpus_need(unsigned count);

/* Runs function(argument) in task context on CPUs 0 to count - 1 at once, 0 being the caller, and
 * returns when all have finished. What panics or fails a check on one of them fails the test. */
void cpus_run(unsigned count, void (*function)(void *), void *argument);

/* The same on all CPUs, a few after the other: an emulator has few CPUs to run them on. */
void cpus_run_in_turns(unsigned at_once, void (*function)(void *), void *argument);

/* Lets CPU 1 run it alone, while the caller goes on; and waits for it. */
void cpus_start(void (*function)(void *), void *argument);
void cpus_wait(void);

/* Runs it on one CPU alone. As fault_try(). */
bool cpus_try(unsigned number, void (*function)(void *), void *argument, struct fault *fault);

/* Waits, on another CPU than the one that sets it, until `*step` is at least `wanted`. */
void cpus_await(const unsigned *step, unsigned wanted);
void cpus_advance(unsigned *step);
