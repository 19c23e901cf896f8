/* SPDX-License-Identifier: MIT */
/*
 * The log: what the kernel did, a line each, shown on the console and kept in a ring of the last
 * LOG_SIZE characters for the `log` command.
 */
#pragma once

#define LOG_SIZE 16384

/* Comes before all else here. */
void log_init(void);

/* Logs "AREA  text"; no newline in `format`. Any CPU may call it, in any context but NMI. */
void log_print(const char *area, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints what the ring holds, from its first whole line on. */
void log_show(void);
