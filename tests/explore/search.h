/* SPDX-License-Identifier: MIT */
/*
 * The depth-first search through all schedules. A schedule is a list of choices: which actor makes
 * the next step, an actor being a thread or a thread's store buffer. It is run from the start each
 * time; then the last choice that has an alternative is changed.
 *
 * Reduction is by sleep sets (Godefroid, 1996): after the subtree of an actor is done, the actor
 * sleeps in its siblings' subtrees until somebody makes a step that depends on its own. Of the
 * schedules that differ in the order of independent steps one is run to its end. Under a bound this
 * would be wrong: the one that is kept may need more preemptions than the one that is dropped.
 */
#pragma once

#include "tests/explore/explore.h"
#include "tests/explore/op.h"

/* Actor `i` is thread i; actor SEARCH_BUFFER + i is its store buffer. */
#define SEARCH_BUFFER EXPLORE_THREADS
#define SEARCH_ACTORS (2 * EXPLORE_THREADS)
#define SEARCH_STEPS  4096 /* of one schedule; a longer one has no end */

/* What search_choose() returns instead of an actor. */
#define SEARCH_PRUNED   (-1) /* the schedule is equivalent to an earlier one */
#define SEARCH_UNSTABLE (-2) /* it went otherwise than the last time */
#define SEARCH_ENDLESS  (-3)

/* A search through all schedules, or those with at most `preemptions` if that is not 0. */
void search_begin(unsigned preemptions, bool reduces);

/* The next schedule starts. */
void search_start_schedule(void);

/* Chooses among the actors in the mask `enabled`, not 0. ops[actor] is what that one does next;
 * valid for each enabled actor, and until it makes its step. */
int search_choose(uint32_t enabled, const struct op *const ops[SEARCH_ACTORS]);

/* Steps chosen since the schedule started. */
unsigned search_depth(void);

/* Prepares the next schedule; false if there is none. */
bool search_advance(void);
