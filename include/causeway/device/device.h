/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtio device, device role, independent of transport and of what stands behind it.
 *
 * Three parties meet here. The *transport* (device/mmio.c) turns the driver's register writes into
 * the cw_device_set_* calls below. The *model* (device/rng.c, net.c, console.c) implements
 * struct cw_device_ops: chains in, calls on its own small ops struct out. The *owner* (the worker, a
 * test, an RTOS) gives memory and runs cw_device_serve(). Nothing here allocates, waits, or ends on
 * bad input: a driver that breaks the rules gets DEVICE_NEEDS_RESET on this device alone.
 *
 * Context: one thread owns a device and makes all its calls.
 */
#ifndef CAUSEWAY_DEVICE_DEVICE_H
#define CAUSEWAY_DEVICE_DEVICE_H

#include <causeway/abi/mmio.h>
#include <causeway/abi/virtio.h>
#include <causeway/core/ring_device.h>

struct cw_device;

/* What serving a queue came to. Negative values are CW_E*: the device is faulted with them. */
enum cw_serve {
	CW_SERVE_DRAINED = 0, /* nothing left: ask the driver for a kick at the next chain */
	CW_SERVE_MORE = 1,    /* budget used up, more is there: serve again after the others */
	CW_SERVE_PARKED = 2,  /* goes on when the backend calls: no kick wanted meanwhile */
};

/* Chains served in one go before other queues get their turn. */
#define CW_SERVE_BUDGET 64
/* Bytes after which they get it too, where chains can be long. */
#define CW_SERVE_BYTES	(1u << 20)

/* What a device model implements. Members marked "may be NULL" then do nothing. */
struct cw_device_ops {
	/** serve - take chains from queue @q while there are any, at most CW_SERVE_BUDGET */
	int (*serve)(struct cw_device *d, unsigned int q);
	/** started - DRIVER_OK: queues that are to run are ready. May be NULL */
	void (*started)(struct cw_device *d);
	/** ready - queue @q can be used, perhaps before DRIVER_OK. May be NULL */
	void (*ready)(struct cw_device *d, unsigned int q);
	/** kicked - the driver kicked relayed queue @q. NULL: no queue is relayed */
	void (*kicked)(struct cw_device *d, unsigned int q);
	/**
	 * reset - forget all chains and state; start no access to shared memory. Queue @q alone with
	 * QueueReset, all of them when @q is negative. Called before the rings are gone. May be NULL
	 */
	void (*reset)(struct cw_device *d, int q);
	/**
	 * quiet - whether every store that was under way is over; polled after reset before the
	 * acknowledgement. NULL: nothing outlives the call that started it
	 */
	bool (*quiet)(struct cw_device *d);
	/**
	 * config_write - the driver writes @width bytes at @off of the configuration space
	 *
	 * @off + @width lies in the space, @off is a multiple of @width. Returns 0 or CW_EINVAL
	 * (the request is refused). NULL: the space is read-only, writes are ignored and counted.
	 */
	int (*config_write)(struct cw_device *d, uint32_t off, uint32_t width, uint32_t value);
};

/* How a device reaches its driver; implemented by the transport. */
struct cw_device_transport_ops {
	/** used - queue @q published used chains up to @running and the driver wants to know */
	void (*used)(struct cw_device *d, unsigned int q, uint32_t running);
	/** changed - status or configuration changed: refresh the image and tell the driver */
	void (*changed)(struct cw_device *d);
};

struct cw_device_queue {
	cw_addr_t desc, avail, used; /* as set by the driver */
	uint16_t num;		     /* size chosen by the driver */
	uint16_t num_max;	     /* largest the owner has memory for */
	uint16_t *own;		     /* owner's array of num_max entries */
	bool relayed; /* the model has it run elsewhere: its ring is left alone here */
	bool work;    /* to be served */
	bool active;  /* no kick asked for: its owner looks by itself */
	struct cw_devq ring;
};

struct cw_device_counters {
	uint32_t resets, faults, refused, ignored, kicks, served;
};

struct cw_device {
	const struct cw_device_ops *ops;
	const struct cw_device_transport_ops *transport;
	void *transport_ctx;
	struct cw_device_queue *queue;
	const uint8_t *config; /* private truth of the configuration space */
	uint64_t offered;      /* features */
	uint64_t features;     /* what the driver accepted */
	uint32_t id;	       /* virtio device id */
	uint32_t config_len;   /* bytes, a multiple of 4, at most CW_CONFIG_MAX */
	uint32_t status;
	uint16_t queues;
	bool resetting;		 /* reset asked for, last store not over yet */
	int fault;		 /* 0 or the CW_E* that set NEEDS_RESET */
	struct cw_window window; /* rings and buffers; set by the transport */
	struct cw_ranges keep_out;
	struct cw_device_counters count;
};

/**
 * cw_device_init - prepare a device
 * @d: filled; @ops: the model; @id: virtio device id; @features: offered by the model, to which
 * VERSION_1, INDIRECT_DESC, EVENT_IDX and RING_RESET are added; @config, @config_len: the model's
 * private configuration bytes; @queue: owner's array of @queues, num_max and own set in each
 *
 * Returns 0 or CW_EINVAL.
 */
int cw_device_init(struct cw_device *d, const struct cw_device_ops *ops, uint32_t id,
		   uint64_t features, const uint8_t *config, uint32_t config_len,
		   struct cw_device_queue *queue, unsigned int queues);

/** cw_device_has - whether all of @features were negotiated */
static inline bool cw_device_has(const struct cw_device *d, uint64_t features)
{
	return (d->features & features) == features;
}

/** cw_device_running - DRIVER_OK, no fault, no reset under way */
bool cw_device_running(const struct cw_device *d);

/* ---- for the transport: register writes; all return enum cw_abi_result ---- */

/** cw_device_set_features - DriverFeatures as a whole; ignored and counted after FEATURES_OK */
int cw_device_set_features(struct cw_device *d, uint64_t features);

/**
 * cw_device_set_status - Status
 *
 * 0 resets: d->resetting stays set until cw_device_reset_done() returns true. FEATURES_OK stays
 * clear when the accepted features cannot be (virtio 1.3 section 3.1.1).
 */
int cw_device_set_status(struct cw_device *d, uint32_t status);

/** cw_device_reset - as the driver's reset, for a link that went down */
void cw_device_reset(struct cw_device *d);

/** cw_device_reset_done - whether the reset is over; then status reads 0 */
bool cw_device_reset_done(struct cw_device *d);

/** cw_device_queue_ready - QueueReady=1 with the addresses and size in d->queue[q] */
int cw_device_queue_ready(struct cw_device *d, unsigned int q);

/** cw_device_queue_reset - QueueReset=1 (VIRTIO_F_RING_RESET) or QueueReady=0 */
int cw_device_queue_reset(struct cw_device *d, unsigned int q);

/** cw_device_config_write - a write to the configuration space */
int cw_device_config_write(struct cw_device *d, uint32_t off, uint32_t width, uint32_t value);

/** cw_device_kicked - the driver kicked queue @q; false when it is not ready (ignored, counted) */
bool cw_device_kicked(struct cw_device *d, unsigned int q);

/* ---- for the owner ---- */

/**
 * cw_device_serve - serve every queue that has work, each at most its budget
 *
 * Returns true when work is left. A fault of the model sets NEEDS_RESET here.
 */
bool cw_device_serve(struct cw_device *d);

/** cw_device_look - mark queues that are not armed and have news, for a polling owner */
bool cw_device_look(struct cw_device *d);

/** cw_device_arm - ask for kicks on every drained queue; true when one has news after all */
bool cw_device_arm(struct cw_device *d);

/* ---- for the model ---- */

/** cw_device_publish - publish used chains of @q and notify the driver if it wants that */
void cw_device_publish(struct cw_device *d, unsigned int q);

/** cw_device_followed - as cw_device_publish(), of relayed @q: who runs it wants the driver told */
void cw_device_followed(struct cw_device *d, unsigned int q);

/** cw_device_wake - a parked queue can go on: have it served */
void cw_device_wake(struct cw_device *d, unsigned int q);

/** cw_device_fault - the driver broke the rules: NEEDS_RESET, no ring access until the reset */
void cw_device_fault(struct cw_device *d, int err);

/** cw_device_changed - tell the driver about changed bytes at d->config */
void cw_device_changed(struct cw_device *d);

#endif
