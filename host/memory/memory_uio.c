// SPDX-License-Identifier: BSD-3-Clause
/*
 * Memory of a real board: a map of a UIO device, or physical addresses by /dev/mem.
 *
 * Theory of operation: such memory belongs to no file, is mapped as Device or uncached memory, and
 * cannot be handed to the kernel: the pages have no struct page to pin, and the kernel's own copying
 * would fault on it. So kernel_may_touch is false and every payload goes through one copy that the
 * accessors of core/ make. Two PMMs are kept apart by a record lock on the device's own node.
 */
#include <causeway/host/memory.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SYSFS  "/sys/class/uio"
#define DEVMEM "/dev/mem"

static void device_close(struct cw_memory *m)
{
	if (m->fd >= 0)
		close(m->fd);
}

/* Opens the device and locks @len bytes from @start, which stand for what is used of it. */
static int device_open(struct cw_memory *m, const char *path, uint64_t start, uint64_t len,
		       FILE *err)
{
	struct flock l = { .l_type = F_WRLCK,
			   .l_whence = SEEK_SET,
			   .l_start = (off_t)start,
			   .l_len = (off_t)len };

	m->fd = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
	if (m->fd < 0)
		fprintf(err, "causeway: cannot open %s: %s%s\n", path, strerror(errno),
			errno == EACCES || errno == EPERM ? "; it belongs to root" : "");
	else if (fcntl(m->fd, F_OFD_SETLK, &l))
		fprintf(err, "causeway: %s: 0x%llx to 0x%llx belong to another PMM that runs\n",
			path, (unsigned long long)start, (unsigned long long)(start + len - 1));
	else
		return 0;
	device_close(m);
	return -1;
}

/* The mapping is tried here, where there is somebody to tell. */
static int try_map(struct cw_memory *m, const char *path, const char *hint, FILE *err)
{
	void *va = cw_memory_map(m);

	if (va)
		return munmap(va, m->size);
	fprintf(err, "causeway: cannot map %u bytes of %s at 0x%llx: %s; %s\n", m->size, path,
		(unsigned long long)m->offset, strerror(errno), hint);
	device_close(m);
	return -1;
}

static int attribute(const char *device, uint32_t map, const char *name, uint64_t *value)
{
	const char *base = strrchr(device, '/');
	char path[256], text[32] = "";
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), SYSFS "/%.100s/maps/map%u/%s", base ? base + 1 : device, map,
		 name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	*value = strtoull(text, NULL, 0);
	return n > 0 ? 0 : -1;
}

static int uio_open(struct cw_memory *m, const struct cw_board_remote *r, FILE *err)
{
	uint64_t size, address;

	if (attribute(r->memory_path, r->memory_map, "size", &size) ||
	    attribute(r->memory_path, r->memory_map, "addr", &address)) {
		fprintf(err,
			"causeway: %s has no map %u; ls " SYSFS "/*/maps shows what there is\n",
			r->memory_path, r->memory_map);
		return -1;
	}
	if (size < m->size) {
		fprintf(err,
			"causeway: map %u of %s, at 0x%llx, has %llu bytes; the region has %u\n",
			r->memory_map, r->memory_path, (unsigned long long)address,
			(unsigned long long)size, m->size);
		return -1;
	}
	m->offset = (uint64_t)r->memory_map * CW_PAGE_SIZE;    /* which map: how UIO has it */
	if (device_open(m, r->memory_path, m->offset, 1, err)) /* a byte a map */
		return -1;
	return try_map(m, r->memory_path, "is it memory, and not ports?", err);
}

static int devmem_open(struct cw_memory *m, const struct cw_board_remote *r, FILE *err)
{
	m->offset = r->memory_offset;
	if (device_open(m, DEVMEM, m->offset, m->size, err))
		return -1;
	return try_map(m, DEVMEM,
		       "a kernel with CONFIG_STRICT_DEVMEM gives only what is reserved and has no "
		       "driver",
		       err);
}

const struct cw_memory_ops cw_memory_uio = {
	.name = "uio",
	.kernel_may_touch = false,
	.open = uio_open,
	.close = device_close,
};

const struct cw_memory_ops cw_memory_devmem = {
	.name = "devmem",
	.kernel_may_touch = false,
	.open = devmem_open,
	.close = device_close,
};
