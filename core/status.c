// SPDX-License-Identifier: BSD-3-Clause
/*
 * Status messages (docs/spec/status.md).
 *
 * Theory of operation: a message is a private copy when it comes here, so it is read in place, after its
 * length was held against the counts in it. What the peer calls things is made printable at once: from here
 * on nothing of a remote's can end a string, a line or a terminal's patience.
 */
#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/gate.h>
#include <causeway/core/status.h>
#include <causeway/core/text.h>

/* @dst is zeroed */
static void put_name(uint8_t *dst, const char *name, uint32_t n)
{
	for (uint32_t i = 0; i < n && name[i]; i++)
		dst[i] = (uint8_t)name[i];
}

static uint32_t bytes_of(unsigned int loops, unsigned int queues)
{
	return (uint32_t)(sizeof(struct cw_abi_sample) + loops * sizeof(struct cw_abi_sample_loop) +
			  queues * sizeof(struct cw_abi_sample_queue));
}

static void put_head(struct cw_abi_sample *m, const struct cw_sample *s)
{
	m->version = cw_make_le16(CW_SAMPLE_VERSION);
	m->life = cw_make_le32(s->life);
	m->sequence = cw_make_le32(s->sequence);
	m->links = cw_make_le32(s->links);
	cw_set_le32_pair(m->uptime_us, s->uptime_us);
	m->period_ms = cw_make_le32(s->period_ms);
	m->window_us = cw_make_le32(s->window_us);
	m->has = cw_make_le32(s->has);
	m->stack_size = cw_make_le32(s->stack_size);
	m->stack_used = cw_make_le32(s->stack_used);
	m->heap_size = cw_make_le32(s->heap_size);
	m->heap_used = cw_make_le32(s->heap_used);
	m->temperature = cw_make_le32((uint32_t)s->temperature);
	m->messages_in = cw_make_le32(s->messages_in);
	m->messages_out = cw_make_le32(s->messages_out);
	m->doorbells_in = cw_make_le32(s->doorbells_in);
	m->doorbells_out = cw_make_le32(s->doorbells_out);
	put_name(m->board, s->board, sizeof(m->board));
}

static void put_loop(uint8_t *at, const struct cw_sample_loop *l)
{
	struct cw_abi_sample_loop m;

	memset(&m, 0, sizeof(m));
	put_name(m.name, l->name, sizeof(m.name));
	m.share = cw_make_le32(l->share);
	memcpy(at, &m, sizeof(m));
}

static void put_queue(uint8_t *at, const struct cw_sample_queue *q)
{
	struct cw_abi_sample_queue m;

	memset(&m, 0, sizeof(m));
	put_name(m.name, q->name, sizeof(m.name));
	m.index = cw_make_le16(q->index);
	m.size = cw_make_le16(q->size);
	m.in_flight = cw_make_le16(q->in_flight);
	m.offered = cw_make_le32(q->offered);
	m.used = cw_make_le32(q->used);
	memcpy(at, &m, sizeof(m));
}

int cw_sample_encode(const struct cw_sample *s, void *buf, uint32_t size)
{
	unsigned int loops = s->loops < CW_SAMPLE_LOOPS ? s->loops : CW_SAMPLE_LOOPS;
	unsigned int queues = s->queues < CW_SAMPLE_QUEUES ? s->queues : CW_SAMPLE_QUEUES;
	uint32_t bytes = bytes_of(loops, queues);
	struct cw_abi_sample m;
	uint8_t *at = buf;

	if (size < bytes)
		return CW_ENOSPC;
	memset(&m, 0, sizeof(m));
	put_head(&m, s);
	m.size = cw_make_le16((uint16_t)bytes);
	m.loops = (uint8_t)loops;
	m.queues = (uint8_t)queues;
	memcpy(at, &m, sizeof(m));
	at += sizeof(m);
	for (unsigned int i = 0; i < loops; i++, at += sizeof(struct cw_abi_sample_loop))
		put_loop(at, &s->loop[i]);
	for (unsigned int i = 0; i < queues; i++, at += sizeof(struct cw_abi_sample_queue))
		put_queue(at, &s->queue[i]);
	return (int)bytes;
}

static void get_head(struct cw_sample *s, const struct cw_abi_sample *m)
{
	s->life = cw_get_le32(m->life);
	s->sequence = cw_get_le32(m->sequence);
	s->links = cw_get_le32(m->links);
	s->uptime_us = cw_get_le32_pair(m->uptime_us);
	s->period_ms = cw_get_le32(m->period_ms);
	s->window_us = cw_get_le32(m->window_us);
	s->has = cw_get_le32(m->has);
	s->stack_size = cw_get_le32(m->stack_size);
	s->stack_used = cw_get_le32(m->stack_used);
	s->heap_size = cw_get_le32(m->heap_size);
	s->heap_used = cw_get_le32(m->heap_used);
	s->temperature = (int32_t)cw_get_le32(m->temperature);
	s->messages_in = cw_get_le32(m->messages_in);
	s->messages_out = cw_get_le32(m->messages_out);
	s->doorbells_in = cw_get_le32(m->doorbells_in);
	s->doorbells_out = cw_get_le32(m->doorbells_out);
	s->loops = m->loops;
	s->queues = m->queues;
	cw_text_clean(s->board, m->board, sizeof(m->board));
}

static void get_loop(struct cw_sample_loop *l, const uint8_t *at)
{
	struct cw_abi_sample_loop m;

	memcpy(&m, at, sizeof(m));
	cw_text_clean(l->name, m.name, sizeof(m.name));
	l->share = cw_get_le32(m.share);
}

static void get_queue(struct cw_sample_queue *q, const uint8_t *at)
{
	struct cw_abi_sample_queue m;

	memcpy(&m, at, sizeof(m));
	cw_text_clean(q->name, m.name, sizeof(m.name));
	q->index = cw_get_le16(m.index);
	q->size = cw_get_le16(m.size);
	q->in_flight = cw_get_le16(m.in_flight);
	q->offered = cw_get_le32(m.offered);
	q->used = cw_get_le32(m.used);
}

/* The version first: of another one nothing else is known. */
static int check_head(const struct cw_abi_sample *m, uint32_t len)
{
	uint32_t period = cw_get_le32(m->period_ms);

	if (cw_get_le16(m->size) != len || m->loops > CW_SAMPLE_LOOPS ||
	    m->queues > CW_SAMPLE_QUEUES || bytes_of(m->loops, m->queues) != len)
		return CW_EBADLEN;
	if (period < CW_PERIOD_MIN_MS || period > CW_PERIOD_MAX_MS)
		return CW_EPEER;
	return CW_OK;
}

int cw_sample_decode(struct cw_sample *s, const void *buf, uint32_t len)
{
	const uint8_t *at = buf;
	struct cw_abi_sample m;
	int err;

	if (len >= 2 && cw_peek16(at) != CW_SAMPLE_VERSION)
		return CW_EVERSION;
	if (len < sizeof(m))
		return CW_EBADLEN;
	memcpy(&m, at, sizeof(m));
	err = check_head(&m, len);
	if (err)
		return err;
	get_head(s, &m);
	at += sizeof(m);
	for (unsigned int i = 0; i < s->loops; i++, at += sizeof(struct cw_abi_sample_loop))
		get_loop(&s->loop[i], at);
	for (unsigned int i = 0; i < s->queues; i++, at += sizeof(struct cw_abi_sample_queue))
		get_queue(&s->queue[i], at);
	return CW_OK;
}

void cw_control_encode(const struct cw_control *c, struct cw_abi_control *m)
{
	m->version = cw_make_le16(CW_SAMPLE_VERSION);
	m->command = cw_make_le16(c->command);
	m->tag = cw_make_le32(c->tag);
	m->value = cw_make_le32(c->value);
}

uint32_t cw_control_decode(struct cw_control *c, const void *buf, uint32_t len)
{
	struct cw_abi_control m;

	memset(&m, 0, sizeof(m));
	memcpy(&m, buf, len < sizeof(m) ? len : sizeof(m));
	c->command = cw_get_le16(m.command);
	c->tag = cw_get_le32(m.tag);
	c->value = cw_get_le32(m.value);
	if (len >= 2 && cw_get_le16(m.version) != CW_SAMPLE_VERSION)
		return CW_CONTROL_VERSION;
	if (len != sizeof(m))
		return CW_CONTROL_LENGTH;
	if (c->command == CW_CONTROL_PERIOD)
		return c->value < CW_PERIOD_MIN_MS || c->value > CW_PERIOD_MAX_MS ? CW_CONTROL_RANGE
										  : CW_CONTROL_DONE;
	if (c->command != CW_CONTROL_SAMPLE)
		return CW_CONTROL_COMMAND;
	return c->value ? CW_CONTROL_RANGE : CW_CONTROL_DONE;
}

void cw_control_answer_encode(const struct cw_control_answer *a, struct cw_abi_control_answer *m)
{
	m->version = cw_make_le16(CW_SAMPLE_VERSION);
	m->command = cw_make_le16(a->command);
	m->tag = cw_make_le32(a->tag);
	m->result = cw_make_le32(a->result);
	m->value = cw_make_le32(a->value);
}

int cw_control_answer_decode(struct cw_control_answer *a, const void *buf, uint32_t len)
{
	struct cw_abi_control_answer m;

	if (len != sizeof(m))
		return CW_EBADLEN;
	memcpy(&m, buf, sizeof(m));
	a->command = cw_get_le16(m.command);
	a->tag = cw_get_le32(m.tag);
	a->result = cw_get_le32(m.result);
	a->value = cw_get_le32(m.value);
	return cw_get_le16(m.version) == CW_SAMPLE_VERSION ? CW_OK : CW_EVERSION;
}
