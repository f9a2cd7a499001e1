// SPDX-License-Identifier: BSD-3-Clause
/*
 * An interrupt of a UIO device wakes us, a store to one of its registers wakes the remote: Xilinx IPI,
 * STM32 IPCC, i.MX MU and their like. Which registers and values is in the board file.
 *
 * Theory of operation: reading the device returns when there was an interrupt since the last read and
 * leaves it masked; writing 1 unmasks it (uio_pdrv_genirq). What the hardware holds pending is taken
 * back by a store of its own, before the interrupt is unmasked and before anybody looks at the memory:
 * what comes later rings again. Before a ring, core/link.c has seen to it that the memory is there.
 */
#include <causeway/host/doorbell.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void unmask(const struct cw_doorbell *d)
{
	static const uint32_t one = 1;

	(void)!write(d->mine, &one, sizeof(one));
}

static void store(const struct cw_doorbell *d, const struct cw_board_store *s)
{
	*(volatile uint32_t *)(d->registers + s->offset) = s->value;
}

static void uio_close(struct cw_doorbell *d)
{
	if (d->registers)
		munmap(d->registers, CW_PAGE_SIZE);
	if (d->mine >= 0)
		close(d->mine);
}

static int uio_open(struct cw_doorbell *d, const struct cw_board_remote *r, FILE *err)
{
	void *va;

	d->remote = r;
	d->mine = open(r->doorbell_path, O_RDWR | O_SYNC | O_NONBLOCK | O_CLOEXEC);
	if (d->mine < 0) {
		fprintf(err, "causeway: remote %s: cannot open %s: %s%s\n", r->name,
			r->doorbell_path, strerror(errno),
			errno == EACCES || errno == EPERM ? "; it belongs to root" : "");
		return -1;
	}
	va = mmap(NULL, CW_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, d->mine, 0);
	if (va == MAP_FAILED) {
		fprintf(err,
			"causeway: remote %s: %s has no registers to map: %s; right is a UIO device "
			"with a map and an interrupt\n",
			r->name, r->doorbell_path, strerror(errno));
		uio_close(d);
		return -1;
	}
	d->registers = va;
	if (r->has_enable)
		store(d, &r->enable);
	unmask(d);
	return 0;
}

static void uio_ring(struct cw_doorbell *d)
{
	store(d, &d->remote->ring);
}

static void uio_clear(struct cw_doorbell *d)
{
	uint32_t count;

	(void)!read(d->mine, &count, sizeof(count));
	if (d->remote->has_clear)
		store(d, &d->remote->clear);
	unmask(d);
}

const struct cw_doorbell_ops cw_doorbell_uio = {
	.name = "uio",
	.open = uio_open,
	.close = uio_close,
	.ring = uio_ring,
	.clear = uio_clear,
};
