// SPDX-License-Identifier: BSD-3-Clause
#include "hook.h"

#include "unit.h"

#include <causeway/core/shm.h>

#define EVENTS 65536u

static struct {
	const volatile uint8_t *p;
	unsigned int width;
	bool store;
} event[EVENTS];
static unsigned int events;
static uint32_t (*decide)(const volatile void *p, unsigned int width, uint32_t value);

static void note(const volatile void *p, unsigned int width, bool store)
{
	if (events < EVENTS) {
		event[events].p = p;
		event[events].width = width;
		event[events].store = store;
	}
	events++;
}

uint32_t cw_hook_load(const volatile void *p, unsigned int width, uint32_t value)
{
	note(p, width, false);
	return decide ? decide(p, width, value) : value;
}

void cw_hook_store(const volatile void *p, unsigned int width)
{
	note(p, width, true);
}

void hook_start(uint32_t (*load)(const volatile void *p, unsigned int width, uint32_t value))
{
	events = 0;
	decide = load;
}

static bool touches(unsigned int i, const uint8_t *p, uint32_t len, bool store)
{
	return event[i].store == store && event[i].p < p + len && p < event[i].p + event[i].width;
}

static unsigned int count(const void *p, uint32_t len, bool store)
{
	unsigned int n = 0;

	assert_true(events <= EVENTS);
	for (unsigned int i = 0; i < events; i++)
		n += touches(i, p, len, store);
	return n;
}

unsigned int hook_loads(const void *p, uint32_t len)
{
	return count(p, len, false);
}

unsigned int hook_stores(const void *p, uint32_t len)
{
	return count(p, len, true);
}

unsigned int hook_most_loads(const void *p, uint32_t len)
{
	unsigned int most = 0;

	for (uint32_t i = 0; i + 2 <= len; i += 2) {
		unsigned int n = count((const uint8_t *)p + i, 2, false);

		most = n > most ? n : most;
	}
	return most;
}

static unsigned int place(const void *p, bool store, bool last)
{
	unsigned int found = EVENTS;

	assert_true(events <= EVENTS);
	for (unsigned int i = 0; i < events && (last || found == EVENTS); i++)
		if (touches(i, p, 1, store))
			found = i;
	assert_int_not_equal(found, EVENTS);
	return found;
}

unsigned int hook_first_store(const void *p)
{
	return place(p, true, false);
}

unsigned int hook_last_store(const void *p)
{
	return place(p, true, true);
}

unsigned int hook_first_load(const void *p)
{
	return place(p, false, false);
}
