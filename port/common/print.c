// SPDX-License-Identifier: BSD-3-Clause
#include "print.h"

#include <causeway/port/machine.h>

void print(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	cw_machine_uart(text, n);
	cw_machine_trace(text, n);
}

void print_hex(uint64_t value)
{
	char digits[17] = { 0 };

	for (int i = 15; i >= 0; i--, value >>= 4)
		digits[i] = "0123456789abcdef"[value & 15];
	print(digits);
}
