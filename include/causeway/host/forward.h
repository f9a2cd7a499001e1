/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Forwarding: connections to an address of Linux go to a port of a remote, or the other way round, by
 * way of the unix sockets beside a vsock device's path (docs/board.md). Bytes pass as they are.
 */
#ifndef CAUSEWAY_HOST_FORWARD_H
#define CAUSEWAY_HOST_FORWARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#define CW_FORWARD_RIGHT "tcp:ADDRESS:PORT (numbers, such as tcp:127.0.0.1:8080) or unix:PATH"

/* An address of Linux: TCP or a unix socket. */
struct cw_forward_address {
	struct sockaddr_storage at;
	socklen_t len; /* 0: none */
};

/* One rule; the strings are the caller's. */
struct cw_forward_rule {
	struct cw_forward_address linux_end;
	const char *vsock; /* path of the remote's vsock device */
	uint32_t port;	   /* of the remote, or that the remote connects to */
	bool to_remote;	   /* Linux connects; else the remote does */
	int listen;	   /* -1: not open */
	char made[108];	   /* unix socket that goes with it, "": none */
};

/** cw_forward_address - read @text. Returns 0 or -1: it is not CW_FORWARD_RIGHT */
int cw_forward_address(struct cw_forward_address *a, const char *text, size_t len);

/** cw_forward_text - an address as people write it, at most @size bytes with the end */
void cw_forward_text(const struct cw_forward_address *a, char *text, size_t size);

/**
 * cw_forward_open - listen where @r says
 *
 * A unix socket that nobody answers on is replaced. Returns 0 or -1 with a line on @err, which begins
 * with @name.
 */
int cw_forward_open(struct cw_forward_rule *r, const char *name, FILE *err);

/** cw_forward_close - listen no more, and remove what was made for it; also from a signal handler */
void cw_forward_close(struct cw_forward_rule *r);

/**
 * cw_forward_run - forward for ever
 * @rule: open ones; @rules: their number
 *
 * Returns -1 with errno set when it cannot go on.
 */
int cw_forward_run(const struct cw_forward_rule *rule, unsigned int rules);

#endif
