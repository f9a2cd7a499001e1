// SPDX-License-Identifier: BSD-3-Clause
/*
 * Theory of operation: order matters. Descriptors go first; capabilities before PDEATHSIG, which a
 * change of credentials may clear; Landlock and then the filter last, as the filter forbids the
 * calls that set up the rest. Nothing here allocates.
 */
#include <causeway/host/9p.h>
#include <causeway/host/confine.h>

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int close_between(int first, int last)
{
	return first > last ? 0 : (int)syscall(SYS_close_range, first, last, 0);
}

int cw_confine_close(int *keep, unsigned int n)
{
	int next = 0;

	qsort(keep, n, sizeof(*keep), by_value);
	for (unsigned int i = 0; i < n; i++) {
		if (keep[i] < next)
			continue;
		if (close_between(next, keep[i] - 1))
			return -1;
		next = keep[i] + 1;
	}
	return close_between(next, INT_MAX);
}

int cw_confine_privilege(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	/* Only who has CAP_SETPCAP can do these two, and only who has it needs them. */
	prctl(PR_SET_SECUREBITS,
	      SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
		      SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
		      SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
	      0, 0, 0);
	for (int cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
		;
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return (int)syscall(SYS_capset, &head, none);
}

int cw_confine_die_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return -1;
	errno = ESRCH;
	return getppid() == parent ? 0 : -1;
}

static int limit(int what, rlim_t value)
{
	const struct rlimit l = { value, value };

	return setrlimit((__rlimit_resource_t)what, &l);
}

/* Landlock's rights to files, of all its versions: Debian's header has those of the first. */
#define MAKE(what) LANDLOCK_ACCESS_FS_MAKE_##what
#define REFER	   (1ull << 13) /* rename and link from one folder to another */
#define TRUNCATE   (1ull << 14)
#define MAY_READ   (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define MAY_WRITE                                                        \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | MAKE(DIR) | MAKE(REG) | MAKE(SYM) | REFER | TRUNCATE)

static int allow(int rules, const struct cw_confine_folder *f, uint64_t known)
{
	const struct landlock_path_beneath_attr below = {
		.allowed_access = (f->writable ? MAY_READ | MAY_WRITE : MAY_READ) & known,
		.parent_fd = f->fd,
	};

	return (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0);
}

/* A rule set that handles everything this kernel knows, and allows of it what the folders need. */
static int restrict_paths(const struct cw_confine_folder *folder, unsigned int folders)
{
	static const uint64_t fs[] = {
		0, (1u << 13) - 1, (1u << 14) - 1, (1u << 15) - 1, (1u << 15) - 1, (1u << 16) - 1
	};
	struct {
		uint64_t fs, net, scoped;
	} rules = { 0 };
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	int fd, r = 0;

	if (abi < 1)
		return 0;
	rules.fs = fs[abi > 5 ? 5 : abi];
	rules.net = abi >= 4 ? 3 : 0;	 /* bind and connect of TCP */
	rules.scoped = abi >= 6 ? 3 : 0; /* abstract sockets and signals of others */
	fd = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
	if (fd < 0)
		return -1;
	for (unsigned int i = 0; !r && i < folders; i++)
		r = allow(fd, &folder[i], rules.fs);
	if (!r)
		r = (int)syscall(SYS_landlock_restrict_self, fd, 0);
	close(fd);
	return r;
}

/* Not only the list: what the strings say could be a password. */
static void forget_environment(void)
{
	for (char **e = environ; e && *e; e++)
		memset(*e, 0, strlen(*e));
	clearenv();
}

int cw_confine_worker(const struct cw_confine *c, pid_t parent, int *keep, unsigned int n,
		      bool files, unsigned int more, const struct cw_confine_folder *folder,
		      unsigned int folders, int (*begin)(void *ctx), void *ctx)
{
	const struct sock_fprog program = { c->length, c->filter };
	const rlim_t later = more + folders * CW_9P_FDS;

	if (cw_confine_close(keep, n))
		return -1;
	forget_environment();
	prctl(PR_SET_NAME, "causeway-worker", 0, 0, 0);
	signal(SIGXFSZ, SIG_IGN);
	if (folders)
		umask(0);
	if (limit(RLIMIT_CORE, 0) || (!files && limit(RLIMIT_FSIZE, 0)) ||
	    (n && limit(RLIMIT_NOFILE, (rlim_t)keep[n - 1] + 1 + later)))
		return -1;
	if (cw_confine_privilege() || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
	    cw_confine_die_with(parent) || restrict_paths(folder, folders) || (begin && begin(ctx)))
		return -1;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return 0; /* a sanitizer makes calls of its own, so its builds go without the filter */
#endif
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
			    &program);
}
