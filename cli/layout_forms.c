// SPDX-License-Identifier: BSD-3-Clause
/*
 * A remote's memory map in the form that each side builds from.
 *
 * Theory of operation: one struct cw_layout is the source, and each form prints the same numbers. The
 * C header and the trees carry the layout hash, so a firmware built from an old one refuses the link.
 */
#include "layout.h"

#include <causeway/abi/virtio.h>

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdlib.h>

#define LL(x) ((unsigned long long)(x))
#define HI(x) ((unsigned int)((x) >> 32))
#define LO(x) ((unsigned int)(x))

static void row(FILE *f, cw_addr_t at, uint32_t size, const char *what, const char *more)
{
	fprintf(f, "  0x%08llx  0x%08llx  %7u K  %-16s %s\n", LL(at), LL(at + size - 1),
		size / 1024, what, more);
}

void layout_text(FILE *f, const struct cw_board_remote *r)
{
	const struct cw_layout *l = &r->layout;
	cw_addr_t end = l->remote_page + CW_PAGE_SIZE;
	char more[80];

	fprintf(f, "%s: region of %u K, cache line %u, %u slots, layout hash %016llx\n", r->name,
		l->size / 1024, l->line, l->slots, LL(cw_layout_hash(l)));
	fprintf(f, "  %-10s  %-10s  %9s  %-16s %s\n", "from", "to", "size", "what", "written by");
	if (l->dtb)
		row(f, l->base, l->dtb, "device tree", "PMM, once");
	row(f, l->pmm_page, CW_PAGE_SIZE, "PMM page", "PMM");
	row(f, l->remote_page, CW_PAGE_SIZE, "remote page", "remote");
	for (unsigned int i = 0; i < l->devices; i++) {
		const struct cw_layout_device *d = &l->device[i];

		snprintf(more, sizeof(more), "%s, slots %u-%u, %u queue%s of at most %u",
			 cw_device_kind_text(d->id), d->slot, d->slot + d->queues, d->queues,
			 d->queues == 1 ? "" : "s", d->queue_size);
		row(f, d->block, d->size, d->name, more);
		row(f, d->block, CW_PAGE_SIZE, "  device page", "PMM");
		row(f, d->block + CW_PAGE_SIZE, CW_PAGE_SIZE, "  driver page", "remote");
		row(f, d->block + 2 * CW_PAGE_SIZE, d->size - 2 * CW_PAGE_SIZE, "  rings, buffers",
		    "both, as virtio says");
		end = d->block + d->size > end ? d->block + d->size : end;
	}
	if (end < l->base + l->size)
		row(f, end, (uint32_t)(l->base + l->size - end), "free", "nobody");
}

/* Of a name a word of C, of a linker script and of a tree's labels, which have no dash. */
static const char *word(char to[CW_DEVICE_NAME_LEN * 2], const char *from, int (*letter)(int))
{
	size_t i = 0;

	for (; from[i] && i + 1 < CW_DEVICE_NAME_LEN * 2; i++)
		to[i] = from[i] == '-' ? '_' : (char)letter((unsigned char)from[i]);
	to[i] = 0;
	return to;
}

void layout_c_header(FILE *f, const struct cw_board_remote *r)
{
	const struct cw_layout *l = &r->layout;
	char name[CW_DEVICE_NAME_LEN * 2];

	fprintf(f,
		"/* Made by `causeway layout --format c-header` for remote %s: do not edit. */\n"
		"#ifndef CAUSEWAY_LAYOUT_GENERATED_H\n"
		"#define CAUSEWAY_LAYOUT_GENERATED_H\n"
		"\n"
		"#include <causeway/core/layout.h>\n"
		"\n"
		"#define CW_LAYOUT_REMOTE \"%s\"\n"
		"#define CW_LAYOUT_BASE 0x%llxull\n"
		"#define CW_LAYOUT_SIZE 0x%xu\n"
		"#define CW_LAYOUT_HASH 0x%016llxull\n"
		"#define CW_LAYOUT_DEVICES %u\n",
		r->name, r->name, LL(l->base), l->size, LL(cw_layout_hash(l)), l->devices);
	for (unsigned int i = 0; i < l->devices; i++) {
		word(name, l->device[i].name, toupper);
		fprintf(f, "#define CW_LAYOUT_DEVICE_%s %u\n", name, i);
	}
	fputs("\nstatic const struct cw_layout_device cw_layout_devices_[] = {\n", f);
	for (unsigned int i = 0; i < l->devices; i++) {
		const struct cw_layout_device *d = &l->device[i];

		fprintf(f,
			"\t{ .name = \"%s\", .id = %u, .slot = %u, .queues = %u,\n"
			"\t  .queue_size = %u, .size = 0x%xu, .block = 0x%llxull },\n",
			d->name, d->id, d->slot, d->queues, d->queue_size, d->size, LL(d->block));
	}
	fprintf(f,
		"};\n\n"
		"static const struct cw_layout cw_layout_generated = {\n"
		"\t.base = CW_LAYOUT_BASE, .size = CW_LAYOUT_SIZE, .line = %u, .dtb = 0x%xu,\n"
		"\t.slots = %u, .devices = CW_LAYOUT_DEVICES,\n"
		"\t.pmm_page = 0x%llxull, .remote_page = 0x%llxull,\n"
		"\t.device = cw_layout_devices_,\n"
		"};\n\n#endif\n",
		l->line, l->dtb, l->slots, LL(l->pmm_page), LL(l->remote_page));
}

void layout_ld(FILE *f, const struct cw_board_remote *r)
{
	const struct cw_layout *l = &r->layout;
	char name[CW_DEVICE_NAME_LEN * 2];

	fprintf(f,
		"/* Made by `causeway layout --format ld` for remote %s: do not edit. */\n"
		"__causeway_region_start = 0x%llx;\n"
		"__causeway_region_size = 0x%x;\n"
		"__causeway_region_end = 0x%llx;\n",
		r->name, LL(l->base), l->size, LL(l->base + l->size));
	for (unsigned int i = 0; i < l->devices; i++) {
		word(name, l->device[i].name, tolower);
		fprintf(f, "__causeway_dev_%s_start = 0x%llx;\n__causeway_dev_%s_size = 0x%x;\n",
			name, LL(l->device[i].block), name, l->device[i].size);
	}
}

void layout_dts_linux(FILE *f, const struct cw_board_remote *r)
{
	const struct cw_layout *l = &r->layout;
	char label[CW_DEVICE_NAME_LEN * 2];

	word(label, r->name, tolower);
	fprintf(f,
		"/*\n"
		" * Made by `causeway layout --format dts-linux` for remote %s, to be included by the\n"
		" * board's tree: Linux keeps its hands off the region and maps it to user space. To the\n"
		" * second node add the interrupt by which the remote rings, and boot with\n"
		" * uio_pdrv_genirq.of_id=generic-uio.\n"
		" */\n"
		"/ {\n"
		"\treserved-memory {\n"
		"\t\t#address-cells = <2>;\n"
		"\t\t#size-cells = <2>;\n"
		"\t\tranges;\n\n"
		"\t\tcauseway_%s: memory@%llx {\n"
		"\t\t\treg = <0x%x 0x%x 0x0 0x%x>;\n"
		"\t\t\tno-map;\n"
		"\t\t};\n"
		"\t};\n\n"
		"\tcauseway-%s@%llx {\n"
		"\t\tcompatible = \"generic-uio\";\n"
		"\t\treg = <0x%x 0x%x 0x0 0x%x>;\n"
		"\t\tmemory-region = <&causeway_%s>;\n"
		"\t};\n"
		"};\n",
		r->name, label, LL(l->base), HI(l->base), LO(l->base), l->size, r->name,
		LL(l->base), HI(l->base), LO(l->base), l->size, label);
}

void layout_dts_remote(FILE *f, const struct cw_board_remote *r)
{
	const struct cw_layout *l = &r->layout;
	uint64_t hash = cw_layout_hash(l);

	fprintf(f,
		"/dts-v1/;\n\n/ {\n"
		"\tcompatible = \"causeway,region-1\";\n"
		"\tmodel = \"%s\";\n"
		"\t#address-cells = <2>;\n\t#size-cells = <2>;\n"
		"\treg = <0x%x 0x%x 0x0 0x%x>;\n"
		"\tcauseway,abi = <0x%08x>;\n"
		"\tcauseway,line = <%u>;\n\tcauseway,slots = <%u>;\n"
		"\tcauseway,fragment-size = <0x%x>;\n"
		"\tcauseway,pmm-page = <0x%x 0x%x>;\n"
		"\tcauseway,remote-page = <0x%x 0x%x>;\n"
		"\tcauseway,layout-hash = <0x%08x 0x%08x>;\n",
		r->name, HI(l->base), LO(l->base), l->size, CW_ABI_VERSION, l->line, l->slots,
		l->dtb, HI(l->pmm_page), LO(l->pmm_page), HI(l->remote_page), LO(l->remote_page),
		HI(hash), LO(hash));
	for (unsigned int i = 0; i < l->devices; i++) {
		const struct cw_layout_device *d = &l->device[i];

		fprintf(f,
			"\n\t%s@%llx {\n"
			"\t\tcompatible = \"causeway,mmio-1\";\n"
			"\t\treg = <0x%x 0x%x 0x0 0x%x>;\n"
			"\t\tlabel = \"%s\";\n"
			"\t\tcauseway,device-id = <%u>;\n\t\tcauseway,slot = <%u>;\n"
			"\t\tcauseway,queues = <%u>;\n\t\tcauseway,queue-size = <%u>;\n\t};\n",
			cw_device_kind_text(d->id), LL(d->block), HI(d->block), LO(d->block),
			d->size, d->name, d->id, d->slot, d->queues, d->queue_size);
	}
	fputs("};\n", f);
}

void layout_dtb(FILE *f, const struct cw_board_remote *r)
{
	char buf[65536]; /* loading made sure that it fits into half of this */
	int n = cw_dtb_write(&r->layout, r->name, buf, sizeof(buf));

	if (n > 0)
		fwrite(buf, 1, (size_t)n, f);
}

static void hex(cJSON *o, const char *key, uint64_t v, int digits)
{
	char s[24];

	snprintf(s, sizeof(s), "0x%0*llx", digits, LL(v));
	cJSON_AddStringToObject(o, key, s);
}

static cJSON *json_device(const struct cw_layout_device *d)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "name", d->name);
	cJSON_AddStringToObject(o, "kind", cw_device_kind_text(d->id));
	cJSON_AddNumberToObject(o, "id", d->id);
	hex(o, "block", d->block, 0);
	cJSON_AddNumberToObject(o, "size", d->size);
	cJSON_AddNumberToObject(o, "slot", d->slot);
	cJSON_AddNumberToObject(o, "queues", d->queues);
	cJSON_AddNumberToObject(o, "queue_size", d->queue_size);
	return o;
}

/* One line; addresses and the hash are strings, as JSON's numbers have 53 bits. */
void layout_json(FILE *f, const struct cw_board_remote *r)
{
	const struct cw_layout *l = &r->layout;
	cJSON *o = cJSON_CreateObject(), *list;
	char *s;

	cJSON_AddStringToObject(o, "remote", r->name);
	hex(o, "base", l->base, 0);
	cJSON_AddNumberToObject(o, "size", l->size);
	cJSON_AddNumberToObject(o, "line", l->line);
	cJSON_AddNumberToObject(o, "slots", l->slots);
	hex(o, "hash", cw_layout_hash(l), 16);
	cJSON_AddNumberToObject(o, "fragment_size", l->dtb);
	hex(o, "pmm_page", l->pmm_page, 0);
	hex(o, "remote_page", l->remote_page, 0);
	list = cJSON_AddArrayToObject(o, "devices");
	for (unsigned int i = 0; i < l->devices; i++)
		cJSON_AddItemToArray(list, json_device(&l->device[i]));
	s = cJSON_PrintUnformatted(o);
	fprintf(f, "%s\n", s ? s : "{}");
	free(s);
	cJSON_Delete(o);
}
