// SPDX-License-Identifier: BSD-3-Clause
/* Register requests to a device whose last store takes its time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <causeway/core/err.h>
#include <causeway/core/shm.h>
#include <causeway/device/bus.h>

#define BASE   0x40000000u
#define BYTES  0x8000u
#define REMOTE 0x1000u
#define BLOCK  0x2000u

static _Alignas(4096) unsigned char mem[BYTES];
static struct cw_abi_link_page *const pmm = (void *)mem;
static struct cw_abi_link_page *const remote = (void *)(mem + REMOTE);
static struct cw_abi_device_page *const page = (void *)(mem + BLOCK);
static struct cw_abi_driver_page *const request = (void *)(mem + BLOCK + 0x1000);

static const struct cw_layout_device place = { .name = "dev",
					       .id = CW_ID_RNG,
					       .slot = 1,
					       .queues = 1,
					       .queue_size = 4,
					       .size = BYTES - BLOCK,
					       .block = BASE + BLOCK };
static const struct cw_layout layout = { .base = BASE,
					 .size = BYTES,
					 .line = 64,
					 .slots = 3,
					 .devices = 1,
					 .pmm_page = BASE,
					 .remote_page = BASE + REMOTE,
					 .device = &place };
static struct cw_device_bus bus;
static struct cw_link_slot slot[3];
static struct cw_device_mmio mmio;
static struct cw_device dev;
static uint16_t own[4];
static struct cw_device_queue queue;
static bool busy; /* a store of the device is under way */
static uint32_t kicks;

static bool quiet(struct cw_device *d)
{
	(void)d;
	return !busy;
}

static int serve(struct cw_device *d, unsigned int q)
{
	(void)d;
	(void)q;
	return CW_SERVE_DRAINED;
}

static void ring(void *ctx)
{
	(void)ctx;
}

static const struct cw_device_ops ops = { .serve = serve, .quiet = quiet };
static const struct cw_link_ops link_ops = { .ring = ring };

static void echo(uint32_t epoch)
{
	cw_store32(&remote->peer_epoch, epoch);
	cw_device_bus_poll(&bus, 2000);
	cw_device_bus_poll(&bus, 3000);
}

static int start(void **state)
{
	uint64_t hash = cw_layout_hash(&layout);

	(void)state;
	memset(mem, 0, sizeof(mem));
	busy = false;
	kicks = 0;
	queue = (struct cw_device_queue){ .num_max = 4, .own = own };
	assert_int_equal(cw_device_init(&dev, &ops, CW_ID_RNG, 0, NULL, 0, &queue, 1), CW_OK);
	assert_int_equal(cw_device_bus_init(&bus, &layout, mem, slot, &link_ops, NULL), CW_OK);
	assert_int_equal(cw_device_bus_add(&bus, 0, &mmio, &dev), CW_OK);
	assert_int_equal(cw_device_bus_begin(&bus, 1000), CW_OK);
	cw_store32(&remote->magic, CW_LINK_MAGIC);
	cw_store32(&remote->version, CW_ABI_VERSION);
	cw_store32(&remote->hash_lo, (uint32_t)hash);
	cw_store32(&remote->hash_hi, (uint32_t)(hash >> 32));
	cw_store32(&remote->epoch, 7);
	echo(cw_load32(&pmm->epoch));
	assert_true(bus.link.up);
	return 0;
}

static void post_status(uint32_t seq, uint32_t status)
{
	cw_store32(&request->entry[0].offset, CW_REG_STATUS);
	cw_store32(&request->entry[0].width, 4);
	cw_store32(&request->entry[0].value, status);
	cw_store32(&request->count, 1);
	cw_store32(&request->link_remote, 7);
	cw_store32(&request->link_pmm, cw_load32(&pmm->epoch));
	cw_store32(&request->seq, seq);
	cw_store32(&remote->kick[1], ++kicks);
	cw_store32(&remote->group[0], kicks);
	cw_device_bus_poll(&bus, 4000 + kicks);
}

/* A reset is acknowledged when the last store is over, and Status reads 0 then. */
static void a_reset_waits_for_the_last_store(void **state)
{
	(void)state;
	post_status(1, CW_STATUS_ACKNOWLEDGE);
	assert_int_equal(cw_load32(&page->ack_seq), 1);
	busy = true;
	post_status(2, 0);
	cw_device_bus_poll(&bus, 6000);
	assert_int_equal(cw_load32(&page->ack_seq), 1);
	busy = false;
	cw_device_bus_poll(&bus, 7000);
	assert_int_equal(cw_load32(&page->ack_seq), 2);
	assert_int_equal(cw_load32(&page->result), CW_RESULT_OK);
	assert_int_equal(cw_load32(&page->reg[CW_REG_STATUS / 4]), 0);
}

/* So does the first request after a link that went away and came back amid a store. */
static void a_request_waits_for_the_reset_of_the_link(void **state)
{
	(void)state;
	post_status(1, CW_STATUS_ACKNOWLEDGE);
	busy = true;
	echo(0);
	assert_false(bus.link.up);
	echo(cw_load32(&pmm->epoch));
	assert_true(bus.link.up);
	post_status(2, CW_STATUS_ACKNOWLEDGE);
	assert_int_equal(cw_load32(&page->ack_seq), 1);
	busy = false;
	cw_device_bus_poll(&bus, 7000);
	assert_int_equal(cw_load32(&page->ack_seq), 2);
	assert_int_equal(cw_load32(&page->result), CW_RESULT_OK);
	assert_int_equal(cw_load32(&page->reg[CW_REG_STATUS / 4]), CW_STATUS_ACKNOWLEDGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_reset_waits_for_the_last_store, start),
		cmocka_unit_test_setup(a_request_waits_for_the_reset_of_the_link, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
