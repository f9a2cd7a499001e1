// SPDX-License-Identifier: BSD-3-Clause
#include "world.h"

#define BASE  0x3ed00000u
#define LIMIT 20000u
#define PAGE  CW_PAGE_SIZE

static struct world_options options;

struct world w;

/* ---- the remote's accesses ---- */

static void step(void)
{
	if (w.outside)
		return;
	w.step++;
	if (w.strike && w.step == w.strike && w.at_strike) {
		w.outside = true;
		w.at_strike();
		w.outside = false;
	}
}

uint32_t cw_hook_load(const volatile void *p, unsigned int width, uint32_t value)
{
	step();
	return w.load && !w.outside ? w.load(p, width, value) : value;
}

void cw_hook_store(const volatile void *p, unsigned int width)
{
	(void)p;
	(void)width;
	step();
}

/* ---- models ---- */

static int rng_fill(void *ctx, const struct cw_part *part, unsigned int n, uint32_t max)
{
	uint32_t done = 0, want = (uint32_t)w.rng_give < max ? (uint32_t)w.rng_give : max;

	(void)ctx;
	if (w.rng_give <= 0)
		return CW_EAGAIN;
	for (unsigned int i = 0; i < n; i++)
		for (size_t b = 0; b < part[i].len && done < want; b++, done++)
			((uint8_t *)part[i].ptr)[b] = w.rng_next++;
	return (int)done;
}

static uint64_t pmm_now(void *ctx)
{
	(void)ctx;
	return w.now;
}

static const struct cw_rng_ops rng_ops = { rng_fill, pmm_now };

static int net_send(void *ctx, const struct cw_part *part, unsigned int n)
{
	struct frame *f = &w.sent[w.sent_count % FRAMES];

	(void)ctx;
	f->len = 0;
	for (unsigned int i = 0; i < n; i++) {
		assert_true(f->len + part[i].len <= FRAME_MAX);
		memcpy(f->b + f->len, part[i].ptr, part[i].len);
		f->len += (uint32_t)part[i].len;
	}
	w.sent_count++;
	return 0;
}

static int net_receive(void *ctx, const struct cw_part *part, unsigned int n)
{
	struct frame *f = &w.incoming[w.in_taken % FRAMES];
	uint32_t done = 0;

	(void)ctx;
	if (w.in_taken == w.in_count)
		return CW_EAGAIN;
	for (unsigned int i = 0; i < n; i++) {
		uint32_t k = f->len - done < part[i].len ? f->len - done : (uint32_t)part[i].len;

		memcpy(part[i].ptr, f->b + done, k);
		done += k;
	}
	w.in_taken++;
	return (int)done;
}

static const struct cw_net_ops net_ops = { .send = net_send, .receive = net_receive };

static int con_output(void *ctx, unsigned int port, const struct cw_part *part, unsigned int n)
{
	int which = ctx == &w.multi, done = 0;

	for (unsigned int i = 0; i < n; i++) {
		for (size_t b = 0; b < part[i].len && done < w.out_take; b++, done++) {
			assert_true(w.out_len[which][port] < sizeof(w.out[0][0]));
			w.out[which][port][w.out_len[which][port]++] =
				((const uint8_t *)part[i].ptr)[b];
		}
	}
	return done;
}

static int con_input(void *ctx, unsigned int port, const struct cw_part *part, unsigned int n)
{
	int which = ctx == &w.multi, done = 0;

	if (!w.in_len[which][port])
		return CW_EAGAIN;
	for (unsigned int i = 0; i < n; i++) {
		for (size_t b = 0; b < part[i].len && w.in_len[which][port]; b++, done++) {
			((uint8_t *)part[i].ptr)[b] = *w.in[which][port]++;
			w.in_len[which][port]--;
		}
	}
	return done;
}

static const struct cw_console_ops con_ops = { .output = con_output, .input = con_input };

static int disk_read_now(void *ctx, const struct cw_part *part, unsigned int n, uint64_t offset,
			 uint32_t len)
{
	(void)ctx;
	if (!w.disk_cached)
		return CW_EAGAIN;
	assert_true(offset + len <= sizeof(w.disk));
	for (unsigned int i = 0; i < n; offset += part[i].len, i++)
		memcpy(part[i].ptr, w.disk + offset, part[i].len);
	return (int)len;
}

static void disk_start(void *ctx, struct cw_blk_request *r)
{
	(void)ctx;
	assert_true(w.disk_todos < DISK_DEPTH);
	w.disk_todo[w.disk_todos++] = r;
}

static bool disk_do(const struct cw_blk_step *s)
{
	if (w.disk_broken)
		return false;
	assert_true(s->offset <= sizeof(w.disk) && s->len <= sizeof(w.disk) - s->offset);
	if (s->type == CW_BLK_T_IN)
		memcpy(s->buf, w.disk + s->offset, (size_t)s->len);
	else if (s->type == CW_BLK_T_OUT)
		memcpy(w.disk + s->offset, s->buf, (size_t)s->len);
	else if (s->type == CW_BLK_T_FLUSH)
		w.disk_flushes++;
	else
		memset(w.disk + s->offset, 0, (size_t)s->len);
	return true;
}

static void disk_collect(void *ctx)
{
	(void)ctx;
	while (w.disk_todos && !w.disk_stuck) {
		struct cw_blk_request *r = w.disk_todo[0];
		bool ok = disk_do(&r->step);

		w.disk_todos--;
		memmove(w.disk_todo, w.disk_todo + 1, w.disk_todos * sizeof(w.disk_todo[0]));
		cw_blk_done(&w.blk, r, ok);
	}
}

static const struct cw_blk_ops disk_ops = { disk_read_now, disk_start, disk_collect };

static void make_disk(bool read_only)
{
	const struct cw_blk_geometry g = { .sectors = DISK_SECTORS,
					   .block = 4096,
					   .read_only = read_only,
					   .zeroes = true,
					   .id = "disk of a test" };

	memset(w.disk_request, 0, sizeof(w.disk_request));
	w.disk_todos = 0;
	for (unsigned int i = 0; i < DISK_DEPTH; i++) {
		w.disk_request[i].part = w.disk_part[i];
		w.disk_request[i].buf = w.disk_buf[i];
	}
	assert_int_equal(cw_blk_init(&w.blk, &disk_ops, NULL, &g, w.queue[DISK], w.disk_request,
				     DISK_DEPTH, WORLD_QUEUE),
			 CW_OK);
}

static int echo(struct cw_rpmsg_endpoint *e, const struct cw_rpmsg_msg *m)
{
	uint8_t text[4096];

	assert_int_equal(cw_rpmsg_copy(m, 0, text, sizeof(text)), m->len);
	if (!cw_rpmsg_sendto(e, m->src, text, m->len, 0))
		w.echoes++;
	return 0;
}

static void echo_peer(struct cw_rpmsg_endpoint *e, bool has)
{
	(void)e;
	w.echoes_ended += !has;
}

static uint64_t rpmsg_now(void *ctx)
{
	(void)ctx;
	return w.now;
}

static void make_rpmsg(void)
{
	static const struct cw_rpmsg_endpoint_ops echo_ops = { .receive = echo, .peer = echo_peer };
	static const struct cw_rpmsg_device_ops now = { .now = rpmsg_now };
	const struct cw_rpmsg_config c = { .endpoint = w.endpoint,
					   .endpoints = 2,
					   .credit = &cw_rpmsg_credit,
					   .fragment = &cw_rpmsg_fragment,
					   .nuttx = options.nuttx,
					   .repeats = CW_RPMSG_REPEATS };
	const struct cw_rpmsg_spec s = {
		.name = "echo", .addr = CW_RPMSG_ANY, .dst = CW_RPMSG_ANY, .ops = &echo_ops
	};
	struct cw_rpmsg_endpoint *e;

	assert_int_equal(cw_rpmsg_init(&w.channel, &c), CW_OK);
	assert_int_equal(cw_rpmsg_create(&w.channel, &s, &e), CW_OK);
	assert_int_equal(cw_rpmsg_device_init(&w.rpmsg, &w.channel, &now, NULL,
					      options.to_host ? options.to_host : 512,
					      options.to_remote ? options.to_remote : 512,
					      w.queue[RPMSG], w.rpmsg_tx, w.rpmsg_rx),
			 CW_OK);
}

/* A server may answer in any order: a fid must not be clunked while something else is asked of it. */
static void check_clunk(const uint8_t *message)
{
	for (unsigned int i = 0; i < w.files_todos && message[4] == CW_9P_TCLUNK; i++) {
		const uint8_t *other = w.files_todo[i] ? w.files_todo[i]->message : message;

		assert_true(other == message ||
			    (memcmp(other + 7, message + 7, 4) != 0 &&
			     (other[4] != CW_9P_TWALK || memcmp(other + 11, message + 7, 4) != 0)));
	}
}

static void files_start(void *ctx, struct cw_9p_request *r)
{
	(void)ctx;
	assert_true(w.files_todos < FILES_DEPTH);
	check_clunk(r->message);
	w.files_todo[w.files_todos++] = r;
}

static void files_end(void *ctx)
{
	(void)ctx;
	w.files_todo[w.files_todos++] = NULL;
}

static void files_answer(struct cw_9p_request *r)
{
	uint32_t len = tree_answer(&w.tree, r->message, r->len, r->answer, r->room);

	if (w.files_lie)
		len = w.files_lie(r->answer, len);
	cw_9p_device_done(&w.files, r, len);
}

static void files_collect(void *ctx)
{
	(void)ctx;
	while (w.files_todos && !w.files_stuck) {
		struct cw_9p_request *r = w.files_todo[0];

		w.files_todos--;
		memmove(w.files_todo, w.files_todo + 1, w.files_todos * sizeof(w.files_todo[0]));
		if (r) {
			files_answer(r);
			continue;
		}
		tree_forget(&w.tree);
		cw_9p_device_ended(&w.files);
	}
}

static const struct cw_9p_device_ops files_ops = { NULL, files_start, files_end, files_collect };

static void make_files(void)
{
	memset(w.files_request, 0, sizeof(w.files_request));
	w.files_todos = 0;
	tree_forget(&w.tree);
	for (unsigned int i = 0; i < FILES_DEPTH; i++) {
		w.files_request[i].part = w.files_part[i];
		w.files_request[i].message = w.files_buf + (size_t)2 * i * FILES_MSIZE;
		w.files_request[i].answer = w.files_request[i].message + FILES_MSIZE;
	}
	assert_int_equal(cw_9p_device_init(&w.files, &files_ops, NULL, "tree of a test",
					   FILES_MSIZE, w.queue[FILES], w.files_request,
					   FILES_DEPTH, WORLD_QUEUE),
			 CW_OK);
}

static const uint8_t mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };
static const char *const names[WORLD_PORTS] = { "shell", "log" };

static const char *const unnamed[1];

static struct cw_device *model(int i)
{
	struct cw_device *const d[DEVICES] = {
		&w.rng.dev, &w.net.dev,	  &w.con.dev,	&w.multi.dev,
		&w.blk.dev, &w.rpmsg.dev, &w.files.dev, &w.vsock.dev
	};

	return d[i];
}

static void make_models(const struct world_options *o)
{
	for (int i = 0; i < DEVICES; i++) {
		for (unsigned int q = 0; q < w.place[i].queues; q++) {
			memset(&w.queue[i][q], 0, sizeof(w.queue[i][q]));
			w.queue[i][q].num_max = w.place[i].queue_size;
			w.queue[i][q].own = w.own[i][q];
		}
	}
	assert_int_equal(
		cw_rng_init(&w.rng, &rng_ops, NULL, 0, w.queue[RNG], w.rng_part, WORLD_QUEUE),
		CW_OK);
	assert_int_equal(cw_net_device_init(&w.net, &net_ops, NULL, mac, o->mtu, o->offload,
					    w.queue[NET], w.net_part, WORLD_QUEUE + 1),
			 CW_OK);
	assert_int_equal(cw_console_device_init(&w.con, &con_ops, &w.con, 80, 24, 1, unnamed,
						w.queue[CONSOLE]),
			 CW_OK);
	assert_int_equal(cw_console_device_init(&w.multi, &con_ops, &w.multi, 132, 50, WORLD_PORTS,
						names, w.queue[MULTI]),
			 CW_OK);
	make_disk(o->read_only);
	make_rpmsg();
	make_files();
	world_vsock_make(o->vsock_room);
}

/* ---- the PMM ---- */

static void ring_remote(void *ctx)
{
	(void)ctx;
	w.bell = !w.dumb;
}

static const struct cw_link_ops pmm_ops = { .ring = ring_remote };

static void make_pmm(void)
{
	make_models(&options);
	assert_int_equal(cw_device_bus_init(&w.dev, &w.layout, w.mem, w.dev_slot, &pmm_ops, NULL),
			 CW_OK);
	for (unsigned int i = 0; i < DEVICES; i++)
		assert_int_equal(cw_device_bus_add(&w.dev, i, &w.dev_mmio[i], model((int)i)),
				 CW_OK);
	assert_int_equal(cw_device_bus_begin(&w.dev, w.now), CW_OK);
	w.lives++;
}

static void feed_console(int i, struct cw_console_device *c)
{
	for (unsigned int p = 0; p < c->ports; p++) {
		if (w.in_len[i == MULTI][p] && cw_console_device_wants_input(c, p))
			cw_console_device_ready(c, p);
		if (w.out_take && cw_console_device_wants_room(c, p))
			cw_console_device_ready(c, p);
	}
	w.dev.busy |= 1u << i;
}

static void feed(void)
{
	if (cw_rng_poll(&w.rng))
		cw_device_bus_wake(&w.dev, RNG, 0);
	if (w.in_taken < w.in_count && cw_net_device_wants(&w.net))
		cw_net_device_receive(&w.net);
	feed_console(CONSOLE, &w.con);
	feed_console(MULTI, &w.multi);
	if (w.disk_todos && !w.disk_stuck)
		cw_device_bus_wake(&w.dev, DISK, 0);
	if (w.rpmsg.channel)
		cw_rpmsg_device_run(&w.rpmsg);
	w.dev.busy |= 1u << RPMSG;
	if (w.files_todos && !w.files_stuck)
		cw_device_bus_wake(&w.dev, FILES, 0);
	world_vsock_feed();
}

static bool serve(void)
{
	bool more = false;

	if (!w.hold)
		return cw_device_bus_serve(&w.dev);
	for (int i = 0; i < DEVICES; i++)
		if (!(w.hold & 1u << i))
			more |= cw_device_serve(model(i));
	return more;
}

void world_pmm(void)
{
	bool before = w.outside;

	w.outside = true;
	for (unsigned int i = 0; w.on; i++) {
		assert_true(i < 1000);
		if (w.silent) {
			cw_link_poll(&w.dev.link, w.now);
			break;
		}
		cw_device_bus_poll(&w.dev, w.now);
		feed();
		if (serve() || (!w.hold && cw_device_bus_arm(&w.dev)))
			continue;
		break;
	}
	w.outside = before;
}

void world_new_pmm(void)
{
	bool before = w.outside;

	w.outside = true;
	make_pmm();
	w.outside = before;
}

/* ---- the remote's port ---- */

static uint64_t remote_now(void *ctx)
{
	(void)ctx;
	return w.now++;
}

static void ring_pmm(void *ctx)
{
	(void)ctx;
	w.rings++;
}

static void look_around(void)
{
	w.now += 5;
	world_pmm();
	if (w.tamper)
		w.tamper();
}

static void remote_wait(void *ctx, uint64_t deadline)
{
	bool before = w.outside;

	(void)ctx;
	w.outside = true;
	if (++w.waits > w.wait_limit)
		fail_msg("the driver waits for ever");
	look_around();
	/* Asleep; the PMM has timers of its own. */
	for (unsigned int ms = 0; !w.bell && deadline > w.now; ms++) {
		if (deadline == CW_LINK_NEVER && ms == 1000) {
			w.slept_for_ever = true;
			break;
		}
		w.now = deadline - w.now < 1000 ? deadline : w.now + 1000;
		look_around();
	}
	w.bell = false;
	w.outside = before;
}

void world_pass(void)
{
	cw_bus_wait(&w.bus, w.now + 1000);
}

/* ---- set-up ---- */

static void place(int i, const char *name, uint32_t id, uint16_t queues, uint32_t size)
{
	struct cw_layout_device *d = &w.place[i];
	const struct cw_layout_device *last = i ? d - 1 : NULL;

	strcpy(d->name, name);
	d->id = id;
	d->queues = queues;
	d->queue_size = WORLD_QUEUE;
	d->size = size;
	d->slot = last ? (uint16_t)(last->slot + 1 + last->queues) : 1;
	d->block = last ? last->block + last->size : BASE + 2 * PAGE;
}

static void make_layout(void)
{
	const struct cw_layout_device *last = &w.place[DEVICES - 1];

	place(RNG, "rng0", CW_ID_RNG, 1, 4 * PAGE);
	place(NET, "net0", CW_ID_NET, 2, options.net_block);
	place(CONSOLE, "con0", CW_ID_CONSOLE, 2, 6 * PAGE);
	place(MULTI, "con1", CW_ID_CONSOLE, (uint16_t)cw_console_device_queues(WORLD_PORTS),
	      16 * PAGE);
	place(DISK, "disk0", CW_ID_BLK, 1, options.disk_block);
	place(RPMSG, "rpmsg0", CW_ID_RPMSG, CW_RPMSG_DEVICE_QUEUES, options.rpmsg_block);
	place(FILES, "files0", CW_ID_9P, 1, options.files_block);
	place(VSOCK, "vsock0", CW_ID_VSOCK, CW_VSOCK_QUEUES, options.vsock_block);
	w.layout = (struct cw_layout){
		.base = BASE,
		.line = options.line,
		.slots = (uint16_t)(last->slot + 1 + last->queues),
		.devices = DEVICES,
		.pmm_page = BASE,
		.remote_page = BASE + PAGE,
		.size = (uint32_t)(last->block + last->size - BASE),
		.device = w.place,
	};
	assert_true(w.layout.slots <= 40);
}

void world_new(const struct world_options *o)
{
	memset(&w, 0, sizeof(w));
	memset(&options, 0, sizeof(options));
	options = o ? *o : options;
	options.disk_block = options.disk_block ? options.disk_block : 32 * 1024;
	options.rpmsg_block = options.rpmsg_block ? options.rpmsg_block : 64 * 1024;
	options.files_block = options.files_block ? options.files_block : 24 * 1024;
	options.vsock_block = options.vsock_block ? options.vsock_block : 64 * 1024;
	options.vsock_room = options.vsock_room ? options.vsock_room : 16 * 1024;
	options.net_block = options.net_block ? options.net_block : 128 * 1024;
	options.mtu = options.mtu ? options.mtu : 1500;
	options.line = options.line ? options.line : 64;
	make_layout();
	w.outside = true;
	w.mem = aligned_alloc(PAGE, w.layout.size);
	assert_non_null(w.mem);
	memset(w.mem, 0xa7, w.layout.size);
	memset(w.mem, 0, 2 * PAGE);
	w.sent = calloc(FRAMES, sizeof(struct frame));
	w.incoming = calloc(FRAMES, sizeof(struct frame));
	w.files_buf = malloc((size_t)2 * FILES_DEPTH * FILES_MSIZE);
	tree_begin(&w.tree);
	w.now = 1000000;
	w.wait_limit = LIMIT;
	w.rng_give = 1 << 20;
	w.out_take = 1 << 20;
	w.on = true;
	w.port = (struct cw_port){ remote_now, ring_pmm, remote_wait, NULL };
	assert_int_equal(cw_bus_init(&w.bus, &w.layout, w.mem, w.slot, &w.port), CW_OK);
	for (unsigned int i = 0; i < DEVICES; i++)
		assert_int_equal(cw_mmio_init(&w.mmio[i], &w.bus, i), CW_OK);
	w.outside = false;
}

void world_link(void)
{
	assert_int_equal(cw_bus_wait_up(&w.bus, 5000000), CW_OK);
	for (int i = 0; i < DEVICES; i++)
		assert_int_equal(cw_mmio_open(&w.mmio[i]), CW_OK);
}

void world_strike_pmm(void)
{
	world_new_pmm();
	world_pmm();
}

void world_pmm_restarts(void (*opened)(void), int (*use)(void), void (*check)(void))
{
	unsigned int steps, hit = 0;

	opened();
	steps = w.step;
	assert_int_equal(use(), CW_OK);
	steps = w.step - steps;
	world_stop(NULL);
	for (unsigned int s = 1; s <= steps; s += steps / 60 + 1) {
		int err;

		opened();
		w.strike = w.step + s;
		w.at_strike = world_strike_pmm;
		err = use();
		assert_true(!err || err == CW_ERESET);
		hit += err != 0;
		w.at_strike = NULL;
		world_link();
		assert_int_equal(use(), CW_OK);
		if (check)
			check();
		world_stop(NULL);
	}
	assert_true(hit > 30);
	opened();
}

jmp_buf world_crashed;

void world_crash(void)
{
	longjmp(world_crashed, 1);
}

void world_new_remote(void)
{
	w.at_strike = NULL;
	w.outside = false;
	memset(&w.bus, 0x5a, sizeof(w.bus));
	memset(w.mmio, 0x5a, sizeof(w.mmio));
	assert_int_equal(cw_bus_init(&w.bus, &w.layout, w.mem, w.slot, &w.port), CW_OK);
	for (unsigned int i = 0; i < DEVICES; i++)
		assert_int_equal(cw_mmio_init(&w.mmio[i], &w.bus, i), CW_OK);
	assert_int_equal(cw_bus_start(&w.bus), CW_OK);
	world_link();
}

void world_start(const struct world_options *o)
{
	world_new(o);
	world_new_pmm();
	assert_int_equal(cw_bus_start(&w.bus), CW_OK);
	world_link();
	w.step = w.waits = w.rings = 0;
}

int world_stop(void **state)
{
	(void)state;
	free(w.mem);
	free(w.sent);
	free(w.incoming);
	free(w.files_buf);
	tree_end(&w.tree);
	world_vsock_stop();
	w.mem = NULL;
	return 0;
}

/* ---- what a device would write ---- */

struct cw_abi_device_page *world_device(int i)
{
	return (void *)(w.mem + (w.place[i].block - BASE));
}

void world_event(int i)
{
	struct cw_abi_device_page *p = world_device(i);
	bool before = w.outside;

	w.outside = true;
	cw_store32(&p->event, cw_load32(&p->event) + 1);
	w.bell = true;
	w.outside = before;
}

void world_used(struct cw_drvq *q, uint16_t idx, uint32_t id, uint32_t len)
{
	struct cw_abi_used_elem *e = &q->used->ring[(uint16_t)(idx - 1) % q->size];
	bool before = w.outside;

	w.outside = true;
	cw_store32(&e->id, id);
	cw_store32(&e->len, len);
	cw_store16_release(&q->used->idx, idx);
	w.bell = true;
	w.outside = before;
}

void world_incoming(const struct cw_abi_net_hdr *h, const void *frame, uint32_t len)
{
	struct frame *f = &w.incoming[w.in_count++ % FRAMES];

	memset(f->b, 0, sizeof(*h));
	if (h)
		memcpy(f->b, h, sizeof(*h));
	memcpy(f->b + sizeof(*h), frame, len);
	f->len = len + (uint32_t)sizeof(*h);
}
