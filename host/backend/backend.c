// SPDX-License-Identifier: BSD-3-Clause
/* Opening and closing what devices talk to: the keeper's part, with whatever privilege it takes. */
#include "backend_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define AGAIN_MS  10
#define AGAIN_MAX 100

bool backend_again(unsigned int *tries)
{
	int why = errno;

	if (++*tries > AGAIN_MAX)
		return false;
	nanosleep(&(struct timespec){ .tv_nsec = AGAIN_MS * 1000000 }, NULL);
	errno = why;
	return true;
}

static int open_rng(const struct cw_board_device *d, struct cw_backend_fds *fds, FILE *err)
{
	struct stat st;

	if (d->backend != CW_BACKEND_FILE)
		return 0; /* getrandom needs no descriptor */
	/* Non-blocking, as a FIFO would wait here for its writer. */
	fds->fd[0] = open(d->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fds->fd[0] < 0) {
		fprintf(err, "rng: cannot read %s: %s\n", d->path, strerror(errno));
		return -1;
	}
	fds->n = 1;
	if (fstat(fds->fd[0], &st) || !S_ISREG(st.st_mode) || !st.st_size) {
		fprintf(err, "rng: %s is empty or no regular file; right is a file with bytes\n",
			d->path);
		return -1;
	}
	snprintf(fds->note[0], sizeof(fds->note[0]), "%.100s", d->path);
	return 0;
}

static int open_kind(const struct cw_board_remote *r, const struct cw_board_device *d,
		     struct cw_backend_fds *fds, FILE *err)
{
	switch (d->id) {
	case CW_ID_RNG:
		return open_rng(d, fds, err);
	case CW_ID_NET:
		return backend_open_net(d, fds, err);
	case CW_ID_BLK:
		return backend_open_blk(d, fds, err);
	case CW_ID_9P:
		return backend_open_9p(d, fds, err);
	case CW_ID_VSOCK:
		return d->backend == CW_BACKEND_VHOST ? backend_open_vhost(d, fds, err)
						      : backend_open_vsock(d, fds, err);
	case CW_ID_RPMSG:
		/* Its sockets come with its services. */
		return d->path ? backend_open_9p(d, fds, err) : 0;
	default:
		return backend_open_console(r, d, fds, err);
	}
}

int cw_backend_open(const struct cw_board *board, const struct cw_board_remote *r,
		    const struct cw_board_device *d, struct cw_backend_fds *fds, FILE *err)
{
	(void)board;
	memset(fds, 0, sizeof(*fds));
	for (unsigned int i = 0; i < CW_UNIT_FDS; i++)
		fds->fd[i] = -1;
	if (!open_kind(r, d, fds, err))
		return 0;
	cw_backend_close(d, fds);
	return -1;
}

void cw_backend_close(const struct cw_board_device *d, struct cw_backend_fds *fds)
{
	if (d->id == CW_ID_CONSOLE)
		backend_close_console(d, fds);
	if (d->id == CW_ID_VSOCK && d->backend != CW_BACKEND_VHOST)
		backend_close_vsock(d, fds);
	if (d->id == CW_ID_NET && d->backend == CW_BACKEND_DGRAM && fds->fd[0] >= 0)
		unlink(d->path);
	for (unsigned int i = 0; i < CW_UNIT_FDS; i++) {
		/* An inherited TAP is the caller's to close. */
		if (fds->fd[i] >= 0 && !(d->id == CW_ID_NET && fds->fd[i] == d->fd))
			close(fds->fd[i]);
		fds->fd[i] = -1;
	}
	fds->n = 0;
}

/* Queues with their private memory. */
static struct cw_device_queue *make_queues(const struct cw_layout_device *place)
{
	struct cw_device_queue *q = calloc(place->queues, sizeof(*q));
	uint16_t *own = calloc((size_t)place->queues * place->queue_size, sizeof(*own));

	if (!q || !own) {
		free(q);
		free(own);
		return NULL;
	}
	for (unsigned int i = 0; i < place->queues; i++) {
		q[i].num_max = place->queue_size;
		q[i].own = own + (size_t)i * place->queue_size;
	}
	return q;
}

static void free_queues(struct cw_device_queue *q)
{
	if (q)
		free(q[0].own);
	free(q);
}

static struct cw_unit *make(const struct cw_board_device *d, const struct cw_layout_device *place,
			    const struct cw_backend_fds *fds, struct cw_device_queue *q)
{
	return d->id == CW_ID_RNG		? unit_rng(d, place, fds, q)
	       : d->id == CW_ID_NET		? unit_net(d, place, fds, q)
	       : d->id == CW_ID_BLK		? unit_blk(d, place, fds, q)
	       : d->id == CW_ID_9P		? unit_9p(d, place, fds, q)
	       : d->backend == CW_BACKEND_VHOST ? unit_vhost(d, fds, q)
	       : d->id == CW_ID_VSOCK		? unit_vsock(d, fds, q)
	       : d->id == CW_ID_RPMSG		? unit_rpmsg(d, place, fds, q)
						: unit_console(d, fds, q);
}

struct cw_unit *cw_unit_create(const struct cw_board_device *d,
			       const struct cw_layout_device *place,
			       const struct cw_backend_fds *fds, bool kernel_may_touch)
{
	uint8_t *copy = kernel_may_touch ? NULL : malloc(CW_UNIT_COPY);
	struct cw_device_queue *q = make_queues(place);
	struct cw_unit *u = q && (copy || kernel_may_touch) ? make(d, place, fds, q) : NULL;

	if (!u) {
		free(copy);
		free_queues(q);
		return NULL;
	}
	u->board = d;
	u->copy = copy;
	return u;
}

void cw_unit_free(struct cw_unit *u)
{
	struct cw_device_queue *q;

	if (!u)
		return;
	q = u->dev->queue;
	free(u->copy);
	u->ops->free(u);
	free_queues(q);
}

uint64_t unit_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}
