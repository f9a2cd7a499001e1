/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Words that cross the boundary.
 *
 * Everything under abi/ is layout only: it compiles freestanding on both sides and as C++, and no
 * function here touches memory. A word of the contract is little-endian and opaque, so that neither
 * side can read it without an accessor: <causeway/core/shm.h> for memory the peer can write,
 * <causeway/core/bytes.h> for a private copy.
 */
#ifndef CAUSEWAY_ABI_TYPES_H
#define CAUSEWAY_ABI_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define CW_ABI_ASSERT(cond, text) static_assert(cond, text)
#else
#define CW_ABI_ASSERT(cond, text) _Static_assert(cond, text)
#endif

/* The place of a member is part of the contract: a change is a compile error, not a surprise. */
#define CW_ABI_AT(type, member, at) \
	CW_ABI_ASSERT(offsetof(struct type, member) == (at), #type "." #member " is not at " #at)
#define CW_ABI_SIZE(type, bytes) \
	CW_ABI_ASSERT(sizeof(struct type) == (bytes), #type " is not " #bytes " bytes")

struct cw_le16 {
	uint16_t raw_;
};

struct cw_le32 {
	uint32_t raw_;
};

/*
 * A physical address as the remote sees it. An integer on purpose: only cw_window_ptr() turns
 * (address, length) into a pointer, or refuses.
 */
typedef uint64_t cw_addr_t;

CW_ABI_SIZE(cw_le16, 2);
CW_ABI_SIZE(cw_le32, 4);

#endif
