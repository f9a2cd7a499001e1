// SPDX-License-Identifier: BSD-3-Clause
/* Runs a target once on each file of the named folders: the corpus as a test, without libFuzzer. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST (1u << 16)

static int replay(const char *path)
{
	/* On the heap and cut to size, so that a sanitizer sees a read behind it. */
	uint8_t *buf = malloc(LONGEST);
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f || !buf) {
		perror(path);
		exit(1);
	}
	n = fread(buf, 1, LONGEST, f);
	fclose(f);
	buf = realloc(buf, n ? n : 1);
	fprintf(stderr, "%s\n", path); /* the last line names what ended the program */
	LLVMFuzzerTestOneInput(buf, n);
	free(buf);
	return 1;
}

static int replay_all(const char *folder)
{
	struct dirent **list;
	int n = scandir(folder, &list, NULL, alphasort), files = 0;

	if (n < 0)
		return replay(folder);
	for (int i = 0; i < n; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", folder, list[i]->d_name);
		if (list[i]->d_name[0] != '.')
			files += replay(path);
		free(list[i]);
	}
	free(list);
	return files;
}

int main(int argc, char **argv)
{
	int files = 0;

	for (int i = 1; i < argc; i++)
		files += replay_all(argv[i]);
	printf("%d inputs replayed\n", files);
	return files ? 0 : 1;
}
