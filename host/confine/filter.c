// SPDX-License-Identifier: BSD-3-Clause
/*
 * The system calls of a worker, each with its reason. What is not here kills the worker: the keeper
 * then starts another and says so. A backend that needs one more adds it here, in the open.
 */
#include <causeway/host/confine.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/vhost.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static const int allowed[] = {
	/* the loop */
	SCMP_SYS(ppoll),	   /* sleep until a doorbell or a backend */
	SCMP_SYS(clock_gettime),   /* where the vdso cannot tell the time by itself */
	SCMP_SYS(restart_syscall), /* a sleep goes on after SIGSTOP and SIGCONT */
	SCMP_SYS(sched_yield),	   /* a spinner that shares its core */
	/* doorbells, keeper, datagram and stream backends */
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(accept4),   /* a console's stream socket, a vsock's: their peers come and go */
	SCMP_SYS(epoll_ctl), /* a vsock's connections */
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(shutdown), /* and are sent away */
	SCMP_SYS(close),
	/* payload: TAP, pty, terminal, log file */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(pread64),   /* entropy from a file */
	SCMP_SYS(lseek),     /* which starts anew at its end */
	SCMP_SYS(getrandom), /* entropy */
	/* disks, and the threads beside that wait for them */
	SCMP_SYS(preadv2), /* at once or not at all; files below a folder too */
	SCMP_SYS(pwrite64),
	SCMP_SYS(fdatasync),
	SCMP_SYS(fallocate), /* discard, zeroes */
	SCMP_SYS(futex),
	/* how it ends */
	SCMP_SYS(rt_sigreturn), /* from the SIGBUS handler */
	SCMP_SYS(exit_group),
};

/*
 * Files below a folder. Where a path leads is Landlock's to decide, and whether it may; so there is
 * no call that takes a path and that Landlock does not know of, but for looking.
 */
static const int reading[] = {
	SCMP_SYS(openat2),   SCMP_SYS(fstatfs),	   SCMP_SYS(readlinkat), SCMP_SYS(getdents64),
	SCMP_SYS(fgetxattr), SCMP_SYS(flistxattr), SCMP_SYS(fsync),
};

static const int writing[] = {
	SCMP_SYS(mkdirat), SCMP_SYS(symlinkat), SCMP_SYS(unlinkat),  SCMP_SYS(ftruncate),
	SCMP_SYS(fchmod),  SCMP_SYS(fchown),	SCMP_SYS(fsetxattr), SCMP_SYS(fremovexattr),
};

/* ioctl: by request only */
static const unsigned long ioctls[] = {
	TIOCGWINSZ,	      /* size of the terminal behind a console */
	FIONREAD, 0x400454d0, /* TUNSETOFFLOAD: follows the features that the driver took */
};

/*
 * The kernel runs rings: whose memory it is and which, then each ring's size, place and event
 * descriptors, and whether it runs. With a vhost device only; on any other descriptor they do nothing.
 */
static const unsigned long vhost_ioctls[] = {
	VHOST_SET_OWNER,	   /* this process, whose mapping the kernel uses */
	VHOST_SET_MEM_TABLE,	   /* one range of it: a device's block */
	VHOST_SET_FEATURES,	   /* those that the driver took */
	VHOST_SET_VRING_NUM,	   /* size */
	VHOST_SET_VRING_BASE,	   /* where it goes on */
	VHOST_GET_VRING_BASE,	   /* how far it got */
	VHOST_SET_VRING_ADDR,	   /* place */
	VHOST_SET_VRING_KICK,	   /* event descriptors: there is something to do, */
	VHOST_SET_VRING_CALL,	   /* something was done, */
	VHOST_SET_VRING_ERR,	   /* it makes no sense */
	VHOST_VSOCK_SET_GUEST_CID, /* whose packets they are */
	VHOST_VSOCK_SET_RUNNING,   /* on and off */
};

static int add_list(scmp_filter_ctx f, const int *call, size_t n)
{
	int r = 0;

	for (size_t i = 0; !r && i < n; i++)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, call[i], 0);
	return r;
}
#define ADD_LIST(f, list) add_list(f, list, sizeof(list) / sizeof((list)[0]))

/* Adds a call whose argument @arg must be @value. */
static int add_with(scmp_filter_ctx f, int call, unsigned int arg, uint64_t value)
{
	const struct scmp_arg_cmp is = {
		.arg = arg, .op = SCMP_CMP_EQ, .datum_a = value, .datum_b = 0
	};

	return seccomp_rule_add_array(f, SCMP_ACT_ALLOW, call, 1, &is);
}

static int add_folders(scmp_filter_ctx f, bool writable)
{
	int r = ADD_LIST(f, reading);

	if (!r) /* of a descriptor */
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(statx), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
	if (!r)
		r = add_with(f, SCMP_SYS(fcntl), 1, F_OFD_SETLK); /* which never waits */
	if (!r)
		r = add_with(f, SCMP_SYS(fcntl), 1, F_OFD_GETLK);
	if (!r && writable)
		r = ADD_LIST(f, writing);
	if (!r && writable) /* the link itself, not what it names */
		r = add_with(f, SCMP_SYS(linkat), 4, 0);
	if (!r && writable) /* no exchange, no whiteout */
		r = add_with(f, SCMP_SYS(renameat2), 4, 0);
	if (!r && writable) /* of a descriptor */
		r = add_with(f, SCMP_SYS(utimensat), 1, 0);
	return r;
}

static int add_ioctls(scmp_filter_ctx f, const unsigned long *request, size_t n)
{
	int r = 0;

	for (size_t i = 0; !r && i < n; i++)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				     SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, request[i]));
	return r;
}
#define ADD_IOCTLS(f, list) add_ioctls(f, list, sizeof(list) / sizeof((list)[0]))

static int add_rules(scmp_filter_ctx f, unsigned int needs)
{
	bool addresses = needs & CW_CONFINE_ADDRESSES;
	int r = ADD_LIST(f, allowed);

	if (!r)
		r = ADD_IOCTLS(f, ioctls);
	if (!r && needs & CW_CONFINE_VHOST)
		r = ADD_IOCTLS(f, vhost_ioctls);
	/* Without a name a socket reaches only whom the keeper connected it to. */
	if (!r)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1,
				     SCMP_A4(SCMP_CMP_EQ, 0, 0));
	if (!r && addresses)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1,
				     SCMP_A4(SCMP_CMP_NE, 0, 0));
	if (!r && addresses) /* whose name is behind a pointer, where no filter looks */
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 0);
	/* The SIGBUS handler puts zeroes in place of a region that is gone; nothing executable. */
	if (!r)
		r = seccomp_rule_add(
			f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
			SCMP_A2(SCMP_CMP_EQ, PROT_READ | PROT_WRITE, 0),
			SCMP_A3(SCMP_CMP_EQ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, 0));
	if (!r && needs & (CW_CONFINE_FOLDERS | CW_CONFINE_WRITABLE))
		r = add_folders(f, needs & CW_CONFINE_WRITABLE);
	return r;
}

/* Takes the compiled filter from libseccomp by way of a file in memory. */
static int take(struct cw_confine *c, scmp_filter_ctx f)
{
	int fd = memfd_create("filter", MFD_CLOEXEC), r = -1;
	off_t size;

	if (fd < 0)
		return -1;
	r = seccomp_export_bpf(f, fd);
	size = lseek(fd, 0, SEEK_END);
	if (!r && size > 0 && size / (off_t)sizeof(*c->filter) <= BPF_MAXINSNS) {
		c->filter = malloc((size_t)size);
		c->length = (unsigned short)(size / (off_t)sizeof(*c->filter));
		r = c->filter && pread(fd, c->filter, (size_t)size, 0) == size ? 0 : -1;
	}
	close(fd);
	return r;
}

int cw_confine_prepare(struct cw_confine *c, unsigned int needs, FILE *err)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = f ? add_rules(f, needs) : -ENOMEM;

	memset(c, 0, sizeof(*c));
	c->landlock =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1;
	if (!r)
		r = take(c, f);
	if (f)
		seccomp_release(f);
	if (r) {
		fprintf(err, "causeway: cannot make the workers' system-call filter: %s\n",
			strerror(r < -1 ? -r : errno));
		cw_confine_free(c);
	}
	return r ? -1 : 0;
}

void cw_confine_free(struct cw_confine *c)
{
	free(c->filter);
	memset(c, 0, sizeof(*c));
}
