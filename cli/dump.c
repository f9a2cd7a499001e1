// SPDX-License-Identifier: BSD-3-Clause
/*
 * Pages and rings of a remote, decoded. The board gives a descriptor that can only be read; the
 * region is copied once and every address in it checked, as the remote may have written anything.
 */
#include "dump.h"

#include <causeway/abi/mmio.h>
#include <causeway/abi/region.h>
#include <causeway/abi/virtio.h>
#include <causeway/core/bytes.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"usage: causeway dump [--board NAME] [--run-dir DIR] [--output FILE] [REMOTE]\n"
	"\n"
	"Shows a remote's region as it is now, without changing anything: both link pages side by\n"
	"side, kicks, each device's and driver's page, and the rings of every queue in use. Lines\n"
	"that begin with ! say what looks wrong. REMOTE may be left out when the board has only one.\n"
	"\n"
	"  -o, --output FILE   write the raw bytes of the region to FILE instead\n"
	"\n"
	"Exit status: 0, or 1 when the board does not run.\n";

void dump_warn(struct dump *d, const char *fmt, ...)
{
	va_list ap;

	d->warnings++;
	fputs("! ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static const char *state_text(uint32_t state)
{
	static const char *const text[] = { "NONE", "INIT", "UP", "IDLE", "HALTED", "PANIC" };

	return state < sizeof(text) / sizeof(text[0]) ? text[state] : "?";
}

static void two(const char *name, uint32_t pmm, uint32_t remote)
{
	printf("  %-14s 0x%08x         0x%08x%s\n", name, pmm, remote,
	       pmm == remote ? "" : "  differ");
}

static void dump_link(struct dump *d, const struct cw_abi_link_page *p,
		      const struct cw_abi_link_page *r)
{
	uint32_t pe = cw_get_le32(p->epoch), re = cw_get_le32(r->epoch);

	printf("\nLINK             PMM page           remote page\n");
	two("magic", cw_get_le32(p->magic), cw_get_le32(r->magic));
	two("version", cw_get_le32(p->version), cw_get_le32(r->version));
	two("hash low", cw_get_le32(p->hash_lo), cw_get_le32(r->hash_lo));
	two("hash high", cw_get_le32(p->hash_hi), cw_get_le32(r->hash_hi));
	printf("  %-14s %-10u         %u\n", "epoch", pe, re);
	printf("  %-14s %-10u         %u\n", "peer epoch", cw_get_le32(p->peer_epoch),
	       cw_get_le32(r->peer_epoch));
	printf("  %-14s %-10s         %s\n", "state", state_text(cw_get_le32(p->state)),
	       state_text(cw_get_le32(r->state)));
	if (cw_get_le32(r->state) == CW_STATE_PANIC)
		dump_warn(d, "the remote panicked with code 0x%x", cw_get_le32(r->panic_code));
	if (cw_get_le32(r->magic) != CW_LINK_MAGIC)
		dump_warn(d, "the remote page has no magic: no remote has been here, or it "
			     "overwrote its page");
	else if (cw_get_le32(p->hash_lo) != cw_get_le32(r->hash_lo) ||
		 cw_get_le32(p->hash_hi) != cw_get_le32(r->hash_hi))
		dump_warn(d, "the remote was built for another layout");
	if (cw_get_le32(p->peer_epoch) != re)
		dump_warn(d, "the PMM has not acknowledged the remote's present life");
	if (cw_get_le32(r->peer_epoch) != pe)
		dump_warn(d, "the remote has not acknowledged the PMM's present life");
}

static void dump_slots(struct dump *d, const struct cw_abi_link_page *p,
		       const struct cw_abi_link_page *r, unsigned int slots)
{
	printf("\nKICKS  slot   PMM kick  seen by remote   remote kick  seen by PMM\n");
	for (unsigned int i = 0; i < slots && i < CW_SLOTS_MAX; i++) {
		uint32_t pk = cw_get_le32(p->kick[i]), rs = cw_get_le32(r->seen[i]);
		uint32_t rk = cw_get_le32(r->kick[i]), ps = cw_get_le32(p->seen[i]);

		if (!(pk | rs | rk | ps))
			continue;
		printf("       %4u %10u  %14u  %12u  %11u\n", i, pk, rs, rk, ps);
		if (pk != rs)
			dump_warn(d, "slot %u: the remote has not looked at the last kick", i);
		if (rk != ps)
			dump_warn(d, "slot %u: the PMM has not looked at the last kick", i);
	}
}

static uint32_t reg(const struct cw_abi_device_page *p, uint32_t at)
{
	return cw_get_le32(p->reg[at / 4]);
}

static void dump_status(uint32_t s)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} bits[] = {
		{ CW_STATUS_ACKNOWLEDGE, "ACKNOWLEDGE" }, { CW_STATUS_DRIVER, "DRIVER" },
		{ CW_STATUS_FEATURES_OK, "FEATURES_OK" }, { CW_STATUS_DRIVER_OK, "DRIVER_OK" },
		{ CW_STATUS_NEEDS_RESET, "NEEDS_RESET" }, { CW_STATUS_FAILED, "FAILED" },
	};

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (s & bits[i].bit)
			printf(" %s", bits[i].name);
	putchar('\n');
}

static void dump_request(struct dump *d, const struct cw_abi_device_page *p,
			 const struct cw_abi_driver_page *q)
{
	uint32_t count = cw_get_le32(q->count);

	printf("  request %u of link %u/%u, %u entries:", cw_get_le32(q->seq),
	       cw_get_le32(q->link_pmm), cw_get_le32(q->link_remote), count);
	for (uint32_t i = 0; i < count && i < CW_REQUEST_ENTRIES; i++)
		printf(" 0x%03x/%u=0x%x", cw_get_le32(q->entry[i].offset),
		       cw_get_le32(q->entry[i].width), cw_get_le32(q->entry[i].value));
	printf("\n  answer  %u of link %u/%u, result %u, refused entry %u, event %u\n",
	       cw_get_le32(p->ack_seq), cw_get_le32(p->link_pmm), cw_get_le32(p->link_remote),
	       cw_get_le32(p->result), cw_get_le32(p->refused), cw_get_le32(p->event));
	if (cw_get_le32(p->result))
		dump_warn(d, "the last request was refused (region.md section 6.3)");
	if (cw_get_le32(q->seq) != cw_get_le32(p->ack_seq))
		dump_warn(d, "a request waits for its answer");
}

static void dump_device(struct dump *d, const cJSON *o)
{
	cw_addr_t block = (cw_addr_t)talk_number(o, "block");
	const struct cw_abi_device_page *p = cw_window_ptr(&d->region, block, CW_PAGE_SIZE);
	const struct cw_abi_driver_page *q =
		cw_window_ptr(&d->region, block + CW_PAGE_SIZE, CW_PAGE_SIZE);
	const cJSON *queue;
	unsigned int i = 0;

	printf("\n%s (%s) at 0x%llx, %.0f bytes, slot %.0f\n", talk_text(o, "name"),
	       talk_text(o, "kind"), (unsigned long long)block, talk_number(o, "size"),
	       talk_number(o, "slot"));
	if (!p || !q)
		return;
	printf("  status 0x%02x:", reg(p, CW_REG_STATUS));
	dump_status(reg(p, CW_REG_STATUS));
	printf("  magic 0x%08x, device id %u, configuration generation %u\n", reg(p, CW_REG_MAGIC),
	       reg(p, CW_REG_DEVICE_ID), reg(p, CW_REG_CONFIG_GENERATION));
	if (reg(p, CW_REG_MAGIC) != CW_MMIO_MAGIC ||
	    reg(p, CW_REG_DEVICE_ID) != (uint32_t)talk_number(o, "id"))
		dump_warn(d, "the device page was overwritten");
	if (reg(p, CW_REG_STATUS) & CW_STATUS_NEEDS_RESET)
		dump_warn(d, "the driver broke the rules: the device waits for its reset");
	dump_request(d, p, q);
	cJSON_ArrayForEach(queue, talk_list(o, "queues"))
	{
		dump_queue(d, o, queue, i++);
	}
}

static int take_copy(struct dump *d, const cJSON *a, int fd)
{
	size_t size = (size_t)talk_number(a, "size"), done = 0;
	off_t at = (off_t)talk_number(a, "offset");

	d->copy = calloc(1, size ? size : 1);
	while (d->copy && done < size) {
		ssize_t n = pread(fd, d->copy + done, size - done, at + (off_t)done);

		if (n <= 0) {
			dump_warn(d, "only %zu of %zu bytes could be read", done, size);
			break;
		}
		done += (size_t)n;
	}
	d->region =
		(struct cw_window){ d->copy, (cw_addr_t)talk_number(a, "base"), (uint32_t)size };
	return d->copy ? 0 : -1;
}

static void dump_all(struct dump *d, const cJSON *a)
{
	const void *p =
		cw_window_ptr(&d->region, (cw_addr_t)talk_number(a, "pmm_page"), CW_PAGE_SIZE);
	const void *r =
		cw_window_ptr(&d->region, (cw_addr_t)talk_number(a, "remote_page"), CW_PAGE_SIZE);
	const cJSON *device;

	printf("remote %s: region of %u bytes at 0x%llx as the remote sees it\n",
	       talk_text(a, "remote"), d->region.size, (unsigned long long)d->region.base);
	if (p && r) {
		dump_link(d, p, r);
		dump_slots(d, p, r, (unsigned int)talk_number(a, "slots"));
	}
	cJSON_ArrayForEach(device, talk_list(a, "devices"))
	{
		dump_device(d, device);
	}
	printf("\n%u warnings\n", d->warnings);
}

static int save(const struct dump *d, const char *path)
{
	FILE *f = fopen(path, "we");
	bool fine = f && fwrite(d->copy, 1, d->region.size, f) == d->region.size;

	if (f && fclose(f))
		fine = false;
	if (!fine)
		fprintf(stderr, "causeway dump: cannot write %s: %s\n", path, strerror(errno));
	return fine ? EXIT_FINE : EXIT_FAIL;
}

static int run(int argc, char **argv)
{
	struct cli_options o;
	struct cw_client c;
	struct dump d = { 0 };
	int r = cli_options(&cli_dump, argc, argv, "bDro", &o);
	cJSON *a;

	if (r >= 0)
		return r;
	if (o.argc > 1)
		return cli_usage(&cli_dump, "'%s': one remote at a time", o.argv[1]);
	if (cw_client_open(&c, o.board, o.run_dir, stderr))
		return EXIT_FAIL;
	a = cw_client_ask(&c, "dump", o.argc ? o.argv[0] : o.remote, 0, stderr);
	r = EXIT_FAIL;
	if (a && !take_copy(&d, a, c.passed)) {
		r = o.output ? save(&d, o.output) : EXIT_FINE;
		if (!o.output)
			dump_all(&d, a);
	}
	free(d.copy);
	cJSON_Delete(a);
	cw_client_close(&c);
	return r;
}

const struct cli_command cli_dump = {
	.name = "dump",
	.summary = "show a remote's pages and rings, read only",
	.help = help,
	.run = run,
};
