/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the files of an rpmsg device's unit: unit_rpmsg.c, rpmsg_services.c, rpmsg_clients.c, rpmsg_deliver.c. */
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
#define MOST	 65536u
#define KEPT	 (8u * MOST) /* bytes kept for a client that does not read */

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
	bool stopped;	      /* what is said to all is not given back: all listeners are behind */
	uint64_t until;	      /* patience with them */
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
	uint8_t *assembly; /* a long message for it */
	uint8_t *hold;	   /* KEPT bytes: messages for it */
	uint32_t first, kept;
	uint32_t answers; /* among them: those that were for it alone */
	bool given_up;	  /* the service waits for it no more */
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
	uint16_t window;       /* of a service */
	struct cw_unit_stats count;
};

static inline struct rpmsg_unit *unit_of(struct cw_rpmsg_endpoint *e)
{
	return e->channel->conf.ctx;
}

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

/* rpmsg_deliver.c */
extern const struct cw_rpmsg_endpoint_ops rpmsg_all_clients; /* of a place */
int rpmsg_to_one(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m);
void rpmsg_dropped(struct rpmsg_unit *u, struct place *p);
/* A service's window, with such buffers. */
uint16_t rpmsg_window(uint32_t buffer);
/* Its clients, or what is kept for them, changed; clients that read have been waited for long enough. */
void rpmsg_pace(struct rpmsg_unit *u, struct place *p);
void rpmsg_lose_patience(struct rpmsg_unit *u);
/* Whether it is to be heard: it takes its answers. */
bool rpmsg_reads(const struct client *c);
/* It has room again. */
void rpmsg_catch_up(struct rpmsg_unit *u, struct client *c);

/* rpmsg_clients.c */
/* Who waits at a place's socket. */
void rpmsg_pick_up(struct rpmsg_unit *u, struct place *p);
/* What it has said goes on to the remote; its service has ended. */
void rpmsg_listen_to(struct rpmsg_unit *u, struct client *c);
void rpmsg_send_away(struct rpmsg_unit *u, struct client *c);
void rpmsg_turn_away(const struct place *p);

#endif
