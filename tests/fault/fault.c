// SPDX-License-Identifier: BSD-3-Clause
/*
 * Fault runner.
 *
 * Theory of operation: both sides run in this one thread over one block of memory, against a virtual
 * clock: the remote at the top, the PMM inside the remote's wait(). The hooked libraries report each
 * store to shared memory. A case stops one side right after its n-th store (or in a kernel call that
 * writes there), turns that side's private memory into garbage and starts it again, as a supervisor
 * would; then the workload must finish in bounded virtual time with every request answered rightly
 * or reported. A third kind restarts the remote between two stores of a running PMM.
 *
 * Every case has an id that replays it:	rng:pmm@17   rng:remote@230   net:kernel@3.half
 *	rng:between@41   the remote restarts between the PMM's 41st store and its next
 *	rng:replaced@93  the PMM is replaced and runs right after the remote's 93rd load or store
 * Whatever happens, these are promises checked at each store: a side writes only what is its own,
 * nobody writes block memory without a link, and no PMM writes for a life of the remote that ended
 * while the present one believes the link is up.
 */
#include "fault.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <causeway/core/shm.h>

#define WORLD_END_US   60000000ull
#define WORLD_STEPS    2000000u
#define PMM_RESTART_US 500u

struct cut {
	enum { CUT_NONE, CUT_STORE, CUT_KERNEL, CUT_BETWEEN, CUT_REPLACED } kind;
	enum side side;
	enum phase phase;
	unsigned int at; /* 1: the first */
};

static struct {
	const struct workload *w;
	unsigned char *region;
	struct cut cut;
	bool cut_done, over;
	enum side now_running;
	unsigned int stores[SIDES], accesses, kernel_calls, steps, lose, rings;
	uint64_t now;
	bool bell[SIDES];
	char failure[160];
} world;

/* PMM */
static struct cw_device_bus pmm_bus;
static struct cw_link_slot pmm_slot[CW_SLOTS_MAX];
static bool pmm_alive;
static uint64_t pmm_deadline;
static jmp_buf pmm_stop;

/* Remote */
struct cw_bus remote_bus;
static struct cw_link_slot remote_slot[CW_SLOTS_MAX];
static bool remote_started, remote_replaced;
static jmp_buf remote_stop;

void broken(const char *what)
{
	if (!world.failure[0])
		snprintf(world.failure, sizeof(world.failure), "%s (at %s store %u)", what,
			 world.now_running == PMM ? "pmm" : "remote",
			 world.stores[world.now_running]);
}

bool world_over(void)
{
	return world.over || world.failure[0];
}

uint64_t world_now(void)
{
	return world.now;
}

/* ---- promises at each store ---- */

static bool own_page(enum side side, cw_addr_t a, uint32_t len)
{
	const struct cw_layout *l = world.w->layout;
	cw_addr_t mine = side == PMM ? l->pmm_page : l->remote_page;

	return a >= mine && a + len <= mine + CW_PAGE_SIZE;
}

static const struct cw_layout_device *block_of(cw_addr_t a)
{
	const struct cw_layout *l = world.w->layout;

	for (unsigned int i = 0; i < l->devices; i++)
		if (a >= l->device[i].block && a < l->device[i].block + l->device[i].size)
			return &l->device[i];
	return NULL;
}

static const struct cw_abi_link_page *page_of(enum side side)
{
	const struct cw_layout *l = world.w->layout;
	cw_addr_t at = side == PMM ? l->pmm_page : l->remote_page;

	return (const void *)(world.region + (at - l->base));
}

/*
 * What memory itself says, whatever a side believes: nobody stores for a life that has not
 * acknowledged it. (A life that ended a moment ago may still be stored for: its end is noticed at the
 * next look, and its successor waits for the echo.)
 */
static void check_echo(enum side side)
{
	const struct cw_abi_link_page *other = page_of(side == PMM ? REMOTE : PMM);
	const struct cw_link *mine = side == PMM ? &pmm_bus.link : &remote_bus.link;

	if (cw_get_le32(other->epoch) == mine->echoed &&
	    cw_get_le32(other->peer_epoch) != mine->epoch)
		broken(side == PMM ? "PMM stored before the remote acknowledged it"
				   : "remote stored before the PMM acknowledged it");
}

static void check_block_store(enum side side, const struct cw_layout_device *d, cw_addr_t a)
{
	uint32_t off = (uint32_t)(a - d->block);
	const struct cw_link *p = &pmm_bus.link, *r = &remote_bus.link;

	if (off < CW_PAGE_SIZE) { /* device page: the PMM's, with or without a link */
		if (side != PMM)
			broken("remote stored into a device page");
		return;
	}
	if (off < 2 * CW_PAGE_SIZE && side == PMM)
		broken("PMM stored into a driver page");
	if (!(side == PMM ? p->up : r->up))
		broken("store into a block without a link");
	check_echo(side);
}

static void check_store(enum side side, const volatile void *p, uint32_t len)
{
	const struct cw_layout *l = world.w->layout;
	cw_addr_t a = l->base + (cw_addr_t)((const volatile unsigned char *)p - world.region);
	const struct cw_layout_device *d;

	if (a < l->base || a + len > l->base + l->size) {
		broken("store outside the region");
		return;
	}
	d = block_of(a);
	if (d)
		check_block_store(side, d, a);
	else if (!own_page(side, a, len))
		broken("store into a page of the other side");
}

/* ---- stopping and starting ---- */

static void pmm_die(void)
{
	pmm_alive = false;
	memset(&pmm_bus, 0xa5, sizeof(pmm_bus));
	memset(pmm_slot, 0xa5, sizeof(pmm_slot));
	world.w->pmm_forget();
	pmm_deadline = world.now + PMM_RESTART_US; /* the keeper starts another */
}

static void remote_die(void)
{
	remote_started = false;
	memset(&remote_bus, 0xa5, sizeof(remote_bus));
	memset(remote_slot, 0xa5, sizeof(remote_slot));
	world.w->remote_forget();
}

static const struct cw_port remote_port;

static void remote_start(void)
{
	remote_started = true;
	if (cw_bus_init(&remote_bus, world.w->layout, world.region, remote_slot, &remote_port))
		broken("layout refused");
	cw_bus_start(&remote_bus);
}

/* The remote is reset and its new life announced while the PMM is in the midst of its work. */
static void remote_restarts_between(void)
{
	world.now_running = REMOTE;
	remote_die();
	remote_start();
	remote_replaced = true;
	world.now_running = PMM;
}

static void cut_now(enum side side)
{
	world.cut_done = true;
	longjmp(side == PMM ? pmm_stop : remote_stop, 1);
}

static void pmm_is_replaced(void);

/* One more load or store of the remote has been made. */
static void remote_access(void)
{
	world.accesses++;
	if (world.cut.kind == CUT_REPLACED && !world.cut_done && world.accesses == world.cut.at) {
		world.cut_done = true;
		pmm_is_replaced();
	}
}

uint32_t cw_hook_load(const volatile void *p, unsigned int width, uint32_t value)
{
	(void)p;
	(void)width;
	if (world.now_running == REMOTE && !remote_replaced)
		remote_access();
	return value;
}

void cw_hook_store(const volatile void *p, unsigned int width)
{
	enum side side = world.now_running;
	const struct cut *c = &world.cut;

	check_store(side, p, width);
	if (remote_replaced && side == REMOTE)
		return; /* the nested start counts for nobody */
	world.stores[side]++;
	if (side == REMOTE)
		remote_access();
	if (world.cut_done || world.stores[side] != c->at)
		return;
	if (c->kind == CUT_STORE && c->side == side)
		cut_now(side);
	if (c->kind == CUT_BETWEEN && side == PMM && remote_started) {
		world.cut_done = true;
		remote_restarts_between();
	}
}

void kernel_write(void *dst, const void *src, uint32_t len)
{
	bool cut = world.cut.kind == CUT_KERNEL && !world.cut_done &&
		   ++world.kernel_calls == world.cut.at;

	if (world.cut.kind != CUT_KERNEL)
		world.kernel_calls++;
	check_store(PMM, dst, len);
	if (cut && world.cut.phase == BEFORE)
		cut_now(PMM);
	memcpy(dst, src, cut && world.cut.phase == HALF ? len / 2 : len);
	if (cut)
		cut_now(PMM);
}

/* ---- the PMM, one pass at a time ---- */

static void bell_remote(void *ctx)
{
	(void)ctx;
	if (!world.lose || ++world.rings % world.lose)
		world.bell[REMOTE] = true;
}

static const struct cw_link_ops pmm_link_ops = { .ring = bell_remote };

static void pmm_start(void)
{
	pmm_alive = true;
	if (cw_device_bus_init(&pmm_bus, world.w->layout, world.region, pmm_slot, &pmm_link_ops,
			       NULL))
		broken("PMM refuses the layout");
	world.w->pmm_init(&pmm_bus);
	cw_device_bus_begin(&pmm_bus, world.now);
}

static void pmm_pass(void)
{
	bool more = true;

	if (!pmm_alive)
		pmm_start();
	world.bell[PMM] = false;
	for (unsigned int n = 0; more; n++) {
		if (n > 10000) {
			broken("PMM does not come to rest");
			return;
		}
		more = cw_device_bus_poll(&pmm_bus, world.now) == CW_LINK_WENT_DOWN;
		more |= world.w->pmm_pass(&pmm_bus);
		more |= cw_device_bus_serve(&pmm_bus);
		more = more || cw_device_bus_arm(&pmm_bus);
	}
	pmm_deadline = cw_device_bus_deadline(&pmm_bus);
}

/* While the remote is in the midst of its work: another PMM, and it runs at once. */
static void pmm_is_replaced(void)
{
	world.now_running = PMM;
	if (pmm_alive)
		pmm_die();
	pmm_pass();
	world.now_running = REMOTE;
}

static void run_pmm(void)
{
	world.now_running = PMM;
	if (setjmp(pmm_stop))
		pmm_die();
	else
		pmm_pass();
	world.now_running = REMOTE;
	if (remote_replaced) {
		remote_replaced = false;
		longjmp(remote_stop, 2); /* who waited here is dead; the new life stands already */
	}
}

/* ---- the remote's machine ---- */

static uint64_t port_now(void *ctx)
{
	(void)ctx;
	if (++world.steps > WORLD_STEPS || world.now > WORLD_END_US)
		world.over = true;
	return ++world.now;
}

static void port_ring(void *ctx)
{
	(void)ctx;
	if (!world.lose || ++world.rings % world.lose)
		world.bell[PMM] = true;
}

static void port_wait(void *ctx, uint64_t deadline)
{
	(void)ctx;
	if (world_over())
		longjmp(remote_stop, 3);
	for (;;) {
		if (world.bell[PMM] || world.now >= pmm_deadline)
			run_pmm();
		if (world.bell[REMOTE] || world_over() || world.now >= deadline)
			break;
		if (!world.bell[PMM])
			world.now = pmm_deadline < deadline ? pmm_deadline : deadline;
		if (world.now > WORLD_END_US)
			break;
	}
	world.bell[REMOTE] = false;
}

static const struct cw_port remote_port = { .now = port_now, .ring = port_ring, .wait = port_wait };

bool remote_up(void)
{
	if (!remote_started)
		remote_start();
	while (!world_over() && cw_bus_wait_up(&remote_bus, 1000000))
		;
	return !world_over();
}

/* ---- cases ---- */

static const char *run_case(const struct workload *w, struct cut cut, unsigned int lose)
{
	static unsigned char *memory;
	volatile int lives = 0;
	const char *bad;

	free(memory);
	memory = aligned_alloc(CW_PAGE_SIZE, w->layout->size);
	memset(&world, 0, sizeof(world));
	world.w = w;
	world.region = memory;
	world.cut = cut;
	world.lose = lose;
	world.now = 1000;
	memset(memory, 0x5a, w->layout->size); /* memory may be found with any contents */
	remote_started = remote_replaced = pmm_alive = false;
	pmm_deadline = 0;
	w->pmm_forget();
	w->remote_forget();
	w->begin();
	world.now_running = REMOTE;
	switch (setjmp(remote_stop)) {
	case 1:
		remote_die();
		break;
	case 3:
		world.over = true;
		break;
	default:
		break;
	}
	if (++lives > 20)
		return "the remote does not stay up";
	if (!world_over())
		w->remote();
	if (world.failure[0])
		return world.failure;
	if (world.over)
		return "no progress: virtual time is up";
	bad = w->end();
	return bad;
}

static void id_text(char *buf, size_t size, const struct workload *w, struct cut c)
{
	static const char *const phase[] = { "before", "half", "after" };

	if (c.kind == CUT_KERNEL)
		snprintf(buf, size, "%s:kernel@%u.%s", w->name, c.at, phase[c.phase]);
	else if (c.kind == CUT_BETWEEN)
		snprintf(buf, size, "%s:between@%u", w->name, c.at);
	else if (c.kind == CUT_REPLACED)
		snprintf(buf, size, "%s:replaced@%u", w->name, c.at);
	else if (c.kind == CUT_STORE)
		snprintf(buf, size, "%s:%s@%u", w->name, c.side == PMM ? "pmm" : "remote", c.at);
	else
		snprintf(buf, size, "%s:none", w->name);
}

static unsigned int ran, failed;
static bool first_only; /* a mutant needs one failure */

static void one(const struct workload *w, struct cut c, unsigned int lose)
{
	const char *bad;
	char id[64];

	if (failed && first_only)
		return;
	bad = run_case(w, c, lose);

	id_text(id, sizeof(id), w, c);
	ran++;
	if (bad && ++failed <= 20)
		printf("FAIL %s%s: %s\n", id, lose ? " (every third ring lost)" : "", bad);
	else if (!bad && c.kind != CUT_NONE && !world.cut_done)
		printf("note %s: the cut was never reached\n", id);
}

static void sweep(const struct workload *w, unsigned int lose)
{
	unsigned int stores[SIDES], kernel, accesses;

	one(w, (struct cut){ .kind = CUT_NONE }, lose);
	stores[PMM] = world.stores[PMM];
	stores[REMOTE] = world.stores[REMOTE];
	kernel = world.kernel_calls;
	accesses = world.accesses;
	printf("%s%s: %u PMM stores, %u remote stores, %u remote accesses, %u kernel writes\n",
	       w->name, lose ? ", every third ring lost" : "", stores[PMM], stores[REMOTE],
	       accesses, kernel);
	for (int s = PMM; s < SIDES; s++)
		for (unsigned int n = 1; n <= stores[s]; n++)
			one(w, (struct cut){ .kind = CUT_STORE, .side = (enum side)s, .at = n },
			    lose);
	for (unsigned int n = 1; n <= stores[PMM]; n++)
		one(w, (struct cut){ .kind = CUT_BETWEEN, .at = n }, lose);
	for (unsigned int n = 1; n <= accesses; n++)
		one(w, (struct cut){ .kind = CUT_REPLACED, .at = n }, lose);
	for (unsigned int n = 1; n <= kernel; n++)
		for (int p = BEFORE; p < PHASES; p++)
			one(w, (struct cut){ .kind = CUT_KERNEL, .phase = (enum phase)p, .at = n },
			    lose);
}

static const struct workload *const workloads[] = { &rng_workload, &net_workload };

static const struct workload *find(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++)
		if (strlen(workloads[i]->name) == len && !strncmp(workloads[i]->name, name, len))
			return workloads[i];
	return NULL;
}

static int replay(const char *id, unsigned int lose)
{
	char where[16] = "", phase[16] = "";
	struct cut c = { .kind = CUT_NONE };
	const char *colon = strchr(id, ':');
	const struct workload *w = colon ? find(id, (size_t)(colon - id)) : NULL;

	if (!w || sscanf(colon + 1, "%15[a-z]@%u.%15[a-z]", where, &c.at, phase) < 1) {
		fprintf(stderr, "fault: '%s' is no case id; right is e.g. rng:pmm@17\n", id);
		return 2;
	}
	if (!strcmp(where, "kernel")) {
		c.kind = CUT_KERNEL;
		c.phase = phase[0] == 'b' ? BEFORE : phase[0] == 'h' ? HALF : AFTER;
	} else if (!strcmp(where, "between")) {
		c.kind = CUT_BETWEEN;
	} else if (!strcmp(where, "replaced")) {
		c.kind = CUT_REPLACED;
	} else if (strcmp(where, "none")) {
		c.kind = CUT_STORE;
		c.side = where[0] == 'p' ? PMM : REMOTE;
	}
	one(w, c, lose);
	if (!failed)
		printf("%s: fine\n", id);
	return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	unsigned int lose = argc > 2 && !strcmp(argv[2], "--lose") ? 3 : 0;
	const struct workload *w;

	first_only = getenv("FAULT_FIRST") != NULL;
	if (argc < 2) {
		fprintf(stderr, "usage: fault rng|net|ID [--lose]\n");
		return 2;
	}
	if (strchr(argv[1], ':'))
		return replay(argv[1], lose);
	w = find(argv[1], strlen(argv[1]));
	if (!w) {
		fprintf(stderr, "fault: no workload '%s'; there are rng and net\n", argv[1]);
		return 2;
	}
	sweep(w, lose);
	printf("%u passed, %u failed\n", ran - failed, failed);
	return failed ? 1 : 0;
}
