/* SPDX-License-Identifier: MIT */
/* Long text for a screen, a screenful at a time. */
#include "lib/pager.h"

#include "lib/string.h"

static void print(struct pager *pager, const char *text)
{
    pager->sink(pager->context, text, strlen(text));
}

/* Waits for a key; the screen then shows no trace of it. */
static void ask(struct pager *pager)
{
    static const char question[] = "--more--";
    print(pager, question);
    char key = pager->key(pager->context);
    for (size_t i = 0; i < strlen(question); i++)
        print(pager, "\b \b");
    pager->dropping = key == 'q' || key == 'Q' || key == '\3';
    pager->row = key == '\r' || key == '\n' ? pager->row - 1 : 0;
}

/* How much of the text goes onto the line that is not ended, its newline included. */
static size_t line_part(const struct pager *pager, const char *text, size_t length)
{
    size_t room = pager->columns - pager->column, part = 0;
    while (part < length && part < room && text[part] != '\n')
        part++;
    return part < length && text[part] == '\n' ? part + 1 : part;
}

void pager_write(struct pager *pager, const char *text, size_t length)
{
    while (length > 0) {
        if (pager->column == pager->columns && *text != '\n') {
            pager->column = 0; /* what comes next wraps */
            pager->row++;
        }
        if (pager->row + 1 >= pager->rows && !pager->dropping)
            ask(pager);
        if (pager->dropping)
            return;
        size_t part = line_part(pager, text, length);
        pager->sink(pager->context, text, part);
        bool ended = text[part - 1] == '\n';
        pager->column = ended ? 0 : pager->column + part;
        pager->row += ended;
        text += part;
        length -= part;
    }
}

void pager_resume(struct pager *pager)
{
    pager->dropping = false;
}
