/* Made by `causeway layout --format c-header` for remote left-side: do not edit. */
#ifndef CAUSEWAY_LAYOUT_GENERATED_H
#define CAUSEWAY_LAYOUT_GENERATED_H

#include <causeway/core/layout.h>

#define CW_LAYOUT_REMOTE "left-side"
#define CW_LAYOUT_BASE 0x180000000ull
#define CW_LAYOUT_SIZE 0x100000u
#define CW_LAYOUT_HASH 0x7afa98a9c9804ff4ull
#define CW_LAYOUT_DEVICES 3
#define CW_LAYOUT_DEVICE_VIRT_RNG 0
#define CW_LAYOUT_DEVICE_SIZE 1
#define CW_LAYOUT_DEVICE_CONSOLE0 2

static const struct cw_layout_device cw_layout_devices_[] = {
	{ .name = "virt-rng", .id = 4, .slot = 1, .queues = 1,
	  .queue_size = 16, .size = 0x6000u, .block = 0x180004000ull },
	{ .name = "size", .id = 1, .slot = 3, .queues = 2,
	  .queue_size = 64, .size = 0x20000u, .block = 0x180040000ull },
	{ .name = "console0", .id = 3, .slot = 6, .queues = 2,
	  .queue_size = 16, .size = 0x6000u, .block = 0x180060000ull },
};

static const struct cw_layout cw_layout_generated = {
	.base = CW_LAYOUT_BASE, .size = CW_LAYOUT_SIZE, .line = 128, .dtb = 0x2000u,
	.slots = 9, .devices = CW_LAYOUT_DEVICES,
	.pmm_page = 0x180002000ull, .remote_page = 0x180003000ull,
	.device = cw_layout_devices_,
};

#endif
