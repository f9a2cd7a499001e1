/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Block driver (virtio 1.3 section 5.2).
 *
 * Calls wait, with a deadline; long ones keep several requests with the device. Bytes are handed on
 * only after the device said that all of a request succeeded, on the link it was made on.
 *
 * Context: one thread or main loop. Every call but cw_blk_open() is for a struct that was opened once;
 * after CW_ERESET or CW_EPEER they return that until it is opened anew. What was written before that
 * and not flushed may or may not be on the disk.
 */
#ifndef CAUSEWAY_DRIVER_BLK_H
#define CAUSEWAY_DRIVER_BLK_H

#include <causeway/driver/vdev.h>

#ifndef CW_BLK_DEPTH
#define CW_BLK_DEPTH \
	16u /* requests with the device at once, fewer in a small block; a power of two */
#endif
#ifndef CW_BLK_BUFFER
#define CW_BLK_BUFFER 4096u /* bytes of each, in the block; less when the block is small */
#endif

struct cw_blk_driver_request {
	uint8_t *memory; /* in the block: header, status, data */
	cw_addr_t addr;
	uint8_t *to; /* where bytes read go; of others any place; NULL: whoever asked has gone */
	uint32_t len;
	bool busy;
};

struct cw_blk_driver {
	struct cw_vdev vdev;
	struct cw_drvq queue;
	struct cw_drvq_slot slot[4 * CW_BLK_DEPTH];
	struct cw_blk_driver_request request[CW_BLK_DEPTH];
	uint64_t sectors;   /* of 512 bytes */
	unsigned int depth; /* requests in use */
	uint32_t buffer;    /* bytes of a request's data, a multiple of 512 */
	uint32_t block;	    /* bytes that are best written as one, a multiple of 512 */
	bool read_only;
	int failed; /* the first error of the call under way */
};

/**
 * cw_blk_open - bring the device into use on the present link
 * @b: filled; @t: an opened transport, outlives @b
 *
 * Thread; waits for the device. Returns 0 or the errors of cw_vdev_open() and cw_vdev_queue().
 */
int cw_blk_open(struct cw_blk_driver *b, struct cw_transport *t);

/**
 * cw_blk_read - read whole sectors
 * @sector: the first; @sectors: how many; @buf: anywhere, 512 * @sectors bytes; on an error what is in
 * it is not said; @timeout: microseconds for all of it
 *
 * Thread. Returns 0; CW_EINVAL: not on this disk; CW_EIO: the disk failed; CW_ETIMEDOUT; CW_ERESET or
 * CW_EPEER.
 */
int cw_blk_read(struct cw_blk_driver *b, uint64_t sector, uint32_t sectors, void *buf,
		uint64_t timeout);

/** cw_blk_write - write whole sectors; as cw_blk_read(), and CW_ENOTSUP on a disk to read only */
int cw_blk_write(struct cw_blk_driver *b, uint64_t sector, uint32_t sectors, const void *buf,
		 uint64_t timeout);

/** cw_blk_flush - what was written before is on the disk when it returns 0; else as cw_blk_read() */
int cw_blk_flush(struct cw_blk_driver *b, uint64_t timeout);

/**
 * cw_blk_discard - the contents of @sectors sectors are not needed any more
 *
 * As cw_blk_write(); CW_ENOTSUP when the device does not offer it.
 */
int cw_blk_discard(struct cw_blk_driver *b, uint64_t sector, uint32_t sectors, uint64_t timeout);

/** cw_blk_zero - as cw_blk_discard(), and they read as zeroes; @unmap: they may lose their place */
int cw_blk_zero(struct cw_blk_driver *b, uint64_t sector, uint32_t sectors, bool unmap,
		uint64_t timeout);

/** cw_blk_id - the disk's name; @id: room for 21 bytes, NUL-terminated. As cw_blk_read() */
int cw_blk_id(struct cw_blk_driver *b, char id[CW_BLK_ID_LEN + 1], uint64_t timeout);

#endif
