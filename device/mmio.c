// SPDX-License-Identifier: BSD-3-Clause
/*
 * Registers over plain memory, device side.
 *
 * Theory of operation: the driver page is copied once and executed entry by entry, with the effect
 * that the same writes would have on a trapping virtio-mmio device; then the image is refreshed and
 * the request acknowledged. A page that names another link is not looked at further, so a request
 * of a former life can never run. A request that resets the device is acknowledged only after the
 * device's last store; no other request can come before, as the driver has one in flight.
 */
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/shm.h>
#include <causeway/device/mmio.h>

struct request {
	uint32_t seq, count;
	struct {
		uint32_t offset, width, value;
	} entry[CW_REQUEST_ENTRIES];
};

static void put(struct cw_device_mmio *t, uint32_t reg, uint32_t value)
{
	cw_store32(&t->page->reg[reg / 4], value);
}

static const struct cw_device_queue *selected(const struct cw_device_mmio *t)
{
	return t->queue_sel < t->dev->queues ? &t->dev->queue[t->queue_sel] : NULL;
}

static void refresh(struct cw_device_mmio *t)
{
	const struct cw_device_queue *q = selected(t);
	const struct cw_device *d = t->dev;

	put(t, CW_REG_DEVICE_FEATURES,
	    t->dev_sel < 2 ? (uint32_t)(d->offered >> (32 * t->dev_sel)) : 0);
	put(t, CW_REG_QUEUE_NUM_MAX, q ? q->num_max : 0);
	put(t, CW_REG_QUEUE_READY, q && q->ring.ready);
	put(t, CW_REG_QUEUE_RESET, 0);
	put(t, CW_REG_STATUS, d->status);
}

static void copy_config(struct cw_device_mmio *t)
{
	t->generation |= 1u;
	put(t, CW_REG_CONFIG_GENERATION, t->generation);
	cw_wmb(); /* rule "config": odd before the first byte ... */
	if (t->dev->config_len)
		cw_copy_out(t->page->config, t->dev->config, t->dev->config_len);
	cw_wmb(); /* ... and even after the last */
	put(t, CW_REG_CONFIG_GENERATION, ++t->generation);
}

static void tell(struct cw_device_mmio *t)
{
	cw_store32_release(&t->page->event, ++t->event);
	cw_link_kick(t->link, t->slot, t->event);
}

void cw_device_mmio_publish(struct cw_device_mmio *t)
{
	put(t, CW_REG_MAGIC, CW_MMIO_MAGIC);
	put(t, CW_REG_VERSION, CW_MMIO_VERSION);
	put(t, CW_REG_DEVICE_ID, t->dev->id);
	put(t, CW_REG_VENDOR_ID, CW_MMIO_VENDOR);
	put(t, CW_REG_INTERRUPT_STATUS, 0);
	/* No shared memory region besides the block: length and base read as all ones (4.2.2). */
	put(t, CW_REG_SHM_LEN_LO, UINT32_MAX);
	put(t, CW_REG_SHM_LEN_HI, UINT32_MAX);
	put(t, CW_REG_SHM_BASE_LO, UINT32_MAX);
	put(t, CW_REG_SHM_BASE_HI, UINT32_MAX);
	refresh(t);
	copy_config(t);
	cw_store32(&t->page->event, t->event);
	cw_store32_release(&t->page->ack_seq, t->seq);
}

static void used(struct cw_device *d, unsigned int q, uint32_t running);
static void changed(struct cw_device *d);
static const struct cw_device_transport_ops transport = { .used = used, .changed = changed };

int cw_device_mmio_init(struct cw_device_mmio *t, struct cw_device *dev, struct cw_link *link,
			const struct cw_window *region, const struct cw_layout_device *place)
{
	memset(t, 0, sizeof(*t));
	if (place->queues != dev->queues || place->id != dev->id || place->size < 2 * CW_PAGE_SIZE)
		return CW_EINVAL;
	t->page = cw_window_ptr(region, place->block, CW_PAGE_SIZE);
	t->request = cw_window_ptr(region, place->block + CW_PAGE_SIZE, CW_PAGE_SIZE);
	if (!t->page || !t->request)
		return CW_EBADADDR;
	t->dev = dev;
	t->link = link;
	t->slot = place->slot;
	/* Going on from the old word, a reader that spans the restart sees it move. */
	t->generation = cw_load32(&t->page->reg[CW_REG_CONFIG_GENERATION / 4]);
	dev->transport = &transport;
	dev->transport_ctx = t;
	return cw_window_sub(region, place->block + 2 * CW_PAGE_SIZE,
			     place->size - 2 * CW_PAGE_SIZE, &dev->window);
}

static void used(struct cw_device *d, unsigned int q, uint32_t running)
{
	struct cw_device_mmio *t = d->transport_ctx;

	cw_link_kick(t->link, t->slot + 1u + q, running);
}

static void changed(struct cw_device *d)
{
	struct cw_device_mmio *t = d->transport_ctx;

	refresh(t);
	copy_config(t);
	tell(t);
}

void cw_device_mmio_link(struct cw_device_mmio *t, bool up)
{
	(void)up; /* both edges void everything; a new driver starts from reset */
	t->pending = false;
	t->dev_sel = t->drv_sel = t->queue_sel = 0;
	t->drv_features = 0;
	cw_device_reset(t->dev);
	/* All of it: whoever wrote into the page meanwhile, the next driver reads ours. */
	cw_device_mmio_publish(t);
}

static int queue_number(struct cw_device_mmio *t, uint32_t value)
{
	if (t->queue_sel >= t->dev->queues)
		return CW_RESULT_STATE;
	if (t->dev->queue[t->queue_sel].ring.ready)
		return CW_RESULT_STATE;
	if (!value || value > t->dev->queue[t->queue_sel].num_max || value & (value - 1))
		return CW_RESULT_VALUE;
	t->dev->queue[t->queue_sel].num = (uint16_t)value;
	return CW_RESULT_OK;
}

static int queue_address(struct cw_device_mmio *t, uint32_t reg, uint32_t value)
{
	struct cw_device_queue *q;
	cw_addr_t *a;

	if (t->queue_sel >= t->dev->queues || t->dev->queue[t->queue_sel].ring.ready)
		return CW_RESULT_STATE;
	q = &t->dev->queue[t->queue_sel];
	a = reg < CW_REG_QUEUE_DRIVER_LO   ? &q->desc
	    : reg < CW_REG_QUEUE_DEVICE_LO ? &q->avail
					   : &q->used;
	if (reg & 4)
		*a = (uint32_t)*a | (cw_addr_t)value << 32;
	else
		*a = (*a >> 32 << 32) | value;
	return CW_RESULT_OK;
}

static int queue_ready(struct cw_device_mmio *t, uint32_t value)
{
	unsigned int slot = t->slot + 1u + t->queue_sel;
	int r;

	if (value > 1)
		return CW_RESULT_VALUE;
	if (!value)
		return cw_device_queue_reset(t->dev, t->queue_sel);
	r = cw_device_queue_ready(t->dev, t->queue_sel);
	if (r == CW_RESULT_OK) {
		/* Rule "ready": a former queue's kick or echo on this slot is void. */
		cw_link_zero_kick(t->link, slot);
		cw_link_zero_seen(t->link, slot);
	}
	return r;
}

static int queue_reset(struct cw_device_mmio *t, uint32_t value)
{
	if (value != 1 || !cw_device_has(t->dev, CW_F_RING_RESET))
		return CW_RESULT_STATE;
	return cw_device_queue_reset(t->dev, t->queue_sel);
}

static int driver_features(struct cw_device_mmio *t, uint32_t value)
{
	unsigned int shift = 32 * t->drv_sel;

	if (t->drv_sel > 1)
		return value ? CW_RESULT_FEATURES : CW_RESULT_OK;
	t->drv_features &= ~((uint64_t)UINT32_MAX << shift);
	t->drv_features |= (uint64_t)value << shift;
	return cw_device_set_features(t->dev, t->drv_features);
}

static int status(struct cw_device_mmio *t, uint32_t value)
{
	if (!value) {
		t->dev_sel = t->drv_sel = t->queue_sel = 0;
		t->drv_features = 0;
	}
	return cw_device_set_status(t->dev, value);
}

static int write_register(struct cw_device_mmio *t, uint32_t reg, uint32_t value)
{
	switch (reg) {
	case CW_REG_DEVICE_FEATURES_SEL:
		t->dev_sel = value;
		return CW_RESULT_OK;
	case CW_REG_DRIVER_FEATURES_SEL:
		t->drv_sel = value;
		return CW_RESULT_OK;
	case CW_REG_DRIVER_FEATURES:
		return driver_features(t, value);
	case CW_REG_QUEUE_SEL:
		t->queue_sel = value;
		return CW_RESULT_OK;
	case CW_REG_QUEUE_NUM:
		return queue_number(t, value);
	case CW_REG_QUEUE_READY:
		return queue_ready(t, value);
	case CW_REG_QUEUE_RESET:
		return queue_reset(t, value);
	case CW_REG_STATUS:
		return status(t, value);
	case CW_REG_QUEUE_DESC_LO:
	case CW_REG_QUEUE_DESC_HI:
	case CW_REG_QUEUE_DRIVER_LO:
	case CW_REG_QUEUE_DRIVER_HI:
	case CW_REG_QUEUE_DEVICE_LO:
	case CW_REG_QUEUE_DEVICE_HI:
		return queue_address(t, reg, value);
	case CW_REG_SHM_SEL:
	case CW_REG_INTERRUPT_ACK: /* swallowed: nothing stays asserted here */
		return CW_RESULT_OK;
	default:
		return CW_RESULT_REGISTER;
	}
}

static int execute_entry(struct cw_device_mmio *t, uint32_t offset, uint32_t width, uint32_t value)
{
	if (t->dev->resetting)
		return CW_RESULT_STATE;
	if (offset < CW_REG_CONFIG)
		return width == 4 ? write_register(t, offset, value) : CW_RESULT_REGISTER;
	if (offset >= CW_REG_CONFIG_END || (width != 1 && width != 2 && width != 4))
		return CW_RESULT_REGISTER;
	return cw_device_config_write(t->dev, offset - CW_REG_CONFIG, width, value);
}

static void execute(struct cw_device_mmio *t, const struct request *r)
{
	t->ack_result = CW_RESULT_COUNT;
	t->ack_refused = 0;
	if (!r->count || r->count > CW_REQUEST_ENTRIES)
		return;
	t->ack_result = CW_RESULT_OK;
	for (uint32_t i = 0; i < r->count && t->ack_result == CW_RESULT_OK; i++) {
		t->ack_result = (uint32_t)execute_entry(t, r->entry[i].offset, r->entry[i].width,
							r->entry[i].value);
		t->ack_refused = i;
	}
	if (t->ack_result == CW_RESULT_OK)
		t->ack_refused = 0;
	else
		t->dev->count.refused++;
}

static void acknowledge(struct cw_device_mmio *t)
{
	t->pending = false;
	refresh(t);
	cw_store32(&t->page->link_pmm, t->link->epoch);
	cw_store32(&t->page->link_remote, t->link->echoed);
	cw_store32(&t->page->result, t->ack_result);
	cw_store32(&t->page->refused, t->ack_refused);
	/* Rule "acknowledge": image, rings and result before the sequence that vouches for them. */
	cw_store32_release(&t->page->ack_seq, t->seq);
	tell(t);
}

/* Copies the request once; false when it is not for this link or not new. */
static bool fetch(struct cw_device_mmio *t, struct request *r)
{
	const struct cw_abi_driver_page *p = t->request;

	/* Rule "link id first": a page of a former link is not read beyond its id. */
	if (cw_load32(&p->link_pmm) != t->link->epoch ||
	    cw_load32_acquire(&p->link_remote) != t->link->echoed)
		return false;
	r->seq = cw_load32_acquire(&p->seq);
	if (r->seq == t->seq)
		return false;
	r->count = cw_load32(&p->count);
	for (uint32_t i = 0; i < r->count && i < CW_REQUEST_ENTRIES; i++) {
		r->entry[i].offset = cw_load32(&p->entry[i].offset);
		r->entry[i].width = cw_load32(&p->entry[i].width);
		r->entry[i].value = cw_load32(&p->entry[i].value);
	}
	return true;
}

bool cw_device_mmio_service(struct cw_device_mmio *t)
{
	struct request r;

	if (!cw_link_is_up(t->link))
		return false;
	if (!t->pending) {
		/* The reset that came with the link may wait for a store still. */
		if (!cw_device_reset_done(t->dev))
			return true;
		if (!fetch(t, &r))
			return false;
		t->seq = r.seq;
		execute(t, &r);
		t->pending = true;
	}
	if (!cw_device_reset_done(t->dev))
		return true;
	acknowledge(t);
	return false;
}
