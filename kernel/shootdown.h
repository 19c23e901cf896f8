/* SPDX-License-Identifier: MIT */
/*
 * TLB shootdown: when translations end, every CPU that may have cached them forgets them before
 * their frames are used for anything else. machine_flush() leads here.
 */
#pragma once

/* From now on flushes reach all CPUs, and CPUs that wait with interrupts off, for a lock or for the
 * serial line, answer them. */
void shootdown_init(void);

/* Makes shootdowns wrong, for the tests that must notice; debug builds only. */
enum shootdown_flaw { SHOOTDOWN_SOUND, SHOOTDOWN_DROPPED, SHOOTDOWN_NOT_AWAITED };
extern enum shootdown_flaw shootdown_flaw;
