// SPDX-License-Identifier: BSD-3-Clause
#include <causeway/host/doorbell.h>

#include <string.h>

int cw_doorbell_open(struct cw_doorbell *d, const struct cw_board_remote *r, FILE *err)
{
	memset(d, 0, sizeof(*d));
	d->mine = d->theirs = -1;
	d->ops = r->doorbell == CW_DOORBELL_POLL ? &cw_doorbell_poll : &cw_doorbell_socket;
	if (!d->ops->open(d, r, err))
		return 0;
	memset(d, 0, sizeof(*d));
	return -1;
}

void cw_doorbell_close(struct cw_doorbell *d)
{
	if (d->ops)
		d->ops->close(d);
	memset(d, 0, sizeof(*d));
}
