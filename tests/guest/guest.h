/* SPDX-License-Identifier: BSD-3-Clause */
/* What the only program of an emulated Linux begins with: expectations that are counted, modules. */
#ifndef CAUSEWAY_TESTS_GUEST_H
#define CAUSEWAY_TESTS_GUEST_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned int good, bad;

static inline void expect(const char *what, int line, long got, int want)
{
	int err = got < 0 ? errno : 0;

	if (err == want) {
		good++;
		return;
	}
	bad++;
	printf("guest: line %d: %s: %s, not %s\n", line, what, strerror(err), strerror(want));
}

#define FINE(x)	    expect(#x, __LINE__, (long)(x), 0)
#define FAILS(x, e) expect(#x, __LINE__, (long)(x), e)
#define TRUE(x)	    expect(#x, __LINE__, (errno = EDOM, (x) ? 0 : -1), 0)

static inline void load(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		printf("guest: %s: %m\n", name);
	close(fd);
}

static inline void load_all(void)
{
	struct dirent **names;
	int n = scandir("/modules", &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char path[300];

		snprintf(path, sizeof(path), "/modules/%s", names[i]->d_name);
		if (names[i]->d_name[0] != '.')
			load(path);
	}
}

/* The last that is printed, and the end of the emulator. */
static inline void finish(void)
{
	printf("guest: %u good, %u bad\n", good, bad);
	fflush(stdout);
	reboot(RB_AUTOBOOT);
}

#endif
