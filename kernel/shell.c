/* SPDX-License-Identifier: MIT */
/* The commands: finds the one that a line asks for, and runs it. */
#include "kernel/shell.h"

#include "boot/boot_info.h"
#include "kernel/arch/x86_64/power.h"
#include "kernel/command.h"
#include "kernel/console.h"
#include "kernel/names.h"
#include "kernel/prompt.h"
#include "lib/error.h"
#include "lib/format.h"
#include "lib/parse.h"
#include "lib/string.h"

#define WORDS_MAX 16

static bool help(int argc, char **argv);

static const struct command command_shell[] = {
    {"help", "", "this list", 0, 0, help},
    {0},
};
static const struct command *const groups[] = {
    command_memory,  command_frames, command_heap,  command_block,  command_use,
    command_machine, command_cpus,   command_locks, command_prompt, command_shell};
#define GROUPS (sizeof groups / sizeof groups[0])

/* The command of this index over all groups, or NULL past the last. */
static const struct command *command_at(size_t index)
{
    for (unsigned group = 0; group < GROUPS; group++)
        for (const struct command *command = groups[group]; command->name != NULL; command++)
            if (index-- == 0)
                return command;
    return NULL;
}

static const char *command_name(size_t index)
{
    const struct command *command = command_at(index);
    return command != NULL ? command->name : NULL;
}

static const struct command *find(const char *name)
{
    const struct command *command = command_at(0);
    for (size_t i = 1; command != NULL && strcmp(command->name, name) != 0; i++)
        command = command_at(i);
    return command;
}

static bool help(int argc, char **argv)
{
    (void)argc, (void)argv;
    const struct command *command = command_at(0);
    for (size_t i = 1; command != NULL; command = command_at(i++))
        console_print("  %-9s%-22s%s\n", command->name, command->arguments, command->help);
    console_print("Numbers are decimal or 0x hexadecimal; K, M, G and T multiply by 2^10 and so "
                  "on;\n$1 or $1+8 is an address in a block of alloc. Several commands on a line "
                  "are\nseparated by `;`. Tab completes a command; the arrows edit and recall "
                  "lines.\n");
    return true;
}

static bool named_address(const char *text, const char *what, uint64_t *value)
{
    int error = names_find(text, value);
    if (error == -ENOENT)
        console_print("%s: there is no block %s\n", what, text);
    else if (error == -ERANGE)
        console_print("%s: %s does not fit 64 bits\n", what, text);
    else if (error != 0)
        console_print("%s: \"%s\" is not a block; write $1 or $1+8\n", what, text);
    return error == 0;
}

bool command_number(const char *text, const char *what, uint64_t *value)
{
    if (text[0] == '$')
        return named_address(text, what, value);
    int error = parse_number(text, value);
    if (error == -ERANGE)
        console_print("%s: \"%s\" does not fit 64 bits\n", what, text);
    else if (error != 0)
        console_print("%s: \"%s\" is not a number; write 4096, 0x1000 or 4K\n", what, text);
    return error == 0;
}

static bool run(int argc, char **argv)
{
    const struct command *command = find(argv[0]);
    if (command == NULL) {
        console_print("%s: no such command; `help` lists them\n", argv[0]);
        return false;
    }
    int arguments = argc - 1;
    if (arguments < command->min || (command->max >= 0 && arguments > command->max)) {
        console_print("usage: %s%s%s\n", command->name, command->arguments[0] != 0 ? " " : "",
                      command->arguments);
        return false;
    }
    return command->run(argc, argv);
}

bool shell_execute(char *line)
{
    char *words[WORDS_MAX];
    int count = parse_words(line, words, WORDS_MAX);
    if (count == -E2BIG)
        console_print("more than %d words\n", WORDS_MAX);
    else if (count < 0)
        console_print("a quote is not closed\n");
    return count == 0 || (count > 0 && run(count, words));
}

/* Runs one command of the command line, and names it if it failed: running it cuts it up. */
static bool run_and_tell(char *command)
{
    char copy[256];
    while (*command == ' ')
        command++;
    format_text(copy, sizeof copy, "%s", command);
    bool succeeded = shell_execute(command);
    if (!succeeded)
        console_print("loam: command failed: %s\n", copy);
    return succeeded;
}

/* Runs every command of the command line, also after one has failed. */
static _Noreturn void run_and_power_off(char *commands)
{
    bool all = true;
    for (char *command = parse_command(&commands); command != NULL;
         command = parse_command(&commands))
        all &= run_and_tell(command);
    power_off(all ? POWER_OK : POWER_COMMAND_FAILED);
}

_Noreturn void shell_run(const char *command_line)
{
    static char commands[BOOT_COMMAND_LINE_SIZE];
    int length = parse_option(command_line, "run", commands, sizeof commands);
    if (length >= 0)
        run_and_power_off(commands);
    if (length != -ENOENT) {
        console_print("loam: command failed: run= in the command line has an open quote\n");
        power_off(POWER_COMMAND_FAILED);
    }

    console_print("\nType `help` for what can be done here.\n");
    prompt_run(command_name);
}
