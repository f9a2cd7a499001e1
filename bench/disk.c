// SPDX-License-Identifier: BSD-3-Clause
/* The floor of a disk: disk FILE SIZE reads it from the page cache, SIZE bytes a call, for 0.6 s. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

int main(int argc, char **argv)
{
	size_t size = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	int fd = size ? open(argv[1], O_RDONLY) : -1;
	double begun = now(), bytes = 0;
	char *buf = malloc(size + 1);
	struct stat st;

	if (fd < 0 || !buf || fstat(fd, &st)) {
		fputs("usage: disk FILE SIZE\n", stderr);
		return 2;
	}
	while (now() - begun < 6e5)
		for (off_t at = 0; at + (off_t)size <= st.st_size; at += (off_t)size)
			bytes += (double)pread(fd, buf, size, at);
	printf("{\"bytes\": %.0f, \"us\": %.0f}\n", bytes, now() - begun);
	return 0;
}
