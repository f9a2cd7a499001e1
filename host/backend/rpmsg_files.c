// SPDX-License-Identifier: BSD-3-Clause
/*
 * File calls.
 *
 * Theory of operation: a call is copied out of the channel, checked, and given to the thread beside, which runs
 * it on private memory while the worker serves its remotes; the answer goes out when that is done. Calls
 * are run in the order in which they came, so the end of a session, which closes its files, is a job like
 * them. There is one client, so an end is that of all earlier sessions too, and their numbers say which are
 * earlier: one job is enough. What nobody waits for any more is not begun.
 */
#include "rpmsg_files.h"

#include "aside.h"

#include <causeway/core/err.h>
#include <causeway/core/rpc_rpmsg.h>
#include <causeway/host/files.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define REQUESTS 8u
#define METHODS	 CW_FILES_M_LIST

struct job {
	struct aside_job aside; /* first */
	struct rpmsg_files *f;
	struct cw_rpc_request *r; /* NULL: a session is over */
	int32_t status;
};

struct rpmsg_files {
	struct aside aside;
	struct cw_rpc_rpmsg link;
	struct cw_rpc_server rpc;
	struct cw_rpc_method method[METHODS];
	struct cw_rpc_request request[REQUESTS];
	struct cw_rpc_peer peer[1];
	struct job job[REQUESTS], end;
	struct cw_files_server *server; /* the thread's beside */
	uint32_t ending;		/* session whose end is a job, 0: none */
	uint32_t next;			/* the latest whose end is to become one, 0: none */
	uint8_t *memory;
	int wake;
};

/* ---- in the thread beside ---- */

static void run(struct aside_job *a)
{
	struct job *j = (struct job *)(void *)a;
	struct cw_files_server *s = j->f->server;

	if (j->r)
		j->status = cw_rpc_wanted(j->r, unit_now()) ? cw_files_run(s, j->r) : CW_ETIMEDOUT;
	else if ((int32_t)(j->f->ending - cw_files_session(s)) >= 0)
		cw_files_reset(s);
}

/* ---- in the worker's own ---- */

static int32_t start(struct cw_rpc_request *r)
{
	struct rpmsg_files *f = r->server->conf.app;
	struct job *j = &f->job[r - f->request];

	aside_put(&f->aside, &j->aside);
	return CW_RPC_LATER;
}

static void ended(void *app, uint32_t from, uint32_t session)
{
	struct rpmsg_files *f = app;

	(void)from;
	if (f->ending) {
		f->next = session;
		return;
	}
	f->ending = session;
	aside_put(&f->aside, &f->end.aside);
}

static void finish(struct rpmsg_files *f, const struct job *j)
{
	if (j->r) {
		cw_rpc_answer(j->r, j->status);
		return;
	}
	f->ending = f->next;
	f->next = 0;
	if (f->ending)
		aside_put(&f->aside, &f->end.aside);
}

void rpmsg_files_collect(struct rpmsg_files *f)
{
	struct aside_job *a;
	uint64_t count;

	(void)!read(f->wake, &count, sizeof(count));
	while ((a = aside_take(&f->aside)))
		finish(f, (const struct job *)(const void *)a);
}

bool rpmsg_files_done(struct rpmsg_files *f)
{
	return aside_has(&f->aside);
}

int rpmsg_files_fd(const struct rpmsg_files *f)
{
	return f->wake;
}

int rpmsg_files_begin(struct rpmsg_files *f)
{
	errno = aside_begin(&f->aside, f->wake);
	return errno ? -1 : 0;
}

uint64_t rpmsg_files_strange(const struct rpmsg_files *f)
{
	return (uint64_t)f->rpc.count.bad + f->rpc.count.twice + f->link.bad;
}

/* ---- the whole ---- */

static void make_jobs(struct rpmsg_files *f)
{
	for (uint16_t i = 0; i < METHODS; i++)
		f->method[i] = (struct cw_rpc_method){ (uint16_t)(i + 1), 0, start };
	for (unsigned int i = 0; i < REQUESTS; i++)
		f->job[i] = (struct job){ { NULL, run }, f, &f->request[i], 0 };
	f->end = (struct job){ { NULL, run }, f, NULL, 0 };
}

static int make(struct rpmsg_files *f, struct cw_rpmsg *ch, uint32_t size)
{
	const struct cw_rpmsg_spec spec = { .name = CW_FILES_NAME,
					    .addr = CW_RPMSG_ANY,
					    .dst = CW_RPMSG_ANY };
	struct cw_rpc_server_config conf = { .carrier = &cw_rpc_rpmsg_carrier,
					     .ctx = &f->link,
					     .method = f->method,
					     .methods = METHODS,
					     .request = f->request,
					     .requests = REQUESTS,
					     .peer = f->peer,
					     .peers = 1,
					     .size = size,
					     .memory = f->memory + size,
					     .ended = ended,
					     .app = f };
	int err;

	if (getrandom(&conf.life, sizeof(conf.life), 0) != sizeof(conf.life))
		return CW_EIO;
	f->link = (struct cw_rpc_rpmsg){ .server = &f->rpc, .in = f->memory, .size = size };
	make_jobs(f);
	err = cw_rpc_server_init(&f->rpc, &conf);
	return err ? err : cw_rpc_rpmsg_open(&f->link, ch, &spec);
}

struct rpmsg_files *rpmsg_files_new(const struct cw_board_device *d,
				    const struct cw_backend_fds *fds, struct cw_rpmsg *ch)
{
	struct rpmsg_files *f = calloc(1, sizeof(*f));
	uint32_t size = (d->to_host > d->to_remote ? d->to_host : d->to_remote) - CW_RPMSG_HEADER;

	if (!f)
		return NULL;
	size = size < CW_RPC_LEAST ? CW_RPC_LEAST : size;
	f->wake = fds->fd[FOLDER_WAKE];
	f->memory = malloc((1 + 2 * (size_t)REQUESTS) * size);
	f->server = cw_files_create(fds->fd[FOLDER_ROOT], d->read_only);
	errno = EINVAL;
	if (f->memory && f->server && !make(f, ch, size))
		return f;
	rpmsg_files_free(f);
	return NULL;
}

void rpmsg_files_free(struct rpmsg_files *f)
{
	if (!f)
		return;
	aside_end(&f->aside);
	cw_files_free(f->server);
	free(f->memory);
	free(f);
}
