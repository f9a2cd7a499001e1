/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CAUSEWAY_HOST_BIND_H
#define CAUSEWAY_HOST_BIND_H

#include <stdio.h>

/**
 * cw_bind_unix - a unix socket bound to @path, for this user alone, that does not block
 * @what: begins the line on @err; @type: SOCK_STREAM, ...
 *
 * A socket that nobody answers on is of a killed run and is replaced; anything else there is somebody's
 * and is left alone. Returns the descriptor, or -1 with a line on @err.
 */
int cw_bind_unix(const char *what, const char *path, int type, FILE *err);

#endif
