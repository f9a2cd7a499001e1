// SPDX-License-Identifier: BSD-3-Clause
#include <causeway/host/doorbell.h>

#include <string.h>

int cw_doorbell_open(struct cw_doorbell *d, const struct cw_board_remote *r, FILE *err)
{
	static const struct cw_doorbell_ops *const kinds[] = {
		[CW_DOORBELL_SOCKET] = &cw_doorbell_socket,
		[CW_DOORBELL_POLL] = &cw_doorbell_poll,
		[CW_DOORBELL_IVSHMEM] = &cw_doorbell_ivshmem,
		[CW_DOORBELL_CHARDEV] = &cw_doorbell_chardev,
		[CW_DOORBELL_UIO] = &cw_doorbell_uio,
	};

	memset(d, 0, sizeof(*d));
	d->mine = d->theirs = d->bell = -1;
	d->ops = kinds[r->doorbell];
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
