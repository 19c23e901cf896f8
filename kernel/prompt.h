/* SPDX-License-Identifier: MIT */
/* The prompt: takes lines from the console and gives their commands to the shell. */
#pragma once

#include "lib/complete.h"

/* Prompts for ever; a tab completes one of `names`. */
_Noreturn void prompt_run(complete_names *names);
