/* SPDX-License-Identifier: MIT */
/* The terminal's grid on the framebuffer, and a copy of what is drawn there. */
#include "kernel/screen.h"

#include "kernel/glyph.h"
#include "kernel/terminal.h"
#include "lib/string.h"

#define COLUMNS_MAX 256
#define ROWS_MAX    128

#define INK   0xd0d0d0 /* 0xRRGGBB */
#define PAPER 0x10141c

#define SIDE_MAX 65536 /* pixels: more is not believed, and does not overflow */

#define CURSOR 0x80 /* in `drawn`: with ink and paper exchanged */

static struct boot_framebuffer screen;
static uint32_t *pixels; /* NULL: not to be drawn to */
static uint32_t paper;
static struct glyph_pen pen;
static struct terminal terminal;
static uint8_t cells[ROWS_MAX * COLUMNS_MAX];
static uint8_t drawn[ROWS_MAX * COLUMNS_MAX]; /* what the framebuffer shows of each cell */

static uint32_t pixel_of(uint32_t rgb)
{
    return (rgb >> 16 & 0xff) << screen.red_shift | (rgb >> 8 & 0xff) << screen.green_shift |
           (rgb & 0xff) << screen.blue_shift;
}

static void draw_row(unsigned row)
{
    size_t first = (size_t)row * terminal.columns;
    uint32_t *line = pixels + (size_t)row * FONT_HEIGHT * pen.scale * screen.pitch;
    for (unsigned column = 0; column < terminal.columns; column++) {
        bool cursor = row == terminal.row && column == terminal.column;
        uint8_t character = cells[first + column], cell = character | (cursor ? CURSOR : 0);
        if (cell == drawn[first + column])
            continue;
        drawn[first + column] = cell;
        glyph_draw(&pen, line + (size_t)column * FONT_WIDTH * pen.scale, screen.pitch, character,
                   cursor ? 0xff : 0);
    }
}

static void draw(void)
{
    if (pixels == NULL)
        return;
    for (unsigned row = terminal.changed_start; row < terminal.changed_end; row++)
        draw_row(row);
    terminal_shown(&terminal);
}

static void output(const char *text, size_t length)
{
    terminal_write(&terminal, text, length);
    draw();
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* The smallest at which the text fits the grid: so that it is no smaller on a finer screen. */
static unsigned choose_scale(const struct boot_framebuffer *framebuffer)
{
    unsigned scale = 1;
    while (scale < GLYPH_SCALE_MAX && (framebuffer->width > COLUMNS_MAX * FONT_WIDTH * scale ||
                                       framebuffer->height > ROWS_MAX * FONT_HEIGHT * scale))
        scale++;
    return scale;
}

bool screen_init(const struct boot_framebuffer *framebuffer)
{
    unsigned scale = choose_scale(framebuffer);
    unsigned columns = least(framebuffer->width / (FONT_WIDTH * scale), COLUMNS_MAX);
    unsigned rows = least(framebuffer->height / (FONT_HEIGHT * scale), ROWS_MAX);
    if (framebuffer->base == 0 || columns == 0 || rows == 0 || framebuffer->height > SIDE_MAX ||
        framebuffer->pitch < framebuffer->width || framebuffer->pitch > SIDE_MAX)
        return false;
    screen = *framebuffer;
    paper = pixel_of(PAPER);
    glyph_pen_init(&pen, scale, pixel_of(INK), paper);
    terminal_init(&terminal, cells, columns, rows);
    console_add(output);
    return true;
}

phys_t screen_base(void)
{
    return (phys_t){screen.base};
}

uint64_t screen_bytes(void)
{
    return (uint64_t)screen.pitch * screen.height * sizeof *pixels;
}

static void clear(void)
{
    for (unsigned y = 0; y < screen.height; y++)
        for (unsigned x = 0; x < screen.width; x++)
            pixels[(size_t)y * screen.pitch + x] = paper;
    memset(drawn, ' ', sizeof drawn);
}

void screen_show(void *where)
{
    pixels = where;
    if (pixels == NULL)
        return;
    clear();
    terminal.changed_start = 0;
    terminal.changed_end = terminal.rows;
    draw();
}

struct screen_size screen_size(void)
{
    return (struct screen_size){terminal.columns, terminal.rows, pen.scale};
}

struct console_view screen_view(void)
{
    if (screen.base == 0)
        return (struct console_view){0};
    return (struct console_view){terminal_kept(&terminal), terminal.columns};
}
