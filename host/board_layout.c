// SPDX-License-Identifier: BSD-3-Clause
/*
 * From what a board file says to addresses.
 *
 * Theory of operation: low to high come the device-tree fragment, the PMM page, the remote page and
 * the blocks in the file's order. What is wrong here concerns several lines of a file, so complaints
 * name the device whose line they show and say by how much something misses.
 */
#include "board_priv.h"

#include <causeway/abi/ring.h>

#include <string.h>

#define DTB_DEFAULT UINT32_MAX /* as much as the devices take */

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
	r->lost_ms = 1000;
}

void board_device_defaults_for(struct cw_board_device *d)
{
	d->fd = -1;
	d->mtu = 1500;
	d->offload = true;
	d->ports = 1;
	if (d->id == CW_ID_RNG)
		d->backend = CW_BACKEND_GETRANDOM;
	else if (d->id == CW_ID_NET)
		d->backend = CW_BACKEND_TAP;
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
		for (const char *s = part[i]; s && (*s || s == part[i]); s++)
			h = (h ^ (uint8_t)*s) * 0x01000193u;
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

static uint32_t needed(const struct cw_layout_device *p, uint32_t line)
{
	/* Rings, and a line of buffer for each descriptor of the smallest queue a driver takes */
	return 2 * CW_PAGE_SIZE + p->queues * (cw_ring_bytes(p->queue_size, line) + 2 * line);
}

static void place_device(struct board_build *b, struct cw_board_remote *r, unsigned int i,
			 cw_addr_t *next)
{
	struct cw_layout_device *p = &r->place[i];
	struct cw_board_device *d = &r->device[i];
	uint16_t queues, queue_size;
	uint32_t size, least;

	p->id = d->id;
	name_device(r, i);
	cw_board_device_defaults(d, &queues, &queue_size, &size);
	p->queues = queues;
	p->queue_size = p->queue_size ? p->queue_size : queue_size;
	p->size = p->size ? p->size : size;
	p->block = p->block ? p->block : *next;
	p->slot = r->layout.slots;
	r->layout.slots = (uint16_t)(r->layout.slots + 1 + queues);
	if (p->block + p->size > *next)
		*next = p->block + p->size;
	least = needed(p, r->layout.line);
	if (p->size < least)
		board_error(b, d->at,
			    "%s: %u bytes are too few for %u queues of %u; right is at least %u "
			    "(0x%x), or a smaller queue-size",
			    p->name, p->size, p->queues, p->queue_size,
			    (least + CW_PAGE_SIZE - 1) & ~(CW_PAGE_SIZE - 1),
			    (least + CW_PAGE_SIZE - 1) & ~(CW_PAGE_SIZE - 1));
	if (d->id == CW_ID_NET && !memcmp(d->mac, "\0\0\0\0\0\0", 6))
		default_mac(&b->board, r, p, d->mac);
}

static void check_layout(struct board_build *b, struct cw_board_remote *r, cw_addr_t end)
{
	enum cw_layout_fault f;
	int dev, other;

	if (end > r->layout.base + r->layout.size) {
		board_error(b, r->at,
			    "%s: region of 0x%x bytes is too small for its devices; right is at "
			    "least 0x%llx",
			    r->name, r->layout.size, (unsigned long long)(end - r->layout.base));
		return;
	}
	f = cw_layout_check(&r->layout, &dev, &other);
	if (f == CW_LAYOUT_FINE)
		return;
	if (dev >= 0 && other >= 0)
		board_error(b, r->device[dev].at,
			    "%s.%s: %s (%s); right is a place or name of its own", r->name,
			    r->place[dev].name, cw_layout_fault_text(f), r->place[other].name);
	else if (dev >= 0)
		board_error(b, r->device[dev].at, "%s.%s: %s", r->name, r->place[dev].name,
			    cw_layout_fault_text(f));
	else
		board_error(b, r->at, "%s: %s", r->name, cw_layout_fault_text(f));
}

static void lay_out_remote(struct board_build *b, struct cw_board_remote *r)
{
	cw_addr_t next;

	if (r->layout.dtb == DTB_DEFAULT)
		r->layout.dtb = dtb_bytes(r->layout.devices);
	r->layout.pmm_page = r->layout.base + r->layout.dtb;
	r->layout.remote_page = r->layout.pmm_page + CW_PAGE_SIZE;
	r->layout.slots = 1;
	r->layout.device = r->place;
	next = r->layout.remote_page + CW_PAGE_SIZE;
	for (unsigned int i = 0; i < r->layout.devices; i++)
		place_device(b, r, i, &next);
	if (!b->errors)
		check_layout(b, r, next);
}

static bool same(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

static void check_devices(struct board_build *b, const struct cw_board_remote *ra, unsigned int i,
			  const struct cw_board_remote *rb, unsigned int j)
{
	const struct cw_board_device *x = &ra->device[i], *y = &rb->device[j];

	if (same(x->ifname, y->ifname))
		board_error(b, x->at, "%s: tap '%s' is used by %s of remote %s already",
			    ra->place[i].name, x->ifname, rb->place[j].name, rb->name);
}

static void check_pair(struct board_build *b, const struct cw_board_remote *a,
		       const struct cw_board_remote *c)
{
	if (same(a->name, c->name))
		board_error(b, a->at, "name '%s' is used twice; right is one for each remote",
			    a->name);
	if (same(a->memory_path, c->memory_path) &&
	    a->memory_offset < c->memory_offset + c->layout.size &&
	    c->memory_offset < a->memory_offset + a->layout.size)
		board_error(b, a->at, "%s: its memory overlaps that of remote %s in %s", a->name,
			    c->name, a->memory_path);
	for (unsigned int i = 0; i < a->layout.devices; i++)
		for (unsigned int j = 0; j < c->layout.devices; j++)
			check_devices(b, a, i, c, j);
}

void board_lay_out(struct board_build *b)
{
	struct cw_board *board = &b->board;

	for (unsigned int i = 0; i < board->remotes; i++) {
		struct cw_board_remote *r = &board->remote[i];

		lay_out_remote(b, r);
		if (r->worker >= board->workers)
			r->worker = i % board->workers;
		for (unsigned int j = 0; j < i; j++)
			check_pair(b, r, &board->remote[j]);
		for (unsigned int k = 1; k < r->layout.devices; k++)
			for (unsigned int j = 0; j < k; j++)
				check_devices(b, r, k, r, j);
	}
}
