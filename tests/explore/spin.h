/* SPDX-License-Identifier: MIT */
/*
 * Threads that go round in circles. Left alone they would do so for ever, so that a search through
 * all schedules would not end; but a circle leads nowhere new, and the thread may as well wait:
 *
 * STUCK     It is back in a state in which it was before (registers, stack, place), has changed
 *           nothing since, and nobody has changed what it read. Waits until somebody does.
 * CIRCLING  It is back in such a state, has undone all that it changed since (lock, find the second
 *           lock taken, unlock), and nobody else made a step. Waits until somebody does.
 * TIRED     It has come to a load as often as the test allows without any effect, but each time in
 *           another state: it counts. Waits like one that is stuck, or until nobody else can go on.
 *
 * The first two lose no behaviour: what could follow can follow from the first time, too. The last
 * loses those in which the thread gives up while others could go on; so it must be asked for.
 */
#pragma once

#include "tests/explore/op.h"

enum spin { SPIN_NOT, SPIN_STUCK, SPIN_CIRCLING, SPIN_TIRED };

/* Forgets everything. `tries`: visits without effect after which a thread is tired; 0: never. */
void spin_reset(unsigned tries);

/* The thread has come to this operation; op->state is valid. */
void spin_arrive(unsigned thread, const struct op *op);

/* The thread did this, or its buffer, if it is an OP_COMMIT; memory is as it is in op->new.
 * `buffered`: it is not, the store waits in the buffer. */
void spin_step(unsigned thread, const struct op *op, bool buffered);

/* The thread did something that is not undone. */
void spin_progress(unsigned thread);

enum spin spin_state(unsigned thread);
