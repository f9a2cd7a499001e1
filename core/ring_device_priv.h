/* SPDX-License-Identifier: BSD-3-Clause */
/* Between the device ring and its chain walker. */
#ifndef CAUSEWAY_CORE_RING_DEVICE_PRIV_H
#define CAUSEWAY_CORE_RING_DEVICE_PRIV_H

#include <causeway/core/ring_device.h>

#define CW_OWN_END 0xffffu /* last descriptor of a chain; queues are smaller than this */

/* Fills all of @c but part and head; on error the queue is to be broken. */
int cw_chain_walk_(struct cw_devq *q, uint16_t head, struct cw_chain *c, unsigned int parts);

#endif
