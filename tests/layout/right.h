/* Made by `causeway layout --format c-header` for remote right: do not edit. */
#ifndef CAUSEWAY_LAYOUT_GENERATED_H
#define CAUSEWAY_LAYOUT_GENERATED_H

#include <causeway/core/layout.h>

#define CW_LAYOUT_REMOTE "right"
#define CW_LAYOUT_BASE 0x37000000ull
#define CW_LAYOUT_SIZE 0x10000u
#define CW_LAYOUT_HASH 0x6c5483bd1c9cd627ull
#define CW_LAYOUT_DEVICES 1
#define CW_LAYOUT_DEVICE_CONSOLE0 0

static const struct cw_layout_device cw_layout_devices_[] = {
	{ .name = "console0", .id = 3, .slot = 1, .queues = 6,
	  .queue_size = 8, .size = 0xc000u, .block = 0x37002000ull },
};

static const struct cw_layout cw_layout_generated = {
	.base = CW_LAYOUT_BASE, .size = CW_LAYOUT_SIZE, .line = 64, .dtb = 0x0u,
	.slots = 8, .devices = CW_LAYOUT_DEVICES,
	.pmm_page = 0x37000000ull, .remote_page = 0x37001000ull,
	.device = cw_layout_devices_,
};

#endif
