// SPDX-License-Identifier: BSD-3-Clause
/* The shell's commands for a disk: `blk info|read|write|verify|zero|flush`. */
#include "app.h"
#include "commands.h"

#include <causeway/core/err.h>

#include <stdlib.h>
#include <string.h>

#define AT_ONCE	   8u /* sectors */
#define TIMEOUT_US 10000000u

static uint8_t bytes[AT_ONCE * CW_BLK_SECTOR];

static bool there(void)
{
	if (app.device[APP_BLK].index < 0)
		shell_out("there is no disk in the layout\n");
	else if (!app_ready(APP_BLK))
		shell_out("the disk is away\n");
	return app_ready(APP_BLK);
}

/* A number of the command's, or false with its usage said. */
static bool number(const char *text, unsigned long most, unsigned long *value)
{
	char *end;

	*value = strtoul(text, &end, 0);
	return *text >= '0' && *text <= '9' && !*end && *value <= most;
}

static bool numbers(int argc, char **argv, int wanted, unsigned long *value, const char *usage)
{
	bool good = argc == wanted;

	for (int i = 0; good && i < wanted; i++)
		good = number(argv[i], 0x7fffffff, &value[i]);
	if (!good)
		shell_out("usage: %s\n", usage);
	return good && there();
}

static bool failed(const char *what, unsigned long sector, int err)
{
	if (err)
		shell_out("%s failed at sector %lu: %s\n", what, sector, cw_strerror(err));
	return err != 0;
}

static void pattern(unsigned long sector, unsigned long seed)
{
	for (uint32_t i = 0; i < CW_BLK_SECTOR; i++)
		bytes[i] = (uint8_t)(i * 7u + sector * 31u + (sector >> 8) * 17u + seed);
}

static void blk_info(int argc, char **argv)
{
	char id[CW_BLK_ID_LEN + 1];

	(void)argc;
	(void)argv;
	if (!there() || failed("asking for its id", 0, cw_blk_id(&app.blk, id, TIMEOUT_US)))
		return;
	shell_out("%s: %lu sectors of 512 bytes, written best in %u%s\n", id,
		  (unsigned long)app.blk.sectors, (unsigned int)app.blk.block,
		  app.blk.read_only ? ", read only" : "");
}

static void blk_read(int argc, char **argv)
{
	unsigned long v[1];

	if (!numbers(argc, argv, 1, v, "blk read SECTOR") ||
	    failed("reading", v[0], cw_blk_read(&app.blk, v[0], 1, bytes, TIMEOUT_US)))
		return;
	for (uint32_t i = 0; i < CW_BLK_SECTOR; i += 16) {
		const uint8_t *b = bytes + i;

		shell_out("%03x  %02x %02x %02x %02x %02x %02x %02x %02x  "
			  "%02x %02x %02x %02x %02x %02x %02x %02x\n",
			  (unsigned int)i, b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8],
			  b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
	}
}

static void blk_write(int argc, char **argv)
{
	unsigned long v[3];

	if (!numbers(argc, argv, 3, v, "blk write SECTOR COUNT SEED: a pattern made of these"))
		return;
	for (unsigned long i = 0; i < v[1]; i++) {
		pattern(v[0] + i, v[2]);
		if (failed("writing", v[0] + i,
			   cw_blk_write(&app.blk, v[0] + i, 1, bytes, TIMEOUT_US)))
			return;
	}
	shell_out("%lu sectors written\n", v[1]);
}

static void blk_verify(int argc, char **argv)
{
	static uint8_t got[CW_BLK_SECTOR];
	unsigned long v[3];

	if (!numbers(argc, argv, 3, v, "blk verify SECTOR COUNT SEED: what blk write wrote"))
		return;
	for (unsigned long i = 0; i < v[1]; i++) {
		pattern(v[0] + i, v[2]);
		if (failed("reading", v[0] + i,
			   cw_blk_read(&app.blk, v[0] + i, 1, got, TIMEOUT_US)))
			return;
		if (memcmp(got, bytes, sizeof(got)) != 0) {
			shell_out("sector %lu differs\n", v[0] + i);
			return;
		}
	}
	shell_out("%lu sectors verified\n", v[1]);
}

static void blk_zero(int argc, char **argv)
{
	unsigned long v[2];

	if (numbers(argc, argv, 2, v, "blk zero SECTOR COUNT") &&
	    !failed("zeroing", v[0], cw_blk_zero(&app.blk, v[0], (uint32_t)v[1], true, TIMEOUT_US)))
		shell_out("%lu sectors zeroed\n", v[1]);
}

static void blk_flush(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (there() && !failed("flushing", 0, cw_blk_flush(&app.blk, TIMEOUT_US)))
		shell_out("flushed\n");
}

const struct shell_command disk_commands[] = {
	{ "blk info", "the disk's id and size", blk_info },
	{ "blk read", "SECTOR: show it", blk_read },
	{ "blk write", "SECTOR COUNT SEED: write a pattern", blk_write },
	{ "blk verify", "SECTOR COUNT SEED: read it back and compare", blk_verify },
	{ "blk zero", "SECTOR COUNT: make them read as zeroes", blk_zero },
	{ "blk flush", "what was written is on the disk when this ends", blk_flush },
	{ NULL, NULL, NULL },
};
