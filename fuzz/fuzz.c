// SPDX-License-Identifier: BSD-3-Clause
#include "fuzz.h"

#include <causeway/core/shm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t *head, *tail;
static unsigned int honest; /* loads until the adversary decides again */

bool fz_hostile;
uint32_t (*fz_on_load)(const volatile void *p, unsigned int width, uint32_t value);
void (*fz_on_store)(const volatile void *p, unsigned int width);
uint32_t fz_loads;

_Alignas(4096) unsigned char fz_region[FZ_REGION];

static uint32_t fetched[FZ_REGION]; /* round in which a byte was last loaded */
static uint32_t round_, once_from, once_to;

static struct {
	uint32_t from, len;
} allowed[256];
static unsigned int allowed_count;

void fz_begin(const uint8_t *data, size_t size)
{
	head = data;
	tail = data + size;
	honest = 0;
	fz_hostile = false;
	fz_on_load = NULL;
	fz_on_store = NULL;
	fz_fetch_free();
	fz_allow_none();
	memset(fz_region, 0, sizeof(fz_region));
}

bool fz_more(void)
{
	return head < tail;
}

uint8_t fz_u8(void)
{
	return head < tail ? *head++ : 0;
}

uint16_t fz_u16(void)
{
	unsigned int lo = fz_u8();

	return (uint16_t)(lo | (unsigned int)fz_u8() << 8);
}

uint32_t fz_u32(void)
{
	uint32_t lo = fz_u16();

	return lo | (uint32_t)fz_u16() << 16;
}

uint64_t fz_u64(void)
{
	uint64_t lo = fz_u32();

	return lo | (uint64_t)fz_u32() << 32;
}

uint32_t fz_below(uint32_t n)
{
	return (n > 256 ? fz_u16() : fz_u8()) % n;
}

const uint8_t *fz_rest(size_t *len)
{
	const uint8_t *p = head;

	*len = (size_t)(tail - head);
	head = tail;
	return p;
}

static uint8_t back(void)
{
	return head < tail ? *--tail : 0;
}

/* A byte below 0x80 is a number of honest loads to come, another says how to lie. */
uint32_t fz_twist(uint32_t value)
{
	uint8_t b;

	if (!fz_hostile || head >= tail)
		return value;
	if (honest) {
		honest--;
		return value;
	}
	b = back();
	if (b < 0x80) {
		honest = b;
		return value;
	}
	switch (b >> 4 & 7) {
	case 0:
		return value + (b & 15u) - 7u;
	case 1:
		return value ^ 1u << (b & 15u);
	case 2:
		return value ^ 0x10000u << (b & 15u);
	case 3:
		return UINT32_MAX << (b & 15u);
	case 4:
		return b & 15u;
	case 5:
		return back();
	case 6:
		return back() | (uint32_t)back() << 8;
	default:
		return back() | (uint32_t)back() << 8 | (uint32_t)back() << 16 |
		       (uint32_t)back() << 24;
	}
}

#ifdef CW_SHM_HOOKS
uint32_t cw_hook_load(const volatile void *p, unsigned int width, uint32_t value)
{
	fz_loads++;
	return fz_on_load ? fz_on_load(p, width, value) : value;
}

void cw_hook_store(const volatile void *p, unsigned int width)
{
	if (fz_on_store)
		fz_on_store(p, width);
}
#endif

void fz_fail(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: broken: %s\n", file, line, what);
	abort();
}

uint32_t fz_off(const volatile void *p)
{
	uintptr_t off = (uintptr_t)p - (uintptr_t)fz_region;

	return off < FZ_REGION ? (uint32_t)off : FZ_OUTSIDE;
}

void fz_fetch_once(uint32_t from, uint32_t to)
{
	round_++;
	once_from = from;
	once_to = to;
	fz_loads = 0;
}

void fz_fetch_free(void)
{
	fz_fetch_once(0, 0);
}

void fz_fetch_note(uint32_t off, unsigned int width)
{
	for (uint32_t i = off; i < off + width; i++) {
		if (i < once_from || i >= once_to)
			continue;
		FZ_CHECK(fetched[i] != round_); /* single fetch */
		fetched[i] = round_;
	}
}

void fz_allow_none(void)
{
	allowed_count = 0;
}

void fz_allow(uint32_t from, uint32_t len)
{
	FZ_CHECK(allowed_count < sizeof(allowed) / sizeof(allowed[0]));
	allowed[allowed_count].from = from;
	allowed[allowed_count++].len = len;
}

bool fz_allowed(uint32_t from, uint32_t len)
{
	for (unsigned int i = 0; i < allowed_count; i++)
		if (from >= allowed[i].from && len <= allowed[i].len &&
		    from - allowed[i].from <= allowed[i].len - len)
			return true;
	return false;
}
