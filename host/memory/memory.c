// SPDX-License-Identifier: BSD-3-Clause
#include <causeway/core/shm.h>
#include <causeway/host/memory.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int cw_memory_open(struct cw_memory *m, const struct cw_board_remote *r, FILE *err)
{
	static const struct cw_memory_ops *const kinds[] = {
		[CW_MEMORY_MEMFD] = &cw_memory_memfd,
		[CW_MEMORY_FILE] = &cw_memory_file,
		[CW_MEMORY_UIO] = &cw_memory_uio,
		[CW_MEMORY_DEVMEM] = &cw_memory_devmem,
	};

	memset(m, 0, sizeof(*m));
	m->ops = kinds[r->memory];
	m->fd = m->lock = -1;
	m->size = r->layout.size;
	if (!m->ops->open(m, r, err))
		return 0;
	memset(m, 0, sizeof(*m));
	return -1;
}

void cw_memory_close(struct cw_memory *m)
{
	if (m->ops)
		m->ops->close(m);
	memset(m, 0, sizeof(*m));
}

void *cw_memory_map(const struct cw_memory *m)
{
	void *va = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, (off_t)m->offset);

	return va == MAP_FAILED ? NULL : va;
}

int cw_memory_write(const struct cw_memory *m, const void *bytes, uint32_t len)
{
	void *va;

	if (m->ops->kernel_may_touch)
		return pwrite(m->fd, bytes, len, (off_t)m->offset) == (ssize_t)len ? 0 : -1;
	va = cw_memory_map(m); /* device memory, which nobody can take away under us */
	if (!va)
		return -1;
	cw_copy_out(va, bytes, len);
	return munmap(va, m->size);
}

int cw_memory_reopen(const struct cw_memory *m, int flags)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", m->fd);
	return open(path, flags | O_CLOEXEC);
}
