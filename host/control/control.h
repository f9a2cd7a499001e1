/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the files of the control socket. */
#ifndef CAUSEWAY_HOST_CONTROL_PRIV_H
#define CAUSEWAY_HOST_CONTROL_PRIV_H

#include "../keeper/keeper.h"

#include <cjson/cJSON.h>

#define CONTROL_CLIENTS 16u
#define CONTROL_LINE	4096u	       /* bytes of a request */
#define CONTROL_REPLY	(512u * 1024u) /* bytes that may wait for a slow client */

struct control_client {
	struct control *control;
	struct cw_event event; /* fd -1: free */
	struct cw_timer timer; /* until its request is whole, or its reply taken */
	char line[CONTROL_LINE];
	unsigned int len;
	char *out; /* reply that did not go out yet */
	size_t out_len, out_done;
	int pass; /* descriptor that goes with the reply, -1: none */
	const struct keeper_remote *follows;
	bool last; /* close when the reply is out */
};

struct control {
	struct keeper *keeper;
	struct cw_event listener;
	struct control_client client[CONTROL_CLIENTS];
};

/* commands.c: the reply to one request, NULL when memory is out. May set client->pass, ->follows. */
cJSON *control_answer(struct control_client *c, const char *line, size_t len);
/* status.c */
cJSON *control_status(struct keeper *k);

#endif
