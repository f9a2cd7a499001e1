// SPDX-License-Identifier: BSD-3-Clause
/* The socket driver against the socket device, and against one that lies. */
#include "world.h"

#define SECOND 1000000u
#define MANY   200000u

static struct cw_vsock_driver v;
static uint8_t data[MANY], back[MANY];

CW_VSOCK_MEMORY(sockets, 6, 8192);

static void fill(void)
{
	for (uint32_t i = 0; i < MANY; i++)
		data[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + 1);
	memset(back, 0xee, MANY);
}

static void opened_with(const struct world_options *o)
{
	world_start(o);
	fill();
	assert_int_equal(cw_vsock_open(&v, &w.mmio[VSOCK].transport, &sockets), CW_OK);
}

static void opened(void)
{
	opened_with(NULL);
}

/* Both sides until nothing moves. */
static void settle(void)
{
	for (int i = 0; i < 20; i++) {
		world_pmm();
		assert_int_equal(cw_vsock_poll(&v), CW_OK);
	}
	world_pmm();
}

/* The host's end of the newest connection. */
static struct host_end *newest(void)
{
	struct host_end *h = NULL;

	for (unsigned int i = 0; i < WORLD_SOCKETS; i++)
		if (w.host[i].open)
			h = &w.host[i];
	assert_non_null(h);
	return h;
}

static unsigned int open_ends(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < WORLD_SOCKETS; i++)
		n += w.host[i].open;
	return n;
}

/* No connection is left on either side. */
static void all_over(void)
{
	settle();
	assert_int_equal(open_ends(), 0);
	for (unsigned int i = 0; i < sockets.sockets; i++) {
		assert_int_equal(sockets.conn[i].state, CW_VSOCK_FREE);
		assert_false(sockets.conn[i].held);
	}
	for (unsigned int i = 0; i < WORLD_SOCKETS; i++)
		assert_int_equal(w.vsock.state[i].state, CW_VSOCK_FREE);
}

static int connected(uint16_t type)
{
	int s = cw_vsock_connect(&v, PORT_ANSWERS, type, SECOND);

	assert_true(s >= 0);
	return s;
}

static void connects_and_is_refused(void **state)
{
	int s;

	(void)state;
	opened();
	assert_int_equal(v.vsock.cid, 77);
	s = connected(CW_VSOCK_STREAM);
	assert_true(cw_vsock_events(&v, s) & CW_VSOCK_OUT);
	assert_int_equal(open_ends(), 1);
	cw_vsock_close(&v, s);
	all_over();
	s = cw_vsock_connect(&v, PORT_LATER, CW_VSOCK_STREAM, SECOND);
	assert_true(s >= 0);
	cw_vsock_close(&v, s);
	all_over();
	assert_int_equal(cw_vsock_connect(&v, PORT_REFUSES, CW_VSOCK_STREAM, SECOND), CW_ECLOSED);
	assert_int_equal(cw_vsock_connect(&v, 5, CW_VSOCK_SEQPACKET, SECOND), CW_ECLOSED);
	assert_int_equal(cw_vsock_connect(&v, 5, 3, SECOND), CW_EINVAL);
	all_over();
	assert_int_equal(w.vsock.vsock.strange, 0);
	assert_int_equal(v.vsock.strange, 0);
}

static void connects_without_waiting(void **state)
{
	int s, r;

	(void)state;
	opened();
	s = cw_vsock_connect(&v, PORT_ANSWERS, CW_VSOCK_STREAM, 0);
	r = cw_vsock_connect(&v, PORT_REFUSES, CW_VSOCK_STREAM, 0);
	assert_true(s >= 0 && r >= 0 && s != r);
	assert_int_equal(cw_vsock_events(&v, s), 0);
	assert_int_equal(cw_vsock_send(&v, s, data, 1, 0), CW_EAGAIN);
	settle();
	assert_int_equal(cw_vsock_events(&v, s), CW_VSOCK_OUT);
	assert_int_equal(cw_vsock_events(&v, r), CW_VSOCK_IN | CW_VSOCK_END);
	assert_int_equal(cw_vsock_recv(&v, r, back, 1, 0), CW_ECLOSED);
	cw_vsock_close(&v, r);
	cw_vsock_close(&v, s);
	all_over();
}

/* However little the host takes at a time; small packets, large ones, and both. */
static void stream_to_the_host(void **state)
{
	static const uint32_t takes[] = { UINT32_MAX, 1000, 7 };
	static const uint32_t sizes[] = { 1, 64, 2047, 2048, 5000, 70000 };

	(void)state;
	for (unsigned int t = 0; t < 3; t++) {
		uint32_t done = 0, all = t == 2 ? 20000 : MANY, n = 0;
		struct host_end *h;
		int s;

		opened();
		w.host_taken = takes[t];
		s = connected(CW_VSOCK_STREAM);
		h = newest();
		while (done < all) {
			uint32_t len = sizes[n++ % 6];
			int got;

			len = len < all - done ? len : all - done;
			got = cw_vsock_send(&v, s, data + done, len, SECOND);
			assert_true(got > 0 && (uint32_t)got <= len);
			done += (uint32_t)got;
		}
		settle();
		assert_int_equal(h->out_len, all);
		assert_memory_equal(h->out, data, all);
		cw_vsock_close(&v, s);
		all_over();
		assert_true(h->closed);
		if (t < 2)
			world_stop(NULL);
	}
}

static void stream_from_the_host(void **state)
{
	static const uint32_t reads[] = { 1, 64, 3000, MANY };

	(void)state;
	for (unsigned int r = 0; r < 4; r++) {
		uint32_t done = 0, all = r ? MANY : 20000;
		int s, got = 1;

		opened();
		s = connected(CW_VSOCK_STREAM);
		newest()->in = data;
		newest()->in_len = all;
		newest()->in_end = true;
		while (got > 0) {
			got = cw_vsock_recv(&v, s, back + done, reads[r], SECOND);
			assert_true(got >= 0);
			done += (uint32_t)got;
		}
		assert_int_equal(done, all);
		assert_memory_equal(back, data, all);
		/* It still takes what we say. */
		assert_int_equal(cw_vsock_send(&v, s, "bye", 3, SECOND), 3);
		settle();
		assert_memory_equal(newest()->out, "bye", 3);
		cw_vsock_close(&v, s);
		all_over();
		if (r < 3)
			world_stop(NULL);
	}
}

/* Nobody reads: as much as there is room for is taken, and not a byte is lost later. */
static void back_pressure(void **state)
{
	uint32_t done = 0;
	int s, t, got;

	(void)state;
	opened();
	w.host_taken = 0;
	s = connected(CW_VSOCK_STREAM);
	while ((got = cw_vsock_send(&v, s, data + done, 999, 0)) > 0) {
		done += (uint32_t)got;
		settle();
	}
	assert_int_equal(got, CW_EAGAIN);
	assert_int_equal(done, 16 * 1024);
	assert_int_equal(cw_vsock_send(&v, s, data, 1, 3000), CW_ETIMEDOUT);
	/* Another connection is not held up. */
	t = connected(CW_VSOCK_STREAM);
	newest()->in = data;
	newest()->in_len = 100;
	assert_int_equal(cw_vsock_recv(&v, t, back, 200, SECOND), 100);
	cw_vsock_close(&v, t);
	w.host_taken = UINT32_MAX;
	settle();
	assert_int_equal(newest()->out_len, done);
	assert_memory_equal(newest()->out, data, done);
	/* And the other way round: the socket's buffer and no more. */
	newest()->in = data;
	newest()->in_len = MANY;
	settle();
	assert_int_equal(newest()->in_at, 8192);
	assert_int_equal(cw_vsock_recv(&v, s, back, MANY, 0), 8192);
	settle();
	assert_int_equal(newest()->in_at, 2 * 8192);
	cw_vsock_close(&v, s);
	all_over();
}

/* Room that comes in the middle of looking for it is not waited for. */
static void room_that_comes_at_any_moment(void **state)
{
	(void)state;
	for (unsigned int at = 1; at < 60; at++) {
		uint64_t begun;
		int s;

		opened();
		w.host_taken = 0;
		s = connected(CW_VSOCK_STREAM);
		while (cw_vsock_send(&v, s, data, 5000, 0) > 0)
			settle();
		w.host_taken = UINT32_MAX;
		w.strike = w.step + at;
		w.at_strike = world_pmm;
		begun = w.now;
		assert_int_equal(cw_vsock_send(&v, s, data, 1, 100 * SECOND), 1);
		assert_true(w.now - begun < SECOND);
		w.at_strike = NULL;
		if (at + 1 < 60)
			world_stop(NULL);
	}
}

/* Small pieces wait for company only while the device has something to do, and never get lost. */
static void small_pieces_go_together(void **state)
{
	unsigned int packets;
	struct host_end *h;
	uint32_t n;
	int s, t;

	(void)state;
	opened();
	s = connected(CW_VSOCK_STREAM);
	t = connected(CW_VSOCK_STREAM);
	h = newest() - 1;
	packets = w.vsock.vsock.conn ? (unsigned int)w.vsock.count.tx_packets : 0;
	assert_int_equal(cw_vsock_send(&v, s, data, 10, 0), 10); /* at once: it has nothing to do */
	assert_int_equal(v.open, -1);
	for (n = 10; n < 8000; n += 10)
		assert_int_equal(cw_vsock_send(&v, s, data + n, 10, 0), 10);
	assert_true(v.open == s && v.open_len);
	assert_int_equal(cw_vsock_send(&v, t, data, 10, 0), 10); /* another's comes behind */
	assert_true(v.open != s);
	assert_int_equal(cw_vsock_send(&v, s, data + n, 10, 0), 10);
	assert_int_equal(cw_vsock_shutdown(&v, s, CW_VSOCK_SHUT_SEND), CW_OK);
	settle();
	assert_int_equal(h->out_len, 8010);
	assert_memory_equal(h->out, data, 8010);
	assert_true(h->shut);
	assert_true(w.vsock.count.tx_packets - packets < 20);
	/* What is collected leaves before the remote sleeps, and before its socket is closed. */
	w.hold = 1u << VSOCK;
	cw_vsock_send(&v, t, data + 10, 10, 0);
	cw_vsock_send(&v, t, data + 20, 10, 0);
	assert_int_equal(v.open, t);
	cw_vsock_arm(&v);
	assert_int_equal(v.open, -1);
	cw_vsock_send(&v, t, data + 30, 10, 0);
	cw_vsock_send(&v, t, data + 40, 10, 0);
	assert_int_equal(v.open, t);
	cw_vsock_close(&v, t);
	w.hold = 0;
	settle();
	assert_int_equal((h + 1)->out_len, 50);
	assert_memory_equal((h + 1)->out, data, 50);
}

static void messages_keep_their_bounds(void **state)
{
	struct host_end *h;
	uint32_t at = 0;
	int s;

	(void)state;
	opened();
	s = connected(CW_VSOCK_SEQPACKET);
	h = newest();
	for (uint32_t n = 1; n <= 60; n++) {
		assert_int_equal(cw_vsock_send(&v, s, data + at, n * 27, SECOND), n * 27);
		at += n * 27;
	}
	settle();
	assert_int_equal(h->messages, 60);
	for (uint32_t n = 1; n <= 60; n++)
		assert_int_equal(h->message[n - 1], n * 27);
	assert_memory_equal(h->out, data, at);
	assert_int_equal(cw_vsock_send(&v, s, data, 16384, SECOND), 16384);
	assert_int_equal(cw_vsock_send(&v, s, data, 16385, SECOND), CW_EINVAL);
	assert_int_equal(cw_vsock_send(&v, s, data, 0, SECOND), CW_EINVAL);
	h->in = data;
	h->in_len = 70000;
	h->in_message = 7000;
	for (int n = 0; n < 10; n++) {
		assert_int_equal(cw_vsock_recv(&v, s, back, 6999, SECOND), CW_ENOSPC);
		assert_int_equal(cw_vsock_recv(&v, s, back, MANY, SECOND), 7000);
		assert_memory_equal(back, data + n * 7000, 7000);
	}
	assert_int_equal(cw_vsock_recv(&v, s, back, MANY, 0), CW_EAGAIN);
	cw_vsock_close(&v, s);
	all_over();
}

/* Longer than what is free just now: the one who sends asks, and need not guess. */
static void long_message_after_short_ones(void **state)
{
	int s;

	(void)state;
	opened();
	s = connected(CW_VSOCK_SEQPACKET);
	for (int n = 0; n < 20; n++) {
		assert_int_equal(cw_vsock_send(&v, s, data, 7000, SECOND), 7000);
		assert_int_equal(cw_vsock_send(&v, s, data, 12000, SECOND), 12000);
	}
	newest()->in = data;
	newest()->in_len = MANY;
	newest()->in_message = 8000;
	for (int n = 0; n < 25; n++)
		assert_int_equal(cw_vsock_recv(&v, s, back, MANY, SECOND), 8000);
	cw_vsock_close(&v, s);
	all_over();
}

static unsigned int turns;

/* It asks once; what it is told then is too little, and what becomes free later is not half the buffer. */
static void at_last_the_host_reads(void)
{
	if (++turns == 5)
		w.host_taken = UINT32_MAX;
}

static void room_for_a_message_comes_in_pieces(void **state)
{
	int s;

	(void)state;
	opened();
	s = connected(CW_VSOCK_SEQPACKET);
	w.host_taken = 0;
	assert_int_equal(cw_vsock_send(&v, s, data, 5000, SECOND), 5000);
	turns = 0;
	w.tamper = at_last_the_host_reads;
	assert_int_equal(cw_vsock_send(&v, s, data, 14000, SECOND), 14000);
	assert_true(turns >= 5);
	w.tamper = NULL;
}

static void a_message_too_long_for_us_ends_it(void **state)
{
	int s;

	(void)state;
	opened();
	s = connected(CW_VSOCK_SEQPACKET);
	newest()->in = data;
	newest()->in_len = newest()->in_message = 8193;
	assert_int_equal(cw_vsock_recv(&v, s, back, MANY, SECOND), CW_ECLOSED);
	cw_vsock_close(&v, s);
	all_over();
}

static void accepts(void **state)
{
	int i, s;

	(void)state;
	opened();
	assert_int_equal(cw_vsock_device_dial(&w.vsock, 80, false), 0);
	settle();
	assert_true(w.host[0].closed); /* nobody listens */
	assert_int_equal(cw_vsock_listen(&v, 80, CW_VSOCK_STREAM, 2), CW_OK);
	assert_int_equal(cw_vsock_listen(&v, 80, CW_VSOCK_STREAM, 2), CW_EBUSY);
	assert_int_equal(cw_vsock_listen(&v, 80, CW_VSOCK_SEQPACKET, 1), CW_OK);
	assert_int_equal(cw_vsock_accept(&v, 80, CW_VSOCK_STREAM, 0), CW_EAGAIN);
	assert_int_equal(cw_vsock_accept(&v, 80, CW_VSOCK_STREAM, 1000), CW_ETIMEDOUT);
	i = cw_vsock_device_dial(&w.vsock, 80, false);
	settle();
	assert_true(w.host[i].open);
	w.host[i].in = data;
	w.host[i].in_len = 10;
	settle();
	assert_true(cw_vsock_waiting(&v, 80, CW_VSOCK_STREAM));
	assert_false(cw_vsock_waiting(&v, 80, CW_VSOCK_SEQPACKET));
	s = cw_vsock_accept(&v, 80, CW_VSOCK_STREAM, 0);
	assert_true(s >= 0);
	assert_int_equal(cw_vsock_recv(&v, s, back, 100, 0), 10);
	cw_vsock_close(&v, s);
	/* The backlog, and those who were still waiting when nobody listens any more. */
	for (int n = 0; n < 3; n++) {
		i = cw_vsock_device_dial(&w.vsock, 80, false);
		settle();
		assert_int_equal(w.host[i].open, n < 2);
	}
	cw_vsock_unlisten(&v, 80, CW_VSOCK_STREAM);
	settle();
	assert_int_equal(open_ends(), 0);
	assert_true(cw_vsock_device_dial(&w.vsock, 80, true) >= 0);
	settle();
	assert_true(cw_vsock_accept(&v, 80, CW_VSOCK_SEQPACKET, 0) >= 0);
}

/* Who comes, says something and goes before anybody looked: it is still heard. */
static void heard_after_the_end(void **state)
{
	int i, s;

	(void)state;
	opened();
	cw_vsock_listen(&v, 80, CW_VSOCK_STREAM, 4);
	i = cw_vsock_device_dial(&w.vsock, 80, false);
	settle();
	w.host[i].in = data;
	w.host[i].in_len = 5000;
	w.host[i].in_end = true;
	cw_vsock_device_hung(&w.vsock, (unsigned int)i);
	settle();
	s = cw_vsock_accept(&v, 80, CW_VSOCK_STREAM, 0);
	assert_true(s >= 0);
	assert_int_equal(cw_vsock_recv(&v, s, back, MANY, SECOND), 5000);
	assert_memory_equal(back, data, 5000);
	assert_int_equal(cw_vsock_recv(&v, s, back, MANY, SECOND), 0);
	assert_int_equal(cw_vsock_send(&v, s, data, 1, SECOND), CW_ECLOSED);
	assert_int_equal(cw_vsock_events(&v, s), CW_VSOCK_IN | CW_VSOCK_END);
	cw_vsock_close(&v, s);
	all_over();
}

static void half_closed(void **state)
{
	int s;

	(void)state;
	opened();
	w.host_taken = 0;
	s = connected(CW_VSOCK_STREAM);
	assert_int_equal(cw_vsock_send(&v, s, data, 5000, SECOND), 5000);
	assert_int_equal(cw_vsock_shutdown(&v, s, CW_VSOCK_SHUT_SEND), CW_OK);
	assert_int_equal(cw_vsock_send(&v, s, data, 1, SECOND), CW_ECLOSED);
	settle();
	assert_false(newest()->shut); /* not before the bytes */
	w.host_taken = UINT32_MAX;
	settle();
	assert_int_equal(newest()->out_len, 5000);
	assert_true(newest()->shut);
	newest()->in = data;
	newest()->in_len = 3000;
	newest()->in_end = true;
	assert_int_equal(cw_vsock_recv(&v, s, back, MANY, SECOND), 3000);
	assert_int_equal(cw_vsock_recv(&v, s, back, MANY, SECOND), 0);
	cw_vsock_close(&v, s);
	all_over();
}

/* We read nothing more and the host's end is gone: nobody is left to wait for, in whichever order. */
static void nobody_reads_any_more(void **state)
{
	(void)state;
	opened();
	for (int first = 0; first < 2; first++) {
		int s = connected(CW_VSOCK_STREAM);
		unsigned int i = (unsigned int)(newest() - w.host);

		newest()->in = data;
		newest()->in_len = MANY;
		settle();
		if (first)
			cw_vsock_device_hung(&w.vsock, i);
		assert_int_equal(cw_vsock_shutdown(&v, s, CW_VSOCK_SHUT_RCV), CW_OK);
		settle();
		if (!first)
			cw_vsock_device_hung(&w.vsock, i);
		settle();
		assert_true(cw_vsock_events(&v, s) & CW_VSOCK_END);
		cw_vsock_close(&v, s);
		all_over();
	}
}

static void the_host_ends_it(void **state)
{
	int s;

	(void)state;
	opened();
	s = connected(CW_VSOCK_STREAM);
	cw_vsock_device_abort(&w.vsock, (unsigned int)(newest() - w.host));
	assert_int_equal(cw_vsock_recv(&v, s, back, 1, SECOND), CW_ECLOSED);
	assert_int_equal(cw_vsock_send(&v, s, back, 1, SECOND), CW_ECLOSED);
	assert_int_equal(cw_vsock_shutdown(&v, s, CW_VSOCK_SHUT_SEND), CW_ECLOSED);
	/* Its number is kept for us until we close it. */
	for (unsigned int n = 1; n < sockets.sockets; n++)
		assert_int_not_equal(connected(CW_VSOCK_STREAM), s);
	assert_int_equal(cw_vsock_connect(&v, PORT_ANSWERS, CW_VSOCK_STREAM, SECOND), CW_ENOSPC);
	cw_vsock_close(&v, s);
	assert_int_equal(connected(CW_VSOCK_STREAM), s);
}

static void not_a_socket(void **state)
{
	(void)state;
	opened();
	for (int s = -2; s < 8; s++) {
		assert_int_equal(cw_vsock_send(&v, s, data, 1, 0), CW_EINVAL);
		assert_int_equal(cw_vsock_recv(&v, s, back, 1, 0), CW_EINVAL);
		assert_int_equal(cw_vsock_shutdown(&v, s, 1), CW_EINVAL);
		assert_int_equal(cw_vsock_events(&v, s), 0);
		cw_vsock_close(&v, s);
	}
	assert_int_equal(cw_vsock_listen(&v, 1, 7, 1), CW_EINVAL);
	assert_int_equal(cw_vsock_listen(&v, 1, CW_VSOCK_STREAM, 0), CW_EINVAL);
}

/* A thousand one after another leave nothing behind, and do not use the same numbers at once. */
static void many_connections(void **state)
{
	uint32_t last = 0;

	(void)state;
	opened();
	for (int n = 0; n < 1000; n++) {
		int s = connected(n & 1 ? CW_VSOCK_STREAM : CW_VSOCK_SEQPACKET);

		assert_int_not_equal(sockets.conn[s].port, last);
		last = sockets.conn[s].port;
		assert_int_equal(cw_vsock_send(&v, s, data, 100, SECOND), 100);
		cw_vsock_close(&v, s);
	}
	all_over();
	assert_int_equal(v.vsock.strange + w.vsock.vsock.strange, 0);
}

/* Flooded with calls: a bounded number is taken, all others are refused, nothing else suffers. */
static void flooded(void **state)
{
	unsigned int open;

	(void)state;
	opened();
	cw_vsock_listen(&v, 80, CW_VSOCK_STREAM, 100);
	for (int n = 0; n < 500; n++) {
		cw_vsock_device_dial(&w.vsock, 80, false);
		cw_vsock_device_dial(&w.vsock, 81, false);
		settle();
	}
	open = open_ends();
	assert_int_equal(open, sockets.sockets);
	cw_vsock_unlisten(&v, 80, CW_VSOCK_STREAM);
	all_over();
}

/* Nobody agrees to our leave: the place is free again all the same. */
static void an_end_that_nobody_agrees_to(void **state)
{
	int s;

	(void)state;
	opened();
	s = connected(CW_VSOCK_STREAM);
	w.hold = 1u << VSOCK;
	cw_vsock_close(&v, s);
	assert_int_equal(sockets.conn[s].state, CW_VSOCK_LEAVING);
	w.now += 9 * SECOND;
	cw_vsock_poll(&v);
	w.hold = 0;
	all_over();
}

static void ends_with_the_link(void **state)
{
	int s;

	(void)state;
	opened();
	cw_vsock_listen(&v, 80, CW_VSOCK_STREAM, 1);
	s = connected(CW_VSOCK_STREAM);
	world_new_pmm();
	assert_int_equal(cw_vsock_recv(&v, s, back, 1, 10 * SECOND), CW_ERESET);
	assert_int_equal(cw_vsock_send(&v, s, back, 1, 0), CW_ERESET);
	assert_int_equal(cw_vsock_accept(&v, 80, CW_VSOCK_STREAM, 0), CW_ERESET);
	world_link();
	assert_int_equal(cw_vsock_open(&v, &w.mmio[VSOCK].transport, &sockets), CW_OK);
	assert_int_equal(cw_vsock_events(&v, s), 0);
	s = connected(CW_VSOCK_STREAM);
	assert_int_equal(cw_vsock_send(&v, s, data, 100, SECOND), 100);
	settle();
	assert_int_equal(newest()->out_len, 100);
}

/* The remote is replaced at any moment: the device has forgotten all that was. */
static void remote_replaced_at_any_moment(void **state)
{
	(void)state;
	for (volatile unsigned int at = 1; at < 900; at += 7) {
		opened();
		w.strike = w.step + at;
		w.at_strike = world_crash;
		if (!setjmp(world_crashed)) {
			int s = connected(CW_VSOCK_STREAM);

			newest()->in = data;
			newest()->in_len = MANY;
			for (int n = 0; n < 5; n++) {
				cw_vsock_send(&v, s, data, 3000, SECOND);
				cw_vsock_recv(&v, s, back, 3000, SECOND);
			}
			cw_vsock_close(&v, s);
		}
		world_new_remote();
		assert_int_equal(open_ends(), 0);
		assert_int_equal(cw_vsock_open(&v, &w.mmio[VSOCK].transport, &sockets), CW_OK);
		connected(CW_VSOCK_STREAM);
		assert_int_equal(open_ends(), 1);
		if (at + 7 < 900)
			world_stop(NULL);
	}
}

static void small_blocks_and_queues(void **state)
{
	const struct world_options small = { .vsock_block = 0x6000 },
				   none = { .vsock_block = 0x3000 };
	int s;

	(void)state;
	opened_with(&small);
	assert_true(v.buffer < 1024);
	s = connected(CW_VSOCK_STREAM);
	for (uint32_t done = 0; done < 10000;) {
		int got = cw_vsock_send(&v, s, data + done, 10000 - done, SECOND);

		assert_true(got > 0);
		done += (uint32_t)got;
	}
	settle();
	assert_int_equal(newest()->out_len, 10000);
	world_stop(NULL);
	world_start(&none);
	assert_int_equal(cw_vsock_open(&v, &w.mmio[VSOCK].transport, &sockets), CW_ENOSPC);
}

/* ---- a device that lies: what it may write is a packet ---- */

/* The next receive buffer gets these words, whatever the device wanted. */
static void forge(uint32_t len, uint16_t op, uint16_t type, uint32_t dst_port, uint32_t src_port,
		  uint32_t said, uint32_t flags)
{
	uint16_t idx = (uint16_t)(v.rx.q.used_count + 1);
	uint32_t b = 0;
	struct cw_abi_vsock_hdr h;
	bool before = w.outside;

	w.outside = true;
	memset(&h, 0, sizeof(h));
	cw_set_le32_pair(h.src_cid, CW_VSOCK_CID_HOST);
	cw_set_le32_pair(h.dst_cid, 77);
	h.src_port = cw_make_le32(src_port);
	h.dst_port = cw_make_le32(dst_port);
	h.len = cw_make_le32(said);
	h.type = cw_make_le16(type);
	h.op = cw_make_le16(op);
	h.flags = cw_make_le32(flags);
	h.buf_alloc = cw_make_le32(100000);
	/* Buffers go round in the order of the available ring. */
	b = cw_load16(&v.rx.q.avail->ring[(uint16_t)(idx - 1) % v.rx.q.size]);
	memcpy(v.rx.mem + ((uintptr_t)v.rx.q.slot[b].cookie) * v.buffer, &h, sizeof(h));
	world_used(&v.rx.q, idx, b, len);
	w.outside = before;
}

static void packets_that_lie(void **state)
{
	uint32_t port, strange = 0;
	int s;

	(void)state;
	opened();
	/* The device's ring is ours from here on. */
	s = connected(CW_VSOCK_STREAM);
	port = sockets.conn[s].port;
	w.hold = 1u << VSOCK;
	forge(43, CW_VSOCK_OP_RW, 1, port, PORT_ANSWERS, 0, 0); /* shorter than a header */
	assert_int_equal(cw_vsock_poll(&v), CW_OK);
	assert_int_equal(v.strange, 1);
	forge(50, CW_VSOCK_OP_RW, 1, port, PORT_ANSWERS, 6, 0); /* good */
	assert_int_equal(cw_vsock_recv(&v, s, back, 100, 0), 6);
	forge(50, CW_VSOCK_OP_REQUEST, 1, 80, 5, 0,
	      0); /* not where anybody listens, and with data */
	assert_int_equal(cw_vsock_poll(&v), CW_OK);
	forge(44, CW_VSOCK_OP_CREDIT_UPDATE, 1, port + 1, 5, 0, 0); /* of no connection */
	assert_int_equal(cw_vsock_poll(&v), CW_OK);
	strange = v.vsock.strange;
	assert_int_equal(strange, 1);
	forge(50, CW_VSOCK_OP_RW, 1, port, PORT_ANSWERS, 7, 0); /* says more than there is */
	assert_int_equal(cw_vsock_recv(&v, s, back, 100, 0), CW_ECLOSED);
	assert_int_equal(v.vsock.strange, strange + 1);
	cw_vsock_close(&v, s);
}

static void more_than_there_is_room_for(void **state)
{
	uint32_t port;
	int s;

	(void)state;
	opened();
	s = connected(CW_VSOCK_STREAM);
	port = sockets.conn[s].port;
	w.hold = 1u << VSOCK;
	for (uint32_t n = v.buffer - 44, left = 8192; left; left -= n) {
		n = n < left ? n : left;
		forge(44 + n, CW_VSOCK_OP_RW, 1, port, PORT_ANSWERS, n, 0);
		assert_int_equal(cw_vsock_poll(&v), CW_OK);
	}
	assert_int_equal(v.vsock.strange, 0);
	forge(45, CW_VSOCK_OP_RW, 1, port, PORT_ANSWERS, 1, 0);
	assert_int_equal(cw_vsock_poll(&v), CW_OK);
	assert_int_equal(v.vsock.strange, 1);
	/* What came in order is still there. */
	assert_int_equal(cw_vsock_recv(&v, s, back, MANY, 0), 8192);
	assert_int_equal(cw_vsock_recv(&v, s, back, MANY, 0), CW_ECLOSED);
}

/* A device that gives back one buffer in a while, so that no single wait is too long. */
static void grudging(void)
{
	uint16_t idx = (uint16_t)(v.tx.q.used_count + 1);

	w.now += 7 * SECOND;
	world_used(&v.tx.q, idx, cw_load16(&v.tx.q.avail->ring[(uint16_t)(idx - 1) % v.tx.q.size]),
		   0);
}

static void a_message_ends_by_its_time(void **state)
{
	const struct world_options small = { .vsock_block = 0x6000 };
	uint64_t begun;
	int s;

	(void)state;
	opened_with(&small);
	s = connected(CW_VSOCK_SEQPACKET);
	w.hold = 1u << VSOCK;
	w.tamper = grudging;
	begun = w.now;
	assert_int_equal(cw_vsock_send(&v, s, data, 15000, SECOND), CW_ETIMEDOUT);
	assert_true(w.now - begun < 20 * SECOND);
	w.tamper = NULL;
	assert_int_equal(cw_vsock_recv(&v, s, back, 1, 0), CW_ECLOSED);
}

static void ring_that_lies(void **state)
{
	(void)state;
	opened();
	w.hold = 1u << VSOCK;
	world_used(&v.rx.q, (uint16_t)(v.rx.q.used_count + 1), 77, 44);
	assert_int_equal(cw_vsock_poll(&v), CW_EPEER);
	assert_int_equal(cw_vsock_poll(&v), CW_EPEER);
	assert_int_equal(cw_vsock_connect(&v, 1, CW_VSOCK_STREAM, 0), CW_EPEER);
}

static void lie_about_a_reset(void)
{
	const struct cw_abi_vsock_event e = { cw_make_le32(CW_VSOCK_EVENT_RESET) };
	uint16_t idx = (uint16_t)(v.event.used_count + 1);
	uint32_t b = cw_load16(&v.event.avail->ring[(uint16_t)(idx - 1) % v.event.size]);

	w.outside = true;
	memcpy(v.event_mem + (uintptr_t)v.event.slot[b].cookie * sizeof(e), &e, sizeof(e));
	world_used(&v.event, idx, b, sizeof(e));
	w.outside = false;
	assert_int_equal(cw_vsock_poll(&v), CW_OK);
}

/* Those who wait for accept are gone too, unless they said something; no place is lost. */
static void transport_reset_while_some_wait(void **state)
{
	int i, s;

	(void)state;
	opened();
	assert_int_equal(cw_vsock_listen(&v, 80, CW_VSOCK_STREAM, 9), CW_OK);
	assert_int_equal(cw_vsock_listen(&v, 80, CW_VSOCK_SEQPACKET, 9), CW_OK);
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int n = 0; n < sockets.sockets - 1; n++)
			cw_vsock_device_dial(&w.vsock, 80, false);
		i = cw_vsock_device_dial(&w.vsock, 80, true);
		assert_true(i >= 0);
		settle();
		w.host[i].in = data;
		w.host[i].in_len = 300;
		w.host[i].in_message = 100;
		settle();
		lie_about_a_reset();
		settle();
		assert_false(cw_vsock_waiting(&v, 80, CW_VSOCK_STREAM));
		s = cw_vsock_accept(&v, 80, CW_VSOCK_SEQPACKET, 0);
		assert_true(s >= 0);
		for (unsigned int n = 0; n < 3; n++)
			assert_int_equal(cw_vsock_recv(&v, s, back, MANY, 0), 100);
		assert_int_equal(cw_vsock_recv(&v, s, back, MANY, 0), CW_ECLOSED);
		cw_vsock_close(&v, s);
		for (unsigned int n = 0; n < WORLD_SOCKETS; n++)
			if (w.host[n].open)
				cw_vsock_device_abort(&w.vsock, n);
		all_over();
	}
	for (unsigned int n = 0; n < sockets.sockets; n++)
		connected(CW_VSOCK_STREAM);
}

static void transport_reset(void **state)
{
	int s;

	(void)state;
	opened();
	s = connected(CW_VSOCK_STREAM);
	cw_vsock_listen(&v, 80, CW_VSOCK_STREAM, 1);
	lie_about_a_reset();
	assert_int_equal(v.resets, 1);
	assert_int_equal(cw_vsock_recv(&v, s, back, 1, SECOND), CW_ECLOSED);
	cw_vsock_close(&v, s);
	/* Listening goes on. */
	assert_true(cw_vsock_device_dial(&w.vsock, 80, false) >= 0);
	settle();
	assert_true(cw_vsock_accept(&v, 80, CW_VSOCK_STREAM, 0) >= 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, world_stop)
	const struct CMUnitTest tests[] = {
		T(connects_and_is_refused),
		T(connects_without_waiting),
		T(stream_to_the_host),
		T(stream_from_the_host),
		T(back_pressure),
		T(room_that_comes_at_any_moment),
		T(small_pieces_go_together),
		T(messages_keep_their_bounds),
		T(long_message_after_short_ones),
		T(room_for_a_message_comes_in_pieces),
		T(a_message_too_long_for_us_ends_it),
		T(accepts),
		T(heard_after_the_end),
		T(half_closed),
		T(nobody_reads_any_more),
		T(the_host_ends_it),
		T(not_a_socket),
		T(many_connections),
		T(flooded),
		T(an_end_that_nobody_agrees_to),
		T(ends_with_the_link),
		T(remote_replaced_at_any_moment),
		T(small_blocks_and_queues),
		T(packets_that_lie),
		T(more_than_there_is_room_for),
		T(ring_that_lies),
		T(a_message_ends_by_its_time),
		T(transport_reset),
		T(transport_reset_while_some_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
