// SPDX-License-Identifier: BSD-3-Clause
#include <causeway/core/err.h>

#include <stddef.h>

static const struct {
	int err;
	const char *text;
} texts[] = {
	{ CW_OK, "success" },
	{ CW_EAGAIN, "nothing available now" },
	{ CW_ETIMEDOUT, "deadline passed" },
	{ CW_ERESET, "link or device was reset" },
	{ CW_EDOWN, "link is down" },
	{ CW_ECLOSED, "connection closed or refused" },
	{ CW_EINVAL, "invalid argument" },
	{ CW_ENOSPC, "no space" },
	{ CW_ENOTSUP, "not supported" },
	{ CW_ENODEV, "no such device" },
	{ CW_EBUSY, "busy" },
	{ CW_ENOENT, "no such file or directory" },
	{ CW_EEXIST, "exists already, or is not empty" },
	{ CW_EACCES, "not permitted" },
	{ CW_EPEER, "peer broke the contract" },
	{ CW_EBADINDEX, "bad ring index or descriptor number" },
	{ CW_EBADCHAIN, "bad descriptor chain" },
	{ CW_EBADADDR, "address outside the device's memory" },
	{ CW_EBADLEN, "bad length" },
	{ CW_EREFUSED, "register request refused" },
	{ CW_EVERSION, "contract version differs" },
	{ CW_ELAYOUT, "layout differs" },
	{ CW_EIO, "input or output error" },
	{ CW_EINTERNAL, "internal error" },
};

const char *cw_strerror(int err)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].err == err)
			return texts[i].text;
	return "unknown error";
}
