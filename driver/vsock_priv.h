/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the two files of the socket driver. */
#ifndef CAUSEWAY_DRIVER_VSOCK_PRIV_H
#define CAUSEWAY_DRIVER_VSOCK_PRIV_H

#include <causeway/driver/vsock.h>

/* Socket @i is in use from now on. */
void cw_vsock_begin_(struct cw_vsock_driver *v, unsigned int i, bool accepted);
/* The connection of socket @i is over. */
void cw_vsock_ended_(struct cw_vsock_driver *v, unsigned int i);
/* Agrees to the other end's leave if nothing of it is unread. */
void cw_vsock_agree_(struct cw_vsock_driver *v, unsigned int i);
/* Hands over what waits for more. */
void cw_vsock_flush_(struct cw_vsock_driver *v);
/* Whether the device has output that it was not seen to have taken. */
bool cw_vsock_busy_(const struct cw_vsock_driver *v);
/* 1: there is a buffer for a packet; 0: none; or what ended the device. */
int cw_vsock_buffer_(struct cw_vsock_driver *v);
/* Begins to collect for socket @s, in a buffer that there is. */
void cw_vsock_collect_(struct cw_vsock_driver *v, int s);
/* Appends to what is collected, @len that there is room and credit for. */
void cw_vsock_append_(struct cw_vsock_driver *v, const void *data, uint32_t len);
/* Into a buffer that there is; the caller publishes. */
void cw_vsock_put_(struct cw_vsock_driver *v, const struct cw_abi_vsock_hdr *h, const void *data,
		   uint32_t len);

#endif
