/* SPDX-License-Identifier: BSD-3-Clause */
/* This terminal as a serial terminal on something else: bytes pass as they are, and one key leaves. */
#ifndef CAUSEWAY_CLI_TERMINAL_H
#define CAUSEWAY_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Whether standard input is a terminal; then it is raw until we end. */
bool terminal_raw(void);

/* Takes the escape key out of what was typed; false: leave, of what was typed nothing counts. */
bool terminal_typed(char *buf, size_t *len, bool *escaped);

/* What was typed, 0 at its end; -1: it cannot be read, which has been said. */
ssize_t terminal_read(char *buf, size_t size);

/* Shows it; false: that cannot be, which has been said. */
bool terminal_show(const char *p, size_t n);

bool terminal_write(int fd, const char *p, size_t n);

#endif
