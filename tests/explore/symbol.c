/* SPDX-License-Identifier: MIT */
/* Asks nm once and addr2line once a place, and remembers what they said. */
#include "tests/explore/symbol.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OBJECTS 4096
#define PLACES  256
#define NAME    120

struct object {
    uintptr_t start, size;
    char name[NAME];
};

struct place {
    uintptr_t pc;
    char text[NAME];
};

static struct object objects[OBJECTS];
static size_t object_count;
static struct place places[PLACES];
static size_t place_count;

/* Starts a command on this program. */
static FILE *ask(const char *command, uintptr_t address)
{
    char program[400] = "", line[600];
    if (readlink("/proc/self/exe", program, sizeof program - 1) < 0)
        return NULL;
    snprintf(line, sizeof line, "%s '%s' %#" PRIxPTR " 2>/dev/null", command, program, address);
    return popen(line, "r");
}

/* The objects of data, static ones included: lines of address, size, letter, name. */
static void load_objects(void)
{
    char line[512], letter;
    FILE *nm = ask("nm -S --defined-only", 0);
    while (nm != NULL && object_count < OBJECTS && fgets(line, sizeof line, nm) != NULL) {
        struct object *object = &objects[object_count];
        int fields = sscanf(line, "%" SCNxPTR " %" SCNxPTR " %c %119s", &object->start,
                            &object->size, &letter, object->name);
        if (fields == 4 && strchr("bBdDrR", letter) != NULL)
            object_count++;
    }
    if (nm != NULL)
        pclose(nm);
}

void symbol_data(uintptr_t address, char *text, size_t size)
{
    static bool loaded;
    if (!loaded)
        load_objects();
    loaded = true;
    for (size_t i = 0; i < object_count; i++) {
        uintptr_t offset = address - objects[i].start;
        if (offset < objects[i].size) {
            snprintf(text, size, offset ? "%s+%" PRIuPTR : "%s", objects[i].name, offset);
            return;
        }
    }
    snprintf(text, size, "%#" PRIxPTR, address);
}

/* `file` without the directory in which the program runs. */
static const char *relative(const char *file)
{
    char here[400];
    if (getcwd(here, sizeof here) == NULL)
        return file;
    size_t length = strlen(here);
    if (strncmp(file, here, length) == 0 && file[length] == '/')
        file += length + 1;
    return strncmp(file, "./", 2) == 0 ? file + 2 : file;
}

static void find_place(struct place *place, uintptr_t pc)
{
    char function[NAME] = "", file[512] = "";
    FILE *lines = ask("addr2line -f -e", pc - 1);
    *place = (struct place){.pc = pc};
    bool found = lines != NULL && fgets(function, sizeof function, lines) != NULL &&
                 fgets(file, sizeof file, lines) != NULL && function[0] != '?';
    function[strcspn(function, "\n")] = 0;
    file[strcspn(file, "\n ")] = 0;
    if (found)
        snprintf(place->text, NAME, "%.50s (%.60s)", function, relative(file));
    else
        snprintf(place->text, NAME, "%#" PRIxPTR, pc);
    if (lines != NULL)
        pclose(lines);
}

void symbol_code(uintptr_t pc, char *text, size_t size)
{
    size_t i = 0;
    while (i < place_count && places[i].pc != pc)
        i++;
    if (i == PLACES)
        i = 0;
    if (i >= place_count || places[i].pc != pc)
        find_place(&places[i], pc);
    if (i == place_count)
        place_count++;
    snprintf(text, size, "%s", places[i].text);
}
