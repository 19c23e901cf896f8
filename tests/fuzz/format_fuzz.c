/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes lib/format.c. First byte even: one conversion made of the bytes, held against the host's
 * snprintf. Odd: the bytes are a format as they stand, and the text must come out the same however
 * small the buffer is.
 */
#include <stdarg.h>
#include <sys/mman.h>

#include "lib/format.h"
#include "tests/fuzz/fuzz.h"

#define ROOM 4096

/* Every argument of a hostile format is this address of a text: as a number it is a width that one
 * can wait for. */
#define TEXT_AT 0x10000

/* Flags, width, precision, length and conversion, such as C defines them together. */
static void make_spec(struct fuzz_bytes *bytes, char spec[64], char *conversion, size_t *length)
{
    static const char conversions[] = "diouxXcsp%";
    static const char *const lengths[] = {"", "hh", "h", "l", "ll", "j", "z", "t"};
    static const char *const flags[] = {"", "-", "0", "+", " ", "#", "-#", "0#", "+0", "- "};
    *conversion = conversions[fuzz_take(bytes, 1) % 10];
    *length = fuzz_take(bytes, 1) % 8;
    const char *flag = flags[fuzz_take(bytes, 1) % 10];
    if (strchr("csp", *conversion) != NULL) {
        *length = 0;
        flag = flag[0] == '-' ? "-" : "";
    }
    if (strchr(flag, '#') != NULL && strchr("oxX", *conversion) == NULL)
        flag = "";
    if (strpbrk(flag, "+ ") != NULL && strchr("di", *conversion) == NULL)
        flag = "";
    unsigned width = (unsigned)fuzz_take(bytes, 1), precision = (unsigned)fuzz_take(bytes, 1);
    size_t used = (size_t)sprintf(spec, "<%%%s", flag);
    if (width % 2 != 0)
        used += (size_t)sprintf(spec + used, "%u", width / 2 + 1);
    if (precision % 2 != 0 && strchr("cp", *conversion) == NULL)
        used += (size_t)sprintf(spec + used, ".%u", precision / 2);
    sprintf(spec + used, "%s%c>", lengths[*length], *conversion);
}

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wformat-nonliteral"
#pragma clang diagnostic ignored "-Wformat-security"

static void compare_with_host(struct fuzz_bytes *bytes)
{
    char spec[64], conversion, ours[ROOM], theirs[ROOM];
    size_t length;
    int our_length, their_length;
    make_spec(bytes, spec, &conversion, &length);
    uint64_t value = fuzz_take(bytes, 8);
    if (conversion == '%') {
        strcpy(spec, "<%%>");
        our_length = format_text(ours, sizeof ours, spec);
        their_length = snprintf(theirs, sizeof theirs, spec);
    } else if (conversion == 's') {
        char *text = fuzz_text(bytes->at, bytes->left < 1000 ? bytes->left : 1000);
        our_length = format_text(ours, sizeof ours, spec, text);
        their_length = snprintf(theirs, sizeof theirs, spec, text);
        free(text);
    } else if (conversion == 'p') {
        void *pointer = (void *)(uintptr_t)(value | 1); /* the host calls 0 (nil) */
        our_length = format_text(ours, sizeof ours, spec, pointer);
        their_length = snprintf(theirs, sizeof theirs, spec, pointer);
    } else if (length >= 3) {
        our_length = format_text(ours, sizeof ours, spec, value);
        their_length = snprintf(theirs, sizeof theirs, spec, value);
    } else {
        our_length = format_text(ours, sizeof ours, spec, (int)value);
        their_length = snprintf(theirs, sizeof theirs, spec, (int)value);
    }
    FUZZ_EXPECT(our_length == their_length);
    FUZZ_EXPECT(memcmp(ours, theirs, (size_t)our_length + 1) == 0);
}

/* So long a number in a format would be a matter of minutes, not of correctness. */
static bool has_long_number(const char *format)
{
    size_t digits = 0;
    for (; *format != '\0'; format++) {
        digits = *format >= '0' && *format <= '9' ? digits + 1 : 0;
        if (digits > 5)
            return true;
    }
    return false;
}

static int format_alike(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = format_text_v(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

static int format_text_alone(char *buffer, size_t size, const char *format)
{
    const char *text = (const char *)TEXT_AT;
    return format_alike(buffer, size, format, text, text, text, text, text, text, text, text, text,
                        text, text, text, text, text, text, text, text, text, text, text);
}

#pragma clang diagnostic pop

static void print_hostile(struct fuzz_bytes *bytes)
{
    size_t room = fuzz_take(bytes, 1);
    char *format = fuzz_text(bytes->at, bytes->left < 20 ? bytes->left : 20);
    if (!has_long_number(format)) {
        int length = format_text_alone(NULL, 0, format);
        FUZZ_EXPECT(length >= 0);
        char *whole = malloc((size_t)length + 1), *part = malloc(room);
        FUZZ_EXPECT(format_text_alone(whole, (size_t)length + 1, format) == length);
        FUZZ_EXPECT(strnlen(whole, (size_t)length + 1) <= (size_t)length);
        FUZZ_EXPECT(format_text_alone(part, room, format) == length);
        size_t kept = room == 0 ? 0 : (size_t)length < room ? (size_t)length : room - 1;
        FUZZ_EXPECT(memcmp(part, whole, kept) == 0 && (room == 0 || part[kept] == '\0'));
        free(whole);
        free(part);
    }
    free(format);
}

static void place_text(void)
{
    static bool placed;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    if (placed)
        return;
    void *page = mmap((void *)TEXT_AT, 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
    FUZZ_EXPECT(page == (void *)TEXT_AT);
    strcpy(page, "text");
    placed = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    place_text();
    if (fuzz_take(&bytes, 1) % 2 == 0)
        compare_with_host(&bytes);
    else
        print_hostile(&bytes);
    return 0;
}
