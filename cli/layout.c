// SPDX-License-Identifier: BSD-3-Clause
/*
 * causeway layout: the memory map of a remote in the form that each side builds from.
 *
 * Theory of operation: one struct cw_layout is the source; each form prints the same numbers. The C
 * header carries the layout hash, so a firmware built from an old one refuses the link.
 */
#include "cli.h"

#include <causeway/abi/virtio.h>
#include <causeway/host/board.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LL(x) ((unsigned long long)(x))

static void row(FILE *f, cw_addr_t at, uint32_t size, const char *what, const char *more)
{
	fprintf(f, "  0x%08llx  0x%08llx  %7u K  %-16s %s\n", LL(at), LL(at + size - 1),
		size / 1024, what, more);
}

static void text(FILE *f, const struct cw_board_remote *r)
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

static void upper(char *to, size_t size, const char *from)
{
	size_t i = 0;

	for (; from[i] && i + 1 < size; i++)
		to[i] = isalnum((unsigned char)from[i]) ? (char)toupper((unsigned char)from[i])
							: '_';
	to[i] = 0;
}

static void c_header(FILE *f, const struct cw_board_remote *r)
{
	const struct cw_layout *l = &r->layout;
	char name[40];

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
		upper(name, sizeof(name), l->device[i].name);
		fprintf(f, "#define CW_LAYOUT_%s %u\n", name, i);
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

/* In a linker script a-b is a difference. */
static void symbol(char *to, size_t size, const char *from)
{
	size_t i = 0;

	for (; from[i] && i + 1 < size; i++)
		to[i] = isalnum((unsigned char)from[i]) ? from[i] : '_';
	to[i] = 0;
}

static void ld(FILE *f, const struct cw_board_remote *r)
{
	const struct cw_layout *l = &r->layout;
	char name[40];

	fprintf(f,
		"/* Made by `causeway layout --format ld` for remote %s: do not edit. */\n"
		"__causeway_region_start = 0x%llx;\n"
		"__causeway_region_size = 0x%x;\n"
		"__causeway_region_end = 0x%llx;\n",
		r->name, LL(l->base), l->size, LL(l->base + l->size));
	for (unsigned int i = 0; i < l->devices; i++) {
		symbol(name, sizeof(name), l->device[i].name);
		fprintf(f, "__causeway_%s_start = 0x%llx;\n__causeway_%s_size = 0x%x;\n", name,
			LL(l->device[i].block), name, l->device[i].size);
	}
}

static void dts_linux(FILE *f, const struct cw_board_remote *r)
{
	const struct cw_layout *l = &r->layout;

	fprintf(f,
		"/* For Linux's tree: keeps its hands off the region and maps it to user space. */\n"
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
		r->name, LL(l->base), (unsigned int)(l->base >> 32), (unsigned int)l->base, l->size,
		r->name, LL(l->base), (unsigned int)(l->base >> 32), (unsigned int)l->base, l->size,
		r->name);
}

#define HI(x) ((unsigned int)((x) >> 32))
#define LO(x) ((unsigned int)(x))

static void dts_remote(FILE *f, const struct cw_board_remote *r)
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

static void dtb(FILE *f, const struct cw_board_remote *r)
{
	size_t size = r->layout.dtb ? r->layout.dtb : 65536;
	void *buf = malloc(size);
	int n = buf ? cw_dtb_write(&r->layout, r->name, buf, size) : -1;

	if (n > 0)
		fwrite(buf, 1, (size_t)n, f);
	free(buf);
}

static const struct {
	const char *name;
	void (*print)(FILE *f, const struct cw_board_remote *r);
} forms[] = {
	{ "text", text },	    { "c-header", c_header },	  { "ld", ld },
	{ "dts-linux", dts_linux }, { "dts-remote", dts_remote }, { "dtb", dtb },
};

static int print(const struct cli_options *o, const struct cw_board *board, size_t form)
{
	FILE *f = o->output ? fopen(o->output, "we") : stdout;

	if (!f) {
		fprintf(stderr, "causeway layout: cannot write %s: %s\n", o->output,
			strerror(errno));
		return EXIT_FAIL;
	}
	for (unsigned int i = 0; i < board->remotes; i++)
		if (!o->remote || !strcmp(o->remote, board->remote[i].name))
			forms[form].print(f, &board->remote[i]);
	if (f != stdout && fclose(f)) {
		fprintf(stderr, "causeway layout: cannot write %s: %s\n", o->output,
			strerror(errno));
		return EXIT_FAIL;
	}
	return EXIT_FINE;
}

static int run(int argc, char **argv)
{
	struct cw_board *board;
	struct cli_options o;
	size_t form = 0;
	int r = cli_options(&cli_layout, argc, argv, "rof", &o);

	if (r >= 0)
		return r;
	if (o.argc != 1)
		return cli_usage(&cli_layout, "right is one board file");
	while (o.format && form < 6 && strcmp(o.format, forms[form].name) != 0)
		form++;
	if (form == 6)
		return cli_usage(&cli_layout,
				 "no format '%s'; there are text, c-header, ld, "
				 "dts-linux, dts-remote, dtb",
				 o.format);
	if (cw_board_load(&board, o.argv[0], stderr))
		return EXIT_USAGE;
	if (o.remote && !cw_board_remote_find(board, o.remote))
		r = cli_usage(&cli_layout, "%s has no remote '%s'", o.argv[0], o.remote);
	else if (form && !o.remote && board->remotes > 1)
		r = cli_usage(&cli_layout, "%s has %u remotes; say which with --remote", o.argv[0],
			      board->remotes);
	else
		r = print(&o, board, form);
	cw_board_free(board);
	return r;
}

const struct cli_command cli_layout = {
	.name = "layout",
	.summary = "print a remote's memory map: text, C header, linker script, device trees",
	.help = "usage: causeway layout [--format FORM] [--remote NAME] [-o FILE] BOARD.yaml\n"
		"\n"
		"Prints where everything lies in a remote's region. All forms hold the same numbers:\n"
		"\n"
		"  text        a table for people (default)\n"
		"  c-header    struct cw_layout for a firmware that has no device tree\n"
		"  ld          symbols for a linker script\n"
		"  dts-linux   reserved memory and UIO nodes for Linux's device tree\n"
		"  dts-remote  the fragment that stands at the start of the region, as source\n"
		"  dtb         the same in binary\n"
		"\n"
		"  -r, --remote NAME   of a board with several remotes\n"
		"  -o, --output FILE   instead of standard output\n"
		"\n"
		"Exit status: 0 printed, 1 FILE cannot be written, 2 wrong usage or board file.\n",
	.run = run,
};
