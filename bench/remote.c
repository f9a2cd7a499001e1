// SPDX-License-Identifier: BSD-3-Clause
/*
 * A remote that measures from its side and prints JSON lines on its UART: link-up and device set-up
 * times, then entropy reads of 256 bytes (or a disk, or files, when that is the first device), then stays idle.
 */
#include <causeway/core/err.h>
#include <causeway/core/shm.h>
#include <causeway/driver/9p.h>
#include <causeway/driver/blk.h>
#include <causeway/driver/mmio.h>
#include <causeway/driver/rng.h>
#include <causeway/driver/vsock.h>
#include <causeway/port/layout_fdt.h>
#include <causeway/port/machine.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READS 20000

static struct cw_layout layout;
static struct cw_layout_device device[CW_DEVICES_MAX];
static struct cw_link_slot slot[CW_SLOTS_MAX];
static struct cw_bus bus;
static struct cw_mmio mmio[CW_DEVICES_MAX];
static struct cw_rng_driver rng[CW_DEVICES_MAX];
static const struct cw_machine *machine;

static uint64_t now(void)
{
	return machine->port->now(machine->port->ctx);
}

static int find_layout(void)
{
	static uint32_t copy[8192];

	cw_copy_in(copy, machine->region, sizeof(copy));
	return cw_layout_from_fdt(&layout, device, CW_DEVICES_MAX, copy, sizeof(copy), NULL);
}

static int open_all(void)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < layout.devices; i++) {
		if (layout.device[i].id != CW_ID_RNG)
			continue;
		err = cw_mmio_init(&mmio[i], &bus, i);
		err = err ? err : cw_mmio_open(&mmio[i]);
		err = err ? err : cw_rng_open(&rng[i], &mmio[i].transport);
	}
	return err;
}

static void read_entropy(struct cw_rng_driver *r)
{
	uint64_t begun = now(), worst = 0;
	uint8_t buf[256];
	int bad = 0;

	for (int i = 0; i < READS; i++) {
		uint64_t one = now();

		bad += cw_rng_read(r, buf, sizeof(buf), 1000000) != (int)sizeof(buf);
		one = now() - one;
		worst = one > worst ? one : worst;
	}
	printf("{\"rng_reads\": %d, \"bad\": %d, \"us\": %llu, \"worst_us\": %llu}\n", READS, bad,
	       (unsigned long long)(now() - begun), (unsigned long long)worst);
}

/* Reads all of the disk for a while, @at_once bytes a call; longer ones go in several requests. */
static void read_disk(struct cw_blk_driver *b, uint32_t at_once)
{
	static uint8_t buf[65536];
	uint64_t begun = now(), bytes = 0;
	int err = 0;

	while (!err && now() - begun < 600000)
		for (uint64_t at = 0; !err && at + at_once / 512 <= b->sectors;
		     at += at_once / 512) {
			err = cw_blk_read(b, at, at_once / 512, buf, 1000000);
			bytes += at_once;
		}
	printf("{\"disk\": %u, \"bytes\": %llu, \"us\": %llu, \"err\": %d}\n",
	       (unsigned int)at_once, (unsigned long long)bytes,
	       (unsigned long long)(now() - begun), err);
}

/* What a board with a disk is for. */
static void use_disk(unsigned int i)
{
	static struct cw_blk_driver blk;

	if (cw_mmio_init(&mmio[i], &bus, i) || cw_mmio_open(&mmio[i]) ||
	    cw_blk_open(&blk, &mmio[i].transport))
		return;
	for (int round = 0; round < 100; round++) {
		read_disk(&blk, 4096);
		read_disk(&blk, 65536);
	}
}

/* The same as a stream, which reads ahead. */
static void stream_file(struct cw_9p_file *f, uint32_t at_once)
{
	static uint8_t buf[65536];
	uint64_t begun = now(), bytes = 0, n = 0;
	struct cw_9p_stream s;
	int32_t got = 0;

	cw_9p_stream_open(&s, f, false, 0);
	for (; got >= 0 && now() - begun < 600000; n++) {
		got = cw_9p_stream_read(&s, buf, at_once, 1000000);
		bytes += got > 0 ? (uint32_t)got : 0;
		if (!got) {
			cw_9p_stream_close(&s, 1000000);
			cw_9p_stream_open(&s, f, false, 0);
		}
	}
	cw_9p_stream_close(&s, 1000000);
	printf("{\"files\": %u, \"n\": %llu, \"bytes\": %llu, \"us\": %llu, \"err\": %d}\n",
	       (unsigned int)at_once + 1, (unsigned long long)n, (unsigned long long)bytes,
	       (unsigned long long)(now() - begun), got < 0 ? got : 0);
}

/* Reads a file for a while, @at_once bytes a call, or asks what it is: 0. */
static void use_file(struct cw_9p_driver *c, struct cw_9p_file *f, uint32_t at_once)
{
	static uint8_t buf[65536];
	uint64_t begun = now(), bytes = 0, n = 0;
	struct cw_9p_stat s;
	int32_t got = 0;

	for (uint64_t at = 0; got >= 0 && now() - begun < 600000; n++) {
		if (at_once)
			got = cw_9p_read(f, at, buf, at_once, 1000000);
		else
			got = cw_9p_stat(c, "/f", &s, 1000000);
		at = got < (int32_t)at_once ? 0 : at + at_once;
		bytes += got > 0 ? (uint32_t)got : 0;
	}
	printf("{\"files\": %u, \"n\": %llu, \"bytes\": %llu, \"us\": %llu, \"err\": %d}\n",
	       (unsigned int)at_once, (unsigned long long)n, (unsigned long long)bytes,
	       (unsigned long long)(now() - begun), got < 0 ? got : 0);
}

static void use_files(unsigned int i)
{
	static struct cw_9p_driver c;
	struct cw_9p_file f;

	if (cw_mmio_init(&mmio[i], &bus, i) || cw_mmio_open(&mmio[i]) ||
	    cw_9p_open(&c, &mmio[i].transport, 1000000) ||
	    cw_9p_file_open(&c, &f, "/f", CW_9P_O_RDONLY, 0, 1000000))
		return;
	for (int round = 0; round < 100; round++) {
		use_file(&c, &f, 65536);
		use_file(&c, &f, 8192);
		use_file(&c, &f, 0);
		stream_file(&f, 65536);
		stream_file(&f, 8192);
	}
}

CW_VSOCK_MEMORY(sockets, 2, 65536);

/* Sends for a while, @at_once bytes a call. */
static void send_bytes(struct cw_vsock_driver *v, uint32_t at_once)
{
	int s = cw_vsock_connect(v, 5000, CW_VSOCK_STREAM, 1000000), n = s;
	uint64_t begun = now(), bytes = 0;
	static uint8_t buf[65536];

	while (n >= 0 && now() - begun < 600000)
		for (int i = 0; n >= 0 && i < 64; i++) {
			n = cw_vsock_send(v, s, buf, at_once, 1000000);
			bytes += n > 0 ? (uint64_t)n : 0;
		}
	if (s < 0) {
		cw_bus_wait(&bus, now() + 100000);
		return;
	}
	printf("{\"sent\": %u, \"bytes\": %llu, \"us\": %llu, \"err\": %d}\n",
	       (unsigned int)at_once, (unsigned long long)bytes,
	       (unsigned long long)(now() - begun), n < 0 ? n : 0);
	cw_vsock_close(v, s);
}

/* What a board with sockets is for. */
static void use_sockets(unsigned int i)
{
	static struct cw_vsock_driver vsock;

	if (cw_mmio_init(&mmio[i], &bus, i) || cw_mmio_open(&mmio[i]) ||
	    cw_vsock_open(&vsock, &mmio[i].transport, &sockets))
		return;
	for (int round = 0; round < 100; round++) {
		send_bytes(&vsock, 65536);
		send_bytes(&vsock, 64);
	}
}

int main(void)
{
	uint64_t begun;
	int err;

	machine = cw_machine_init();
	if (!machine || find_layout() ||
	    cw_bus_init(&bus, &layout, machine->region, slot, machine->port))
		return 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	begun = now();
	cw_bus_start(&bus);
	err = cw_bus_wait_up(&bus, 5000000);
	printf("{\"link_up_us\": %llu}\n", (unsigned long long)(now() - begun));
	begun = now();
	err = err ? err : open_all();
	printf("{\"devices\": %u, \"open_us\": %llu, \"err\": %d}\n", layout.devices,
	       (unsigned long long)(now() - begun), err);
	if (err)
		return 1;
	if (layout.device[0].id == CW_ID_BLK)
		use_disk(0);
	else if (layout.device[0].id == CW_ID_9P)
		use_files(0);
	else if (layout.device[0].id == CW_ID_VSOCK)
		use_sockets(0);
	else
		read_entropy(&rng[0]);
	for (;;)
		cw_bus_wait(&bus, CW_LINK_NEVER);
}
