// SPDX-License-Identifier: BSD-3-Clause
#include <causeway/host/carrier.h>

#include <string.h>

void cw_carrier_init(struct cw_carrier *c, const struct cw_board_remote *r,
		     const struct cw_memory *m, const struct cw_doorbell *d)
{
	memset(c, 0, sizeof(*c));
	c->ops = r->carrier == CW_CARRIER_ATTACH ? &cw_carrier_attach : &cw_carrier_process;
	c->remote = r;
	c->memory = m;
	c->doorbell = d;
	c->uart = -1;
	c->state = r->carrier == CW_CARRIER_ATTACH ? CW_REMOTE_DETACHED : CW_REMOTE_OFFLINE;
}

const char *cw_carrier_state_text(enum cw_carrier_state s)
{
	static const char *const text[] = { "offline", "running", "crashed", "attached",
					    "detached" };

	return s < sizeof(text) / sizeof(text[0]) ? text[s] : "unknown";
}
