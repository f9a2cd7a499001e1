// SPDX-License-Identifier: BSD-3-Clause
#include "backend_priv.h"

#include <causeway/core/shm.h>

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The list of one entry for the first @len bytes of the copy. */
static const struct iovec *one(struct cw_unit *u, size_t len, unsigned int *n)
{
	u->iov = (struct iovec){ u->copy, len };
	*n = 1;
	return &u->iov;
}

static const struct iovec *themselves(const struct cw_part *part)
{
	return (const struct iovec *)(const void *)part;
}

const struct iovec *unit_io_out(struct cw_unit *u, const struct cw_part *part, unsigned int *n)
{
	size_t len = 0;

	if (!u->copy)
		return themselves(part);
	for (unsigned int i = 0; i < *n && len < CW_UNIT_COPY; i++) {
		size_t some = min_size(part[i].len, CW_UNIT_COPY - len);

		cw_copy_in(u->copy + len, part[i].ptr, (uint32_t)some);
		len += some;
	}
	return one(u, len, n);
}

const struct iovec *unit_io_in(struct cw_unit *u, const struct cw_part *part, unsigned int *n)
{
	size_t len = 0;

	if (!u->copy)
		return themselves(part);
	for (unsigned int i = 0; i < *n; i++)
		len += part[i].len;
	return one(u, min_size(len, CW_UNIT_COPY), n);
}

void unit_io_got(struct cw_unit *u, const struct cw_part *part, unsigned int n, size_t got)
{
	size_t at = 0;

	for (unsigned int i = 0; u->copy && i < n && at < got; i++) {
		size_t some = min_size(part[i].len, got - at);

		cw_copy_out(part[i].ptr, u->copy + at, (uint32_t)some);
		at += some;
	}
}
