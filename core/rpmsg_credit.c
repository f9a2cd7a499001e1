// SPDX-License-Identifier: BSD-3-Clause
/*
 * RPMsg credit (docs/spec/rpmsg.md section 5).
 *
 * Theory of operation: counts, not amounts, cross the boundary: a limit that is told twice, or late, says
 * the same. The receiver counts a message when it has done with it, so a window also bounds what an
 * application holds. A peer that tells nonsense hurts what it receives itself.
 */
#include "rpmsg_priv.h"

#include <causeway/core/bytes.h>
#include <causeway/core/gate.h>

static bool credit_may(const struct cw_rpmsg_endpoint *e)
{
	return !e->limited || (int32_t)(e->limit - e->sent) > 0;
}

static void credit_used(struct cw_rpmsg_endpoint *e)
{
	e->used++;
	if (e->window && e->used + e->window - e->told >= (e->window + 1u) / 2)
		cw_rpmsg_todo_(e, CW_RPMSG_TELL_CREDIT);
}

static void credit_heard(struct cw_rpmsg *ch, const struct cw_rpmsg_msg *m)
{
	struct cw_abi_rpmsg_credit c;
	struct cw_rpmsg_endpoint *e = NULL;

	if (m->len == sizeof(c)) {
		cw_rpmsg_copy(m, 0, &c, sizeof(c));
		e = cw_rpmsg_find_(ch, cw_get_le32(c.to));
	}
	if (!e || cw_get_le32(c.from) != m->src) {
		ch->count.bad++;
		return;
	}
	if (e->dst == CW_RPMSG_ANY)
		cw_rpmsg_bind_(e, m->src);
	if (!e->ops || e->dst != m->src)
		return;
	e->limit = cw_get_le32(c.limit);
	e->limited = true;
	ch->starved |= e->starved;
}

static uint32_t credit_fill(struct cw_rpmsg_endpoint *e, uint8_t *p)
{
	struct cw_abi_rpmsg_credit c;

	e->told = e->used + e->window;
	c.from = cw_make_le32(e->addr);
	c.to = cw_make_le32(e->dst);
	c.limit = cw_make_le32(e->told);
	memcpy(p, &c, sizeof(c));
	return sizeof(c);
}

void cw_rpmsg_credit_window(struct cw_rpmsg_endpoint *e, uint16_t window)
{
	e->window = window;
	if (!window)
		e->todo &= (uint8_t)~CW_RPMSG_TELL_CREDIT; /* it would take back what was given */
	else if (e->channel->queues && e->channel->credit && e->dst != CW_RPMSG_ANY)
		cw_rpmsg_todo_(e, CW_RPMSG_TELL_CREDIT);
}

const struct cw_rpmsg_credit cw_rpmsg_credit = { credit_may, credit_used, credit_heard,
						 credit_fill };
