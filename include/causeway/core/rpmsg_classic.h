/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RPMsg as remoteproc has it, either side: a resource table with a virtio device of id 7 and two vrings in
 * shared memory, its status byte, and a kick in each direction (docs/spec/rpmsg.md section 6).
 *
 * The life of the channel is driven by polling; nothing here waits but for the channel's own sends.
 *
 * Context: the channel's thread or main loop.
 */
#ifndef CAUSEWAY_CORE_RPMSG_CLASSIC_H
#define CAUSEWAY_CORE_RPMSG_CLASSIC_H

#include <causeway/core/rpmsg.h>

#define CW_RPMSG_TABLE_MAX 512u	    /* bytes of a table that are looked at */
#define CW_RPMSG_RESET_US  1000000u /* how long a remote may take to let go of the rings */

struct cw_rpmsg_classic_ops {
	/** kick - ring the peer's doorbell for a vring's or the device's notifyid */
	void (*kick)(void *ctx, uint32_t notifyid);
	/** now - microseconds */
	uint64_t (*now)(void *ctx);
	/** wait - sleep until something may have come, or @deadline; 0 or CW_E*. NULL: no send waits */
	int (*wait)(void *ctx, uint64_t deadline);
};

/* Private memory for two rings of up to @max descriptors. */
struct cw_rpmsg_classic_memory {
	uint16_t max;
	struct cw_drvq_slot *slot[2];  /* the host's: max entries each */
	uint16_t *own[2];	       /* the remote's: max entries each */
	struct cw_rpmsg_slot *rx, *tx; /* max entries each */
};

struct cw_rpmsg_classic {
	struct cw_rpmsg *channel;
	const struct cw_rpmsg_classic_ops *ops;
	void *ctx;
	struct cw_rpmsg_classic_memory memory;
	struct cw_window window;
	struct cw_ranges rings;
	cw_addr_t buffers; /* the host's */
	uint32_t buffers_size;
	uint8_t *live; /* the virtio device's entry of the table, in shared memory */
	const uint8_t *table;
	uint32_t table_size;
	uint32_t notifyid, vring_id[2];
	uint8_t state;
	uint64_t reset_by;
	struct cw_drvq drv[2];
	struct cw_devq dev[2];
	struct cw_rpmsg_host host;
	struct cw_rpmsg_remote remote;
	uint32_t refused; /* tables, rings and sizes that cannot be used */
};

/**
 * cw_rpmsg_classic_init - prepare either side; touches no shared memory
 * @c: filled; @ch: initialised; @window: what rings, buffers and the table lie in, addressed as the table and
 * descriptors do; @table, @table_size: place of the table in it; @memory: copied, what it points to stays in use
 *
 * A remote. For a host, cw_rpmsg_classic_host() follows. Returns 0, CW_EINVAL, or CW_EBADADDR.
 */
int cw_rpmsg_classic_init(struct cw_rpmsg_classic *c, struct cw_rpmsg *ch,
			  const struct cw_window *window, cw_addr_t table, uint32_t table_size,
			  const struct cw_rpmsg_classic_memory *memory,
			  const struct cw_rpmsg_classic_ops *ops, void *ctx);

/** cw_rpmsg_classic_host - this side is the host; its buffers are in @size bytes at @buffers. As above */
int cw_rpmsg_classic_host(struct cw_rpmsg_classic *c, cw_addr_t buffers, uint32_t size);

/**
 * cw_rpmsg_classic_poll - look at the status, begin or end the channel, cw_rpmsg_poll()
 *
 * Returns the number of messages taken; CW_EDOWN while there is no peer; CW_ERESET, CW_EPEER once for each end;
 * the next calls begin anew. A table, ring or size that cannot be used is CW_EDOWN and counted in
 * c->refused; a remote then asks for a reset.
 */
int cw_rpmsg_classic_poll(struct cw_rpmsg_classic *c, unsigned int budget);

/** cw_rpmsg_classic_deadline - when poll wants to run at the latest; UINT64_MAX: no such time */
uint64_t cw_rpmsg_classic_deadline(const struct cw_rpmsg_classic *c);

#endif
