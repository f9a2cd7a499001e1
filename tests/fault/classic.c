// SPDX-License-Identifier: BSD-3-Clause
/*
 * RPMsg workloads over a resource table (docs/spec/rpmsg.md section 6), the remote once as host, once as
 * RPMsg's remote, that once more with no features but names; messages go both ways (ledger.c). The table survives both sides: nobody loads it again.
 *
 * Promised at each store: RPMsg's remote writes used rings, buffers to the host and the status byte, and the rings
 * only while the status says that they are in use or to be let go; a host leaves used rings alone while it does.
 */
#include "ledger.h"

#include <string.h>

#include <causeway/abi/virtio.h>
#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/rpmsg_classic.h>

#define BASE	0x38000000u
#define SIZE	0x8000u
#define RING0	0x1000u
#define RING1	0x2000u
#define AVAIL	(NUM * 16u)
#define USED	0x100u /* from the beginning of a ring, with this alignment */
#define BUFFERS 0x4000u
#define NUM	8u
#define BUFFER	512u
#define WAIT_US 20000
#define ALL	(CW_RPMSG_F_NS | CW_RPMSG_F_FRAGMENT | CW_RPMSG_F_CREDIT | CW_F_EVENT_IDX)

static struct {
	struct cw_rpmsg_classic c;
	struct cw_drvq_slot slot[2][NUM];
	uint16_t own[2][NUM];
	struct cw_rpmsg_slot rx[NUM], tx[NUM];
} own[SIDES];

static enum side host; /* of this workload */
static uint64_t features;

static struct cw_abi_rpmsg_table *table(void)
{
	return (void *)world_region();
}

static void load_table(void)
{
	struct cw_abi_rpmsg_table *t = table();

	memset(t, 0, sizeof(*t));
	t->version = cw_make_le32(1);
	t->entries = cw_make_le32(1);
	t->offset = cw_make_le32(20);
	t->type = cw_make_le32(3);
	t->id = cw_make_le32(CW_ID_RPMSG);
	t->notifyid = cw_make_le32(3);
	t->dfeatures = cw_make_le32((uint32_t)features);
	t->vrings = 2;
	for (unsigned int i = 0; i < 2; i++) {
		t->vring[i].da = cw_make_le32(BASE + (i ? RING1 : RING0));
		t->vring[i].align = cw_make_le32(USED);
		t->vring[i].num = cw_make_le32(NUM);
		t->vring[i].notifyid = cw_make_le32(1 + i);
	}
}

/* ---- promises ---- */

static bool in_use(void)
{
	uint8_t s = table()->status;

	return (s & CW_STATUS_DRIVER_OK && !(s & CW_STATUS_NEEDS_RESET)) || s == 0x82;
}

static bool within(uint32_t at, uint32_t from, uint32_t size)
{
	return at >= from && at < from + size;
}

static void check_store(enum side side, uint32_t at, uint32_t len)
{
	bool used = within(at, RING0 + USED, NUM * 8 + 6) || within(at, RING1 + USED, NUM * 8 + 6);
	bool to_host = within(at, BUFFERS, NUM * BUFFER);

	(void)len;
	if (at >= offsetof(struct cw_abi_rpmsg_table, status) && at < sizeof(*table()))
		return; /* the last store of all is of the status: others may come in between */
	if (side == host && used && in_use())
		broken("the host wrote a used ring in use");
	if (side == host)
		return;
	if (!(used || to_host || at == offsetof(struct cw_abi_rpmsg_table, status)))
		broken("RPMsg's remote wrote what is not its own");
	if (!in_use())
		broken("RPMsg's remote wrote after it had let go");
}

/* ---- a side ---- */

static enum side side_of(void *ctx)
{
	return ctx == &own[PMM] ? PMM : REMOTE;
}

static void kick(void *ctx, uint32_t notifyid)
{
	(void)notifyid;
	world_ring(side_of(ctx) == PMM ? REMOTE : PMM);
}

static uint64_t clock_now(void *ctx)
{
	return side_of(ctx) == PMM ? world_now() : world_tick();
}

static int sleep_until(void *ctx, uint64_t deadline)
{
	(void)ctx;
	world_wait(deadline);
	return 0;
}

static void start(enum side side)
{
	static const struct cw_rpmsg_classic_ops ops[SIDES] = {
		[PMM] = { kick, clock_now, NULL },
		[REMOTE] = { kick, clock_now, sleep_until },
	};
	struct cw_window w = { world_region(), BASE, SIZE };
	struct cw_rpmsg_classic_memory m = { NUM,
					     { own[side].slot[0], own[side].slot[1] },
					     { own[side].own[0], own[side].own[1] },
					     own[side].rx,
					     own[side].tx };

	party_born(side);
	if (cw_rpmsg_classic_init(&own[side].c, &party[side].ch, &w, BASE, sizeof(*table()), &m,
				  &ops[side], &own[side]) ||
	    (side == host && cw_rpmsg_classic_host(&own[side].c, BASE + BUFFERS, 2 * NUM * BUFFER)))
		broken("no side");
}

static void forget(enum side side)
{
	party_died(side);
	memset(&own[side], 0xa5, sizeof(own[side]));
}

/* One turn of a main loop; true: another may find something to do. */
static bool turn(enum side side, uint64_t timeout)
{
	int got = cw_rpmsg_classic_poll(&own[side].c, 8);
	bool did;

	cw_rpmsg_flush(&party[side].ch); /* which may find a peer */
	did = party_work(side, timeout);
	if (own[side].c.refused && !world_was_cut()) /* what a former life left is refused too */
		broken("a table was refused");
	if (got == CW_ERESET || got == CW_EPEER)
		return true;
	return did || got > 0 || (!got && cw_rpmsg_arm(&party[side].ch));
}

static void pmm_start(void)
{
	start(PMM);
}

static uint64_t pmm_pass(void)
{
	for (unsigned int n = 0; turn(PMM, 0); n++)
		if (n > 10000) {
			broken("PMM does not come to rest");
			break;
		}
	return cw_rpmsg_classic_deadline(&own[PMM].c);
}

static void pmm_forget(void)
{
	forget(PMM);
}

static void remote_start(void)
{
	start(REMOTE);
}

static void remote_forget(void)
{
	forget(REMOTE);
}

static void remote(void)
{
	world_remote_starts();
	while (!ledger_done() && !world_over()) {
		uint64_t end;

		if (turn(REMOTE, WAIT_US))
			continue;
		end = cw_rpmsg_classic_deadline(&own[REMOTE].c);
		world_wait(end < UINT64_MAX ? end : world_tick() + 1000 * WAIT_US);
	}
}

static const struct machine classic_machine = {
	.size = SIZE,
	.pmm_start = pmm_start,
	.pmm_pass = pmm_pass,
	.pmm_forget = pmm_forget,
	.remote_start = remote_start,
	.remote_forget = remote_forget,
	.check_store = check_store,
};

static void nothing(void)
{
}

static void begin(enum side is_host, uint64_t with)
{
	host = is_host;
	features = with;
	ledger_begin();
	load_table();
}

static void begin_host(void)
{
	begin(REMOTE, ALL);
}

static void begin_remote(void)
{
	begin(PMM, ALL);
}

static void begin_plain(void)
{
	begin(PMM, CW_RPMSG_F_NS);
}

#define CLASSIC(NAME, BEGIN)                                                     \
	{                                                                        \
		.name = NAME, .machine = &classic_machine, .remote = remote,     \
		.pmm_forget = nothing, .remote_forget = nothing, .begin = BEGIN, \
		.end = ledger_end,                                               \
	}

const struct workload classic_host_workload = CLASSIC("classic_host", begin_host);
const struct workload classic_remote_workload = CLASSIC("classic_remote", begin_remote);
const struct workload classic_plain_workload = CLASSIC("classic_plain", begin_plain);
