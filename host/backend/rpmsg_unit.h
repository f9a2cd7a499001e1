/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the files of an rpmsg device's unit: unit_rpmsg.c, rpmsg_services.c, rpmsg_clients.c. */
#ifndef CAUSEWAY_HOST_RPMSG_UNIT_H
#define CAUSEWAY_HOST_RPMSG_UNIT_H

#include "rpmsg_files.h"

#include <causeway/core/err.h>
#include <causeway/device/rpmsg.h>
#include <causeway/host/bucket.h>

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVICES CW_RPMSG_SERVICES
#define CLIENTS	 CW_RPMSG_CLIENTS
#define OWN	 4u /* endpoints that this side has beside them */
#define HELD	 8u /* messages kept for a client that does not read */
#define MOST	 65536u

enum kind { LISTENING, CLIENT }; /* what an event is of */
enum file { NONE, ASKED, THERE, LEAVING };

struct client;

struct place { /* of a service, by its number in the channel's table */
	bool open;
	uint32_t addr;
	char name[CW_RPMSG_NAME];
	struct cw_rpmsg_endpoint *e;
	uint8_t *assembly;
	enum file file;
	uint32_t id;   /* of what the keeper was asked */
	uint64_t when; /* patience with it, or when to ask */
	int listen;    /* -1: none */
	bool more;     /* somebody may wait there */
	unsigned int refused;
	unsigned int clients;
	struct client *sends; /* pieces, of which the remote takes those of one at a time */
	uint64_t to_linux, to_remote, dropped;
};

struct client {
	int fd; /* -1: it has gone; free when there is no endpoint either */
	struct place *at;
	struct cw_rpmsg_endpoint *e;
	bool more;	   /* it may have something to read */
	uint32_t len;	   /* of the message on its way to the remote, 0: none */
	uint32_t sent;	   /* of it, when it goes in pieces */
	bool waits;	   /* until it may begin to send pieces */
	uint8_t *text;	   /* that message */
	uint8_t *hold;	   /* HELD messages for it */
	uint8_t *assembly; /* a long message for it */
	uint32_t hold_len[HELD];
	unsigned int first, held;
};

struct rpmsg_unit {
	struct cw_unit unit;
	struct cw_rpmsg_device rpmsg;
	struct cw_rpmsg channel;
	struct cw_rpmsg_endpoint endpoint[SERVICES + CLIENTS + OWN];
	struct cw_rpmsg_service service[SERVICES];
	struct cw_rpmsg_slot *slot;
	struct place place[SERVICES];
	struct client client[CLIENTS];
	uint8_t *memory;
	struct rpmsg_files *files; /* NULL: not granted */
	int epoll;
	uint32_t ids;
	uint64_t next;	       /* when something is due */
	struct cw_bucket asks; /* of the keeper */
	struct cw_unit_stats count;
};

/* Something is due at @at, or before. */
static inline void rpmsg_due(struct rpmsg_unit *u, uint64_t at)
{
	if (at < u->next)
		u->next = at;
}

/* unit_rpmsg.c: into the epoll set, edge by edge. */
bool rpmsg_watch(struct rpmsg_unit *u, int fd, enum kind kind, unsigned int i);

/* rpmsg_services.c: goes from what there is towards what there is to be. */
void rpmsg_settle(struct rpmsg_unit *u);
void rpmsg_given(struct cw_unit *unit, uint32_t id, int fd);
extern const struct cw_rpmsg_ops rpmsg_channel_ops;

/* rpmsg_clients.c */
extern const struct cw_rpmsg_endpoint_ops rpmsg_all_clients; /* of a place */
/* Who waits at a place's socket. */
void rpmsg_pick_up(struct rpmsg_unit *u, struct place *p);
/* What it has said goes on to the remote; it has room again; its service has ended. */
void rpmsg_listen_to(struct rpmsg_unit *u, struct client *c);
void rpmsg_catch_up(struct rpmsg_unit *u, struct client *c);
void rpmsg_send_away(struct rpmsg_unit *u, struct client *c);
void rpmsg_turn_away(const struct place *p);

#endif
