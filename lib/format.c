/* SPDX-License-Identifier: MIT */
/*
 * Formatted printing. Each conversion is read into a struct spec, its argument is fetched, and both
 * become one field: padding, prefix (a sign or 0x), zeros, body, padding. It calls nothing but
 * memcpy, so that the allocators, which format what they report, need no more.
 */
#include "lib/format.h"

#include <limits.h>
#include <stdbool.h>

#include "lib/bits.h"
#include "lib/string.h"

/* Flags, in the order of their letters. */
static const char flag_letters[] = "-+ #0";
enum { LEFT = 1, PLUS = 2, SPACE = 4, ALTERNATE = 8, ZERO = 16 };

/* One conversion: %[flags][width][.precision][length]conversion. */
struct spec {
    unsigned flags;
    int64_t width;
    int64_t precision; /* negative: none given */
    size_t bytes;      /* of an integer argument */
    char conversion;   /* '\0' if the format ends before it */
};

struct output {
    format_sink *sink;
    void *context;
    va_list arguments; /* those not yet printed */
    uint64_t length;   /* sent so far */
};

static size_t length_within(const char *text, size_t max)
{
    size_t length = 0;
    while (length < max && text[length] != '\0')
        length++;
    return length;
}

static size_t length_of(const char *text)
{
    return length_within(text, SIZE_MAX);
}

/* The length of `prefix` if `text` begins with it; else -1. */
static int skip(const char *text, const char *prefix)
{
    int length = 0;
    for (; prefix[length] != '\0'; length++)
        if (text[length] != prefix[length])
            return -1;
    return length;
}

static void emit(struct output *out, const char *text, size_t length)
{
    if (length == 0)
        return;
    out->sink(out->context, text, length);
    out->length += length;
}

/* Sends `count` times the character that `chunk` consists of. */
static void emit_repeated(struct output *out, const char *chunk, uint64_t count)
{
    size_t most = length_of(chunk);
    for (; count > most; count -= most)
        emit(out, chunk, most);
    emit(out, chunk, count);
}

static void emit_field(struct output *out, const struct spec *spec, const char *prefix,
                       uint64_t zeros, const char *body, size_t length)
{
    static const char zero_chunk[] = "00000000000000000000000000000000";
    static const char space_chunk[] = "                                ";
    uint64_t used = length_of(prefix) + zeros + length;
    uint64_t width = (uint64_t)spec->width;
    uint64_t padding = width > used ? width - used : 0;

    emit_repeated(out, space_chunk, spec->flags & LEFT ? 0 : padding);
    emit(out, prefix, length_of(prefix));
    emit_repeated(out, zero_chunk, zeros);
    emit(out, body, length);
    emit_repeated(out, space_chunk, spec->flags & LEFT ? padding : 0);
}

/* The fewest digits that a number of `length` significant ones (none for 0) is printed with. */
static int64_t least_digits(const struct spec *spec, const char *prefix, int64_t length)
{
    int64_t digits = spec->precision < 0 ? 1 : spec->precision;
    if (spec->conversion == 'o' && (spec->flags & ALTERNATE) && digits <= length)
        digits = length + 1;
    if ((spec->flags & (LEFT | ZERO)) == ZERO && spec->precision < 0) {
        int64_t room = spec->width - (int64_t)length_of(prefix);
        digits = room > digits ? room : digits;
    }
    return digits;
}

static void emit_number(struct output *out, const struct spec *spec, const char *prefix,
                        uint64_t value, unsigned base)
{
    const char *alphabet = spec->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[22]; /* 2^64 - 1 in octal */
    char *first = digits + sizeof(digits);
    for (; value != 0; value /= base)
        *--first = alphabet[value % base];

    int64_t length = digits + sizeof(digits) - first;
    int64_t least = least_digits(spec, prefix, length);
    uint64_t zeros = least > length ? (uint64_t)(least - length) : 0;
    emit_field(out, spec, prefix, zeros, first, (size_t)length);
}

/* The next argument as an integer of spec->bytes, in the low bits; the others repeat its sign bit
 * if it is signed and are zero if not. */
static uint64_t take_integer(struct output *out, const struct spec *spec, bool is_signed)
{
    unsigned unused = 64 - 8 * (unsigned)spec->bytes;
    uint64_t value =
        spec->bytes == 8 ? va_arg(out->arguments, uint64_t) : va_arg(out->arguments, unsigned);
    value <<= unused;
    return is_signed ? (uint64_t)((int64_t)value >> unused) : value >> unused;
}

static void emit_signed(struct output *out, const struct spec *spec)
{
    uint64_t value = take_integer(out, spec, true);
    if ((int64_t)value < 0)
        emit_number(out, spec, "-", -value, 10);
    else if (spec->flags & PLUS)
        emit_number(out, spec, "+", value, 10);
    else
        emit_number(out, spec, spec->flags & SPACE ? " " : "", value, 10);
}

static void emit_hexadecimal(struct output *out, const struct spec *spec)
{
    uint64_t value = take_integer(out, spec, false);
    bool has_prefix = (spec->flags & ALTERNATE) && value != 0;
    const char *prefix = spec->conversion == 'x' ? "0x" : "0X";
    emit_number(out, spec, has_prefix ? prefix : "", value, 16);
}

/* A null pointer prints as (null), or as nothing where that would be cut, as in glibc. */
static void emit_string(struct output *out, const struct spec *spec, const char *text)
{
    static const char null[] = "(null)";
    size_t max = spec->precision < 0 ? SIZE_MAX : (size_t)spec->precision;
    if (text == NULL)
        text = max < length_of(null) ? "" : null;
    emit_field(out, spec, "", 0, text, length_within(text, max));
}

static void emit_character(struct output *out, const struct spec *spec, char character)
{
    emit_field(out, spec, "", 0, &character, 1);
}

/* Returns whether the conversion is known; if not, nothing has happened. */
static bool emit_conversion(struct output *out, const struct spec *spec)
{
    switch (spec->conversion) {
    case 'd':
    case 'i':
        emit_signed(out, spec);
        return true;
    case 'u':
        emit_number(out, spec, "", take_integer(out, spec, false), 10);
        return true;
    case 'o':
        emit_number(out, spec, "", take_integer(out, spec, false), 8);
        return true;
    case 'x':
    case 'X':
        emit_hexadecimal(out, spec);
        return true;
    case 'c':
        emit_character(out, spec, (char)va_arg(out->arguments, int));
        return true;
    case 's':
        emit_string(out, spec, va_arg(out->arguments, const char *));
        return true;
    case 'p':
        emit_number(out, spec, "0x", (uintptr_t)va_arg(out->arguments, void *), 16);
        return true;
    case '%':
        emit(out, "%", 1);
        return true;
    default:
        return false;
    }
}

static const char *read_flags(const char *at, struct spec *spec)
{
    for (spec->flags = 0;; at++) {
        unsigned flag = 0;
        while (flag_letters[flag] != '\0' && flag_letters[flag] != *at)
            flag++;
        if (flag_letters[flag] == '\0')
            return at;
        spec->flags |= 1U << flag;
    }
}

/* Reads a width or precision: digits or `*`. Above INT_MAX it is as good as INT_MAX + 1. */
static const char *read_count(struct output *out, const char *at, int64_t *count)
{
    if (*at == '*') {
        *count = va_arg(out->arguments, int);
        return at + 1;
    }
    for (*count = 0; *at >= '0' && *at <= '9'; at++) {
        *count = 10 * *count + (*at - '0');
        if (*count > INT_MAX)
            *count = (int64_t)INT_MAX + 1;
    }
    return at;
}

static const char *read_length(const char *at, struct spec *spec)
{
    static const struct {
        char letters[3];
        unsigned char bytes;
    } lengths[] = {
        {"hh", sizeof(char)},     {"h", sizeof(short)},    {"ll", sizeof(long long)},
        {"l", sizeof(long)},      {"j", sizeof(intmax_t)}, {"z", sizeof(size_t)},
        {"t", sizeof(ptrdiff_t)}, {"", sizeof(int)},
    };
    size_t i = 0;
    while (skip(at, lengths[i].letters) < 0)
        i++;
    spec->bytes = lengths[i].bytes;
    return at + skip(at, lengths[i].letters);
}

/* Reads what follows a % up to its conversion, and returns where that is. */
static const char *read_spec(struct output *out, const char *at, struct spec *spec)
{
    at = read_flags(at, spec);
    at = read_count(out, at, &spec->width);
    if (spec->width < 0) {
        spec->flags |= LEFT;
        spec->width = -spec->width;
    }
    spec->precision = -1;
    if (*at == '.')
        at = read_count(out, at + 1, &spec->precision);
    at = read_length(at, spec);
    spec->conversion = *at;
    return at;
}

int format_to(format_sink *sink, void *context, const char *format, va_list arguments)
{
    struct output out = {.sink = sink, .context = context};
    va_copy(out.arguments, arguments);
    while (*format != '\0') {
        const char *start = format;
        while (*format != '%' && *format != '\0')
            format++;
        emit(&out, start, (size_t)(format - start));
        if (*format == '\0')
            break;

        struct spec spec;
        const char *percent = format;
        format = read_spec(&out, percent + 1, &spec);
        if (*format != '\0')
            format++;
        if (!emit_conversion(&out, &spec))
            emit(&out, percent, (size_t)(format - percent));
    }
    va_end(out.arguments);
    return out.length > INT_MAX ? -1 : (int)out.length;
}

struct buffer {
    char *text;
    size_t room; /* for characters, the terminator not counted */
};

static void fill_buffer(void *context, const char *text, size_t length)
{
    struct buffer *buffer = context;
    if (buffer->room == 0)
        return;
    size_t fits = length < buffer->room ? length : buffer->room;
    memcpy(buffer->text, text, fits);
    buffer->text += fits;
    buffer->room -= fits;
}

int format_text_v(char *buffer, size_t size, const char *format, va_list arguments)
{
    struct buffer rest = {buffer, size == 0 ? 0 : size - 1};
    int length = format_to(fill_buffer, &rest, format, arguments);
    if (size != 0)
        *rest.text = '\0';
    return length;
}

int format_text(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = format_text_v(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

const char *format_bytes(char buffer[FORMAT_BYTES_SIZE], uint64_t bytes)
{
    static const char units[][4] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    unsigned unit = bytes == 0 ? 0 : bits_highest(bytes) / 10;
    unsigned whole = (unsigned)(bytes >> (10 * unit));
    uint64_t rest = bytes & bits_mask(0, 10 * unit);
    unsigned tenth = (unsigned)(rest * 10 >> (10 * unit));
    if (rest == 0)
        format_text(buffer, FORMAT_BYTES_SIZE, "%u %s", whole, units[unit]);
    else
        format_text(buffer, FORMAT_BYTES_SIZE, "%u.%u %s", whole, tenth, units[unit]);
    return buffer;
}
