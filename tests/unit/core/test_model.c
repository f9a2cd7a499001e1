// SPDX-License-Identifier: BSD-3-Clause
/*
 * The walker of core/ and the naive model beside each other on random chains, most of them nearly
 * valid: they must agree on which are valid and on every buffer. Bounded, with a fixed seed.
 */
#include "chain_model.h"
#include "rig.h"

#define RUNS 60000

static struct rig r;
static struct model m;
static uint64_t seed = 0x5eedu;
static unsigned int valid, refused, indirect_valid;

static uint32_t dice(uint32_t n)
{
	return unit_random(&seed) % n;
}

static void set_up(uint16_t size, bool indirect)
{
	rig_set_up(&r, size, false, indirect);
	memset(&m, 0, sizeof(m));
	m.memory = rig_memory();
	m.base = RIG_BASE;
	m.size = RIG_BYTES;
	m.table = cw_drvq_part(&r.drv, &r.w, 0);
	m.n = size;
	m.indirect = indirect;
	for (unsigned int i = 0; i < 3; i++) {
		m.ring[i].at = r.keep_out.range[i].at;
		m.ring[i].end = r.keep_out.range[i].end;
	}
}

static cw_addr_t some_address(void)
{
	static const cw_addr_t edge[] = { 0,
					  RIG_BASE - 1,
					  RIG_BASE,
					  RIG_BASE + 100,
					  RIG_BASE + RIG_BYTES - 1,
					  RIG_BASE + RIG_BYTES,
					  RIG_BASE + RIG_BYTES + 1,
					  UINT64_MAX,
					  RIG_BUFFER - (1ull << 32) };

	if (dice(40))
		return RIG_BUFFER + dice(0x8000);
	return edge[dice(ARRAY_SIZE(edge))];
}

static uint32_t some_length(void)
{
	static const uint32_t edge[] = { 0, 0, 0, 1, RIG_BYTES, 0x80000000u, UINT32_MAX };

	return dice(20) ? dice(0x200) : edge[dice(ARRAY_SIZE(edge))];
}

/* @pos of @n: chains go on mostly, and turn to writing somewhere in the middle */
static uint32_t some_flags(unsigned int pos, unsigned int n)
{
	uint32_t flags = dice(n + 1) > pos ? CW_DESC_F_NEXT : 0;

	if (pos * 2 >= n ? dice(30) != 0 : dice(30) == 0)
		flags |= CW_DESC_F_WRITE;
	if (!dice(60))
		flags |= CW_DESC_F_INDIRECT;
	if (!dice(30))
		flags |= 8u << dice(13);
	return flags;
}

static uint32_t some_next(unsigned int i, unsigned int n)
{
	return dice(25) ? i + 1 : dice(n + 2);
}

static void some_table(cw_addr_t at, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		rig_entry(&r, at, i, some_address(), some_length(),
			  some_flags(i, n) & (dice(50) ? ~CW_DESC_F_INDIRECT : ~0u),
			  some_next(i, n));
}

static void some_indirect(unsigned int i)
{
	unsigned int n = 1 + dice(r.size + (dice(10) ? 0u : 1u));
	cw_addr_t at = RIG_TABLE + 0x200u * i;
	uint32_t len = 16 * n, flags = CW_DESC_F_INDIRECT;

	some_table(at, n);
	at += dice(30) ? 0 : dice(32);
	len = dice(30) ? len : dice(40);
	flags |= dice(30) ? 0 : dice(2) ? CW_DESC_F_NEXT : CW_DESC_F_WRITE;
	rig_desc(&r, i, at, len, flags, i + 1);
}

static void some_queue(void)
{
	for (unsigned int i = 0; i < r.size; i++) {
		if (!dice(4))
			some_indirect(i);
		else
			rig_desc(&r, i, some_address(), some_length(), some_flags(i, r.size),
				 some_next(i, r.size));
	}
}

static void compare_buffers(void)
{
	int n = r.chain.readable + r.chain.writable;

	assert_int_equal(n, m.buffers);
	for (int i = 0; i < n; i++) {
		assert_int_equal(cw_window_addr(&r.w, r.chain.part[i].ptr), m.buffer[i].addr);
		assert_int_equal(r.chain.part[i].len, m.buffer[i].len);
		assert_int_equal(i >= r.chain.readable, m.buffer[i].write);
	}
}

/* Several chains in flight at once, until one is refused. */
static void run_queue(void)
{
	for (unsigned int k = 0; k < r.size; k++) {
		uint16_t head = (uint16_t)dice(r.size + (dice(20) ? 0u : 1u));
		bool fine = model_walk(&m, head);

		rig_offer(&r, head);
		assert_int_equal(rig_pop(&r), fine ? 1 : CW_EPEER);
		if (!fine) {
			refused++;
			return;
		}
		compare_buffers();
		valid++;
		indirect_valid += (cw_load32(&r.drv.desc[head].flags_next) & CW_DESC_F_INDIRECT) !=
				  0;
	}
}

static void walker_and_model_agree(void **state)
{
	(void)state;
	set_up(8, true);
	for (int run = 0; run < RUNS; run++) {
		uint16_t size = (uint16_t)(2u << dice(4));

		if (!(run % 64))
			set_up(size, dice(8) != 0);
		else
			assert_int_equal(cw_devq_init(&r.dev, &r.w, &r.keep_out, m.table,
						      cw_drvq_part(&r.drv, &r.w, 1),
						      cw_drvq_part(&r.drv, &r.w, 2), r.size, r.own,
						      false, m.indirect),
					 CW_OK);
		r.offered = 0;
		memset(m.busy, 0, sizeof(m.busy));
		some_queue();
		run_queue();
	}
	/* Both kinds must be common, or the agreement says little. */
	print_message("%u valid chains (%u from a table), %u refused\n", valid, indirect_valid,
		      refused);
	assert_true(valid > RUNS / 4);
	assert_true(indirect_valid > RUNS / 50);
	assert_true(refused > RUNS / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walker_and_model_agree),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
