/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the files of the keeper. */
#ifndef CAUSEWAY_HOST_KEEPER_PRIV_H
#define CAUSEWAY_HOST_KEEPER_PRIV_H

#include <causeway/host/bucket.h>
#include <causeway/host/carrier.h>
#include <causeway/host/keeper.h>
#include <causeway/host/loop.h>
#include <causeway/host/rundir.h>
#include <causeway/host/worker.h>

#include <sys/signalfd.h>

struct keeper;
struct control;

#define UART_LINE 512u	 /* longer lines are cut into pieces */
#define UART_KEPT 65536u /* bytes of text kept for `causeway logs` */

/* A line being put together; what is before begin stands in front of each. */
struct uart_line {
	char text[UART_LINE];
	unsigned int begin, len;
};

/* What a remote prints: its UART's line, and the last lines of all that it prints. */
struct uart {
	struct uart_line line;
	char *kept; /* ring of UART_KEPT bytes, whole lines */
	size_t head, used;
	uint64_t total;		 /* bytes ever put into kept */
	struct cw_bucket lines;	 /* that may be shown now */
	unsigned int suppressed; /* lines not shown since */
};

/* A trace buffer: text in the remote's memory, up to the first zero. */
struct trace {
	char *seen, *now; /* room for all of it, as of the last look and for the next */
	size_t len;
	struct uart_line line;
};

#define PUBLISH_NAME (CW_ASK_NAME + 4u) /* of a service's socket: with ".32" behind it */
#define PUBLISH_PATH 256u

/* Sockets of a remote's services */
struct publish {
	int dir;				    /* where they are, -1: no rpmsg device */
	char name[CW_RPMSG_SERVICES][PUBLISH_NAME]; /* by number; empty: there is none */
	struct cw_bucket sockets;
};

struct keeper_remote {
	struct keeper *keeper;
	const struct cw_board_remote *board;
	struct cw_memory memory;
	struct cw_doorbell doorbell;
	struct cw_backend_fds fds[CW_DEVICES_MAX];
	unsigned int opened; /* backends */
	struct cw_carrier carrier;
	struct cw_report_remote *report; /* in its worker's */
	struct cw_event uart_event, control_event;
	struct uart uart;
	struct trace trace[CW_TRACES_MAX];
	struct publish publish;
	struct cw_timer kill_timer, start_timer, boot_timer, probe_timer, trace_timer;
	uint64_t started; /* microseconds, of the present or last life */
	unsigned int starts, crashes;
	unsigned int failures;	/* starts that failed, and crashes */
	char why[160];		/* of the last of them */
	unsigned int in_window; /* recoveries since window_began */
	uint64_t window_began;
	uint32_t backoff; /* microseconds before the next recovery */
	bool restart;	  /* start again when it has ended */
	bool recover;	  /* its end was brought about: treat it as a crash */
	bool gave_up;
	bool left;			     /* its worker leaves it alone: nobody is there */
	uint32_t was_up, was_lost, was_dead; /* as last told */
	uint32_t panicked;		     /* the life that did, 0: none */
	int32_t was_refused;
};

struct keeper_worker {
	struct keeper *keeper;
	pid_t pid;
	struct cw_worker_config config;
	struct cw_event orders;
	struct cw_timer start_timer;
	uint64_t started;
	unsigned int starts;
	uint32_t backoff;
	uint32_t ping; /* last one sent */
	unsigned int unanswered;
};

/* Forwarding of all remotes */
struct keeper_forwards {
	struct cw_forward_rule *rule; /* open */
	unsigned int rules;
	pid_t pid; /* of the child that does it */
	uint64_t started;
	struct cw_timer timer;
};

struct keeper {
	const struct cw_board *board;
	char name[64]; /* of the board, as the socket is called */
	bool quiet;
	struct cw_loop loop;
	struct cw_event signals;
	struct cw_timer ping_timer;
	struct cw_rundir dir;
	struct cw_confine confine;
	struct cw_spin_tokens *tokens;
	struct keeper_remote *remote;
	struct keeper_worker *worker;
	struct control *control;
	struct keeper_forwards forwards;
	uint64_t began;
	struct cw_bucket says; /* lines about peers' doings */
	struct cw_timer stop_timer;
	unsigned int stop_step;
	bool serving; /* start-up is over */
	bool stopping;
	int status; /* of the whole */
};

/* keeper.c */
void keeper_say(struct keeper *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void keeper_complain(struct keeper *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void keeper_print(const char *text, size_t len);
void keeper_stop(struct keeper *k, int status);

/* workers.c */
int workers_open(struct keeper *k);
int workers_start(struct keeper *k);
void workers_ping(struct keeper *k);
void workers_close(struct keeper *k);
bool worker_ended(struct keeper *k, pid_t pid, int status);
void worker_order(struct keeper_worker *w, uint32_t kind, uint32_t value);
void worker_asked(struct keeper_worker *w, const struct cw_ask *a);

/* remotes.c */
int remote_open(struct keeper *k, unsigned int i);
void remote_close(struct keeper_remote *r);
int remote_start(struct keeper_remote *r);
void remote_stop(struct keeper_remote *r);
int remote_detach(struct keeper_remote *r);
void remote_restart(struct keeper_remote *r);
void remote_probe(struct keeper_remote *r);
void remote_look(struct keeper_remote *r);
bool remote_ended(struct keeper *k, pid_t pid, int status);
struct keeper_remote *remote_find(struct keeper *k, const char *name);

/* forwards.c */
int forwards_open(struct keeper *k);
bool forwards_ended(struct keeper *k, pid_t pid, int status);
void forwards_close(struct keeper *k);

/* uart.c */
void uart_begin(struct keeper_remote *r);
void uart_tail(struct keeper_remote *r);
void uart_end(struct keeper_remote *r);
void uart_free(struct uart *u);
void uart_take(struct keeper_remote *r, struct uart_line *l, const unsigned char *p, size_t n);
/* What was begun is a line, though nobody ended it. */
void uart_end_line(struct keeper_remote *r, struct uart_line *l);

/* publish.c */
void publish_clean(struct keeper *k);
int publish_open(struct keeper_remote *r);
/* The listening socket of the remote's service @number, or -1: it may not, or not now. */
int publish_begin(struct keeper_remote *r, uint32_t number, const char name[CW_ASK_NAME]);
/* Where the remote's sockets are. */
void publish_folder(const struct keeper_remote *r, char path[PUBLISH_PATH]);
void publish_end(struct keeper_remote *r, uint32_t number);
void publish_end_all(struct keeper_remote *r);
void publish_close(struct keeper_remote *r);

/* trace.c */
void traces_begin(struct keeper_remote *r);
void traces_end(struct keeper_remote *r);

/* ../control/server.c */
int control_open(struct keeper *k);
void control_close(struct keeper *k);
void control_line(struct keeper_remote *r, const char *line, size_t len);

#endif
