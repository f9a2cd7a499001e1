// SPDX-License-Identifier: BSD-3-Clause
/*
 * 9P transport.
 *
 * Theory of operation: a chain's readable bytes are one message, its writable ones get the answer. Only
 * the frame is looked at here: size, and the tag for an answer that says what is wrong with it. A message
 * is answered at once when nothing is under way and the server can; else the owner answers it beside,
 * and the chain belongs to it until then, unless a reset came: then its answer is forgotten. A reset
 * ends the session too, beside and after what is in hand; until that is over no chain is taken, so a new
 * session never meets the files of an old one.
 */
#include <causeway/abi/9p.h>
#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/device/9p.h>

#define TYPE_AT	 4u
#define SHORTEST CW_9P_RREAD_HEADER /* of an Rlerror too */

static struct cw_9p_device *self(struct cw_device *d)
{
	return (struct cw_9p_device *)(void *)d;
}

/* ---- answers ---- */

static void give_back(struct cw_9p_device *d, const struct cw_9p_request *r, uint32_t len)
{
	d->count.strange += !len;
	d->count.answers += len != 0;
	d->count.answer_bytes += len;
	cw_devq_push(&d->dev.queue[0].ring, r->chain.head, len);
}

static void answer(struct cw_9p_device *d, struct cw_9p_request *r, const uint8_t *bytes,
		   uint32_t len)
{
	d->count.errors += len > TYPE_AT && bytes[TYPE_AT] == CW_9P_RLERROR;
	cw_chain_write(&r->chain, 0, bytes, len);
	give_back(d, r, len);
}

static void refuse(struct cw_9p_device *d, struct cw_9p_request *r, uint32_t error)
{
	uint8_t b[SHORTEST];

	d->count.strange++;
	cw_poke32(b, SHORTEST);
	b[TYPE_AT] = CW_9P_RLERROR;
	cw_poke16(b + 5, r->len < CW_9P_HEADER ? CW_9P_NOTAG : cw_peek16(r->message + 5));
	cw_poke32(b + CW_9P_HEADER, error);
	answer(d, r, b, SHORTEST);
}

void cw_9p_device_done(struct cw_9p_device *d, struct cw_9p_request *r, uint32_t len)
{
	r->busy = false;
	d->busy--;
	if (!r->gone && cw_device_running(&d->dev))
		answer(d, r, r->answer, len <= r->room ? len : 0);
	r->gone = false;
}

void cw_9p_device_ended(struct cw_9p_device *d)
{
	d->ending = false;
}

/* ---- messages ---- */

/* Leaves out the first SHORTEST bytes of the writable parts; returns the part that lost some of them. */
static struct cw_part *behind_head(struct cw_9p_request *r, unsigned int *n, uint32_t *lost)
{
	struct cw_part *first = r->chain.part + r->chain.readable, *part = first;

	*n = cw_parts_skip(first, r->chain.writable, SHORTEST, &part);
	*lost = SHORTEST;
	for (; first < part; first++)
		*lost -= (uint32_t)first->len;
	return part;
}

static bool answer_now(struct cw_9p_device *d, struct cw_9p_request *r)
{
	uint8_t head[CW_9P_ANSWER_MAX];
	uint32_t data = 0, lost;
	struct cw_part *part;
	unsigned int n;
	int got;

	if (!d->ops->answer_now || d->busy)
		return false;
	part = behind_head(r, &n, &lost);
	got = d->ops->answer_now(d->ctx, r->message, r->len, head, part, n, &data);
	if (n) {
		part->ptr = (uint8_t *)part->ptr - lost;
		part->len += lost;
	}
	/* What does not fit, the server is to say it in another way. */
	if (got <= 0 || (data && got != SHORTEST) || (uint32_t)got > r->room ||
	    data > r->room - (uint32_t)got)
		return false;
	d->count.errors += head[TYPE_AT] == CW_9P_RLERROR;
	cw_chain_write(&r->chain, 0, head, (uint32_t)got);
	give_back(d, r, (uint32_t)got + data);
	return true;
}

static void begin(struct cw_9p_device *d, struct cw_9p_request *r)
{
	uint32_t len = r->chain.readable_len, room = r->chain.writable_len;

	r->room = room < d->msize ? room : d->msize;
	r->len = cw_chain_read(&r->chain, 0, r->message, len <= d->msize ? len : CW_9P_HEADER);
	d->count.messages++;
	d->count.message_bytes += len;
	if (room < SHORTEST)
		give_back(d, r, 0);
	else if (len > d->msize)
		refuse(d, r, CW_9P_E2BIG);
	else if (len < CW_9P_HEADER || cw_peek32(r->message) != len)
		refuse(d, r, CW_9P_EPROTO);
	else if (!answer_now(d, r)) {
		r->busy = d->session = true;
		d->busy++;
		d->ops->start(d->ctx, r);
	}
}

static struct cw_9p_request *find_idle(struct cw_9p_device *d)
{
	for (unsigned int i = 0; !d->ending && d->busy < d->requests && i < d->requests; i++)
		if (!d->request[i].busy)
			return &d->request[i];
	return NULL;
}

static int serve_one(struct cw_9p_device *d, struct cw_devq *ring)
{
	struct cw_9p_request *r = find_idle(d);
	int got;

	if (!r)
		return CW_SERVE_PARKED;
	got = cw_devq_pop(ring, &r->chain, r->part, d->parts);
	if (got <= 0)
		return got;
	if (!r->chain.writable_len) {
		/* No room for an answer: it goes back, so that the driver sees which one, then fault. */
		give_back(d, r, 0);
		return CW_EBADCHAIN;
	}
	begin(d, r);
	return CW_SERVE_MORE;
}

static int serve(struct cw_device *dev, unsigned int q)
{
	struct cw_9p_device *d = self(dev);
	uint64_t before;
	int ret = CW_SERVE_MORE;

	d->ops->collect(d->ctx);
	before = d->count.answer_bytes;
	for (unsigned int i = 0; i < CW_SERVE_BUDGET && ret == CW_SERVE_MORE &&
				 d->count.answer_bytes - before < CW_SERVE_BYTES;
	     i++)
		ret = serve_one(d, &dev->queue[q].ring);
	cw_device_publish(dev, q);
	return ret;
}

static void reset(struct cw_device *dev, int q)
{
	struct cw_9p_device *d = self(dev);

	(void)q;
	for (unsigned int i = 0; i < d->requests; i++)
		d->request[i].gone = d->request[i].busy;
	if (!d->session)
		return;
	d->session = false;
	d->ending = true;
	d->ops->end(d->ctx);
}

static const struct cw_device_ops ops = { .serve = serve, .reset = reset };

int cw_9p_device_init(struct cw_9p_device *d, const struct cw_9p_device_ops *server, void *ctx,
		      const char *tag, uint32_t msize, struct cw_device_queue *queue,
		      struct cw_9p_request *request, unsigned int requests, unsigned int parts)
{
	unsigned int len = 0;

	memset(d, 0, sizeof(*d));
	while (tag && len <= CW_9P_TAG_MAX && tag[len])
		len++;
	if (!server || !server->start || !server->end || !server->collect || !requests ||
	    parts < 2 || msize < CW_9P_MSIZE_MIN || !len || len > CW_9P_TAG_MAX)
		return CW_EINVAL;
	d->ops = server;
	d->ctx = ctx;
	d->request = request;
	d->requests = requests;
	d->parts = parts;
	d->msize = msize;
	d->config.tag_len = cw_make_le16((uint16_t)len);
	memcpy(d->config.tag, tag, len);
	return cw_device_init(&d->dev, &ops, CW_ID_9P, CW_9P_F_MOUNT_TAG,
			      (const uint8_t *)&d->config, sizeof(d->config), queue, 1);
}
