// SPDX-License-Identifier: BSD-3-Clause
/*
 * Memory of the PMM's own: nobody else can find it, so it needs no lock. Sealed, as a remote that
 * holds the descriptor could otherwise truncate it under the worker's mapping. With a region inside
 * an emulated machine's RAM it is all of that RAM, sparse.
 */
#include <causeway/host/memory.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int memfd_open(struct cw_memory *m, const struct cw_board_remote *r, FILE *err)
{
	uint64_t size = m->size;

	if (r->machine && r->doorbell != CW_DOORBELL_IVSHMEM) {
		size = r->machine->ram_size;
		m->offset = r->layout.base - r->machine->ram_base;
	}
	m->fd = memfd_create(r->name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (m->fd >= 0 && !ftruncate(m->fd, (off_t)size) &&
	    !fcntl(m->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return 0;
	fprintf(err, "causeway: remote %s: no memory of %llu bytes: %s\n", r->name,
		(unsigned long long)size, strerror(errno));
	if (m->fd >= 0)
		close(m->fd);
	return -1;
}

static void memfd_close(struct cw_memory *m)
{
	close(m->fd);
}

const struct cw_memory_ops cw_memory_memfd = {
	.name = "memfd",
	.kernel_may_touch = true,
	.open = memfd_open,
	.close = memfd_close,
};
