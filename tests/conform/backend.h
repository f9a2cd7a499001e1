/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the suites for backends share: one device with the backend under test, opened as the keeper
 * does, driven as a worker does, with a driver's rings at its other end (tests/unit/device/pair.h).
 */
#ifndef CAUSEWAY_TESTS_CONFORM_BACKEND_H
#define CAUSEWAY_TESTS_CONFORM_BACKEND_H

#include "conform.h"

#include "../unit/device/pair.h"

#include <causeway/host/unit.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#define BED_SIZE   64
#define BED_MEMORY (4u << 20)

static struct {
	struct pair pair;
	struct cw_board board;
	struct cw_board_remote remote;
	struct cw_board_device device;
	struct cw_layout_device place;
	struct cw_backend_fds fds;
	struct cw_unit *unit;
	char said[512]; /* what went wrong with opening it */
	int fds_before;
	bool opened;
} bed;

static inline uint64_t bed_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static inline void bed_begin(uint32_t id, enum cw_backend_kind kind)
{
	memset(&bed, 0, sizeof(bed));
	conform_begin();
	bed.remote.name = (char *)(uintptr_t) "r0";
	bed.device.id = id;
	bed.device.backend = kind;
	bed.device.fd = -1;
	bed.fds_before = conform_fds();
}

/* As the keeper does; false with the reason in bed.said. */
static inline bool bed_open(void)
{
	FILE *err = fmemopen(bed.said, sizeof(bed.said), "w");
	int r = cw_backend_open(&bed.board, &bed.remote, &bed.device, &bed.fds, err);

	fclose(err);
	bed.opened = !r;
	return bed.opened;
}

/* It must not open, and the one line about it must have this in it. */
static inline void bed_refuses(const char *text)
{
	int fds = conform_fds();

	assert_false(bed_open());
	if (!strstr(bed.said, text) || strchr(bed.said, '\n') != bed.said + strlen(bed.said) - 1)
		fail_msg("not one line with \"%s\": %s", text, bed.said);
	assert_int_equal(conform_fds(), fds);
}

/* As a worker does, up to DRIVER_OK. */
static inline void bed_run(unsigned int queues, uint64_t features)
{
	if (!bed.opened && !bed_open())
		fail_msg("%s", bed.said);
	bed.place.queues = (uint16_t)queues;
	bed.place.queue_size = BED_SIZE;
	bed.unit = cw_unit_create(&bed.device, &bed.place, &bed.fds, !getenv("CONFORM_COPY"));
	assert_non_null(bed.unit);
	if (bed.unit->ops->begin)
		assert_int_equal(bed.unit->ops->begin(bed.unit), 0);
	pair_init(&bed.pair, queues, BED_SIZE, BED_MEMORY);
	pair_up(&bed.pair, bed.unit->dev, features | CW_F_EVENT_IDX);
	pair_run(&bed.pair);
}

/* Closes it; nothing may be left, neither a descriptor nor a file. */
static inline int bed_end(void **state)
{
	(void)state;
	if (bed.opened)
		cw_backend_close(&bed.device, &bed.fds);
	if (bed.unit)
		pair_free(&bed.pair);
	cw_unit_free(bed.unit);
	assert_int_equal(conform_fds(), bed.fds_before);
	conform_end();
	return 0;
}

/* One turn of a worker's loop; false when nothing happened for @ms. */
static inline bool bed_turn(int ms)
{
	uint64_t at = bed.unit->ops->deadline(bed.unit), now = bed_now();
	struct pollfd p[CW_UNIT_FDS];
	unsigned int n = bed.unit->ops->fds(bed.unit, p);
	int left = at == CW_LINK_NEVER ? ms : at <= now ? 0 : (int)((at - now + 999) / 1000), r;

	r = poll(p, n, left < ms ? left : ms);
	assert_true(r >= 0);
	now = bed_now();
	if (r || at <= now)
		bed.unit->ops->ready(bed.unit, p, n);
	pair_run(&bed.pair);
	return r || at <= now;
}

/* With what must happen: the end of a hang, and no measure. */
#define BED_PATIENCE_US 60000000u

/* Turns until @done says so. */
static inline void bed_until(bool (*done)(void))
{
	uint64_t end = bed_now() + BED_PATIENCE_US;

	while (!done()) {
		if (bed_now() > end)
			fail_msg("nothing came for a minute");
		bed_turn(20);
	}
}

/* At rest nothing wakes the worker but news. */
static inline void bed_rests(void)
{
	unsigned int turns = 0;
	uint64_t end;

	while (bed_turn(0) && turns < 100)
		turns++;
	end = bed_now() + 60000;
	for (turns = 0; bed_now() < end; turns++)
		bed_turn(60);
	assert_in_range(turns, 0, 5);
}

static inline struct pair_mem bed_offer(unsigned int q, const void *text, uint32_t len, bool write)
{
	struct pair_mem m = pair_alloc(&bed.pair, len);
	const struct cw_buf buf = { m.addr, len };

	if (text)
		memcpy(m.p, text, len);
	pair_add(&bed.pair, q, &buf, !write, write, m.p);
	pair_kick(&bed.pair, q);
	pair_run(&bed.pair);
	return m;
}

static inline void bed_write_file(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
}

static inline char *bed_text(const char *text)
{
	return (char *)(uintptr_t)text;
}

#endif
