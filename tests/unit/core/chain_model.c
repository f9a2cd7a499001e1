// SPDX-License-Identifier: BSD-3-Clause
#include "chain_model.h"

struct item {
	uint64_t addr, len;
	uint32_t flags, next;
};

static uint64_t number(const struct model *m, uint64_t at, int bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | m->memory[at - m->base + (uint64_t)bytes];
	return v;
}

static struct item item(const struct model *m, uint64_t table, uint32_t i)
{
	uint64_t at = table + 16 * (uint64_t)i;
	struct item d = { number(m, at, 8), number(m, at + 8, 4), (uint32_t)number(m, at + 12, 2),
			  (uint32_t)number(m, at + 14, 2) };

	return d;
}

static bool usable(const struct model *m, uint64_t addr, uint64_t len)
{
	uint64_t end = m->base + m->size; /* far from the top: does not wrap */

	if (addr < m->base || addr > end || len > end - addr)
		return false;
	for (int i = 0; i < 3; i++)
		if (addr < m->ring[i].end && m->ring[i].at < addr + len)
			return false;
	return true;
}

static bool buffer(struct model *m, const struct item *d, bool *writing, uint64_t *total)
{
	bool write = d->flags & 2;

	if (!usable(m, d->addr, d->len) || (*writing && !write))
		return false;
	*writing |= write;
	*total += d->len;
	if (d->len) {
		m->buffer[m->buffers].addr = d->addr;
		m->buffer[m->buffers].len = (uint32_t)d->len;
		m->buffer[m->buffers++].write = write;
	}
	return *total < 1ull << 32;
}

bool model_walk(struct model *m, uint32_t head)
{
	uint64_t table = m->table, entries = m->n, total = 0;
	bool writing = false, inside = false;
	uint32_t at = head, count = 0;

	m->buffers = 0;
	for (;;) {
		struct item d;

		if (at >= entries || (!inside && m->busy[at]))
			return false;
		d = item(m, table, at);
		if (!inside)
			m->busy[at] = true;
		if (d.flags & 4) {
			if (inside || !m->indirect || d.flags & 1 || d.addr % 16 || !d.len ||
			    d.len % 16 || d.len > 16 * (uint64_t)m->n || !usable(m, d.addr, d.len))
				return false;
			inside = true;
			table = d.addr;
			entries = d.len / 16;
			at = 0;
			continue;
		}
		if (++count > m->n || !buffer(m, &d, &writing, &total))
			return false;
		if (!(d.flags & 1))
			return true;
		at = d.next;
	}
}
