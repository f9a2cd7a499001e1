// SPDX-License-Identifier: BSD-3-Clause
/*
 * Which remote is shown, and how it is.
 *
 * Theory of operation: both are the keeper's to say, so that the samples shown are those of the remote whose name
 * and state stand above them: the library of messages, which would choose by sockets, is always told both names.
 */
#include "carrier.h"

#include <causeway/host/client.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define PATIENCE_US 500000
#define RIGHT	    "right is a device {kind: rpmsg} in the board file"
#define PROGRAM	    "causeway: " /* how the library of the control socket begins its lines */

static uint32_t number(const cJSON *o, const char *key)
{
	double n = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return n > 0 && n < UINT32_MAX ? (uint32_t)n : 0;
}

static const char *text(const cJSON *o, const char *key)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return s ? s : "";
}

static bool has_messages(const cJSON *remote)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(remote, "devices"), *d;

	cJSON_ArrayForEach(d, list)
	{
		if (!strcmp(text(d, "kind"), "rpmsg"))
			return true;
	}
	return false;
}

static void list_names(const cJSON *remotes, bool all, FILE *f)
{
	const char *between = " ";
	const cJSON *r;

	cJSON_ArrayForEach(r, remotes)
	{
		if (!all && !has_messages(r))
			continue;
		fprintf(f, "%s%s", between, text(r, "name"));
		between = ", ";
	}
}

/* The one that was told; or NULL, with a word on @f. */
static const cJSON *named(const cJSON *remotes, const struct carrier *c, FILE *f)
{
	const cJSON *r;

	cJSON_ArrayForEach(r, remotes)
	{
		if (!strcmp(text(r, "name"), c->remote))
			return r;
	}
	fprintf(f, "board %s has no remote %s; there are:", c->board_name, c->remote);
	list_names(remotes, true, f);
	return NULL;
}

/* The only one with messages; likewise. */
static const cJSON *only(const cJSON *remotes, const struct carrier *c, FILE *f)
{
	const cJSON *r, *found = NULL;
	unsigned int n = 0;

	cJSON_ArrayForEach(r, remotes)
	{
		if (!has_messages(r))
			continue;
		found = r;
		n++;
	}
	if (n == 1)
		return found;
	if (n) {
		fprintf(f, "several remotes of board %s have messages: say which:", c->board_name);
		list_names(remotes, false, f);
	} else {
		fprintf(f, "no remote of board %s has messages; " RIGHT, c->board_name);
	}
	return NULL;
}

static const cJSON *choose(struct carrier *c, const char *board, const cJSON *status, FILE *f)
{
	const cJSON *remotes = cJSON_GetObjectItemCaseSensitive(status, "remotes"), *r;

	snprintf(c->board_name, sizeof(c->board_name), "%s", board);
	r = c->remote ? named(remotes, c, f) : only(remotes, c, f);
	c->there = r && has_messages(r);
	if (c->there) {
		snprintf(c->remote_name, sizeof(c->remote_name), "%s", text(r, "name"));
		c->board = c->board_name;
		c->remote = c->remote_name;
		c->found = true;
	} else if (r) {
		fprintf(f, "remote %s has no messages; " RIGHT, c->remote);
	}
	return r;
}

/* The keeper's answer, to be freed, and the board's name; or NULL, with a line on @f. */
static cJSON *ask(struct carrier *c, char *board, size_t size, FILE *f)
{
	const struct timeval patience = { 0, PATIENCE_US };
	struct cw_client client;
	cJSON *s = NULL;

	if (!cw_client_open(&client, c->board, c->run_dir, f)) {
		setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		s = cw_client_ask(&client, "status", NULL, 0, f);
		cw_client_close(&client);
	}
	snprintf(board, size, "%s", client.board);
	return s;
}

/* As a part of a sentence. */
static void trim(char *trouble)
{
	size_t n = strlen(PROGRAM);

	if (!strncmp(trouble, PROGRAM, n))
		memmove(trouble, trouble + n, strlen(trouble + n) + 1);
	trouble[strcspn(trouble, "\n")] = 0;
}

bool carrier_look(struct carrier *c, struct view *v)
{
	struct view_carrier now = { 0 };
	const cJSON *r = NULL;
	char board[64];
	cJSON *s;
	FILE *f;

	memset(c->trouble, 0, sizeof(c->trouble));
	f = fmemopen(c->trouble, sizeof(c->trouble) - 1, "w");
	if (!f)
		return false;
	s = ask(c, board, sizeof(board), f);
	if (s) {
		r = choose(c, board, s, f);
	} else if (c->board && board[0]) { /* "a.yaml" is "a" */
		snprintf(c->board_name, sizeof(c->board_name), "%s", board);
		c->board = c->board_name;
		c->there = c->remote != NULL;
	}
	fclose(f);
	trim(c->trouble);
	now = (struct view_carrier){ .answers = s != NULL,
				     .name = text(r, "name"),
				     .state = text(r, "state"),
				     .link = text(r, "link"),
				     .starts = number(r, "starts"),
				     .crashes = number(r, "crashes"),
				     .trouble = s || !c->there ? c->trouble : "" };
	if (v)
		view_carrier(v, &now);
	cJSON_Delete(s);
	return now.answers;
}

struct cw_rpmsg_client_config carrier_config(const struct carrier *c, const char *service)
{
	return (struct cw_rpmsg_client_config){
		.run_dir = c->run_dir, .board = c->board, .remote = c->remote, .service = service
	};
}
