// SPDX-License-Identifier: BSD-3-Clause
/* The unit that has Linux's kernel run its rings, with a kernel and a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../device/pair.h"

#include <causeway/host/unit.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define SIZE	 16
#define RX	 0u
#define TX	 1u
#define FEATURES (CW_F_VERSION_1 | CW_F_INDIRECT_DESC | CW_F_EVENT_IDX | CW_VSOCK_F_SEQPACKET)
#define REQUESTS 40u

static struct {
	struct pair pair;
	struct cw_unit *unit;
	struct cw_board_device board;
	uint64_t now; /* microseconds */
	/* the keeper */
	unsigned int asks;
	uint32_t id;
	bool deaf;
	/* the kernel */
	unsigned long said[REQUESTS];
	unsigned int says;
	unsigned long fails; /* this request, */
	int with;	     /* so */
	int fd, kick[2], call[2], mistake;
	struct vhost_memory_region region;
	struct vhost_vring_addr ring[2];
	uint16_t base[2], reached;
	uint64_t features, cid;
	bool running;
} t;

int __wrap_clock_gettime(clockid_t id, struct timespec *at);
int __wrap_ioctl(int fd, unsigned long request, void *arg);

int __wrap_clock_gettime(clockid_t id, struct timespec *at)
{
	(void)id;
	at->tv_sec = (time_t)(t.now / 1000000);
	at->tv_nsec = (long)(t.now % 1000000) * 1000;
	return 0;
}

/* A ring is set up while it does not run, and by its number. */
static int ring_ioctl(unsigned long request, void *arg)
{
	const struct vhost_vring_file *f = arg;
	struct vhost_vring_state *s = arg;
	const struct vhost_vring_addr *a = arg;

	assert_in_range(s->index, 0, 1);
	assert_false(t.running);
	if (request == VHOST_SET_VRING_KICK)
		t.kick[f->index] = f->fd;
	else if (request == VHOST_SET_VRING_CALL)
		t.call[f->index] = f->fd;
	else if (request == VHOST_SET_VRING_ERR)
		t.mistake = f->fd;
	else if (request == VHOST_SET_VRING_NUM)
		assert_int_equal(s->num, SIZE);
	else if (request == VHOST_SET_VRING_BASE)
		t.base[s->index] = (uint16_t)s->num;
	else if (request == VHOST_GET_VRING_BASE)
		s->num = t.reached;
	else if (request == VHOST_SET_VRING_ADDR)
		t.ring[s->index] = *a;
	else
		fail();
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	const struct vhost_memory *m = arg;

	assert_int_equal(fd, t.fd);
	assert_in_range(t.says, 0, REQUESTS - 1);
	t.said[t.says++] = request;
	if (request == t.fails) {
		errno = t.with;
		return -1;
	}
	switch (request) {
	case VHOST_SET_OWNER:
		return 0;
	case VHOST_SET_MEM_TABLE:
		assert_int_equal(m->nregions, 1);
		t.region = m->regions[0];
		return 0;
	case VHOST_SET_FEATURES:
		assert_false(t.running);
		t.features = *(const uint64_t *)arg;
		return 0;
	case VHOST_VSOCK_SET_GUEST_CID:
		t.cid = *(const uint64_t *)arg;
		return 0;
	case VHOST_VSOCK_SET_RUNNING:
		t.running = *(const int *)arg;
		return 0;
	default:
		return ring_ioctl(request, arg);
	}
}

static int ask(void *ctx, struct cw_ask *a)
{
	assert_ptr_equal(ctx, &t);
	assert_int_equal(a->kind, CW_ASK_CONNECT);
	if (t.deaf)
		return -1;
	t.asks++;
	t.id = a->id;
	return 0;
}

static void give(void)
{
	t.fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	t.says = 0;
	t.unit->ops->given(t.unit, t.id, t.fd);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void make(void)
{
	const struct cw_layout_device place = { .id = CW_ID_VSOCK,
						.queues = 3,
						.queue_size = SIZE };
	struct cw_backend_fds fds = { .features = FEATURES };

	t.board = (struct cw_board_device){ .id = CW_ID_VSOCK,
					    .backend = CW_BACKEND_VHOST,
					    .cid = 42 };
	t.unit = cw_unit_create(&t.board, &place, &fds, true);
	assert_non_null(t.unit);
	t.unit->ask = ask;
	t.unit->ask_ctx = &t;
	assert_int_equal(t.unit->ops->begin(t.unit), 0);
}

static int set_up(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	t.now = 5000000;
	t.fd = -1;
	pair_init(&t.pair, 3, SIZE, 8192);
	make();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (t.unit)
		cw_unit_free(t.unit);
	assert_false(is_open(t.fd));
	pair_free(&t.pair);
	return 0;
}

static void driver_comes(void)
{
	pair_up(&t.pair, t.unit->dev, CW_F_VERSION_1 | CW_F_EVENT_IDX);
}

static void driver_goes(void)
{
	assert_int_equal(cw_device_set_status(t.unit->dev, 0), CW_RESULT_OK);
}

static void up(void)
{
	driver_comes();
	give();
	assert_true(t.running);
}

static bool rang(int fd)
{
	uint64_t n;

	return read(fd, &n, sizeof(n)) == sizeof(n);
}

static void ring(int fd)
{
	const uint64_t one = 1;

	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
}

/* What a worker does that wakes. */
static void worker_wakes(void)
{
	struct pollfd p[CW_UNIT_FDS];
	unsigned int n = t.unit->ops->fds(t.unit, p);

	assert_true(poll(p, n, 0) >= 0);
	t.unit->ops->ready(t.unit, p, n);
}

static void gives_the_kernel_a_block_and_rings(void **state)
{
	const struct cw_window *w = &t.pair.win;

	(void)state;
	driver_comes();
	assert_int_equal(t.asks, 1);
	assert_int_equal(t.says, 0);
	give();
	assert_int_equal(t.said[0], VHOST_SET_OWNER); /* or nothing else is heard */
	assert_int_equal(t.region.guest_phys_addr, PAIR_BASE);
	assert_int_equal(t.region.memory_size, w->size);
	assert_ptr_equal((void *)(uintptr_t)t.region.userspace_addr, t.pair.mem);
	assert_int_equal(t.cid, 42);
	assert_int_equal(t.features, CW_F_VERSION_1 | CW_F_EVENT_IDX);
	for (unsigned int q = 0; q < 2; q++) {
		const struct cw_device_queue *d = &t.unit->dev->queue[q];
		const struct vhost_vring_addr *a = &t.ring[q];

		assert_int_equal(a->flags, 0);
		assert_ptr_equal((void *)(uintptr_t)a->desc_user_addr,
				 cw_window_ptr(w, d->desc, 1));
		assert_ptr_equal((void *)(uintptr_t)a->avail_user_addr,
				 cw_window_ptr(w, d->avail, 1));
		assert_ptr_equal((void *)(uintptr_t)a->used_user_addr,
				 cw_window_ptr(w, d->used, 1));
		assert_true(rang(t.kick[q])); /* what came before */
	}
	assert_int_equal(t.said[t.says - 1], VHOST_VSOCK_SET_RUNNING);
	assert_true(t.unit->ops->deadline(t.unit) == CW_LINK_NEVER);
}

static void relays_notifications(void **state)
{
	(void)state;
	up();
	rang(t.kick[RX]);
	rang(t.kick[TX]);
	for (unsigned int q = 0; q < 2; q++) {
		assert_true(cw_device_kicked(t.unit->dev, q));
		assert_true(rang(t.kick[q]));
		assert_false(rang(t.kick[1 - q]));
		ring(t.call[q]);
		worker_wakes();
		assert_int_equal(t.pair.told[q], 1);
		assert_false(t.unit->ops->look(t.unit));
		ring(t.call[q]);
		assert_true(t.unit->ops->look(t.unit));
		assert_int_equal(t.pair.told[q], 2);
		worker_wakes();
		assert_int_equal(t.pair.told[q], 2);
	}
}

static void lets_go_before_the_reset_is_over(void **state)
{
	struct pollfd p[CW_UNIT_FDS];

	(void)state;
	up();
	driver_goes();
	assert_int_equal(t.unit->dev->status, 0);
	assert_false(t.running);
	assert_false(is_open(t.fd));
	assert_int_equal(t.unit->ops->fds(t.unit, p), 0);
}

static void next_driver_waits_and_gets_another(void **state)
{
	(void)state;
	up();
	driver_goes();
	driver_comes();
	assert_int_equal(t.asks, 1); /* not at once */
	assert_true(t.unit->ops->deadline(t.unit) > t.now);
	worker_wakes();
	assert_int_equal(t.asks, 1);
	t.now = t.unit->ops->deadline(t.unit);
	worker_wakes();
	assert_int_equal(t.asks, 2);
	give();
	assert_true(t.running);
}

static void one_queue_goes_on_where_it_was(void **state)
{
	(void)state;
	up();
	t.reached = 77;
	assert_int_equal(cw_device_queue_reset(t.unit->dev, RX), CW_RESULT_OK);
	assert_false(t.running);
	assert_true(is_open(t.fd)); /* connections live */
	pair_queue_up(&t.pair, RX, true);
	assert_true(t.running);
	assert_int_equal(t.base[RX], 0);
	assert_int_equal(t.base[TX], 77);
	assert_int_equal(t.asks, 1);
}

static void answers_that_are_late_or_lost(void **state)
{
	uint32_t old;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	t.deaf = true;
	driver_comes();
	assert_int_equal(t.asks, 0);
	t.deaf = false;
	t.now = t.unit->ops->deadline(t.unit);
	worker_wakes();
	assert_int_equal(t.asks, 1);
	worker_wakes();
	assert_int_equal(t.asks, 1);
	old = t.id;
	t.now = t.unit->ops->deadline(t.unit);
	worker_wakes();
	assert_int_equal(t.asks, 2);
	t.unit->ops->given(t.unit, old, fd);
	assert_false(is_open(fd));
	assert_false(t.running);
	give();
	assert_true(t.running);
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	t.unit->ops->given(t.unit, t.id, fd); /* twice */
	assert_false(is_open(fd));
	assert_true(t.running);
}

/* Given when the driver has gone again: the next one has it at once. */
static void driver_that_went_meanwhile(void **state)
{
	(void)state;
	driver_comes();
	driver_goes();
	driver_comes();
	assert_int_equal(t.asks, 1);
	driver_goes();
	give();
	assert_false(t.running);
	driver_comes();
	assert_true(t.running);
	assert_int_equal(t.asks, 1);
}

static void recovers(int fault)
{
	unsigned int asks = t.asks;

	assert_true(t.unit->dev->status & CW_STATUS_NEEDS_RESET);
	assert_int_equal(t.unit->dev->fault, fault);
	assert_false(t.running);
	assert_false(t.fd >= 0 && is_open(t.fd));
	t.fails = 0;
	t.now += 1000000;
	driver_comes();
	worker_wakes();
	assert_int_equal(t.asks, asks + 1);
	give();
	assert_true(t.running);
	driver_goes();
	t.now += 1000000;
}

static void each_failure_is_a_reset(void **state)
{
	static const unsigned long request[] = { VHOST_SET_OWNER,	 VHOST_SET_MEM_TABLE,
						 VHOST_SET_FEATURES,	 VHOST_SET_VRING_NUM,
						 VHOST_SET_VRING_BASE,	 VHOST_SET_VRING_ADDR,
						 VHOST_SET_VRING_KICK,	 VHOST_SET_VRING_CALL,
						 VHOST_SET_VRING_ERR,	 VHOST_VSOCK_SET_GUEST_CID,
						 VHOST_VSOCK_SET_RUNNING };
	struct cw_unit_stats s = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(request) / sizeof(request[0]); i++) {
		driver_comes();
		t.fails = request[i];
		t.with = EIO;
		give();
		recovers(CW_EIO);
	}
	t.unit->ops->stats(t.unit, &s);
	assert_int_equal(s.errors, sizeof(request) / sizeof(request[0]));
}

static void address_of_another(void **state)
{
	(void)state;
	driver_comes();
	t.fails = VHOST_VSOCK_SET_GUEST_CID;
	t.with = EADDRINUSE;
	give();
	recovers(CW_EBUSY);
}

static void nothing_to_give(void **state)
{
	(void)state;
	driver_comes();
	t.unit->ops->given(t.unit, t.id, -1);
	recovers(CW_EIO);
}

static void ring_that_makes_no_sense(void **state)
{
	(void)state;
	up();
	ring(t.mistake);
	worker_wakes();
	recovers(CW_EPEER);
	up();
	ring(t.mistake); /* of this driver, */
	driver_goes();
	t.now += 1000000;
	up();
	worker_wakes(); /* and not held against the next */
	assert_true(t.running);
}

static void dies_with_it(void **state)
{
	(void)state;
	up();
	cw_unit_free(t.unit);
	t.unit = NULL;
	assert_false(is_open(t.fd));
	assert_false(is_open(t.kick[0]) || is_open(t.call[1]) || is_open(t.mistake));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(gives_the_kernel_a_block_and_rings),
		TEST(relays_notifications),
		TEST(lets_go_before_the_reset_is_over),
		TEST(next_driver_waits_and_gets_another),
		TEST(one_queue_goes_on_where_it_was),
		TEST(answers_that_are_late_or_lost),
		TEST(driver_that_went_meanwhile),
		TEST(each_failure_is_a_reset),
		TEST(address_of_another),
		TEST(nothing_to_give),
		TEST(ring_that_makes_no_sense),
		TEST(dies_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
