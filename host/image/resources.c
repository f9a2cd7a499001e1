// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a resource table asks for, as Linux's remoteproc gives it: a carveout is memory of its own, a
 * trace a buffer to be read from outside.
 *
 * Theory of operation: the table is part of a segment, so what is filled in here, in the private copy
 * of the file, is what the remote will find. Addresses are those of its RAM, without translation. A
 * carveout that may be anywhere is put below those before it, from the end of RAM downwards, where
 * neither a segment nor anybody else's memory is.
 */
#include <causeway/host/image.h>

#include <string.h>

#define LL(x)	       ((unsigned long long)(x))
#define CARVEOUT_ALIGN 4096u
#define CARVEOUTS_MAX  32u

struct giving {
	struct cw_image *image;
	struct cw_rsctable table;
	const struct cw_image_range *ram, *taken;
	unsigned int n;
	struct cw_image_range own[CARVEOUTS_MAX];
	unsigned int owned;
	FILE *err;
};

static int refuse(const struct giving *g, int entry, const char *why)
{
	fprintf(g->err, "causeway: remote %s: firmware %s: resource table", g->image->remote,
		g->image->path);
	if (entry >= 0)
		fprintf(g->err, " entry %d", entry);
	fprintf(g->err, ": %s\n", why);
	return -1;
}

static int refuse_range(const struct giving *g, unsigned int entry, const struct cw_rsc_memory *m,
			const char *what, const struct cw_image_range *r)
{
	char why[300];

	snprintf(why, sizeof(why), "'%s', 0x%llx-0x%llx, %s %s, 0x%llx-0x%llx", m->name, LL(m->da),
		 LL(m->da) + m->len - 1, what, r->what, LL(r->base), LL(r->base + r->size - 1));
	return refuse(g, (int)entry, why);
}

/* Somebody else's memory that [base, base + size) touches, or NULL. */
static const struct cw_image_range *owner(const struct giving *g, uint64_t base, uint64_t size)
{
	for (unsigned int i = 0; i < g->n; i++)
		if (cw_image_overlaps(base, size, &g->taken[i]))
			return &g->taken[i];
	for (unsigned int i = 0; i < g->owned; i++)
		if (cw_image_overlaps(base, size, &g->own[i]))
			return &g->own[i];
	return NULL;
}

/* Whether a segment or somebody's memory is in the way; @begins: its beginning. */
static bool in_the_way(const struct giving *g, uint64_t base, uint64_t size, uint64_t *begins)
{
	const struct cw_image_range *o = owner(g, base, size);

	*begins = o ? o->base : 0;
	for (unsigned int i = 0; !o && i < g->image->elf.segments; i++) {
		const struct cw_elf_segment *s = &g->image->elf.segment[i];
		const struct cw_image_range r = { "", s->address, s->memory_size };

		*begins = s->address;
		if (cw_image_overlaps(base, size, &r))
			return true;
	}
	return o != NULL;
}

/* From the end of RAM downwards; false: there is no such room. */
static bool find_room(const struct giving *g, uint64_t size, uint64_t *at)
{
	uint64_t end = g->ram->base + g->ram->size, limit = 1ull << 32;

	end = end < limit ? end : limit;
	while (end > size && end - size >= g->ram->base) {
		*at = (end - size) & ~(uint64_t)(CARVEOUT_ALIGN - 1);
		if (*at < g->ram->base)
			break;
		if (!in_the_way(g, *at, size, &end))
			return true;
	}
	return false;
}

static int give_carveout(struct giving *g, unsigned int i)
{
	const struct cw_image_range *o;
	struct cw_rsc_memory m;
	uint64_t at;

	if (!cw_rsctable_memory(&g->table, i, &m) || !m.len)
		return refuse(g, (int)i, "a carveout of no bytes");
	if (g->owned == CARVEOUTS_MAX)
		return refuse(g, (int)i, "more than 32 carveouts");
	at = m.da;
	if (m.da == CW_RSC_ANY && !find_room(g, m.len, &at))
		return refuse(g, (int)i, "no room in its RAM for a carveout that may be anywhere");
	if (!cw_image_within(at, m.len, g->ram))
		return refuse_range(g, i, &m, "is not within", g->ram);
	o = owner(g, at, m.len);
	if (o)
		return refuse_range(g, i, &m, "overlaps", o);
	g->own[g->owned++] = (struct cw_image_range){ "another carveout", at, m.len };
	cw_rsctable_place(&g->table, i, (uint32_t)at, (uint32_t)at);
	return 0;
}

static int note_trace(struct giving *g, unsigned int i)
{
	struct cw_image *image = g->image;
	struct cw_rsc_memory m;

	if (!cw_rsctable_memory(&g->table, i, &m) || !m.len)
		return refuse(g, (int)i, "a trace buffer of no bytes");
	if (!cw_image_within(m.da, m.len, g->ram))
		return refuse_range(g, i, &m, "is not within", g->ram);
	if (image->traces == CW_TRACES_MAX)
		return 0; /* more than anybody looks at */
	image->trace[image->traces].address = m.da;
	image->trace[image->traces++].size = m.len;
	return 0;
}

static int give(struct giving *g, unsigned int i)
{
	struct cw_rsc_memory m;

	switch (cw_rsctable_type(&g->table, i)) {
	case CW_RSC_CARVEOUT:
		return give_carveout(g, i);
	case CW_RSC_TRACE:
		return note_trace(g, i);
	case CW_RSC_DEVMEM: /* the machine translates nothing */
		if (cw_rsctable_memory(&g->table, i, &m) && m.da != m.pa)
			return refuse(g, (int)i,
				      "device memory at another address than its own; this machine "
				      "translates none");
		return 0;
	default: /* vdev: who serves it fills it in; vendor and later types mean nothing here */
		return 0;
	}
}

int cw_image_resources(struct cw_image *image, const struct cw_image_range *ram,
		       const struct cw_image_range *taken, unsigned int n, FILE *err)
{
	struct giving g = { .image = image, .ram = ram, .taken = taken, .n = n, .err = err };
	uint64_t offset, length, address;
	enum cw_rsc_fault f;
	int entry;

	image->traces = 0;
	if (cw_elf_section(&image->elf, ".resource_table", &offset, &length, &address))
		return refuse(&g, -1, "cannot be looked for: the file's section headers are wrong");
	if (!length)
		return 0;
	if (length > UINT32_MAX)
		return refuse(&g, -1, "is too long");
	f = cw_rsctable_open(&g.table, (uint8_t *)image->bytes + offset, (uint32_t)length, &entry);
	if (f)
		return refuse(&g, entry, cw_rsc_fault_text(f));
	for (unsigned int i = 0; i < g.table.entries; i++)
		if (give(&g, i))
			return -1;
	return 0;
}
