// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a unit test needs of a bare machine: its own main() is called unit_main() there, what it prints
 * goes out by the port's UART, and its exit status is the last line. No files, no signals, a heap of
 * fixed size.
 */
#include <causeway/port/machine.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#define HEAP (4u << 20)

int unit_main(void);

static int put(char c, FILE *f)
{
	(void)f;
	cw_machine_uart(&c, 1);
	return 0;
}

static FILE uart = FDEV_SETUP_STREAM(put, NULL, NULL, _FDEV_SETUP_WRITE);
FILE *const stdin = &uart;
FILE *const stdout = &uart;
FILE *const stderr = &uart;

void *sbrk(ptrdiff_t more)
{
	static char heap[HEAP] __attribute__((aligned(16)));
	static size_t used;
	void *at = heap + used;

	if (more > (ptrdiff_t)(HEAP - used)) {
		errno = ENOMEM;
		return (void *)-1;
	}
	used += (size_t)more;
	return at;
}

int open(const char *path, int flags, ...)
{
	(void)path;
	(void)flags;
	errno = ENOENT;
	return -1;
}

int close(int fd)
{
	(void)fd;
	return -1;
}

ssize_t read(int fd, void *buf, size_t len)
{
	(void)fd;
	(void)buf;
	(void)len;
	return -1;
}

ssize_t write(int fd, const void *buf, size_t len)
{
	(void)fd;
	(void)buf;
	(void)len;
	return -1;
}

off_t lseek(int fd, off_t at, int whence)
{
	(void)fd;
	(void)at;
	(void)whence;
	return -1;
}

int kill(pid_t pid, int sig)
{
	(void)pid;
	printf("signal %d\n", sig);
	_exit(128 + sig);
}

pid_t getpid(void)
{
	return 1;
}

void _exit(int status)
{
	printf("exit status %d\n", status);
	cw_machine_exit(0);
}

static void on_fault(uint32_t code)
{
	printf("fault 0x%x\n", (unsigned int)code);
}

int main(void)
{
	cw_machine_on_fault = on_fault;
	if (!cw_machine_init())
		return 1;
	exit(unit_main());
}
