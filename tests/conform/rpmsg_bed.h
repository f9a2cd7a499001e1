/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the suites for rpmsg devices share: a unit as a worker runs it, with a remote's channel on one end, unix
 * sockets on the other, and a keeper aside. The clock is wrapped.
 */
#ifndef CAUSEWAY_TESTS_CONFORM_RPMSG_BED_H
#define CAUSEWAY_TESTS_CONFORM_RPMSG_BED_H

#include "backend.h"

#include <causeway/core/rpmsg.h>
#include <causeway/core/shm.h>

#include <signal.h>

#define SIZE	512u
#define MTU	(SIZE - 16u)
#define BUFFERS 32u
#define LONGEST 65536u
#define BOXES	48u

/* The clock of the test and of the backend, moved ahead; or one that stands, and is moved by that alone. */
static uint64_t ahead;
static uint64_t stands; /* 0: it goes */
int __real_clock_gettime(clockid_t c, struct timespec *t);
int __wrap_clock_gettime(clockid_t c, struct timespec *t);

int __wrap_clock_gettime(clockid_t c, struct timespec *t)
{
	int r = __real_clock_gettime(c, t);
	uint64_t us;

	if (stands)
		*t = (struct timespec){ (time_t)(stands / 1000000),
					(long)(stands % 1000000) * 1000 };
	us = (uint64_t)t->tv_nsec / 1000 + ahead;

	t->tv_sec += (time_t)(us / 1000000);
	t->tv_nsec = (long)(us % 1000000) * 1000;
	return r;
}

static inline uint64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- the remote: a channel of its own, in the host's role ---- */

struct box { /* an endpoint of it */
	struct cw_rpmsg_endpoint *e;
	unsigned int n;
	uint32_t src, len; /* of the last message */
	uint8_t *data, *assembly;
};

static struct {
	struct cw_rpmsg ch;
	struct cw_rpmsg_host host;
	struct cw_rpmsg_endpoint endpoint[BOXES];
	struct cw_rpmsg_service service[BOXES];
	struct cw_rpmsg_slot rx[BUFFERS], tx[BUFFERS];
	struct box box[BOXES];
	bool asleep;
	unsigned int whole; /* messages that arrived */
	uint32_t order[64]; /* who sent them */
	void (*heard)(struct box *b);
} remote;

static inline int receive(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	struct box *b = e->ctx;

	b->n++;
	b->src = m->src;
	b->len = m->len;
	assert_true(m->len <= LONGEST);
	cw_rpmsg_copy(m, 0, b->data, m->len);
	remote.order[remote.whole++ % 64] = m->src;
	if (remote.heard)
		remote.heard(b);
	return 0;
}

static const struct cw_rpmsg_endpoint_ops box_ops = { .receive = receive };

static inline void notify(void *ctx, unsigned int q, uint32_t running)
{
	(void)ctx;
	(void)running;
	cw_device_kicked(bed.unit->dev, q);
}

static const struct cw_rpmsg_transport transport = { .notify = notify };

static inline struct cw_rpmsg_pool pool(uint16_t n, uint32_t size)
{
	struct pair_mem m = pair_alloc(&bed.pair, n * size);

	return (struct cw_rpmsg_pool){ m.p, m.addr, size, size, n };
}

/* As a driver does from reset to DRIVER_OK, with its buffers posted before. */
static inline void link_up(uint64_t features, uint16_t buffers)
{
	const uint32_t s = CW_STATUS_ACKNOWLEDGE | CW_STATUS_DRIVER | CW_STATUS_FEATURES_OK;
	struct cw_device *dev = bed.unit->dev;
	struct cw_rpmsg_pool in, out;

	cw_rpmsg_down(&remote.ch);
	bed.pair.used_bytes = 0;
	bed.pair.dev = dev;
	dev->window = bed.pair.win;
	dev->transport = &pair_transport_;
	dev->transport_ctx = &bed.pair;
	assert_int_equal(cw_device_set_status(dev, 0), CW_RESULT_OK);
	cw_device_set_status(dev, s & ~CW_STATUS_FEATURES_OK);
	cw_device_set_features(dev, features | CW_F_VERSION_1 | CW_F_EVENT_IDX);
	cw_device_set_status(dev, s);
	for (unsigned int i = 0; i < 2; i++)
		pair_queue_up(&bed.pair, i, true);
	in = pool(buffers, SIZE);
	out = pool(buffers, SIZE);
	assert_int_equal(cw_rpmsg_host_init(&remote.host, &bed.pair.drv[0], &bed.pair.drv[1], &in,
					    &out, remote.rx, remote.tx),
			 0);
	remote.host.q.transport = &transport;
	cw_device_set_status(dev, s | CW_STATUS_DRIVER_OK);
	assert_true(cw_device_running(dev));
	cw_rpmsg_up(&remote.ch, &remote.host.q, features);
}

static inline void make_remote(void)
{
	const struct cw_rpmsg_config conf = {
		.endpoint = remote.endpoint,
		.endpoints = BOXES,
		.services = BOXES,
		.service = remote.service,
		.credit = &cw_rpmsg_credit,
		.fragment = &cw_rpmsg_fragment,
	};

	memset(&remote, 0, sizeof(remote));
	assert_int_equal(cw_rpmsg_init(&remote.ch, &conf), 0);
	for (unsigned int i = 0; i < BOXES; i++) {
		remote.box[i].data = malloc(LONGEST);
		remote.box[i].assembly = malloc(LONGEST);
	}
}

/* ---- the keeper ---- */

static struct {
	bool deaf;		/* cannot be asked */
	bool busy;		/* cannot be asked every third time */
	bool mute;		/* does not answer */
	bool unwilling;		/* says no */
	unsigned int publishes; /* asked for */
	unsigned int todo, asks;
	struct cw_ask ask[256];
	char name[CW_RPMSG_SERVICES][CW_ASK_NAME]; /* what there is */
	uint32_t id;				   /* of the last publishing */
} keeper;

static inline int ask(void *ctx, struct cw_ask *a)
{
	(void)ctx;
	if (keeper.deaf || (keeper.busy && !(++keeper.asks % 3)))
		return -1;
	assert_in_range(a->kind, CW_ASK_PUBLISH, CW_ASK_UNPUBLISH);
	assert_in_range(a->port, 0, CW_RPMSG_SERVICES - 1);
	keeper.publishes += a->kind == CW_ASK_PUBLISH;
	assert_in_range(keeper.todo, 0, 255);
	keeper.ask[keeper.todo++] = *a;
	return 0;
}

static inline struct sockaddr_un at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
	return a;
}

static inline int publish(const struct cw_ask *a)
{
	struct sockaddr_un to = at(a->name);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
	const int yes = 1;

	assert_string_equal(keeper.name[a->port], "");
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(listen(fd, 100), 0);
	memcpy(keeper.name[a->port], a->name, CW_ASK_NAME);
	return fd;
}

static inline void keeper_works(void)
{
	for (unsigned int i = 0; i < keeper.todo; i++) {
		const struct cw_ask a = keeper.ask[i];

		if (a.kind == CW_ASK_UNPUBLISH) {
			if (keeper.name[a.port][0])
				unlink(keeper.name[a.port]);
			keeper.name[a.port][0] = 0;
			continue;
		}
		keeper.id = a.id;
		if (!keeper.mute)
			bed.unit->ops->given(bed.unit, a.id, keeper.unwilling ? -1 : publish(&a));
	}
	keeper.todo = 0;
}

static inline unsigned int published(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < CW_RPMSG_SERVICES; i++)
		n += keeper.name[i][0] != 0;
	return n;
}

/* ---- the bed ---- */

static inline struct cw_unit_channel *status(void)
{
	static struct cw_unit_channel c;

	bed.unit->ops->channel(bed.unit, &c);
	return &c;
}

/* Everybody in turn until nobody has anything to do. */
static inline void all(void)
{
	bool any;

	do {
		any = bed_turn(0);
		while (!remote.asleep && cw_rpmsg_poll(&remote.ch, 64) > 0)
			any = true;
		pair_run(&bed.pair);
		any |= keeper.todo != 0;
		keeper_works();
		pair_run(&bed.pair);
	} while (any);
}

static inline void pass(uint64_t us)
{
	ahead += us;
	all();
}

/* Nothing is waited for. */
static inline void comes_to_rest(void)
{
	pass(20000000);
	assert_true(bed.unit->ops->deadline(bed.unit) == CW_LINK_NEVER);
}

static inline void up_with(uint64_t features, uint16_t buffers)
{
	ahead = 0;
	stands = 0;
	memset(&keeper, 0, sizeof(keeper));
	bed_begin(CW_ID_RPMSG, CW_BACKEND_SERVICES);
	bed.device.to_host = bed.device.to_remote = SIZE;
	assert_true(bed_open());
	bed.place.queues = 2;
	bed.place.queue_size = BED_SIZE;
	bed.unit = cw_unit_create(&bed.device, &bed.place, &bed.fds, !getenv("CONFORM_COPY"));
	assert_non_null(bed.unit);
	bed.unit->ask = ask;
	assert_int_equal(bed.unit->ops->begin(bed.unit), 0);
	pair_init(&bed.pair, 2, BED_SIZE, BED_MEMORY);
	make_remote();
	link_up(features, buffers);
	all();
}

static inline void up(void)
{
	up_with(CW_RPMSG_F_NS | CW_RPMSG_F_BUFSZ, BUFFERS);
}

static inline void up_long(void)
{
	up_with(CW_RPMSG_F_NS | CW_RPMSG_F_BUFSZ | CW_RPMSG_F_FRAGMENT, BUFFERS);
}

static inline int end(void **state)
{
	for (unsigned int i = 0; i < BOXES; i++) {
		free(remote.box[i].data);
		free(remote.box[i].assembly);
	}
	for (unsigned int i = 0; i < CW_RPMSG_SERVICES; i++)
		if (keeper.name[i][0])
			unlink(keeper.name[i]);
	ahead = 0;
	return bed_end(state);
}

static inline struct box *opens(unsigned int i, const char *name)
{
	struct box *b = &remote.box[i];
	const struct cw_rpmsg_spec s = { .name = name,
					 .addr = CW_RPMSG_ANY,
					 .dst = CW_RPMSG_ANY,
					 .ops = &box_ops,
					 .ctx = b,
					 .assembly = b->assembly,
					 .assembly_size = LONGEST };

	assert_int_equal(cw_rpmsg_create(&remote.ch, &s, &b->e), 0);
	cw_rpmsg_flush(&remote.ch);
	pair_run(&bed.pair);
	return b;
}

static inline void closes(struct box *b)
{
	cw_rpmsg_destroy(b->e);
	cw_rpmsg_flush(&remote.ch);
	pair_run(&bed.pair);
}

static inline void says(struct box *b, uint32_t dst, const void *data, uint32_t len)
{
	assert_int_equal(cw_rpmsg_sendto(b->e, dst, data, len, 0), 0);
	cw_rpmsg_flush(&remote.ch);
	pair_run(&bed.pair);
}

/* ---- Linux's programs ---- */

static inline int calls(const char *name)
{
	struct sockaddr_un a = at(name);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	all();
	return fd;
}

/* The remote's service echo, and a client of it. */
static inline int calls_echo(struct box **b)
{
	*b = opens(0, "echo");
	all();
	return calls("echo");
}

static inline void put(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

static inline void gets(int fd, const void *data, size_t len)
{
	static uint8_t text[LONGEST + 1];

	assert_int_equal(recv(fd, text, sizeof(text), 0), (ssize_t)len);
	assert_memory_equal(text, data, len);
}

static inline void gets_nothing(int fd)
{
	char c;

	assert_int_equal(recv(fd, &c, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
}

static inline void at_end(int fd)
{
	char c;

	assert_int_equal(recv(fd, &c, 1, 0), 0);
	close(fd);
}

static inline void heard(const struct box *b, unsigned int n, const void *data, uint32_t len)
{
	assert_int_equal(b->n, n);
	assert_int_equal(b->len, len);
	assert_memory_equal(b->data, data, len);
}

static uint8_t text[LONGEST + 1];

static inline void fill_text(unsigned int seed)
{
	for (unsigned int i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 7 + (i >> 8) * 3 + seed);
}

#endif
