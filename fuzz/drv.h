/* SPDX-License-Identifier: BSD-3-Clause */
/* Between fuzz_driver.c and the part of one driver, drv_NAME.c: its device, and how it is used. */
#ifndef FUZZ_DRV_H
#define FUZZ_DRV_H

#include "one_device.h"

#include <causeway/device/bus.h>
#include <causeway/driver/bus.h>
#include <causeway/driver/mmio.h>

#define TIMEOUT 3000u /* microseconds */

struct drv_world {
	/* the remote */
	struct cw_bus bus;
	struct cw_mmio mmio;
	uint32_t loads;
	bool lied; /* somebody has, since all began */
	uint8_t buffer[2100];
	/* the PMM */
	bool pmm; /* its code runs: it may touch what it likes */
	struct cw_device_bus device_bus;
	struct cw_device_queue queue[COUNT];
	uint8_t next_byte;
	uint64_t now;
};

extern struct drv_world drv;

struct drv_part {
	/* the device */
	struct cw_device *(*make)(void);
	void (*feed)(void);  /* has something for the remote */
	unsigned int *todos; /* steps that it leaves until later, or NULL */
	/* the driver */
	int (*open)(void);
	void (*use)(void);    /* one call, as the input says */
	void (*step)(void);   /* what an honest user does again and again, or NULL */
	void (*honest)(void); /* what it must have come to, or NULL */
	bool again;	      /* after all that was done to it, an honest life must work */
};

extern const struct drv_part drv_part;

/* Lets the PMM do what there is to do. */
void drv_serve(void);

/* A buffer of @len bytes with something behind it that must stay. */
void drv_prepare(uint32_t len);
void drv_check_guard(int got, uint32_t len);

#endif
