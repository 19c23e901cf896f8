/* SPDX-License-Identifier: MIT */
/* The shell: runs commands, those of the command line or those typed at the prompt. */
#pragma once

#include <stdbool.h>

/* If the command line has run="COMMANDS", runs those, separated by `;`, and powers off with a
 * status that says whether all succeeded. Else prompts for ever. */
_Noreturn void shell_run(const char *command_line);

/* Runs one command. False if it failed, which it has explained. */
bool shell_execute(char *line);
