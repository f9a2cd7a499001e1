// SPDX-License-Identifier: BSD-3-Clause
/*
 * A worker one of whose devices always has more to do: everybody else gets their turn. Then its remote sees a
 * kick no more: time in which the machine stood still does not count. And at the end the remote of that device
 * is detached while another's input is there: events go to whom they are of.
 *
 * The worker is the real one, in a child process. Its units are the test's own, and one of them stands for
 * the remote too: it brings the link up, and then has work at every pass. What must be served meanwhile
 * comes with the first of these passes; the child ends when all of it has been, or after so many passes that
 * nobody will look any more, and its status says what was left.
 */
#include "../core/unit.h"

#include <causeway/abi/virtio.h>
#include <causeway/host/worker.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PASSES \
	20000000u /* a hundred times as many as there are in half a millisecond, at the least */
#define PING 7u

/* What is to be served during the flood. */
enum {
	BESIDE = 1,
	OTHER = 2,
	DUE = 4,
	ASKED = 8,
	TOLD = 16,
	ALL = 31,
	MIXED_UP = 32,
	SPARED = 64,
	FOUND = 128
};

static struct {
	struct cw_board *board;
	struct cw_worker_config config;
	struct cw_worker_remote remote[2];
	struct cw_memory memory[2];
	struct cw_doorbell doorbell;
	struct cw_backend_fds fds[2];
	unsigned char *region; /* of the first */
	struct cw_spin_tokens tokens;
	struct cw_link link; /* the remote's end of the first */
	struct cw_link_slot slot[CW_SLOTS_MAX];
	int keeper; /* its end of the socket */
	uint64_t passes;
	unsigned int left;
	bool detached;	    /* the flood's remote, in an order that is on its way */
	uint64_t ahead;	    /* of the clock, microseconds */
	unsigned int looks; /* of the flood's remote for its kick, since it has one */
} t;

struct fake {
	struct cw_unit unit;
	struct cw_device dev;
	struct cw_device_queue queue;
	uint16_t own[CW_QUEUE_SIZE_MAX];
	unsigned int stands_for; /* what is left when nobody asked it to look at its input */
	int in, out;		 /* a pipe */
};

static struct fake *fake(struct cw_unit *u)
{
	return (struct fake *)(void *)u;
}

static uint64_t never(struct cw_unit *u)
{
	(void)u;
	return CW_LINK_NEVER;
}

static void nothing(struct cw_unit *u)
{
	(void)u;
}

int __real_clock_gettime(clockid_t id, struct timespec *now);
int __wrap_clock_gettime(clockid_t id, struct timespec *now);

int __wrap_clock_gettime(clockid_t id, struct timespec *now)
{
	uint64_t us;

	if (__real_clock_gettime(id, now))
		return -1;
	us = (uint64_t)now->tv_nsec / 1000u + t.ahead;
	now->tv_sec += (time_t)(us / 1000000u);
	now->tv_nsec = (long)(us % 1000000u) * 1000;
	return 0;
}

/* ---- with input, or something due ---- */

static struct fake *quiet[3];

static unsigned int input(struct cw_unit *u, struct pollfd *p)
{
	*p = (struct pollfd){ .fd = fake(u)->in, .events = POLLIN };
	return 1;
}

static void input_came(struct cw_unit *u, const struct pollfd *p, unsigned int n)
{
	if (t.detached && fake(u) == quiet[1])
		_exit((int)t.left | (p->fd == fake(u)->in ? 0 : MIXED_UP));
	if (n && p->revents & POLLIN)
		t.left &= ~fake(u)->stands_for;
}

static const struct cw_unit_ops with_input = {
	.fds = input,
	.ready = input_came,
	.deadline = never,
	.free = nothing,
};

static uint64_t soon(struct cw_unit *u)
{
	(void)u;
	return t.passes ? 1 : CW_LINK_NEVER;
}

static void came_due(struct cw_unit *u, const struct pollfd *p, unsigned int n)
{
	(void)p;
	(void)n;
	if (t.passes)
		t.left &= ~fake(u)->stands_for;
}

static const struct cw_unit_ops with_deadline = {
	.ready = came_due,
	.deadline = soon,
	.free = nothing,
};

/* ---- the flood ---- */

static void begin_flood(void)
{
	const struct cw_order ping = { .kind = CW_ORDER_PING, .value = PING };
	char byte;

	while (recv(t.keeper, &byte, 1, MSG_DONTWAIT) > 0)
		; /* that the link is up */
	for (unsigned int i = 0; i < 2; i++)
		if (write(quiet[i]->out, "", 1) != 1)
			abort();
	if (send(t.keeper, &ping, sizeof(ping), 0) != sizeof(ping))
		abort();
	t.left = ALL;
}

static void detach(void)
{
	const struct cw_order o = { .kind = CW_ORDER_DETACH, .value = 0 };

	if (send(t.keeper, &o, sizeof(o), 0) != sizeof(o))
		abort();
	t.detached = true;
}

#define SLOT   1u /* of a kick that its remote never looks at */
#define STALL  5000000u
#define STEP   50000u
#define ENOUGH 100u /* such steps, of which twenty are a second: then it is lost */

/* False until all of it is over: the machine stands still, and then it goes on. */
static bool looked_for(const struct cw_device *d)
{
	const struct cw_device_mmio *m = d->transport_ctx;

	if (!t.looks++) {
		cw_link_kick(m->link, SLOT, 1);
	} else if (t.looks == 5) {
		t.ahead += STALL;
	} else if (t.looks == 10) {
		t.left |= t.config.report->remote[0].lost ? SPARED : 0;
	} else if (t.looks > 10 && t.looks <= 10 + ENOUGH) {
		t.ahead += STEP;
	} else if (t.looks > 15 + ENOUGH) {
		t.left |= t.config.report->remote[0].lost ? 0 : FOUND;
		return true;
	}
	return false;
}

static int flood(struct cw_device *d, unsigned int q)
{
	char byte;

	(void)q;
	if (!t.passes++) {
		begin_flood();
		return CW_SERVE_MORE;
	}
	if (t.config.report->pong == PING)
		t.left &= ~(unsigned int)ASKED;
	/* The peer's new state is the news. */
	cw_link_set_state(&t.link, CW_STATE_PANIC, 3);
	if (recv(t.keeper, &byte, 1, MSG_DONTWAIT) == 1 &&
	    t.config.report->remote[0].panic_code == 3)
		t.left &= ~(unsigned int)TOLD;
	if (t.passes == PASSES)
		_exit((int)t.left | (t.detached ? MIXED_UP : 0));
	if (!t.detached && (t.looks || !t.left) && looked_for(d))
		detach();
	return CW_SERVE_MORE;
}

static uint64_t until_it_floods(struct cw_unit *u)
{
	(void)u;
	return t.passes ? CW_LINK_NEVER : 1;
}

/* Until the link is up at both ends, and then a driver with a queue that is never empty. */
static void join(struct cw_unit *u, const struct pollfd *p, unsigned int n)
{
	struct cw_device *d = &fake(u)->dev;
	const struct cw_device_mmio *m = d->transport_ctx;

	(void)p;
	(void)n;
	cw_link_poll(&t.link, 1);
	if (!cw_link_is_up(m->link))
		return;
	d->status = CW_STATUS_DRIVER_OK;
	d->queue[0].ring.ready = d->queue[0].active = true;
	cw_device_wake(d, 0);
}

static const struct cw_unit_ops flooding = {
	.ready = join,
	.deadline = until_it_floods,
	.free = nothing,
};

/* ---- in place of the real ones ---- */

static int no_work(struct cw_device *d, unsigned int q)
{
	(void)d;
	(void)q;
	return CW_SERVE_DRAINED;
}

struct cw_unit *cw_unit_create(const struct cw_board_device *d,
			       const struct cw_layout_device *place,
			       const struct cw_backend_fds *fds, bool kernel_may_touch)
{
	static const struct cw_device_ops busy = { .serve = flood }, idle = { .serve = no_work };
	static const struct cw_unit_ops *const ops[] = { &flooding, &with_input, &with_input,
							 &with_deadline };
	static const unsigned int stands_for[] = { 0, BESIDE, OTHER, DUE };
	static unsigned int made;
	struct fake *f = calloc(1, sizeof(*f));
	int pipes[2];

	(void)d;
	(void)fds;
	(void)kernel_may_touch;
	if (!f || pipe(pipes))
		return NULL;
	f->in = pipes[0];
	f->out = pipes[1];
	f->stands_for = stands_for[made];
	f->unit.ops = ops[made];
	f->unit.dev = &f->dev;
	f->queue.num_max = place->queue_size;
	f->queue.own = f->own;
	if (cw_device_init(&f->dev, made ? &idle : &busy, place->id, 0, NULL, 0, &f->queue, 1))
		return NULL;
	if (made)
		quiet[made - 1] = f;
	made++;
	return &f->unit;
}

int cw_confine_worker(const struct cw_confine *c, pid_t parent, int *keep, unsigned int n,
		      bool files, unsigned int more, const struct cw_confine_folder *folder,
		      unsigned int folders, int (*begin)(void *ctx), void *ctx)
{
	(void)c;
	(void)parent;
	(void)keep;
	(void)n;
	(void)files;
	(void)more;
	(void)folder;
	(void)folders;
	return begin(ctx);
}

/* ---- set-up ---- */

static void ring(void *ctx)
{
	(void)ctx;
}

static const struct cw_link_ops link_ops = { .ring = ring };

static int begin_remote(void)
{
	const struct cw_layout *l = &t.board->remote[0].layout;

	t.region = cw_memory_map(&t.memory[0]);
	if (!t.region ||
	    cw_link_init(&t.link, (void *)(t.region + (l->remote_page - l->base)),
			 (void *)(t.region + (l->pmm_page - l->base)), t.slot, l->slots,
			 cw_layout_hash(l), &link_ops, NULL) ||
	    cw_link_begin(&t.link, 1))
		return -1;
	cw_link_announce(&t.link);
	return 0;
}

static int prepare(void)
{
	static const char text[] =
		"remotes:\n"
		"  - { name: a, carrier: { process: p }, devices: [ { kind: rng }, { kind: rng } ] }\n"
		"  - { name: b, carrier: { process: p }, devices: [ { kind: rng }, { kind: rng } ] }\n";
	int pair[2];

	if (cw_board_load_text(&t.board, text, strlen(text), "t", stderr) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -1;
	t.config = (struct cw_worker_config){ .board = t.board,
					      .remotes = 2,
					      .remote = t.remote,
					      .report = mmap(NULL, cw_report_size(2),
							     PROT_READ | PROT_WRITE,
							     MAP_SHARED | MAP_ANONYMOUS, -1, 0),
					      .tokens = &t.tokens,
					      .orders = pair[1] };
	t.keeper = pair[0];
	t.doorbell = (struct cw_doorbell){ .ops = &cw_doorbell_poll, .mine = -1, .bell = -1 };
	for (unsigned int i = 0; i < 2; i++) {
		const struct cw_board_remote *r = &t.board->remote[i];

		if (cw_memory_open(&t.memory[i], r, stderr))
			return -1;
		memset(t.fds[i].fd, -1, sizeof(t.fds[i].fd));
		t.remote[i] =
			(struct cw_worker_remote){ r, &t.memory[i], &t.doorbell, t.fds, false };
	}
	return begin_remote();
}

static int run(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (prepare())
		return -1;
	pid = fork();
	if (!pid)
		cw_worker_main(&t.config);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	t.left = (unsigned int)WEXITSTATUS(status);
	return 0;
}

static int clean(void **state)
{
	(void)state;
	close(t.keeper);
	close(t.config.orders);
	munmap(t.config.report, cw_report_size(2));
	munmap(t.region, t.memory[0].size);
	for (unsigned int i = 0; i < 2; i++)
		cw_memory_close(&t.memory[i]);
	cw_board_free(t.board);
	return 0;
}

/* ---- tests ---- */

static void backends_of_its_other_devices(void **state)
{
	(void)state;
	assert_false(t.left & BESIDE);
}

static void backends_of_other_remotes(void **state)
{
	(void)state;
	assert_false(t.left & OTHER);
}

static void what_is_due(void **state)
{
	(void)state;
	assert_false(t.left & DUE);
}

static void orders(void **state)
{
	(void)state;
	assert_false(t.left & ASKED);
}

static void news_for_the_keeper(void **state)
{
	(void)state;
	assert_false(t.left & TOLD);
}

static void a_machine_that_stood_still(void **state)
{
	(void)state;
	assert_false(t.left & SPARED);
}

static void a_remote_that_is_lost(void **state)
{
	(void)state;
	assert_false(t.left & FOUND);
}

static void an_order_beside_events(void **state)
{
	(void)state;
	assert_false(t.left & MIXED_UP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backends_of_its_other_devices),
		cmocka_unit_test(backends_of_other_remotes),
		cmocka_unit_test(what_is_due),
		cmocka_unit_test(orders),
		cmocka_unit_test(news_for_the_keeper),
		cmocka_unit_test(a_machine_that_stood_still),
		cmocka_unit_test(a_remote_that_is_lost),
		cmocka_unit_test(an_order_beside_events),
	};

	return cmocka_run_group_tests_name("worker", tests, run, clean);
}
