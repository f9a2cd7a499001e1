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
 *	rng:beside@93    the same, but the PMM is the one that was there
 * What is promised at each store is the machine's to check: what both sides stand on (linked.c, classic.c).
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
	enum { CUT_NONE, CUT_STORE, CUT_KERNEL, CUT_BETWEEN, CUT_REPLACED, CUT_BESIDE } kind;
	enum side side;
	enum phase phase;
	unsigned int at; /* 1: the first */
};

static struct {
	const struct workload *w;
	const struct machine *m;
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
static bool pmm_alive, beside;
static uint64_t pmm_deadline;
static jmp_buf pmm_stop;

/* Remote */
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

bool world_was_cut(void)
{
	return world.cut_done;
}

unsigned char *world_region(void)
{
	return world.region;
}

uint64_t world_tick(void)
{
	if (++world.steps > WORLD_STEPS || world.now > WORLD_END_US)
		world.over = true;
	return ++world.now;
}

void world_ring(enum side side)
{
	if (!world.lose || ++world.rings % world.lose)
		world.bell[side] = true;
}

/* ---- stopping and starting ---- */

static void pmm_die(void)
{
	pmm_alive = false;
	world.m->pmm_forget();
	world.w->pmm_forget();
	pmm_deadline = world.now + PMM_RESTART_US; /* the keeper starts another */
}

static void remote_die(void)
{
	remote_started = false;
	world.m->remote_forget();
	world.w->remote_forget();
}

void world_remote_starts(void)
{
	if (remote_started)
		return;
	remote_started = true;
	world.m->remote_start();
}

/* The remote is reset and its new life announced while the PMM is in the midst of its work. */
static void remote_restarts_between(void)
{
	world.now_running = REMOTE;
	remote_die();
	world_remote_starts();
	remote_replaced = true;
	world.now_running = PMM;
}

static void cut_now(enum side side)
{
	world.cut_done = true;
	longjmp(side == PMM ? pmm_stop : remote_stop, 1);
}

static void pmm_runs_beside(bool another);

static void check_store(enum side side, const volatile void *p, uint32_t len)
{
	uint64_t at = (uint64_t)((const volatile unsigned char *)p - world.region);

	if (at > world.m->size || len > world.m->size - at)
		broken("store outside the region");
	else
		world.m->check_store(side, (uint32_t)at, len);
}

/* One more load or store of the remote has been made. */
static void remote_access(void)
{
	bool another = world.cut.kind == CUT_REPLACED;

	world.accesses++;
	if ((another || world.cut.kind == CUT_BESIDE) && !world.cut_done &&
	    world.accesses == world.cut.at) {
		world.cut_done = true;
		pmm_runs_beside(another);
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

static void pmm_pass(void)
{
	if (!pmm_alive) {
		pmm_alive = true;
		world.m->pmm_start();
	}
	world.bell[PMM] = false;
	pmm_deadline = world.m->pmm_pass();
}

/* While the remote is in the midst of its work the PMM runs, the same one or another. */
static void pmm_runs_beside(bool another)
{
	if (beside)
		return;
	beside = true;
	world.now_running = PMM;
	if (another && pmm_alive)
		pmm_die();
	pmm_pass();
	world.now_running = REMOTE;
	beside = false;
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

void world_wait(uint64_t deadline)
{
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

/* ---- cases ---- */

static const char *run_case(const struct workload *w, struct cut cut, unsigned int lose)
{
	static unsigned char *memory;
	volatile int lives = 0;
	const char *bad;

	free(memory);
	memory = aligned_alloc(4096, w->machine->size);
	memset(&world, 0, sizeof(world));
	world.w = w;
	world.m = w->machine;
	world.region = memory;
	world.cut = cut;
	world.lose = lose;
	world.now = 1000;
	memset(memory, 0x5a, w->machine->size); /* memory may be found with any contents */
	remote_started = remote_replaced = pmm_alive = beside = false;
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
	else if (c.kind == CUT_BESIDE)
		snprintf(buf, size, "%s:beside@%u", w->name, c.at);
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
	for (unsigned int n = 1; n <= accesses; n++) {
		one(w, (struct cut){ .kind = CUT_REPLACED, .at = n }, lose);
		one(w, (struct cut){ .kind = CUT_BESIDE, .at = n }, lose);
	}
	for (unsigned int n = 1; n <= kernel; n++)
		for (int p = BEFORE; p < PHASES; p++)
			one(w, (struct cut){ .kind = CUT_KERNEL, .phase = (enum phase)p, .at = n },
			    lose);
}

static const struct workload *const workloads[] = { &rng_workload,
						    &net_workload,
						    &rpmsg_workload,
						    &classic_host_workload,
						    &classic_remote_workload,
						    &classic_plain_workload };

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
	} else if (!strcmp(where, "replaced") || !strcmp(where, "beside")) {
		c.kind = where[0] == 'b' ? CUT_BESIDE : CUT_REPLACED;
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
		fprintf(stderr, "usage: fault WORKLOAD|ID [--lose]\n");
		return 2;
	}
	if (strchr(argv[1], ':'))
		return replay(argv[1], lose);
	w = find(argv[1], strlen(argv[1]));
	if (!w) {
		fprintf(stderr, "fault: no workload '%s'; there are:\n", argv[1]);
		for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++)
			fprintf(stderr, "	%s\n", workloads[i]->name);
		return 2;
	}
	sweep(w, lose);
	printf("%u passed, %u failed\n", ran - failed, failed);
	return failed ? 1 : 0;
}
