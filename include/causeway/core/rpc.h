/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls: a client asks for a numbered method with some bytes, a server answers with a status and some
 * bytes (docs/spec/rpc.md). Above any carrier of whole messages; over RPMsg: core/rpc_rpmsg.h.
 *
 * A call is executed once or not at all. Each life of a client and of a server is a session of its own:
 * what an earlier one said is never taken for an answer, nor executed. Nothing is sent again by itself;
 * a call whose answer does not come ends at its deadline, and the caller knows what may be repeated.
 *
 * Context: one thread or main loop a client or server. Callbacks come from receive, poll, and calls that
 * wait; within a callback no call waits: it returns CW_EAGAIN.
 */
#ifndef CAUSEWAY_CORE_RPC_H
#define CAUSEWAY_CORE_RPC_H

#include <causeway/abi/rpc.h>

#ifndef __cplusplus
#include <stdbool.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define CW_RPC_HEADER ((uint32_t)sizeof(struct cw_abi_rpc))
#define CW_RPC_PEER   UINT32_MAX /* the one that a client talks to */

/* What carries messages. It may lose, delay and repeat them, but not change them. */
struct cw_rpc_carrier {
	/**
	 * send - a message, now or not at all
	 * @to: of a server: who is to have it, as cw_rpc_server_receive() was told; of a client:
	 * CW_RPC_PEER
	 *
	 * Calls nothing back. Returns 0, CW_EAGAIN (no room now, or nobody there yet), or another
	 * CW_E*: it cannot go.
	 */
	int (*send)(void *ctx, uint32_t to, const void *message, uint32_t len);
	/** most - bytes of the longest message that it takes; 0: not known now */
	uint32_t (*most)(void *ctx);
	/** now - microseconds, of a clock that only goes forward */
	uint64_t (*now)(void *ctx);
	/**
	 * wait - receive what has come; if nothing had, sleep until something may have, or @deadline
	 *
	 * Of a client; NULL: cw_rpc_call() cannot be used. Returns 0; CW_EAGAIN: it must not wait here;
	 * or another CW_E*: the carrier is gone.
	 */
	int (*wait)(void *ctx, uint64_t deadline);
};

/* ---- client ---- */

struct cw_rpc_client;

/*
 * The end of a call, once: @status: 0, the application's error (above 0), or CW_E*, the server's or our
 * own; @data: what came back with it, as long as the call lasts.
 */
typedef void cw_rpc_done(void *ctx, int32_t status, const uint8_t *data, uint32_t len);

/* A call under way; the client's own. */
struct cw_rpc_call {
	cw_rpc_done *done; /* NULL: the entry is free */
	void *ctx;
	uint64_t deadline;
	uint32_t id;
	uint16_t method;
};

struct cw_rpc_counters {
	uint32_t calls, answers;
	uint32_t
		late; /* answers to calls that had ended; server: calls whose caller had given up */
	uint32_t twice;	 /* calls that came again, or far too late; answers of other sessions */
	uint32_t bad;	 /* messages that make no sense */
	uint32_t busy;	 /* calls for which there was no room */
	uint32_t lost;	 /* sessions that ended without being asked to */
	uint32_t unsent; /* messages that the carrier did not take */
};

struct cw_rpc_client_config {
	const struct cw_rpc_carrier *carrier;
	void *ctx;
	struct cw_rpc_call *call; /* calls that can be under way: the caller's table */
	uint16_t calls;
	uint8_t *out;  /* memory in which messages are put together */
	uint32_t size; /* of it, and of the longest message that is taken; CW_RPC_LEAST or more */
	/* One that no former life has used, as far as it can be: the link's epoch, a random number. */
	uint32_t nonce;
	/** session - a server is there, or is lost; NULL: not told */
	void (*session)(void *app, bool there);
	void *app;
};

struct cw_rpc_client {
	struct cw_rpc_client_config conf;
	uint32_t session; /* 0: none */
	uint32_t nonce, next_id;
	uint32_t taken;	   /* bytes of the longest message that the server takes */
	uint64_t hello_at; /* when HELLO is to be said, or said again; UINT64_MAX: no need */
	uint32_t step;	   /* microseconds until the repetition after that */
	uint16_t depth;	   /* calls that may be under way */
	uint16_t under_way;
	int refused; /* why there can be no session, or 0 */
	struct cw_rpc_counters count;
};

/* A call to make: two runs of bytes, the second behind the first. */
struct cw_rpc_ask {
	uint16_t method;
	uint32_t len, more_len;
	const void *args, *more;
	uint64_t timeout; /* microseconds; UINT64_MAX: none */
};

/** cw_rpc_client_init - prepare a client; @conf is copied. Returns 0 or CW_EINVAL */
int cw_rpc_client_init(struct cw_rpc_client *c, const struct cw_rpc_client_config *conf);

/** cw_rpc_client_up - the carrier has reached somebody, a new one: ask for a session */
void cw_rpc_client_up(struct cw_rpc_client *c);

/** cw_rpc_client_down - it has lost him: calls under way end with CW_ERESET */
void cw_rpc_client_down(struct cw_rpc_client *c);

/** cw_rpc_client_end - tell the server that the session is over; otherwise as cw_rpc_client_down() */
void cw_rpc_client_end(struct cw_rpc_client *c);

/**
 * cw_rpc_client_receive - a message came; @message: private memory
 *
 * Returns 0; CW_ENOTSUP: it is one for a server; CW_EPEER: it makes no sense, or is none of ours.
 */
int cw_rpc_client_receive(struct cw_rpc_client *c, const uint8_t *message, uint32_t len);

/** cw_rpc_client_poll - end the calls whose deadline has passed; ask again for a session that is wanted */
void cw_rpc_client_poll(struct cw_rpc_client *c);

/** cw_rpc_client_deadline - when cw_rpc_client_poll() wants to run at the latest; UINT64_MAX: no such time */
uint64_t cw_rpc_client_deadline(const struct cw_rpc_client *c);

/** cw_rpc_client_room - bytes of the longest call that can be made now; 0 without a session */
uint32_t cw_rpc_client_room(const struct cw_rpc_client *c);

/**
 * cw_rpc_begin - begin a call
 * @done: told when it ends, not from within this call unless the carrier delivers at once; @id: set, for
 * cw_rpc_cancel(); may be NULL
 *
 * Never waits. Returns 0: @done will be called; or the call was not made: CW_EAGAIN (no session yet: one
 * is being asked for; the table is full; the carrier has no room), CW_EINVAL (longer than
 * cw_rpc_client_room()), CW_EVERSION or CW_EBUSY (what the server refuses a session with), or an error
 * of the carrier.
 */
int cw_rpc_begin(struct cw_rpc_client *c, const struct cw_rpc_ask *ask, cw_rpc_done *done,
		 void *ctx, uint32_t *id);

/** cw_rpc_cancel - forget a call and tell the server; done() is not called. Nothing when it has ended */
void cw_rpc_cancel(struct cw_rpc_client *c, uint32_t id);

/** cw_rpc_tell - a call that gets no answer: nobody knows whether it came. As cw_rpc_begin() */
int cw_rpc_tell(struct cw_rpc_client *c, const struct cw_rpc_ask *ask);

/**
 * cw_rpc_call - call and wait for the answer
 * @reply, @len: memory for what comes back and its bytes, then set to what came; both NULL: nothing
 *
 * Thread, not in a callback. Returns the answer's status: 0, above 0 the application's, or CW_E*. Our
 * own: CW_ETIMEDOUT: the server may have executed it, and may still; CW_ERESET: the session ended, it
 * may have been executed; CW_EBADLEN: executed, but the answer is longer than *@len; and what
 * cw_rpc_begin() returns: it was not executed. CW_EAGAIN: in a callback, not executed.
 */
int32_t cw_rpc_call(struct cw_rpc_client *c, const struct cw_rpc_ask *ask, void *reply,
		    uint32_t *len);

/* ---- server ---- */

struct cw_rpc_server;
struct cw_rpc_request;

#define CW_RPC_LATER INT32_MIN /* what run() returns when cw_rpc_answer() will follow */

struct cw_rpc_method {
	uint16_t number;
	uint16_t least; /* bytes of its arguments; fewer get CW_EBADLEN */
	/**
	 * run - do it: arguments in r->args, an answer of up to r->room bytes into r->reply, its
	 * length into r->reply_len
	 *
	 * Returns the status (0, above 0: the application's, or CW_E*), or CW_RPC_LATER.
	 */
	int32_t (*run)(struct cw_rpc_request *r);
};

/* A call under way, from its arrival until its answer has gone. */
struct cw_rpc_request {
	struct cw_rpc_server *server;
	const uint8_t *args; /* private, until it is answered */
	uint32_t len;
	uint8_t *reply;
	uint32_t room, reply_len;
	uint16_t method;
	uint8_t state;
	bool tell;     /* nobody waits for the answer */
	bool unwanted; /* not any more; set by the server's thread: cw_rpc_wanted() */
	uint32_t from, session, id;
	uint64_t deadline; /* of its caller, by this side's clock */
	uint8_t *message;  /* of the two that it has, the one that is sent */
};

/* A client, as the server knows it. */
struct cw_rpc_peer {
	uint32_t session; /* 0: the entry is free */
	uint32_t from, nonce;
	uint32_t most; /* bytes of the longest message that it takes */
	uint32_t top;  /* newest call */
	uint32_t used; /* when, by the server's count of messages */
	uint16_t under_way;
	bool called;
	uint64_t seen; /* of the calls up to CW_RPC_WINDOW before the newest, a bit each */
};

struct cw_rpc_server_config {
	const struct cw_rpc_carrier *carrier;
	void *ctx;
	const struct cw_rpc_method *method;
	struct cw_rpc_request *request; /* calls that can be under way: the caller's table */
	struct cw_rpc_peer *peer; /* clients; one more takes the place of the one silent longest */
	uint16_t methods, requests,
		peers;	 /* of a client: as many calls as requests / peers, or 1 */
	uint32_t size;	 /* bytes of the longest message that is taken or sent */
	uint8_t *memory; /* 2 * requests * size bytes */
	uint32_t life;	 /* as the client's nonce; sessions are counted from here */
	/** ended - a client's session is over; its calls under way need no answer. May be NULL */
	void (*ended)(void *app, uint32_t from, uint32_t session);
	void *app;
};

struct cw_rpc_server {
	struct cw_rpc_server_config conf;
	uint32_t life, clock;
	struct cw_rpc_counters count;
};

/** cw_rpc_server_init - prepare a server; @conf is copied, what it points to stays in use. Returns 0 or CW_EINVAL */
int cw_rpc_server_init(struct cw_rpc_server *s, const struct cw_rpc_server_config *conf);

/**
 * cw_rpc_server_receive - a message came from @from; @message: private memory
 *
 * Returns 0; CW_ENOTSUP: it is one for a client; CW_EPEER: it makes no sense, came twice, or far too late.
 */
int cw_rpc_server_receive(struct cw_rpc_server *s, uint32_t from, const uint8_t *message,
			  uint32_t len);

/** cw_rpc_answer - the answer to a call for which run() returned CW_RPC_LATER, once; @r is void after it */
void cw_rpc_answer(struct cw_rpc_request *r, int32_t status);

/**
 * cw_rpc_wanted - whether anybody still waits for the answer; @now: the carrier's clock
 *
 * Any thread: who does the work elsewhere asks before it begins.
 */
bool cw_rpc_wanted(const struct cw_rpc_request *r, uint64_t now);

/** cw_rpc_server_poll - send answers for which the carrier had no room; returns how many still wait */
unsigned int cw_rpc_server_poll(struct cw_rpc_server *s);

/** cw_rpc_server_down - the carrier has lost everybody: all sessions end */
void cw_rpc_server_down(struct cw_rpc_server *s);

#ifdef __cplusplus
}
#endif

#endif
