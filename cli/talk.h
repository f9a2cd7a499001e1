/* SPDX-License-Identifier: BSD-3-Clause */
/* What the subcommands that talk to a running board share. */
#ifndef CAUSEWAY_CLI_TALK_H
#define CAUSEWAY_CLI_TALK_H

#include "cli.h"

#include <causeway/host/client.h>

#include <cjson/cJSON.h>
#include <stdint.h>

/* One question, one answer, the connection closed again; NULL: an error was printed. */
cJSON *talk_once(const struct cli_options *o, const char *what, const char *remote);

const char *talk_text(const cJSON *o, const char *key); /* "" when it is not there */
double talk_number(const cJSON *o, const char *key);	/* 0 when it is not there */
const cJSON *talk_list(const cJSON *o, const char *key);

/* The remote of that name in a status, or the only one with NULL; an error is printed. */
const cJSON *talk_remote(const cJSON *status, const char *name);

/*
 * The console port of that name or number; with NULL the first that can be joined. An error, with the
 * names there are, is printed.
 */
const cJSON *talk_port(const cJSON *remote, const char *port);

/* "REMOTE:PORT" in two: returns the first, to be freed, and points @port into it, or to NULL. */
char *talk_split(const char *text, const char **port);

/* "12.3k", "4.5M": fits 8 characters */
void talk_short(double value, char *text, size_t size);

#endif
