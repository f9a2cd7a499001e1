// SPDX-License-Identifier: BSD-3-Clause
/*
 * A driver against a PMM that lies. An honest device side serves the region while the driver waits;
 * the adversary changes what single loads of the driver return, and words in between. Compiled once
 * for each driver (FUZZ_RNG, FUZZ_NET, FUZZ_CONSOLE, FUZZ_BLK, FUZZ_9P, FUZZ_VSOCK).
 *
 * What is checked beside the sanitizers: a call ends within a bounded number of loads, whatever it
 * reads; stores go to the remote page, the driver page and the block's memory alone; a caller gets no
 * more bytes than it has room for; what is lent to the caller lies in the block and is lent once. As
 * long as nobody lied, entropy, sectors and files are exactly what the device gave.
 */
#include "one_device.h"

#include <causeway/core/bytes.h>
#include <causeway/core/err.h>
#include <causeway/core/shm.h>
#include <causeway/device/9p.h>
#include <causeway/device/blk.h>
#include <causeway/device/bus.h>
#include <causeway/device/console.h>
#include <causeway/device/net.h>
#include <causeway/device/rng.h>
#include <causeway/driver/9p.h>
#include <causeway/driver/blk.h>
#include <causeway/driver/bus.h>
#include <causeway/driver/console.h>
#include <causeway/driver/mmio.h>
#include <causeway/driver/net.h>
#include <causeway/driver/rng.h>

#include <string.h>

#define PATIENCE 400000u /* loads in one call of a driver with a deadline of TIMEOUT */
#define TIMEOUT	 3000u	 /* microseconds */

/* the remote */
static struct cw_bus bus;
static struct cw_link_slot slots[2 + COUNT];
static struct cw_mmio mmio;
static uint32_t loads;
static bool lied;

/* the PMM */
static bool pmm; /* its code runs: it may touch what it likes */
static struct cw_device_bus device_bus;
static struct cw_link_slot device_slots[2 + COUNT];
static struct cw_device_mmio transport;
static struct cw_device_queue queue[COUNT];
static uint16_t own[COUNT][SIZE];
static uint8_t next_byte;
static uint64_t now;

/* ---- accesses of the remote ---- */

static void on_store(const volatile void *p, unsigned int width)
{
	uint32_t off = fz_off(p);

	if (pmm)
		return;
	FZ_CHECK(off != FZ_OUTSIDE && width <= FZ_REGION - off);
	FZ_CHECK(off >= REMOTE && off + width <= FZ_REGION);
	FZ_CHECK(off + width <= BLOCK || off >= BLOCK + 0x1000); /* not the device page */
}

static uint32_t on_load(const volatile void *p, unsigned int width, uint32_t value)
{
	uint32_t off = fz_off(p), v;

	if (pmm)
		return value;
	FZ_CHECK(off != FZ_OUTSIDE && width <= FZ_REGION - off);
	FZ_CHECK(++loads < PATIENCE);
	v = fz_twist(value);
	v = width == 2 ? v & 0xffff : width == 1 ? v & 0xff : v;
	lied |= v != value;
	return v;
}

/* ---- the PMM ---- */

static void ring_remote(void *ctx)
{
	(void)ctx;
}

static void serve(void)
{
	pmm = true;
	for (int i = 0; i < 100; i++) {
		bool more = cw_device_bus_poll(&device_bus, now) == CW_LINK_WENT_DOWN;

		more |= cw_device_bus_serve(&device_bus);
		more |= cw_device_bus_look(&device_bus);
		if (!more && !cw_device_bus_arm(&device_bus))
			break;
	}
	pmm = false;
}

#if defined(FUZZ_NET)
static struct cw_net_device model;
static struct cw_part part[SIZE + 1];

static int net_send(void *ctx, const struct cw_part *p, unsigned int n)
{
	(void)ctx;
	(void)p;
	(void)n;
	return 0;
}

static int net_receive(void *ctx, const struct cw_part *p, unsigned int n)
{
	uint32_t want = 64u + 10u * next_byte++, got = 0;

	(void)ctx;
	if (next_byte % 4 == 0)
		return CW_EAGAIN;
	memset(p->ptr, 0, p->len);
	for (unsigned int i = 1; i < n && got < want; i++) {
		uint32_t k = (uint32_t)p[i].len < want - got ? (uint32_t)p[i].len : want - got;

		memset(p[i].ptr, 0x5c, k);
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

static void feed(void)
{
	cw_net_device_receive(&model);
}
#elif defined(FUZZ_CONSOLE)
static struct cw_console_device model;

static int console_out(void *ctx, unsigned int port, const struct cw_part *p, unsigned int n)
{
	int len = 0;

	(void)ctx;
	(void)port;
	for (unsigned int i = 0; i < n; i++)
		len += (int)p[i].len;
	return len;
}

static int console_in(void *ctx, unsigned int port, const struct cw_part *p, unsigned int n)
{
	(void)ctx;
	(void)n;
	(void)port;
	if (next_byte++ % 3 == 0)
		return CW_EAGAIN;
	memset(p->ptr, 'x', p->len);
	return (int)p->len;
}

static const struct cw_console_ops console_ops = { .output = console_out, .input = console_in };

static struct cw_device *make(void)
{
	/* longer than a driver keeps */
	static const char *const name[2] = { "a port whose name has many characters", NULL };

	FZ_CHECK(!cw_console_device_init(&model, &console_ops, NULL, 80, 25, 2, name, queue));
	return &model.dev;
}

static void feed(void)
{
	cw_console_device_ready(&model, next_byte & 1);
	cw_console_device_connect(&model, next_byte & 1, next_byte & 2);
}
#elif defined(FUZZ_BLK)
#define SECTORS 16u
#define DEPTH	2u
static struct cw_blk model;
static struct cw_blk_request request[DEPTH], *todo[DEPTH];
static struct cw_part part[DEPTH][SIZE];
static uint8_t step_buf[DEPTH][CW_BLK_STEP], disk[SECTORS * 512];
static unsigned int todos;

static int read_now(void *ctx, const struct cw_part *p, unsigned int n, uint64_t offset,
		    uint32_t len)
{
	(void)ctx;
	if (next_byte++ & 1)
		return CW_EAGAIN;
	for (unsigned int i = 0; i < n; offset += p[i].len, i++)
		memcpy(p[i].ptr, disk + offset, p[i].len);
	return (int)len;
}

static void start(void *ctx, struct cw_blk_request *r)
{
	(void)ctx;
	todo[todos++] = r;
}

static void collect(void *ctx)
{
	(void)ctx;
	while (todos) {
		struct cw_blk_request *r = todo[0];
		const struct cw_blk_step *s = &r->step;

		if (s->type == CW_BLK_T_IN)
			memcpy(s->buf, disk + s->offset, s->len);
		else if (s->type == CW_BLK_T_OUT)
			memcpy(disk + s->offset, s->buf, s->len);
		else if (s->type != CW_BLK_T_FLUSH)
			memset(disk + s->offset, 0, s->len);
		memmove(todo, todo + 1, --todos * sizeof(todo[0]));
		cw_blk_done(&model, r, true);
	}
}

static const struct cw_blk_ops disk_ops = { read_now, start, collect };

static struct cw_device *make(void)
{
	const struct cw_blk_geometry g = {
		.sectors = SECTORS, .block = 4096, .zeroes = true, .id = "a disk of twenty ch."
	};

	todos = 0;
	memset(request, 0, sizeof(request));
	for (unsigned int i = 0; i < DEPTH; i++) {
		request[i].part = part[i];
		request[i].buf = step_buf[i];
	}
	FZ_CHECK(!cw_blk_init(&model, &disk_ops, NULL, &g, queue, request, DEPTH, SIZE));
	return &model.dev;
}

static void feed(void)
{
	cw_device_wake(&model.dev, 0);
}
#elif defined(FUZZ_9P)
#define DEPTH  4u
#define MSIZE  8192u
#define LENGTH 9000u /* of every file */
static struct cw_9p_device model;
static struct cw_9p_request request[DEPTH], *todo[DEPTH + 1]; /* NULL: the session is over */
static struct cw_part part[DEPTH][SIZE];
static uint8_t message[DEPTH][MSIZE], reply[DEPTH][MSIZE];
static unsigned int todos;

static void start(void *ctx, struct cw_9p_request *r)
{
	(void)ctx;
	todo[todos++] = r;
}

static void end(void *ctx)
{
	(void)ctx;
	todo[todos++] = NULL;
}

static uint8_t byte_at(uint64_t offset)
{
	return (uint8_t)(offset * 7 + (offset >> 8));
}

/* Two entries, once: their offsets are 1 and 2. A hostile one has names of any length. */
static uint32_t list(uint8_t *a, uint64_t from)
{
	uint32_t at = 11;

	for (uint64_t i = from; i < 2; i++) {
		uint16_t len = fz_hostile ? fz_u16() % 500 : 2;

		memset(a + at, 0, 24);
		cw_poke64(a + at + 13, i + 1);
		cw_poke16(a + at + 22, len);
		memset(a + at + 24, i ? 'a' : '.', len);
		lied |= fz_hostile;
		at += 24 + len;
	}
	cw_poke32(a + 7, at - 11);
	return at;
}

/* Bytes where fields are; the answer's own length may go with its size. */
static uint32_t lie(uint8_t *a, uint32_t n)
{
	uint8_t choice = fz_hostile ? fz_u8() : 0;

	if (choice < 192)
		return n;
	lied = true;
	if (choice & 1)
		a[fz_u8() % 48] = fz_u8();
	if (choice & 2)
		cw_poke16(a + fz_u8() % 48, fz_u16());
	return choice & 4 ? cw_peek32(a) % 200 : n;
}

/* A server that has any file it is asked for; it may be asked nonsense. */
static uint32_t answer(const uint8_t *m, uint32_t len, uint8_t *a, uint32_t room)
{
	uint64_t offset = len < 23 ? 0 : cw_peek64(m + 11);
	uint32_t count = len < 23 ? 0 : cw_peek32(m + 19), n = 7;

	memset(a, 0, 256);
	switch (m[4]) {
	case CW_9P_TVERSION:
		cw_poke32(a + 7, MSIZE);
		memcpy(a + 11, "\10\0" CW_9P_VERSION, 10);
		n = 21;
		break;
	case CW_9P_TWALK:
		count = len < 17 ? 0 : cw_peek16(m + 15) % 17;
		cw_poke16(a + 7, (uint16_t)count);
		n = 9 + 13 * count;
		break;
	case CW_9P_TREAD:
		count = offset >= LENGTH	  ? 0
			: count < LENGTH - offset ? count
						  : LENGTH - (uint32_t)offset;
		count = count < room - 11 ? count : room - 11;
		cw_poke32(a + 7, count);
		for (n = 11; n < 11 + count; n++)
			a[n] = byte_at(offset + n - 11);
		break;
	case CW_9P_TREADDIR:
		n = list(a, offset);
		break;
	case CW_9P_TWRITE:
		cw_poke32(a + 7, count);
		n = 11;
		break;
	case CW_9P_TREADLINK:
		count = fz_hostile ? fz_u8() % 64 : 6;
		cw_poke16(a + 7, (uint16_t)count);
		memset(a + 9, 't', count);
		n = 9 + count;
		break;
	case CW_9P_TGETATTR:
		cw_poke64(a + 56, LENGTH);
		n = 160;
		break;
	case CW_9P_TATTACH:
	case CW_9P_TMKDIR:
		n = 20;
		break;
	case CW_9P_TLOPEN:
	case CW_9P_TLCREATE:
		n = 24;
		break;
	default:
		break;
	}
	n = n < room ? n : room;
	cw_poke32(a, n);
	a[4] = (uint8_t)(m[4] + 1);
	memcpy(a + 5, m + 5, 2);
	n = lie(a, n);
	return n < room ? n : room;
}

static void collect(void *ctx)
{
	(void)ctx;
	while (todos) {
		struct cw_9p_request *r = todo[0];

		memmove(todo, todo + 1, --todos * sizeof(todo[0]));
		if (r)
			cw_9p_device_done(&model, r,
					  answer(r->message, r->len, r->answer, r->room));
		else
			cw_9p_device_ended(&model);
	}
}

static const struct cw_9p_device_ops server_ops = { NULL, start, end, collect };

static struct cw_device *make(void)
{
	todos = 0;
	memset(request, 0, sizeof(request));
	for (unsigned int i = 0; i < DEPTH; i++) {
		request[i].part = part[i];
		request[i].message = message[i];
		request[i].answer = reply[i];
	}
	FZ_CHECK(!cw_9p_device_init(&model, &server_ops, NULL, "a tag of thirty characters ...",
				    MSIZE, queue, request, DEPTH, SIZE));
	return &model.dev;
}

static void feed(void)
{
	cw_device_wake(&model.dev, 0);
}
#elif defined(FUZZ_VSOCK)
#include "vsock_driver.h"
#else
static struct cw_rng model;
static struct cw_part part[SIZE + 1];

static int fill(void *ctx, const struct cw_part *p, unsigned int n, uint32_t max)
{
	uint32_t done = 0;

	(void)ctx;
	for (unsigned int i = 0; i < n; i++)
		for (size_t b = 0; b < p[i].len && done < max; b++, done++)
			((uint8_t *)p[i].ptr)[b] = next_byte++;
	return (int)done;
}

static uint64_t device_now(void *ctx)
{
	(void)ctx;
	return now;
}

static const struct cw_rng_ops rng_ops = { .fill = fill, .now = device_now };

static struct cw_device *make(void)
{
	FZ_CHECK(!cw_rng_init(&model, &rng_ops, NULL, 0, queue, part, SIZE));
	return &model.dev;
}

static void feed(void)
{
	cw_rng_poll(&model);
}
#endif

static void begin_pmm(void)
{
	static const struct cw_link_ops ops = { .ring = ring_remote };

	pmm = true;
	memset(queue, 0, sizeof(queue));
	for (unsigned int i = 0; i < COUNT; i++) {
		queue[i].num_max = SIZE;
		queue[i].own = own[i];
	}
	FZ_CHECK(!cw_device_bus_init(&device_bus, &layout, fz_region, device_slots, &ops, NULL));
	FZ_CHECK(!cw_device_bus_add(&device_bus, 0, &transport, make()));
	cw_device_bus_begin(&device_bus, now);
	pmm = false;
}

/* ---- the remote's machine ---- */

static uint64_t port_now(void *ctx)
{
	(void)ctx;
	return now++;
}

static void port_ring(void *ctx)
{
	(void)ctx;
}

static void port_wait(void *ctx, uint64_t deadline)
{
	(void)ctx;
	now += 20;
#if defined(FUZZ_BLK) || defined(FUZZ_9P)
	pmm = true;
	if (todos)
		cw_device_bus_wake(&device_bus, 0, 0); /* its steps are over by now */
	pmm = false;
#endif
	serve();
	if (now < deadline && deadline - now < 500)
		now = deadline;
	else
		now += 200 + (deadline > now && deadline - now > 100 * TIMEOUT ? 100 * TIMEOUT : 0);
}

static const struct cw_port port = { .now = port_now, .ring = port_ring, .wait = port_wait };

/* ---- each driver: bring it up, use it ---- */

#define GUARD 0xc3

static uint8_t buffer[2100];

/* A buffer of @len bytes with something behind it that must stay. */
static void prepare(uint32_t len)
{
	memset(buffer, GUARD, sizeof(buffer));
	FZ_CHECK(len < sizeof(buffer));
}

static void check_guard(int got, uint32_t len)
{
	FZ_CHECK(got < 0 || (uint32_t)got <= len);
	for (size_t i = got > 0 ? (size_t)got : 0; i < sizeof(buffer); i++)
		FZ_CHECK(i < len || buffer[i] == GUARD);
}

#if defined(FUZZ_NET)
static struct cw_net_driver driver;
static struct cw_net_frame held[4];
static struct cw_net_frame released;
static unsigned int holding;
static uint16_t taken[SIZE];
static void *taken_at[SIZE];
static unsigned int taking;

static int open_driver(void)
{
	holding = taking = 0;
	memset(&released, 0, sizeof(released));
	return cw_net_open(&driver, &mmio.transport,
			   fz_u8() & 1 ? CW_NET_WANT_TSO : CW_NET_WANT_MERGE | CW_NET_WANT_CSUM);
}

static bool meet(const void *a, size_t a_len, const void *b, size_t b_len)
{
	return (const char *)a < (const char *)b + b_len &&
	       (const char *)b < (const char *)a + a_len;
}

static void check_lent(const void *p, size_t len)
{
	uint32_t off = fz_off(p);

	FZ_CHECK(len && off >= DATA && off != FZ_OUTSIDE && len <= FZ_REGION - off);
	for (unsigned int i = 0; i < holding; i++)
		for (unsigned int k = 0; k < held[i].parts; k++)
			FZ_CHECK(!meet(p, len, held[i].part[k].ptr, held[i].part[k].len));
	for (unsigned int i = 0; i < taking; i++)
		FZ_CHECK(!meet(p, len, taken_at[i], 1));
}

static void receive(void)
{
	struct cw_net_frame f;
	uint64_t sum = 0;

	if (holding == 4 || cw_net_receive(&driver, &f) <= 0)
		return;
	FZ_CHECK(f.parts >= 1 && f.parts <= CW_NET_MERGE);
	for (unsigned int k = 0; k < f.parts; k++) {
		check_lent(f.part[k].ptr, f.part[k].len);
		for (unsigned int j = 0; j < k; j++)
			FZ_CHECK(!meet(f.part[k].ptr, f.part[k].len, f.part[j].ptr, f.part[j].len));
		sum += f.part[k].len;
	}
	FZ_CHECK(sum == f.len);
	held[holding++] = f;
}

static void transmit(void)
{
	struct cw_net_meta meta = { .flags = fz_u8() & 1, .csum_start = fz_u8() };

	if (taking < SIZE && fz_u8() & 1) {
		void *p = cw_net_tx_get(&driver, &taken[taking]);

		if (p) {
			check_lent(p, cw_net_tx_room(&driver));
			taken_at[taking++] = p;
		}
	} else if (taking) {
		taking--;
		if (fz_u8() & 1)
			cw_net_tx_cancel(&driver, taken[taking]);
		else if (cw_net_tx_send(&driver, taken[taking], fz_u16(), &meta))
			cw_net_tx_cancel(&driver, taken[taking]);
	}
}

static void use(void)
{
	struct cw_part out = { buffer, fz_u16() % sizeof(buffer) };
	struct cw_net_meta meta = { 0 };
	uint32_t len = 0, cap;

	switch (fz_u8() % 7) {
	case 0:
		cw_net_poll(&driver);
		break;
	case 1:
		receive();
		break;
	case 2:
		if (fz_u8() & 1)
			cw_net_release(&driver, &released); /* once more, which does nothing */
		if (holding) {
			released = held[--holding];
			cw_net_release(&driver, &released);
		}
		break;
	case 3:
		cap = fz_u16() % 2048;
		prepare(cap);
		if (cw_net_recv(&driver, buffer, cap, &len, &meta) > 0)
			check_guard(len < cap ? (int)len : (int)cap, cap);
		else
			check_guard(0, cap);
		break;
	case 4:
		cw_net_send(&driver, &out, 1, &meta, fz_u8() & 1 ? TIMEOUT : 0);
		break;
	case 5:
		transmit();
		break;
	default:
		cw_net_flush(&driver);
		cw_net_arm(&driver);
		break;
	}
}
#elif defined(FUZZ_CONSOLE)
static struct cw_console_driver driver;

static int open_driver(void)
{
	return cw_console_open(&driver, &mmio.transport);
}

static void check_names(void)
{
	for (unsigned int p = 0; p < CW_CONSOLE_PORTS; p++) {
		const char *name = driver.port[p].name;
		size_t n = strnlen(name, sizeof(driver.port[p].name));

		FZ_CHECK(n < sizeof(driver.port[p].name));
		for (size_t i = 0; i < n; i++)
			FZ_CHECK(name[i] >= ' ' && name[i] <= '~');
	}
}

static void use(void)
{
	unsigned int p = fz_u8() % (CW_CONSOLE_PORTS + 1);
	uint32_t len = fz_u16() % 2048;

	switch (fz_u8() % 5) {
	case 0:
		cw_console_poll(&driver);
		check_names();
		break;
	case 1:
		prepare(len);
		check_guard(cw_console_read(&driver, p, buffer, len), len);
		break;
	case 2:
		FZ_CHECK(cw_console_write(&driver, p, buffer, len, fz_u8() & 1 ? TIMEOUT : 0) <=
			 (int)len);
		break;
	case 3:
		cw_console_set_open(&driver, p, fz_u8() & 1);
		break;
	default:
		cw_console_arm(&driver);
		break;
	}
}
#elif defined(FUZZ_BLK)
static struct cw_blk_driver driver;

static int open_driver(void)
{
	for (size_t i = 0; i < sizeof(disk); i++)
		disk[i] = (uint8_t)(i + (i >> 9) * 3);
	return cw_blk_open(&driver, &mmio.transport);
}

static void use(void)
{
	uint32_t sectors = fz_u8() % 5, len = 512 * sectors;
	uint64_t sector = fz_u8() & 1 ? fz_u8() % (SECTORS + 2) : fz_u64();
	char id[CW_BLK_ID_LEN + 1];

	prepare(len);
	switch (fz_u8() % 6) {
	case 0:
	case 1:
		if (!cw_blk_read(&driver, sector, sectors, buffer, TIMEOUT) && !lied)
			FZ_CHECK(!memcmp(buffer, disk + sector * 512, len));
		check_guard((int)len, len);
		break;
	case 2:
		memset(buffer, fz_u8(), len);
		if (!cw_blk_write(&driver, sector, sectors, buffer, TIMEOUT) && !lied)
			FZ_CHECK(!memcmp(buffer, disk + sector * 512, len));
		break;
	case 3:
		cw_blk_flush(&driver, TIMEOUT);
		break;
	case 4:
		if (!cw_blk_zero(&driver, sector, sectors, fz_u8() & 1, TIMEOUT) && !lied)
			FZ_CHECK(!disk[sector * 512]);
		break;
	default:
		cw_blk_id(&driver, id, TIMEOUT);
		FZ_CHECK(strnlen(id, sizeof(id)) < sizeof(id));
		break;
	}
}
#elif defined(FUZZ_9P)
#define FILES 3u
static struct cw_9p_driver driver;
static struct cw_9p_file file[FILES];
static struct cw_9p_stream in, out;
static bool streaming;
static uint64_t in_at;

static int open_driver(void)
{
	streaming = false;
	memset(file, 0, sizeof(file));
	for (unsigned int i = 0; i < FILES; i++)
		file[i].c = &driver;
	return cw_9p_open(&driver, &mmio.transport, TIMEOUT);
}

static void check_bytes(const uint8_t *b, uint64_t offset, int32_t got)
{
	for (int32_t i = 0; i < got && !lied; i++)
		FZ_CHECK(b[i] == byte_at(offset + (uint32_t)i));
}

static void read_stream(uint32_t len)
{
	int32_t got;

	if (!streaming) {
		in_at = 0;
		streaming = !cw_9p_stream_open(&in, &file[0], false, 0);
		return;
	}
	got = cw_9p_stream_read(&in, buffer, len, TIMEOUT);
	check_guard(got, len);
	check_bytes(buffer, in_at, got);
	in_at += got > 0 ? (uint32_t)got : 0;
	if (got <= 0 && got != CW_ETIMEDOUT) {
		cw_9p_stream_close(&in, TIMEOUT);
		streaming = false;
	}
}

static void write_stream(uint32_t len)
{
	cw_9p_stream_open(&out, &file[1], true, 0);
	for (int i = 0; i < 3; i++)
		cw_9p_stream_write(&out, buffer, len, TIMEOUT);
	cw_9p_stream_close(&out, TIMEOUT);
}

static void list_all(void)
{
	struct cw_9p_entry e = { .name = "" };
	static struct cw_9p_dir d;
	int got = cw_9p_dir_open(&driver, &d, "d", TIMEOUT);

	for (int i = 0; !got && i < 100 && (got = cw_9p_dir_next(&d, &e, TIMEOUT)) > 0; i++) {
		size_t len = strnlen(e.name, sizeof(e.name));

		FZ_CHECK(len && len <= CW_9P_NAME_MAX && !memchr(e.name, '/', len));
		FZ_CHECK(strcmp(e.name, ".") != 0 && strcmp(e.name, "..") != 0);
		FZ_CHECK(lied || !strcmp(e.name, "aa"));
		got = 0;
	}
	if (d.f.session)
		cw_9p_dir_close(&d, TIMEOUT);
}

static void names(void)
{
	static const char *const path[] = { "/a/b/c", "x", "", "//d/.", "a/../b" };
	const char *p = path[fz_u8() % 5], *q = path[fz_u8() % 5];
	struct cw_9p_stat s;

	switch (fz_u8() % 5) {
	case 0:
		if (!cw_9p_stat(&driver, p, &s, TIMEOUT))
			FZ_CHECK(lied || s.size == LENGTH);
		break;
	case 1:
		cw_9p_rename(&driver, p, q, TIMEOUT);
		break;
	case 2:
		cw_9p_remove(&driver, p, TIMEOUT);
		break;
	case 3:
		cw_9p_mkdir(&driver, p, 0755, TIMEOUT);
		break;
	default:
		if (!cw_9p_readlink(&driver, p, (char *)buffer, 32, TIMEOUT))
			FZ_CHECK(strnlen((char *)buffer, 32) < 32);
		check_guard(32, 32);
		break;
	}
}

static void use(void)
{
	uint32_t len = fz_u16() % 2048;
	uint64_t offset = fz_u8() & 1 ? fz_u16() : fz_u64();
	struct cw_9p_file *f = &file[fz_u8() % FILES];
	int32_t got;

	prepare(len);
	switch (fz_u8() % 8) {
	case 0:
		if (f != &file[0] || !streaming)
			cw_9p_file_open(&driver, f, "/some/file", fz_u8() & 1 ? CW_9P_O_CREAT : 0,
					0600, TIMEOUT);
		break;
	case 1:
		if (f != &file[0] || !streaming)
			cw_9p_file_close(f, TIMEOUT);
		break;
	case 2:
		got = cw_9p_read(f, offset, buffer, len, TIMEOUT);
		check_guard(got, len);
		check_bytes(buffer, offset, got);
		break;
	case 3:
		cw_9p_write(f, offset, buffer, len, TIMEOUT);
		break;
	case 4:
		read_stream(len);
		break;
	case 5:
		write_stream(len);
		break;
	case 6:
		list_all();
		break;
	default:
		prepare(32);
		names();
		break;
	}
}
#elif !defined(FUZZ_VSOCK)
static struct cw_rng_driver driver;
static uint8_t expected;

static int open_driver(void)
{
	expected = next_byte;
	return cw_rng_open(&driver, &mmio.transport);
}

static void use(void)
{
	uint32_t len = fz_u16() % 1024;
	int got = 0;

	prepare(len);
	switch (fz_u8() % 4) {
	case 0:
		got = cw_rng_read(&driver, buffer, len, TIMEOUT);
		break;
	case 1:
		cw_rng_ask(&driver, len);
		break;
	case 2:
		got = cw_rng_take(&driver, buffer, len);
		break;
	default:
		cw_rng_arm(&driver);
		break;
	}
	check_guard(got, len);
	for (int i = 0; i < got && !lied; i++)
		FZ_CHECK(buffer[i] == expected++);
}
#endif

/* With nobody lying the driver does what it is for. */
static void use_honestly(void)
{
	for (int i = 0; i < 12; i++) {
		pmm = true;
		feed();
		device_bus.busy |= 1;
		pmm = false;
		serve();
#if defined(FUZZ_NET)
		cw_net_poll(&driver);
		receive();
		if (holding)
			cw_net_release(&driver, &held[--holding]);
		cw_net_flush(&driver);
#elif defined(FUZZ_CONSOLE)
		cw_console_poll(&driver);
		check_names();
		prepare(100);
		check_guard(cw_console_read(&driver, 0, buffer, 100), 100);
#endif
		loads = 0;
	}
#if defined(FUZZ_NET)
	FZ_CHECK(driver.count.rx_frames);
#elif defined(FUZZ_CONSOLE)
	FZ_CHECK(driver.port[0].name[0] == 'a');
#elif defined(FUZZ_VSOCK)
	honest_connection();
#elif defined(FUZZ_BLK)
	FZ_CHECK(!cw_blk_read(&driver, 1, 4, buffer, TIMEOUT) && !memcmp(buffer, disk + 512, 2048));
#elif defined(FUZZ_9P)
	FZ_CHECK(!cw_9p_file_open(&driver, &file[0], "f", 0, 0, TIMEOUT));
	FZ_CHECK(cw_9p_read(&file[0], LENGTH - 2000, buffer, 2048, TIMEOUT) == 2000);
	check_bytes(buffer, LENGTH - 2000, 2000);
#endif
}

static bool opened;

static void bring_up(void)
{
	opened = false;
	loads = 0;
	if (cw_bus_wait_up(&bus, TIMEOUT))
		return;
	loads = 0;
	if (cw_mmio_open(&mmio))
		return;
	loads = 0;
	opened = !open_driver();
}

static void put32(uint32_t off, uint32_t v)
{
	memcpy(fz_region + off, &v, 4);
}

#if defined(FUZZ_VSOCK)
/* Whatever was before: both sides begin a new life, nobody lies, and it works. */
static void start_honestly(void)
{
	fz_hostile = lied = false;
	memset(fz_region, 0, FZ_REGION);
	begin_pmm();
	FZ_CHECK(!cw_bus_init(&bus, &layout, fz_region, slots, &port));
	FZ_CHECK(!cw_mmio_init(&mmio, &bus, 0));
	mmio.timeout = TIMEOUT;
	cw_bus_start(&bus);
	bring_up();
	FZ_CHECK(opened);
	use_honestly();
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int steps = 0;

	fz_begin(data, size);
	now = 1000;
	next_byte = 1;
	lied = false;
	memset(fz_region, 0, FZ_REGION);
	fz_on_load = on_load;
	fz_on_store = on_store;
	begin_pmm();
	FZ_CHECK(!cw_bus_init(&bus, &layout, fz_region, slots, &port));
	FZ_CHECK(!cw_mmio_init(&mmio, &bus, 0));
	mmio.timeout = TIMEOUT;
	cw_bus_start(&bus);
	bring_up();
	FZ_CHECK(opened);
	use_honestly();
	fz_hostile = true;
	while (fz_more() && steps++ < 200) {
		uint8_t op = fz_u8();

		loads = 0;
		switch (op & 7) {
		case 0: /* a word that the PMM may write, or the device's memory access may */
			lied = true;
			put32((op & 8 ? BLOCK : DATA) + (fz_u16() & (op & 8 ? 0xffcu : 0xbffcu)),
			      fz_u32());
			break;
		case 1:
			lied = true;
			put32(PMM + (fz_u16() & 0xffcu), fz_u32());
			break;
		case 2:
			pmm = true;
			feed();
			device_bus.busy |= 1;
			pmm = false;
			serve();
			break;
		case 3:
			if (op & 0x80)
				begin_pmm();
			if (op & 0x40)
				cw_bus_start(&bus);
			bring_up();
			break;
		default:
			cw_bus_poll(&bus);
			if (opened)
				use();
			break;
		}
		if (op & 0x10)
			serve();
	}
#if defined(FUZZ_VSOCK)
	start_honestly();
#endif
	return 0;
}
