// SPDX-License-Identifier: BSD-3-Clause
/*
 * A whole device side (link, requests, rings, model) against a remote that is the fuzzer: it posts
 * register requests, writes what a remote may write, kicks, and changes words between loads.
 *
 * Compiled once for each device (FUZZ_RNG, FUZZ_NET, FUZZ_CONSOLE, FUZZ_BLK, FUZZ_9P, FUZZ_VSOCK). What is
 * checked at each store: the PMM stores into its page, the device page and the block, never into the
 * remote page or the driver page; what a model takes and gives lies in the block behind the pages.
 */
#include "one_device.h"

#include <causeway/core/err.h>
#include <causeway/core/shm.h>
#include <causeway/device/9p.h>
#include <causeway/device/blk.h>
#include <causeway/device/bus.h>
#include <causeway/device/console.h>
#include <causeway/device/net.h>
#include <causeway/device/rng.h>

#include <string.h>

static struct cw_device_bus bus;
static struct cw_link_slot slots[2 + COUNT];
static struct cw_device_mmio transport;
static struct cw_device_queue queue[COUNT];
static uint16_t own[COUNT][SIZE];
static uint64_t now;

static void on_store(const volatile void *p, unsigned int width)
{
	uint32_t off = fz_off(p);

	FZ_CHECK(off != FZ_OUTSIDE && width <= FZ_REGION - off);
	FZ_CHECK(off + width <= PMM + 0x1000 || off >= BLOCK);
	FZ_CHECK(off + width <= BLOCK + 0x1000 || off >= DATA);
}

static uint32_t on_load(const volatile void *p, unsigned int width, uint32_t value)
{
	uint32_t off = fz_off(p);

	FZ_CHECK(off != FZ_OUTSIDE && width <= FZ_REGION - off);
	/* The link words stay honest: a link that never is up shows nothing else. */
	if (off >= REMOTE && off < REMOTE + 0x80)
		return value;
	value = fz_twist(value);
	return width == 2 ? value & 0xffff : width == 1 ? value & 0xff : value;
}

static void touch(const struct cw_part *p, unsigned int n, bool write)
{
	for (unsigned int i = 0; i < n; i++) {
		uint32_t off = fz_off(p[i].ptr);

		FZ_CHECK(off >= DATA && p[i].len <= FZ_REGION - off);
		if (write)
			memset(p[i].ptr, 0x5c, p[i].len);
	}
}

#if defined(FUZZ_NET)
static struct cw_net_device model;
static struct cw_part part[SIZE + 1];

static unsigned int half(const uint8_t *p)
{
	return p[0] + 256u * p[1];
}

/* What a header may say to the backend, in words of our own: virtio 1.3 section 5.1.6.2. */
static void check_header(const uint8_t *h, uint64_t len)
{
	uint64_t has = model.dev.features;
	unsigned int hdr_len = half(h + 2), gso_size = half(h + 4);
	unsigned int start = half(h + 6), offset = half(h + 8);

	FZ_CHECK(len >= 14 && hdr_len <= len && !(h[0] & ~1));
	if (h[0])
		FZ_CHECK(has & 1 && (uint64_t)start + offset + 2 <= len);
	FZ_CHECK(h[1] == 0 || (h[1] == 1 && has >> 11 & 1) || (h[1] == 4 && has >> 12 & 1));
	if (h[1])
		FZ_CHECK(h[0] && gso_size && len <= 65550);
	else
		FZ_CHECK(len <= 1518);
}

static int net_send(void *ctx, const struct cw_part *p, unsigned int n)
{
	uint64_t len = 0;

	(void)ctx;
	FZ_CHECK(p->len == 12 && fz_off(p->ptr) == FZ_OUTSIDE);
	touch(p + 1, n - 1, false);
	for (unsigned int i = 1; i < n; i++)
		len += p[i].len;
	check_header(p->ptr, len);
	return fz_u8() & 1 ? 0 : CW_EAGAIN;
}

static int net_receive(void *ctx, const struct cw_part *p, unsigned int n)
{
	uint32_t want = fz_u16(), got = 0;

	(void)ctx;
	if (!want || !fz_more())
		return CW_EAGAIN;
	memset(p->ptr, 0, p->len);
	for (unsigned int i = 1; i < n && got < want; i++) {
		uint32_t k = (uint32_t)p[i].len < want - got ? (uint32_t)p[i].len : want - got;

		if (i + 1 < n)
			touch(&(struct cw_part){ p[i].ptr, k }, 1, true);
		got += k;
	}
	return 12 + (int)got;
}

static const struct cw_net_ops net_ops = { .send = net_send, .receive = net_receive };

static struct cw_device *make(void)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

	FZ_CHECK(!cw_net_device_init(&model, &net_ops, NULL, mac, 1500, true, queue, part,
				     SIZE + 1));
	return &model.dev;
}

static void backend(void)
{
	cw_net_device_receive(&model);
}
#elif defined(FUZZ_CONSOLE)
static struct cw_console_device model;

static int console_out(void *ctx, unsigned int port, const struct cw_part *p, unsigned int n)
{
	(void)ctx;
	FZ_CHECK(port < 2 && n);
	touch(p, n, false);
	return (int)(fz_u8() % (p->len + 1));
}

static int console_in(void *ctx, unsigned int port, const struct cw_part *p, unsigned int n)
{
	(void)ctx;
	FZ_CHECK(port < 2 && n);
	if (!fz_more() || !(fz_u8() & 1))
		return CW_EAGAIN;
	touch(p, n, true);
	return (int)p->len;
}

static const struct cw_console_ops console_ops = { .output = console_out, .input = console_in };

static struct cw_device *make(void)
{
	static const char *const name[2] = { "shell", NULL };

	FZ_CHECK(!cw_console_device_init(&model, &console_ops, NULL, 80, 25, 2, name, queue));
	return &model.dev;
}

static void backend(void)
{
	cw_console_device_ready(&model, fz_u8() & 1);
	cw_console_device_connect(&model, fz_u8() & 1, fz_u8() & 1);
}
#elif defined(FUZZ_BLK)
#define SECTORS	 100u
#define REQUESTS 3u
static struct cw_blk model;
static struct cw_blk_request request[REQUESTS], *todo[REQUESTS];
static struct cw_part part[REQUESTS][SIZE];
static uint8_t step_buf[REQUESTS][CW_BLK_STEP];
static unsigned int todos;
static bool read_only;

static int read_now(void *ctx, const struct cw_part *p, unsigned int n, uint64_t offset,
		    uint32_t len)
{
	uint64_t sum = 0;

	(void)ctx;
	FZ_CHECK(len && offset <= SECTORS * 512u && len <= SECTORS * 512u - offset);
	for (unsigned int i = 0; i < n; i++)
		sum += p[i].len;
	FZ_CHECK(sum == len);
	touch(p, n, false);
	if (fz_u8() & 1)
		return CW_EAGAIN;
	touch(p, n, true);
	return (int)len;
}

/* What a step may be, in words of our own: on the disk, in its own buffer, and nothing that was not offered. */
static void start(void *ctx, struct cw_blk_request *r)
{
	const struct cw_blk_step *s = &r->step;
	bool data = s->type == CW_BLK_T_IN || s->type == CW_BLK_T_OUT;

	(void)ctx;
	FZ_CHECK(todos < REQUESTS && r - request < (ptrdiff_t)REQUESTS);
	for (unsigned int i = 0; i < todos; i++)
		FZ_CHECK(todo[i] != r);
	FZ_CHECK(s->offset <= SECTORS * 512u && s->len <= SECTORS * 512u - s->offset);
	FZ_CHECK(!(s->offset % 512) && !(s->len % 512));
	FZ_CHECK(!data || (s->buf == step_buf[r - request] && s->len && s->len <= CW_BLK_STEP));
	FZ_CHECK(data || s->type == CW_BLK_T_FLUSH || (s->len && !read_only));
	FZ_CHECK(s->type != CW_BLK_T_OUT || !read_only);
	if (s->type == CW_BLK_T_IN)
		memset(s->buf, 0x5c, s->len);
	todo[todos++] = r;
}

static void collect(void *ctx)
{
	(void)ctx;
	while (todos && fz_u8() & 3) {
		struct cw_blk_request *r = todo[0];

		memmove(todo, todo + 1, --todos * sizeof(todo[0]));
		cw_blk_done(&model, r, fz_u8() & 7);
	}
}

static const struct cw_blk_ops disk_ops = { read_now, start, collect };

static struct cw_device *make(void)
{
	const struct cw_blk_geometry g = { .sectors = SECTORS,
					   .block = 4096,
					   .read_only = read_only,
					   .zeroes = true,
					   .id = "fuzz" };

	todos = 0;
	memset(request, 0, sizeof(request));
	for (unsigned int i = 0; i < REQUESTS; i++) {
		request[i].part = part[i];
		request[i].buf = step_buf[i];
	}
	FZ_CHECK(!cw_blk_init(&model, &disk_ops, NULL, &g, queue, request, REQUESTS, SIZE));
	return &model.dev;
}

static void backend(void)
{
	cw_device_wake(&model.dev, 0);
}
#elif defined(FUZZ_VSOCK)
#include "vsock_device.h"
#elif defined(FUZZ_9P)
#define REQUESTS 3u
static struct cw_9p_device model;
static struct cw_9p_request request[REQUESTS], *todo[REQUESTS + 1]; /* NULL: the session is over */
static struct cw_part part[REQUESTS][SIZE];
static uint8_t message[REQUESTS][CW_9P_MSIZE_MIN], reply[REQUESTS][CW_9P_MSIZE_MIN];
static unsigned int todos;
static bool session;

static uint32_t size_of(const uint8_t *m)
{
	return m[0] | (uint32_t)m[1] << 8 | (uint32_t)m[2] << 16 | (uint32_t)m[3] << 24;
}

static int answer_now(void *ctx, const uint8_t *m, uint32_t len, uint8_t *head,
		      const struct cw_part *p, unsigned int n, uint32_t *data_len)
{
	uint64_t sum = 0;

	(void)ctx;
	FZ_CHECK(!todos && len >= CW_9P_HEADER && len <= CW_9P_MSIZE_MIN && size_of(m) == len);
	for (unsigned int i = 0; i < n; i++)
		sum += p[i].len;
	touch(p, n, true);
	memset(head, 0x5c, CW_9P_ANSWER_MAX);
	*data_len = fz_u8() & 1 ? (uint32_t)(sum - fz_u16() % (sum + 1)) : fz_u16() & 15;
	return fz_u8() & 1 ? CW_EAGAIN : fz_u8() & 1 ? 11 : fz_u8();
}

/* What a server may rely on, in words of our own. */
static void start(void *ctx, struct cw_9p_request *r)
{
	(void)ctx;
	FZ_CHECK(todos < REQUESTS && r - request < (ptrdiff_t)REQUESTS);
	for (unsigned int i = 0; i < todos; i++)
		FZ_CHECK(todo[i] && todo[i] != r); /* nothing behind the end of a session */
	FZ_CHECK(r->len >= CW_9P_HEADER && r->len <= CW_9P_MSIZE_MIN &&
		 size_of(r->message) == r->len);
	FZ_CHECK(r->room >= CW_9P_RREAD_HEADER && r->room <= CW_9P_MSIZE_MIN);
	session = true;
	todo[todos++] = r;
}

static void end(void *ctx)
{
	(void)ctx;
	FZ_CHECK(session && todos <= REQUESTS);
	session = false;
	todo[todos++] = NULL;
}

static void collect(void *ctx)
{
	(void)ctx;
	while (todos && fz_u8() & 3) {
		struct cw_9p_request *r = todo[0];

		memmove(todo, todo + 1, --todos * sizeof(todo[0]));
		if (r)
			cw_9p_device_done(&model, r, fz_u8() & 7 ? r->room : fz_u16());
		else
			cw_9p_device_ended(&model);
	}
}

static const struct cw_9p_device_ops server_ops = { answer_now, start, end, collect };

static struct cw_device *make(void)
{
	todos = 0;
	session = false;
	memset(request, 0, sizeof(request));
	for (unsigned int i = 0; i < REQUESTS; i++) {
		request[i].part = part[i];
		request[i].message = message[i];
		request[i].answer = reply[i];
	}
	FZ_CHECK(!cw_9p_device_init(&model, &server_ops, NULL, "fuzz", CW_9P_MSIZE_MIN, queue,
				    request, REQUESTS, SIZE));
	return &model.dev;
}

static void backend(void)
{
	cw_device_wake(&model.dev, 0);
}
#else
static struct cw_rng model;
static struct cw_part part[SIZE + 1];

static int fill(void *ctx, const struct cw_part *p, unsigned int n, uint32_t max)
{
	uint32_t len = (uint32_t)p->len < max ? (uint32_t)p->len : max;

	(void)ctx;
	FZ_CHECK(n && max && max <= CW_RNG_REQUEST_MAX);
	touch(p, n, false);
	touch(&(struct cw_part){ p->ptr, len }, 1, true);
	return fz_u8() & 7 ? (int)len : CW_EAGAIN;
}

static uint64_t clock_now(void *ctx)
{
	(void)ctx;
	return now;
}

static const struct cw_rng_ops rng_ops = { .fill = fill, .now = clock_now };

static struct cw_device *make(void)
{
	FZ_CHECK(!cw_rng_init(&model, &rng_ops, NULL, 100000, queue, part, SIZE));
	return &model.dev;
}

static void backend(void)
{
	cw_rng_poll(&model);
}
#endif

static void ring(void *ctx)
{
	(void)ctx;
}

static void put32(uint32_t off, uint32_t v)
{
	memcpy(fz_region + off, &v, 4); /* the remote is little-endian, and so are the fuzzers */
}

static uint32_t get32(uint32_t off)
{
	uint32_t v;

	memcpy(&v, fz_region + off, 4);
	return v;
}

static void run(void)
{
	bool more = true;

	now += 500;
	for (int i = 0; more && i < 64; i++) {
		more = cw_device_bus_poll(&bus, now) == CW_LINK_WENT_DOWN;
		more |= cw_device_bus_serve(&bus);
		more |= cw_device_bus_look(&bus);
	}
	cw_device_bus_arm(&bus);
	cw_device_bus_deadline(&bus);
#if defined(FUZZ_VSOCK)
	check_model();
#endif
	/* An invariant: nobody runs a ring that is not ready, nor with features not offered. */
	for (unsigned int q = 0; q < COUNT; q++)
		FZ_CHECK(!queue[q].ring.ready || transport.dev->status & CW_STATUS_FEATURES_OK);
	FZ_CHECK(!(transport.dev->features & ~transport.dev->offered) ||
		 !(transport.dev->status & CW_STATUS_FEATURES_OK));
}

static void link_up(uint32_t epoch)
{
	uint64_t hash = cw_layout_hash(&layout);

	put32(REMOTE, CW_LINK_MAGIC);
	put32(REMOTE + 4, CW_ABI_VERSION);
	put32(REMOTE + 8, (uint32_t)hash);
	put32(REMOTE + 12, (uint32_t)(hash >> 32));
	put32(REMOTE + 0x40, epoch);
	put32(REMOTE + 0x44, get32(PMM + 0x40));
	run();
}

static uint32_t seq, kicks;

static void kick(unsigned int slot)
{
	put32(REMOTE + 0x400 + 4 * slot, ++kicks);
	put32(REMOTE + 0x80, kicks);
}

static void post(const uint32_t (*e)[2], unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		put32(BLOCK + 0x1010 + 16 * i, e[i][0]);
		put32(BLOCK + 0x1014 + 16 * i, 4);
		put32(BLOCK + 0x1018 + 16 * i, e[i][1]);
	}
	put32(BLOCK + 0x1004, get32(PMM + 0x40));
	put32(BLOCK + 0x1008, get32(REMOTE + 0x40));
	put32(BLOCK + 0x100c, n);
	put32(BLOCK + 0x1000, ++seq);
	kick(1);
	run();
}

/* As a driver does it, with a feature word from the input. */
static void bring_up(void)
{
	const uint32_t start[][2] = { { 0x70, 0 }, { 0x70, 3 }, { 0x24, 0 }, { 0x20, fz_u32() },
				      { 0x24, 1 }, { 0x20, 1 }, { 0x70, 11 } };
	const uint32_t low = fz_u8() & 1 ? 0x30000000u : (uint32_t)transport.dev->offered;
	const uint32_t plain[][2] = { { 0x70, 3 }, { 0x24, 0 }, { 0x20, low },
				      { 0x24, 1 }, { 0x20, 1 }, { 0x70, 11 } };
	const uint32_t ok[][2] = { { 0x70, 15 } };

	post(start, 7);
	post(plain, 6);
	for (uint32_t q = 0; q < COUNT; q++) {
		uint32_t at = BASE + DATA + q * 0x400;
		const uint32_t set[][2] = { { 0x30, q },	  { 0x38, SIZE },
					    { 0x80, at },	  { 0x90, at + 0x100 },
					    { 0xa0, at + 0x140 }, { 0x44, 1 } };

		memset(fz_region + DATA + q * 0x400, 0, 0x400);
		post(set, 6);
	}
	post(ok, 1);
}

static void one_request(void)
{
	static const uint32_t reg[] = { 0x14, 0x20, 0x24, 0x30, 0x38, 0x44, 0x50, 0x64,
					0x70, 0x80, 0x84, 0x90, 0xa0, 0xac, 0xc0, 0x100 };
	unsigned int n = 1 + fz_below(8);
	uint32_t e[8][2];

	for (unsigned int i = 0; i < n; i++) {
		uint8_t b = fz_u8();

		e[i][0] = b & 0x80 ? fz_u32() : reg[b & 15];
		e[i][1] = b & 0x40 ? fz_u32() : fz_u8();
		if (b & 0x20)
			e[i][1] += BASE + DATA;
	}
	post(e, n);
}

/* A descriptor, an available entry and the index, mostly plausible. */
static void offer(void)
{
	unsigned int q = fz_below(COUNT), i = fz_below(SIZE);
	uint32_t at = DATA + q * 0x400;
	uint16_t idx;
	uint32_t buf = DATA + 0x2000 + (fz_u16() % 0x8000 & ~3u);

	/* Small numbers where a header or a control message would be. */
	put32(buf, fz_u8());
	put32(buf + 4, (fz_u8() & 7u) | (fz_u8() & 1u) << 16);
	if (ID == CW_ID_NET) /* checksum offset */
		put32(buf + 8, fz_u8());
	put32(at + 16 * i, BASE + buf);
	put32(at + 16 * i + 4, 0);
	put32(at + 16 * i + 8, fz_u8() & 1 ? fz_u8() : fz_u16());
	put32(at + 16 * i + 12, fz_u8() % 8 | fz_below(SIZE + 1) << 16);
	memcpy(&idx, fz_region + at + 0x102, 2);
	fz_region[at + 0x104 + 2 * (idx % SIZE)] = (uint8_t)i;
	fz_region[at + 0x105 + 2 * (idx % SIZE)] = 0;
	idx++;
	memcpy(fz_region + at + 0x102, &idx, 2);
	kick(2 + q);
}

#if defined(FUZZ_BLK) || defined(FUZZ_9P)
static void set_desc(unsigned int i, uint32_t addr, uint32_t len, uint32_t flags)
{
	uint32_t at = DATA + 16 * (i % SIZE);

	put32(at, BASE + addr);
	put32(at + 4, 0);
	put32(at + 8, len);
	put32(at + 12, flags | ((i + 1) % SIZE) << 16);
}

static void make_available(unsigned int head)
{
	uint16_t idx;

	memcpy(&idx, fz_region + DATA + 0x102, 2);
	fz_region[DATA + 0x104 + 2 * (idx % SIZE)] = (uint8_t)head;
	fz_region[DATA + 0x105 + 2 * (idx % SIZE)] = 0;
	idx++;
	memcpy(fz_region + DATA + 0x102, &idx, 2);
	kick(2);
}
#endif

#if defined(FUZZ_9P)
/* A message whose size is right, or nearly so, cut in two on both sides. */
static void offer_request(void)
{
	uint32_t at = DATA + 0x2000, len = fz_u16() % 5000, room = fz_u16() % 5000;
	uint32_t cut = len ? fz_u16() % len : 0, room_cut = room ? fz_u8() % room : 0;
	unsigned int i = fz_below(SIZE);

	put32(at, fz_u8() & 7 ? len : fz_u32());
	put32(at + 4, fz_u32());
	set_desc(i, at, cut, 1);
	set_desc(i + 1, at + cut, len - cut, 1);
	set_desc(i + 2, at + 0x2000, room_cut, 3);
	set_desc(i + 3, at + 0x2000 + room_cut, room - room_cut, 2);
	make_available(i);
}
#elif defined(FUZZ_BLK)
/* A request as a driver makes it, but for numbers of the input's choosing. */
static void offer_request(void)
{
	static const uint8_t types[] = { 0, 1, 4, 8, 11, 13, 0, 1 };
	uint8_t choice = fz_u8();
	uint32_t head = DATA + 0x2000, type = types[choice & 7],
		 len = 512u * (fz_u8() % 40) + (choice >> 5 & 1);
	unsigned int i = fz_below(SIZE);

	put32(head, choice & 0x80 ? fz_u32() : type);
	put32(head + 8, choice & 0x40 ? fz_u32() : fz_u8() % 128u);
	put32(head + 12, choice & 0x10 ? fz_u32() : 0);
	put32(head + 16, fz_u8()); /* of a segment */
	put32(head + 20, 0);
	put32(head + 24, choice & 0x40 ? fz_u32() : fz_u8());
	put32(head + 28, fz_u8() & 3);
	if (type == 11 || type == 13)
		len = 16;
	set_desc(i, head, 16, 1);
	set_desc(i + 1, head + 16, len ? len : 20, type == 0 || type == 8 ? 3 : 1);
	set_desc(i + 2, head + 0x8000, 1, 2);
	make_available(i);
}
#elif !defined(FUZZ_VSOCK)
#define offer_request offer
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct cw_link_ops ops = { .ring = ring };
	unsigned int steps = 0;

	fz_begin(data, size);
#if defined(FUZZ_BLK)
	read_only = fz_u8() & 1;
#endif
	now = 1000;
	seq = kicks = 0;
	memset(queue, 0, sizeof(queue));
	for (unsigned int i = 0; i < COUNT; i++) {
		queue[i].num_max = SIZE;
		queue[i].own = own[i];
	}
	FZ_CHECK(!cw_device_bus_init(&bus, &layout, fz_region, slots, &ops, NULL));
	FZ_CHECK(!cw_device_bus_add(&bus, 0, &transport, make()));
	fz_on_load = on_load;
	fz_on_store = on_store;
	cw_device_bus_begin(&bus, now);
	link_up(1);
	bring_up();
	fz_hostile = true;
	while (fz_more() && steps++ < 200) {
		uint8_t op = fz_u8();

		switch (op & 7) {
		case 0:
		case 1:
			offer_request();
			break;
		case 2:
			offer();
			break;
		case 3:
			one_request();
			break;
		case 4: /* anything, anywhere the remote may write */
			put32(DATA + (fz_u16() & 0xbffcu), fz_u32());
			break;
		case 5:
			put32(REMOTE + 0x80 + (fz_u16() & 0xf7cu), fz_u32());
			kick(fz_below(2 + COUNT));
			break;
		case 6:
			backend();
			bus.busy |= 1;
			break;
		default:
			if (op & 0x80)
				link_up(2 + fz_u8());
			else
				bring_up();
		}
		run();
	}
	return 0;
}
