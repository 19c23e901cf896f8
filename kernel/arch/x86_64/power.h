/* SPDX-License-Identifier: MIT */
/* Turning the machine off and starting it anew. */
#pragma once

/* What to tell QEMU's caller: with `-device isa-debug-exit,iobase=0xf4` QEMU ends with status
 * 2 * value + 1. Never even numbers or 1: those are what QEMU itself ends with. */
enum power_status { POWER_OK = 0x10, POWER_COMMAND_FAILED = 0x11, POWER_PANIC = 0x12 };

/* Powers off where that is possible; else halts. */
_Noreturn void power_off(enum power_status status);

_Noreturn void power_reset(void);
