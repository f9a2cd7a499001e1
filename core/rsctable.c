// SPDX-License-Identifier: BSD-3-Clause
/*
 * Theory of operation: a table is a header, offsets, and entries anywhere behind them, each with a
 * type and a length that follows from it. Entries are read byte by byte, so their alignment does not
 * matter. Offsets are 32 bits and unsigned throughout: a range is inside when its length is at most
 * what is left behind its start. Entries may overlap, so what is filled in of one may change another:
 * each is checked again before it is read.
 */
#include <causeway/core/gate.h>
#include <causeway/core/rsctable.h>

#define HEADER	   16u
#define MEMORY_LEN 56u
#define TRACE_LEN  48u
#define VDEV_LEN   28u
#define VRING_LEN  20u
#define VENDOR_LEN 8u

static uint32_t get(const struct cw_rsctable *t, uint32_t at)
{
	const uint8_t *b = t->bytes + at;

	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void put(struct cw_rsctable *t, uint32_t at, uint32_t v)
{
	for (unsigned int i = 0; i < 4; i++)
		t->bytes[at + i] = (uint8_t)(v >> 8 * i);
}

static uint32_t offset(const struct cw_rsctable *t, unsigned int i)
{
	return get(t, HEADER + 4 * i);
}

static bool inside(const struct cw_rsctable *t, uint32_t start, uint32_t length)
{
	return start <= t->size && length <= t->size - start;
}

static bool has_end(const struct cw_rsctable *t, uint32_t name)
{
	for (unsigned int i = 0; i < CW_RSC_NAME; i++)
		if (!t->bytes[name + i])
			return true;
	return false;
}

static enum cw_rsc_fault check_fixed(const struct cw_rsctable *t, uint32_t at, uint32_t length,
				     uint32_t reserved, uint32_t name)
{
	if (!inside(t, at, length))
		return CW_RSC_CUT;
	return get(t, at + reserved) || !has_end(t, at + name) ? CW_RSC_FIELD : CW_RSC_FINE;
}

static enum cw_rsc_fault check_vdev(const struct cw_rsctable *t, uint32_t at)
{
	uint32_t rings;

	if (!inside(t, at, VDEV_LEN))
		return CW_RSC_CUT;
	if (t->bytes[at + 26] || t->bytes[at + 27])
		return CW_RSC_FIELD;
	rings = VRING_LEN * t->bytes[at + 25];
	if (!inside(t, at, VDEV_LEN + rings) || !inside(t, at + VDEV_LEN + rings, get(t, at + 20)))
		return CW_RSC_CUT;
	for (uint32_t r = at + VDEV_LEN; r < at + VDEV_LEN + rings; r += VRING_LEN)
		if (!get(t, r + 4) || !get(t, r + 8)) /* alignment and size */
			return CW_RSC_FIELD;
	return CW_RSC_FINE;
}

static enum cw_rsc_fault check_entry(const struct cw_rsctable *t, unsigned int i)
{
	uint32_t at = offset(t, i), type;

	if (at < HEADER + 4 * t->entries || !inside(t, at, 4))
		return CW_RSC_OFFSET;
	type = get(t, at);
	switch (type) {
	case CW_RSC_CARVEOUT:
	case CW_RSC_DEVMEM:
		return check_fixed(t, at, MEMORY_LEN, 20, 24);
	case CW_RSC_TRACE:
		return check_fixed(t, at, TRACE_LEN, 12, 16);
	case CW_RSC_VDEV:
		return check_vdev(t, at);
	default:
		if (type < CW_RSC_VENDOR || type > CW_RSC_VENDOR_END)
			return CW_RSC_FINE;
		return inside(t, at, VENDOR_LEN) && inside(t, at + VENDOR_LEN, get(t, at + 4))
			       ? CW_RSC_FINE
			       : CW_RSC_CUT;
	}
}

enum cw_rsc_fault cw_rsctable_open(struct cw_rsctable *t, void *bytes, uint32_t size, int *entry)
{
	int none;

	entry = entry ? entry : &none;
	*entry = -1;
	t->bytes = bytes;
	t->size = size;
	t->entries = 0;
	if (size < HEADER)
		return CW_RSC_SHORT;
	if (get(t, 0) != 1)
		return CW_RSC_VERSION;
	if (get(t, 8) || get(t, 12))
		return CW_RSC_RESERVED;
	if (get(t, 4) > CW_RSC_ENTRIES_MAX || !inside(t, HEADER, 4 * get(t, 4)))
		return CW_RSC_COUNT;
	t->entries = get(t, 4);
	for (unsigned int i = 0; i < t->entries; i++) {
		enum cw_rsc_fault f = check_entry(t, i);

		if (f) {
			*entry = (int)i;
			t->entries = 0;
			return f;
		}
	}
	return CW_RSC_FINE;
}

uint32_t cw_rsctable_type(const struct cw_rsctable *t, unsigned int i)
{
	return i < t->entries && !check_entry(t, i) ? get(t, offset(t, i)) : CW_RSC_LAST;
}

static void copy_name(const struct cw_rsctable *t, uint32_t at, char *name)
{
	unsigned int i = 0;

	for (; i < CW_RSC_NAME && t->bytes[at + i]; i++)
		name[i] = t->bytes[at + i] > ' ' && t->bytes[at + i] < 0x7f ? (char)t->bytes[at + i]
									    : '?';
	name[i] = 0;
}

bool cw_rsctable_memory(const struct cw_rsctable *t, unsigned int i, struct cw_rsc_memory *m)
{
	uint32_t type = cw_rsctable_type(t, i), at;

	memset(m, 0, sizeof(*m));
	if (type > CW_RSC_TRACE)
		return false;
	at = offset(t, i);
	m->da = get(t, at + 4);
	if (type == CW_RSC_TRACE) {
		m->len = get(t, at + 8);
		copy_name(t, at + 16, m->name);
		return true;
	}
	m->pa = get(t, at + 8);
	m->len = get(t, at + 12);
	m->flags = get(t, at + 16);
	copy_name(t, at + 24, m->name);
	return true;
}

bool cw_rsctable_vdev(const struct cw_rsctable *t, unsigned int i, struct cw_rsc_vdev *v)
{
	uint32_t at;

	memset(v, 0, sizeof(*v));
	if (cw_rsctable_type(t, i) != CW_RSC_VDEV)
		return false;
	at = offset(t, i);
	v->id = get(t, at + 4);
	v->notifyid = get(t, at + 8);
	v->dfeatures = get(t, at + 12);
	v->gfeatures = get(t, at + 16);
	v->config_len = get(t, at + 20);
	v->status = t->bytes[at + 24];
	v->vrings = t->bytes[at + 25];
	v->config = at + VDEV_LEN + VRING_LEN * v->vrings;
	return true;
}

/* Where vring @k of entry @i lies; 0: there is none. */
static uint32_t vring_at(const struct cw_rsctable *t, unsigned int i, unsigned int k)
{
	struct cw_rsc_vdev v;

	if (!cw_rsctable_vdev(t, i, &v) || k >= v.vrings)
		return 0;
	return offset(t, i) + VDEV_LEN + VRING_LEN * k;
}

bool cw_rsctable_vring(const struct cw_rsctable *t, unsigned int i, unsigned int k,
		       struct cw_rsc_vring *r)
{
	uint32_t at = vring_at(t, i, k);

	memset(r, 0, sizeof(*r));
	if (!at)
		return false;
	r->da = get(t, at);
	r->align = get(t, at + 4);
	r->num = get(t, at + 8);
	r->notifyid = get(t, at + 12);
	r->pa = get(t, at + 16);
	return true;
}

bool cw_rsctable_place(struct cw_rsctable *t, unsigned int i, uint32_t da, uint32_t pa)
{
	if (cw_rsctable_type(t, i) > CW_RSC_DEVMEM)
		return false;
	put(t, offset(t, i) + 4, da);
	put(t, offset(t, i) + 8, pa);
	return true;
}

bool cw_rsctable_place_vring(struct cw_rsctable *t, unsigned int i, unsigned int k, uint32_t da,
			     uint32_t notifyid)
{
	uint32_t at = vring_at(t, i, k);

	if (!at)
		return false;
	put(t, at, da);
	put(t, at + 12, notifyid);
	return true;
}

const char *cw_rsc_fault_text(enum cw_rsc_fault f)
{
	static const char *const text[] = {
		[CW_RSC_FINE] = "fine",
		[CW_RSC_SHORT] = "is shorter than its header",
		[CW_RSC_VERSION] = "is not of version 1",
		[CW_RSC_RESERVED] = "has reserved words that are not 0",
		[CW_RSC_COUNT] = "has more entries than it has room for",
		[CW_RSC_OFFSET] = "begins outside the table or in its header",
		[CW_RSC_CUT] = "does not end within the table",
		[CW_RSC_FIELD] = "has a wrong reserved field, vring or name",
	};

	return (unsigned int)f < sizeof(text) / sizeof(text[0]) ? text[f] : "unknown";
}
