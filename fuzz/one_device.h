/* SPDX-License-Identifier: BSD-3-Clause */
/* A region with one device: rng, or FUZZ_NET, _CONSOLE, _BLK, _9P, _VSOCK. For fuzz_device.c and fuzz_driver.c */
#ifndef FUZZ_ONE_DEVICE_H
#define FUZZ_ONE_DEVICE_H

#include "fuzz.h"

#include <causeway/abi/virtio.h>
#include <causeway/core/layout.h>

#define BASE   0x37000000u
#define PMM    0x0000u
#define REMOTE 0x1000u
#define BLOCK  0x2000u
#define DATA   (BLOCK + 0x2000u)
#define SIZE   16

#if defined(FUZZ_NET)
#define ID    CW_ID_NET
#define COUNT 2
#elif defined(FUZZ_CONSOLE)
#define ID    CW_ID_CONSOLE
#define COUNT 6 /* two ports and control */
#elif defined(FUZZ_BLK)
#define ID    CW_ID_BLK
#define COUNT 1
#elif defined(FUZZ_9P)
#define ID    CW_ID_9P
#define COUNT 1
#elif defined(FUZZ_VSOCK)
#define ID    CW_ID_VSOCK
#define COUNT 3
#else
#define ID    CW_ID_RNG
#define COUNT 1
#endif

static struct cw_layout_device place = { .name = "dev",
					 .id = ID,
					 .slot = 1,
					 .queues = COUNT,
					 .queue_size = SIZE,
					 .size = FZ_REGION - BLOCK,
					 .block = BASE + BLOCK };
static struct cw_layout layout __attribute__((unused)) = { .base = BASE,
							   .size = FZ_REGION,
							   .line = 64,
							   .dtb = 0,
							   .slots = 2 + COUNT,
							   .devices = 1,
							   .pmm_page = BASE + PMM,
							   .remote_page = BASE + REMOTE,
							   .device = &place };

#endif
