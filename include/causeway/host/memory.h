/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of a region: where it comes from and who holds it. The keeper opens it and never maps it;
 * the worker maps it; a process remote gets a descriptor of its own.
 */
#ifndef CAUSEWAY_HOST_MEMORY_H
#define CAUSEWAY_HOST_MEMORY_H

#include <causeway/host/board.h>

struct cw_memory {
	const struct cw_memory_ops *ops;
	int fd;		 /* readable and writable */
	int lock;	 /* descriptor of the lock file, -1: nobody else can have this memory */
	uint64_t offset; /* of the region in fd, a multiple of the page */
	uint32_t size;	 /* bytes of the region */
	char *lock_path; /* NULL with lock -1 */
};

struct cw_memory_ops {
	const char *name;
	/* whether kernel calls may be given addresses of it (no device memory, pages can be pinned) */
	bool kernel_may_touch;
	/**
	 * open - make or find @m->size bytes and lock them against a second PMM
	 *
	 * Fills the rest of @m but ops. Returns 0, or -1 with one clear line on @err, nothing
	 * left open and no file made.
	 */
	int (*open)(struct cw_memory *m, const struct cw_board_remote *r, FILE *err);
	/** close - release it, remove what open made but the memory itself */
	void (*close)(struct cw_memory *m);
};

extern const struct cw_memory_ops cw_memory_memfd, cw_memory_file, cw_memory_uio, cw_memory_devmem;

/** cw_memory_open - open the memory of @r as its board file says; as ops->open */
int cw_memory_open(struct cw_memory *m, const struct cw_board_remote *r, FILE *err);

/** cw_memory_close - closes what cw_memory_open() opened; a zeroed @m is left alone */
void cw_memory_close(struct cw_memory *m);

/** cw_memory_map - map it for reading and writing; NULL with errno set */
void *cw_memory_map(const struct cw_memory *m);

/** cw_memory_write - @len bytes to the region's beginning (keeper); 0, or -1 with errno set */
int cw_memory_write(const struct cw_memory *m, const void *bytes, uint32_t len);

/**
 * cw_memory_reopen - another open file description of the same memory
 * @flags: O_RDONLY or O_RDWR
 *
 * Whoever gets it shares no offset, no flags and no locks with the keeper. Returns a descriptor or
 * -1 with errno set.
 */
int cw_memory_reopen(const struct cw_memory *m, int flags);

#endif
