// SPDX-License-Identifier: BSD-3-Clause
/*
 * From what a board file says to addresses.
 *
 * Theory of operation: low to high come the device-tree fragment, the PMM page, the remote page and
 * the blocks in the file's order, each behind the highest before it; `at` puts a block elsewhere. What
 * is wrong here concerns several lines of a file, so complaints say by how much something misses. A
 * remote that could not be read wholly is left out: what it lacks would only cause more complaints.
 */
#include "board_priv.h"

#include <causeway/abi/ring.h>
#include <causeway/abi/rpmsg.h>

#include <string.h>

#define DTB_DEFAULT	  UINT32_MAX /* as much as the devices take */
#define DTB_MAX		  32768u     /* 64 devices take less */
#define RPMSG_BUFFERS_MIN 4u
#define RPMSG_BUFFERS	  32u /* as driver/rpmsg.h has it */
#define LL(x)		  ((unsigned long long)(x))

/* About 190 bytes a node, rounded up generously. */
static uint32_t dtb_bytes(unsigned int devices)
{
	return (1024u + 256u * devices + CW_PAGE_SIZE - 1) & ~(CW_PAGE_SIZE - 1);
}

void board_remote_defaults(struct cw_board_remote *r)
{
	r->layout.base = 0x37000000u;
	r->layout.size = 0x1000000u;
	r->layout.line = 64;
	r->layout.dtb = DTB_DEFAULT;
	r->carrier = CW_CARRIER_PROCESS;
	r->memory = CW_MEMORY_MEMFD;
	r->doorbell = CW_DOORBELL_SOCKET;
	r->autostart = true;
	r->recovery = CW_RECOVER_LIMIT;
	r->recovery_limit = 5;
	r->recovery_seconds = 60;
	r->poll_us = 1000;
	r->core_limit = 256u << 20;
	r->boot_ms = 10000;
	r->lost_ms = 1000;
	r->worker = WORKER_UNSET;
}

void board_device_defaults_for(struct cw_board_device *d)
{
	d->fd = -1;
	d->mtu = 1500;
	d->offload = true;
	d->ports = 1;
	d->msize = 128u << 10;
	d->cid = CW_VSOCK_CID_MIN;
	d->to_host = d->to_remote = CW_RPMSG_BUFFER_DEFAULT;
	if (d->id == CW_ID_RNG)
		d->backend = CW_BACKEND_GETRANDOM;
	else if (d->id == CW_ID_NET)
		d->backend = CW_BACKEND_TAP;
	else if (d->id == CW_ID_BLK)
		d->backend = CW_BACKEND_DISK;
	else if (d->id == CW_ID_9P)
		d->backend = CW_BACKEND_FOLDER;
	else if (d->id == CW_ID_VSOCK)
		d->backend = CW_BACKEND_VSOCK;
	else if (d->id == CW_ID_RPMSG)
		d->backend = CW_BACKEND_SERVICES;
	else
		d->port[0].backend = CW_BACKEND_PTY;
}

void cw_board_device_defaults(const struct cw_board_device *d, uint16_t *queues,
			      uint16_t *queue_size, uint32_t *block_size)
{
	switch (d->id) {
	case CW_ID_NET:
		*queues = 2;
		*queue_size = 64;
		*block_size = 0x10000;
		break;
	case CW_ID_BLK:
		*queues = 1;
		*queue_size = 64;
		*block_size = 0x8000;
		break;
	case CW_ID_VSOCK:
		*queues = 3;
		*queue_size = 64;
		*block_size = 0x10000;
		break;
	case CW_ID_RPMSG:
		/* As much as its buffers take. */
		*queues = 2;
		*queue_size = 32;
		*block_size = 0x4000;
		break;
	case CW_ID_9P:
		/* Four messages of 64 KB at once: two read ahead, one written behind, one call. */
		*queues = 1;
		*queue_size = 64;
		*block_size = 0x50000;
		break;
	case CW_ID_CONSOLE:
		/* One port has two queues; with multiport come two for control and two a port. */
		*queues = (uint16_t)(d->ports > 1 ? 2 + 2 * d->ports : 2);
		*queue_size = 32;
		*block_size = 0x6000 + (d->ports > 1 ? 0x4000 * (uint32_t)d->ports : 0);
		break;
	default:
		*queues = 1;
		*queue_size = 16;
		*block_size = 0x6000;
		break;
	}
}

/* Locally administered and the same in every run: FNV-1a over the names. */
static void default_mac(const struct cw_board *board, const struct cw_board_remote *r,
			const struct cw_layout_device *p, uint8_t mac[6])
{
	const char *const part[] = { board->name, r->name, p->name };
	uint32_t h = 0x811c9dc5u;

	for (int i = 0; i < 3; i++)
		for (size_t k = 0; k <= strlen(part[i]); k++) /* the end of a name counts too */
			h = (h ^ (uint8_t)part[i][k]) * 0x01000193u;
	mac[0] = 0x02;
	mac[1] = 0x43;
	for (int i = 0; i < 4; i++)
		mac[2 + i] = (uint8_t)(h >> (8 * i));
}

static void name_device(struct cw_board_remote *r, unsigned int i)
{
	unsigned int n = 0;

	if (r->place[i].name[0])
		return;
	for (unsigned int j = 0; j < i; j++)
		n += r->place[j].id == r->place[i].id;
	snprintf(r->place[i].name, CW_DEVICE_NAME_LEN, "%s%u", cw_device_kind_text(r->place[i].id),
		 n);
}

static uint32_t round_up(uint32_t v, uint32_t unit)
{
	return (v + unit - 1) / unit * unit;
}

/*
 * Pages, rings, two lines of buffer a queue; a network also a frame each way at its MTU; messages some
 * buffers each way, and by default as many as a driver takes.
 */
static uint32_t needed(const struct cw_board_device *d, const struct cw_layout_device *p,
		       uint32_t line)
{
	uint32_t n = 2 * CW_PAGE_SIZE + p->queues * (cw_ring_bytes(p->queue_size, line) + 2 * line);

	if (d->id == CW_ID_NET)
		n += 2 * round_up(d->mtu + 18u + 12u, line);
	if (d->id == CW_ID_RPMSG)
		n += (p->size ? RPMSG_BUFFERS_MIN : RPMSG_BUFFERS) *
		     (round_up(d->to_host, line) + round_up(d->to_remote, line));
	return round_up(n, CW_PAGE_SIZE);
}

/* The fragment's size depends on the layout only by the digits of addresses: 16 bytes a device. */
static uint32_t fragment_size(const struct cw_board_remote *r)
{
	char scratch[DTB_MAX];
	int n = cw_dtb_write(&r->layout, r->name, scratch, sizeof(scratch));

	return n < 0 ? DTB_MAX : (uint32_t)n + 16u * r->layout.devices;
}

static void complain_of_size(struct board_build *b, const struct cw_board_device *d,
			     const struct cw_layout_device *p, uint32_t least, const char *path)
{
	char frames[64] = "";

	if (d->id == CW_ID_NET)
		snprintf(frames, sizeof(frames), " and an mtu of %u", d->mtu);
	else if (d->id == CW_ID_RPMSG)
		snprintf(frames, sizeof(frames), " and buffers of %u and %u bytes", d->to_host,
			 d->to_remote);
	board_error(b, path,
		    "%u KB are too few for %s with %u queue%s of %u%s; right is at least %u KB, or "
		    "less of those",
		    p->size / 1024, p->name, p->queues, p->queues == 1 ? "" : "s", p->queue_size,
		    frames, least / 1024);
}

/* What does not depend on addresses. A default that is too small for the keys beside it grows. */
static void size_device(struct board_build *b, struct cw_board_remote *r, unsigned int i,
			const char *path)
{
	struct cw_layout_device *p = &r->place[i];
	struct cw_board_device *d = &r->device[i];
	uint16_t queue_size;
	uint32_t size, least;

	p->id = d->id;
	name_device(r, i);
	cw_board_device_defaults(d, &p->queues, &queue_size, &size);
	p->queue_size = p->queue_size ? p->queue_size : queue_size;
	least = needed(d, p, r->layout.line);
	if (!p->size)
		p->size = size > least ? size : least;
	else if (p->size < least)
		complain_of_size(b, d, p, least, path);
	p->slot = r->layout.slots;
	r->layout.slots = (uint16_t)(r->layout.slots + 1 + p->queues);
	if (d->id == CW_ID_NET && !memcmp(d->mac, "\0\0\0\0\0\0", 6))
		default_mac(&b->board, r, p, d->mac);
}

static void size_devices(struct board_build *b, struct cw_board_remote *r, unsigned int n)
{
	char sub[PATH_LEN];

	r->layout.slots = 1;
	for (unsigned int i = 0; i < r->layout.devices; i++) {
		snprintf(sub, sizeof(sub), "remotes[%u].devices[%u].size", n, i);
		size_device(b, r, i, sub);
	}
	snprintf(sub, sizeof(sub), "remotes[%u].devices", n);
	if (r->layout.slots > CW_SLOTS_MAX)
		board_error(b, sub,
			    "take %u slots; right is at most %u (one a queue and one more a "
			    "device)",
			    r->layout.slots, CW_SLOTS_MAX);
}

static bool meet(cw_addr_t a, uint64_t a_size, cw_addr_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

/* A block that has been given a place: inside the region, and nobody else there. */
static bool check_given(struct board_build *b, const struct cw_board_remote *r, unsigned int i,
			const char *path)
{
	const struct cw_layout *l = &r->layout;
	const struct cw_layout_device *p = &r->place[i];
	cw_addr_t first = l->remote_page + CW_PAGE_SIZE, end = l->base + l->size;

	if (p->block < first || p->block >= end || p->size > end - p->block) {
		board_error(b, path,
			    "%s would lie from 0x%llx to 0x%llx; right is a block in the region "
			    "behind its link pages, from 0x%llx to 0x%llx",
			    p->name, LL(p->block), LL(p->block + p->size - 1), LL(first),
			    LL(end - 1));
		return false;
	}
	for (unsigned int j = 0; j < i; j++) {
		const struct cw_layout_device *q = &r->place[j];

		if (!meet(p->block, p->size, q->block, q->size))
			continue;
		board_error(b, path,
			    "%s overlaps %s, which lies from 0x%llx to 0x%llx; right is an address "
			    "behind that, or none",
			    p->name, q->name, LL(q->block), LL(q->block + q->size - 1));
		return false;
	}
	return true;
}

static void place_devices(struct board_build *b, struct cw_board_remote *r, unsigned int n)
{
	cw_addr_t next = r->layout.remote_page + CW_PAGE_SIZE,
		  end = r->layout.base + r->layout.size;
	char sub[PATH_LEN];

	for (unsigned int i = 0; i < r->layout.devices; i++) {
		struct cw_layout_device *p = &r->place[i];

		snprintf(sub, sizeof(sub), "remotes[%u].devices[%u].at", n, i);
		if (!p->block)
			p->block = next;
		else if (!check_given(b, r, i, sub))
			continue;
		if (p->block + p->size > next)
			next = p->block + p->size;
	}
	snprintf(sub, sizeof(sub), "remotes[%u].region.size", n);
	if (next > end)
		board_error(b, sub, "%u KB are too few for its devices; right is at least %llu KB",
			    r->layout.size / 1024, LL((next - r->layout.base) / 1024));
}

static void place_fragment(struct board_build *b, struct cw_board_remote *r, unsigned int n)
{
	struct cw_layout *l = &r->layout;
	uint32_t least = fragment_size(r);
	char sub[PATH_LEN];

	snprintf(sub, sizeof(sub), "remotes[%u].region.dtb", n);
	if (l->dtb == DTB_DEFAULT)
		l->dtb = dtb_bytes(l->devices);
	else if (l->dtb && l->dtb < least)
		board_error(b, sub,
			    "%u bytes are too few for the fragment; right is at least %u, or "
			    "0 for none",
			    l->dtb, round_up(least, CW_PAGE_SIZE));
	l->pmm_page = l->base + l->dtb;
	l->remote_page = l->pmm_page + CW_PAGE_SIZE;
}

static void lay_out_remote(struct board_build *b, struct cw_board_remote *r, unsigned int n)
{
	r->layout.device = r->place;
	size_devices(b, r, n);
	place_fragment(b, r, n);
	place_devices(b, r, n);
}

void board_lay_out(struct board_build *b)
{
	for (unsigned int i = 0; i < b->board.remotes; i++)
		if (!b->torn[i])
			lay_out_remote(b, &b->board.remote[i], i);
}
