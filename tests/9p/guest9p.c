// SPDX-License-Identifier: BSD-3-Clause
/*
 * The only program of an emulated Linux: loads modules, mounts the 9P server at the other end of a
 * network card, asks of it what programs ask of a file system, and prints what came out otherwise.
 * Arguments from the kernel's command line: cache=MODE seed=N ops=N.
 */
#include "../guest/guest.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define T "/mnt/"

/* ---- getting there ---- */

static void set_address(struct ifreq *r, const char *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	inet_pton(AF_INET, address, &in.sin_addr);
	memcpy(&r->ifr_addr, &in, sizeof(in));
}

static void network(void)
{
	struct ifreq r = { .ifr_name = "eth0" };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	set_address(&r, "10.0.2.15");
	FINE(ioctl(s, SIOCSIFADDR, &r));
	set_address(&r, "255.255.255.0");
	FINE(ioctl(s, SIOCSIFNETMASK, &r));
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	FINE(ioctl(s, SIOCSIFFLAGS, &r));
	close(s);
}

/* ---- what programs ask ---- */

static int make(const char *path, const char *text)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0644);
	ssize_t len = (ssize_t)strlen(text);

	if (fd < 0)
		return -1;
	if (write(fd, text, (size_t)len) != len)
		return -1;
	return close(fd);
}

static bool reads(const char *path, const char *text)
{
	char got[256] = "";
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, got, sizeof(got) - 1);

	close(fd);
	return n == (ssize_t)strlen(text) && !strcmp(got, text);
}

static void folders(void)
{
	char name[300] = T;

	memset(name + 5, 'n', 255);
	FINE(mkdir(name, 0755));
	FINE(rmdir(name));
	name[260] = 'n';
	FAILS(mkdir(name, 0755), ENAMETOOLONG);
	FINE(mkdir(T "d", 0755));
	FAILS(mkdir(T "d", 0755), EEXIST);
	FAILS(mkdir(T "x/y", 0755), ENOENT);
	FINE(make(T "d/f", "text"));
	FAILS(mkdir(T "d/f/x", 0755), ENOTDIR);
	FAILS(rmdir(T "d"), ENOTEMPTY);
	FAILS(rmdir(T "d/f"), ENOTDIR);
	FAILS(unlink(T "d"), EISDIR);
	FAILS(unlink(T "x"), ENOENT);
	FAILS(open(T "d", O_RDWR), EISDIR);
	FAILS(make(T "d/f", ""), EEXIST);
	FINE(chdir(T "d"));
	FINE(access("../d/f", R_OK));
	FINE(chdir("/"));
	FINE(unlink(T "d/f"));
	FINE(rmdir(T "d"));
}

static void links(void)
{
	struct stat st;
	char text[64];

	FINE(make(T "f", "text"));
	FINE(symlink("f", T "l"));
	TRUE(readlink(T "l", text, sizeof(text)) == 1 && text[0] == 'f');
	TRUE(reads(T "l", "text"));
	FAILS(open(T "l", O_RDONLY | O_NOFOLLOW), ELOOP);
	FINE(symlink("/proc/version", T "own")); /* the guest's, as a link is followed here */
	TRUE(lstat(T "own", &st) == 0 && S_ISLNK(st.st_mode));
	FINE(symlink("loop", T "loop"));
	FAILS(open(T "loop", O_RDONLY), ELOOP);
	FINE(link(T "f", T "g"));
	TRUE(!stat(T "f", &st) && st.st_nlink == 2);
	FAILS(link(T "f", T "g"), EEXIST);
	FINE(unlink(T "f"));
	TRUE(reads(T "g", "text"));
	FAILS(mknod(T "n", S_IFIFO | 0644, 0), EPERM);
	FAILS(mknod(T "n", S_IFCHR | 0644, makedev(1, 3)), EPERM);
	FINE(mknod(T "n", S_IFREG | 0644, 0));
	for (const char *const *p = (const char *const[]){ "l", "own", "loop", "g", "n", NULL }; *p;
	     p++) {
		snprintf(text, sizeof(text), T "%s", *p);
		FINE(unlink(text));
	}
}

static void renames(void)
{
	FINE(mkdir(T "a", 0755));
	FINE(mkdir(T "b", 0755));
	FINE(make(T "a/f", "one"));
	FINE(make(T "g", "two"));
	FINE(rename(T "a/f", T "g"));
	TRUE(reads(T "g", "one"));
	FAILS(rename(T "a/f", T "h"), ENOENT);
	FAILS(rename(T "a", T "a/c"), EINVAL);
	FAILS(rename(T "a", T "g"), ENOTDIR);
	FAILS(rename(T "g", T "a"), EISDIR);
	FINE(rename(T "a", T "b"));
	FINE(rename(T "g", T "b/g"));
	FINE(mkdir(T "a", 0755));
	FAILS(rename(T "a", T "b"), ENOTEMPTY);
	TRUE(reads(T "b/g", "one"));
	FINE(rename(T "b", T "a/b"));
	TRUE(reads(T "a/b/g", "one"));
	FINE(unlink(T "a/b/g"));
	FINE(rmdir(T "a/b"));
	FINE(rmdir(T "a"));
}

static void attributes(void)
{
	struct timespec t[2] = { { 1000, 5 }, { 2000, 999999999 } };
	struct statfs sf;
	struct stat st;
	int fd;

	FINE(make(T "f", "0123456789"));
	FINE(chmod(T "f", 0600));
	TRUE(!stat(T "f", &st) && st.st_mode == (S_IFREG | 0600));
	FINE(utimensat(AT_FDCWD, T "f", t, 0));
	TRUE(!stat(T "f", &st) && st.st_atim.tv_sec == 1000 &&
	     st.st_mtim.tv_sec == 2000); /* a second is all that v9fs tells apart */
	FINE(truncate(T "f", 4));
	TRUE(reads(T "f", "0123"));
	FINE(truncate(T "f", 100000));
	TRUE(!stat(T "f", &st) && st.st_size == 100000);
	FAILS(truncate(T "f", -1), EINVAL);
	FINE(statfs(T, &sf));
	TRUE(sf.f_bsize > 0 && sf.f_namelen == 255);
	fd = open(T "f", O_RDWR | O_TRUNC);
	TRUE(!fstat(fd, &st) && !st.st_size);
	FINE(write(fd, "abc", 3));
	FINE(fsync(fd));
	FINE(fdatasync(fd));
	FINE(unlink(T "f"));
	FINE(write(fd, "def", 3)); /* it lives on */
	FINE(ftruncate(fd, 5));
	TRUE(!fstat(fd, &st) && st.st_size == 5);
	close(fd);
	fd = open(T "log", O_WRONLY | O_APPEND | O_CREAT, 0644);
	FINE(write(fd, "one", 3));
	FINE(lseek(fd, 0, SEEK_SET));
	FINE(write(fd, "two", 3));
	close(fd);
	TRUE(reads(T "log", "onetwo"));
	FINE(unlink(T "log"));
}

static void extended(void)
{
	char value[64];

	FINE(make(T "f", ""));
	if (setxattr(T "f", "user.a", "hello", 5, 0) && errno == EOPNOTSUPP)
		goto out; /* the export's file system has none */
	TRUE(getxattr(T "f", "user.a", value, sizeof(value)) == 5 && !memcmp(value, "hello", 5));
	FAILS(setxattr(T "f", "user.a", "x", 1, XATTR_CREATE), EEXIST);
	TRUE(listxattr(T "f", value, sizeof(value)) == 7);
	FINE(removexattr(T "f", "user.a"));
	FAILS(getxattr(T "f", "user.a", value, sizeof(value)), ENODATA);
out:
	FAILS(setxattr(T "f", "trusted.a", "x", 1, 0), EOPNOTSUPP);
	FINE(unlink(T "f"));
}

static int list(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static void many(void)
{
	char path[64];

	FINE(mkdir(T "many", 0755));
	for (int i = 0; i < 700; i++) {
		snprintf(path, sizeof(path), T "many/a-name-of-some-length-%d", i);
		FINE(make(path, ""));
	}
	TRUE(list(T "many") == 702);
	for (int i = 0; i < 700; i++) {
		snprintf(path, sizeof(path), T "many/a-name-of-some-length-%d", i);
		FINE(unlink(path));
	}
	TRUE(list(T "many") == 2);
	FINE(rmdir(T "many"));
}

static int lock(int fd, short type, off_t start, off_t len)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return fcntl(fd, F_SETLK, &l);
}

static void locks(void)
{
	struct flock l = { .l_type = F_RDLCK };
	int fd = open(T "f", O_RDWR | O_CREAT, 0644), status;

	FINE(lock(fd, F_WRLCK, 0, 10));
	if (!fork()) {
		fd = open(T "f", O_RDWR);
		if (!lock(fd, F_RDLCK, 5, 1) || (errno != EAGAIN && errno != EACCES))
			_exit(1);
		_exit(fcntl(fd, F_GETLK, &l) || l.l_type != F_WRLCK ? 2
		      : lock(fd, F_WRLCK, 10, 5)		    ? 3
								    : 0);
	}
	wait(&status);
	TRUE(status == 0);
	FINE(lock(fd, F_UNLCK, 0, 0));
	close(fd);
	FINE(unlink(T "f"));
}

/* ---- random operations on one file, against a copy of it in memory ---- */

#define MODEL (200u << 10)
static uint8_t model[MODEL], buf[MODEL];
static size_t size;
static uint64_t seed = 1;

static uint32_t number(uint32_t below)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (uint32_t)(seed * 0x2545f4914f6cdd1dull >> 32) % below;
}

static bool model_read(int fd)
{
	uint32_t at = number(MODEL), len = number(60000);
	size_t want = at >= size ? 0 : size - at < len ? size - at : len;
	ssize_t got = pread(fd, buf, len, at);

	return got == (ssize_t)want && !memcmp(buf, model + at, want);
}

static bool model_write(int fd)
{
	uint32_t at = number(MODEL - 1), len = 1 + number(60000);

	if (len > MODEL - at)
		len = MODEL - at;
	for (uint32_t i = 0; i < len; i++)
		model[at + i] = (uint8_t)number(256);
	if (at + len > size)
		size = at + len;
	return pwrite(fd, model + at, len, at) == (ssize_t)len;
}

static bool model_truncate(int fd)
{
	uint32_t to = number(MODEL);

	if (to < size)
		memset(model + to, 0, size - to);
	size = to;
	return !(number(2) ? ftruncate(fd, to) : truncate(T "fsx", to));
}

static bool model_map(int fd)
{
	void *p;
	bool same;

	if (!size)
		return true;
	p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	same = p == MAP_FAILED || !memcmp(p, model, size); /* not every mode has it */
	if (p != MAP_FAILED)
		munmap(p, size);
	return same;
}

static void random_operations(unsigned int count)
{
	int fd = open(T "fsx", O_RDWR | O_CREAT, 0644);
	struct stat st;
	bool same = true;

	for (unsigned int i = 0; same && i < count; i++) {
		switch (number(10)) {
		case 0:
			same = model_truncate(fd);
			break;
		case 1:
			close(fd);
			fd = open(T "fsx", O_RDWR);
			break;
		case 2:
			same = !rename(T "fsx", T "other") && !rename(T "other", T "fsx");
			break;
		case 3:
			same = model_map(fd);
			break;
		case 4:
			same = !fstat(fd, &st) && st.st_size == (off_t)size;
			break;
		case 5:
		case 6:
		case 7:
			same = model_read(fd);
			break;
		default:
			same = model_write(fd);
		}
		if (!same)
			printf("guest: operation %u went wrong\n", i);
	}
	TRUE(same);
	close(fd);
	FINE(unlink(T "fsx"));
}

static const char *word(const char *line, const char *key, const char *otherwise)
{
	static char text[8][64];
	static unsigned int n;
	const char *at = strstr(line, key);

	if (!at)
		return otherwise;
	sscanf(at + strlen(key), "%63s", text[n]);
	return text[n++];
}

static void mount_it(const char *cache)
{
	char options[128];

	snprintf(options, sizeof(options),
		 "trans=tcp,port=564,version=9p2000.L,msize=65536,cache=%s", cache);
	FINE(mount("10.0.2.100", T, "9p", 0, options));
}

int main(void)
{
	static char line[4096];
	int fd;

	mkdir("/proc", 0755);
	mkdir(T, 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	fd = open("/proc/cmdline", O_RDONLY);
	(void)!read(fd, line, sizeof(line) - 1);
	close(fd);
	umask(0);
	load_all();
	network();
	mount_it(word(line, "cache=", "none"));
	seed = strtoull(word(line, "seed=", "1"), NULL, 0);
	if (!bad) {
		folders();
		links();
		renames();
		attributes();
		extended();
		many();
		locks();
		random_operations((unsigned int)atoi(word(line, "ops=", "1000")));
		TRUE(list(T) == 2);
		FINE(umount(T));
	}
	finish();
	return 0;
}
