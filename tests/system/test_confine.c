// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a worker that is no longer ours could still do. Each try runs in a child that locks itself in
 * with the same call as a worker does; most of them must be its last.
 */
#include <causeway/host/confine.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/vhost.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static struct cw_confine confine;
static int orders[2], extra;

/* Runs @try locked in; returns how it ended: the exit status, or minus the signal. */
static int locked_in(int (*try)(void), bool filter)
{
	struct cw_confine c = confine;
	pid_t parent = getpid(), pid = fork();
	int status, keep[] = { 2, orders[0] };

	if (!pid) {
		if (!filter)
			c.length = 0; /* refused by the kernel: all but the filter has been done */
		if (cw_confine_worker(&c, parent, keep, 2, false, 8, NULL, 0, NULL, NULL) && filter)
			_exit(99);
		_exit(try());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

#define DEADLY(name, call)                                              \
	static int name##_try(void)                                     \
	{                                                               \
		(void)!(intptr_t)(call);                                \
		return 0;                                               \
	}                                                               \
	static void name(void **state)                                  \
	{                                                               \
		(void)state;                                            \
		assert_int_equal(locked_in(name##_try, true), -SIGSYS); \
	}

DEADLY(open_dies, open("/etc/passwd", O_RDONLY))
DEADLY(openat2_dies, syscall(SYS_openat2, -100, "/", NULL, 0))
DEADLY(create_dies, mknod("/tmp/cw-never", 0600, 0))
DEADLY(unlink_dies, unlink("/tmp/cw-never"))
DEADLY(socket_dies, socket(AF_INET, SOCK_STREAM, 0))
DEADLY(socketpair_dies, syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, (int[2]){ 0 }))
DEADLY(connect_dies, connect(orders[0], NULL, 0))
DEADLY(execve_dies, execl("/bin/true", "true", NULL))
DEADLY(fork_dies, fork())
DEADLY(kill_dies, kill(getppid(), SIGTERM))
DEADLY(ptrace_dies, ptrace(PTRACE_TRACEME, 0, NULL, NULL))
DEADLY(mount_dies, mount("none", "/", NULL, 0, NULL))
DEADLY(setuid_dies, setuid(0))
DEADLY(unshare_dies, unshare(CLONE_NEWUSER))
DEADLY(io_uring_dies, syscall(425, 4, NULL))
DEADLY(bpf_dies, syscall(SYS_bpf, 0, NULL, 0))
DEADLY(vm_write_dies, syscall(SYS_process_vm_writev, 1, NULL, 0, NULL, 0, 0))
DEADLY(executable_memory_dies,
       mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
DEADLY(more_memory_dies, syscall(SYS_brk, 0))
DEADLY(mprotect_dies, mprotect(NULL, 4096, PROT_EXEC))
DEADLY(tty_push_dies, syscall(SYS_ioctl, 2, 0x5412, "x")) /* TIOCSTI */
DEADLY(dup_dies, dup(2))
DEADLY(sendmsg_dies, sendmsg(orders[0], &(struct msghdr){ 0 }, 0))
DEADLY(name_dies,
       sendto(orders[0], "", 1, 0, (struct sockaddr *)&(struct sockaddr_un){ AF_UNIX, "/dev/log" },
	      sizeof(struct sockaddr_un)))

static int works_try(void)
{
	char byte;

	if (send(orders[0], "", 1, MSG_DONTWAIT) != 1 ||
	    recv(orders[1], &byte, 1, MSG_DONTWAIT) >= 0)
		return 1;
	return syscall(SYS_getrandom, &byte, 1, 0) == 1 ? 0 : 2;
}

static void what_it_needs_works(void **state)
{
	(void)state;
	assert_int_equal(locked_in(works_try, true), 0);
}

/* All but the filter: each of these would have to fail even if the filter were not there. */
static int second_lock_try(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { { 0 } };
	struct rlimit core;

	if (syscall(SYS_capget, &head, caps) || caps[0].permitted || caps[1].permitted ||
	    caps[0].effective || caps[0].inheritable)
		return 1;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 2;
	if (prctl(PR_CAPBSET_READ, 21, 0, 0, 0) != 0 && !geteuid())
		return 3;
	if (getrlimit(RLIMIT_CORE, &core) || core.rlim_max)
		return 4;
	if (fcntl(extra, F_GETFD) != -1 || fcntl(0, F_GETFD) != -1 || fcntl(2, F_GETFD) == -1)
		return 5;
	if (environ && environ[0])
		return 6;
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0))
		return 7;
	if (confine.landlock && open("/etc/passwd", O_RDONLY) >= 0)
		return 8;
	return 0;
}

static void second_lock_holds(void **state)
{
	(void)state;
	assert_int_equal(locked_in(second_lock_try, false), 0);
}

static _Noreturn void sleep_on(void)
{
	for (;;)
		syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
}

/* The keeper is killed while its worker sleeps: the worker ends by itself. */
static void dies_with_its_keeper(void **state)
{
	int alive[2], keep[2];
	pid_t keeper;
	char byte;

	(void)state;
	assert_int_equal(pipe(alive), 0);
	keeper = fork();
	if (!keeper) {
		pid_t me = getpid();

		if (!fork()) {
			keep[0] = 2;
			keep[1] = alive[1];
			if (!cw_confine_worker(&confine, me, keep, 2, false, 8, NULL, 0, NULL,
					       NULL))
				(void)!write(alive[1], "", 1);
			sleep_on();
		}
		close(alive[1]);
		pause();
	}
	close(alive[1]);
	assert_int_equal(read(alive[0], &byte, 1), 1);
	kill(keeper, SIGKILL);
	waitpid(keeper, NULL, 0);
	alarm(5);
	assert_int_equal(read(alive[0], &byte, 1), 0);
	alarm(0);
	close(alive[0]);
}

static void late_child_refuses(void **state)
{
	int keep[] = { 2 };
	pid_t pid = fork();
	int status;

	(void)state;
	if (!pid) /* the keeper it was told of is not its parent any more */
		_exit(cw_confine_worker(&confine, 1 + getppid(), keep, 1, false, 8, NULL, 0, NULL,
					NULL)
			      ? 0
			      : 1);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

/* ---- folders ---- */

static struct cw_confine_folder folder[2]; /* one to read, one to write; beside them: outside/ */
static char base[] = "/tmp/confine.XXXXXX";

static int in_folders(int (*try)(void), unsigned int needs)
{
	int status, keep[] = { 2, orders[0], folder[0].fd, folder[1].fd };
	pid_t parent = getpid(), pid;
	struct cw_confine c;

	assert_int_equal(cw_confine_prepare(&c, needs, stderr), 0);
	pid = fork();
	if (!pid) {
		if (cw_confine_worker(&c, parent, keep, 4, true, 8, folder, 2, NULL, NULL))
			_exit(99);
		_exit(try());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	cw_confine_free(&c);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int open_in(unsigned int i, const char *path, int flags)
{
	struct {
		uint64_t flags, mode, resolve;
	} how = { (uint64_t)flags, flags & O_CREAT ? 0666 : 0, 0 };

	return (int)syscall(SYS_openat2, folder[i].fd, path, &how, sizeof(how));
}

/* Returns the number of the first thing that went otherwise than it must. */
static int files_try(void)
{
	int fd;

	if (open_in(0, "f", O_RDONLY) < 0 || open_in(0, ".", O_RDONLY | O_DIRECTORY) < 0)
		return 1;
	if (open_in(0, "f", O_WRONLY) >= 0 || open_in(0, "f", O_RDONLY | O_TRUNC) >= 0 ||
	    open_in(0, "new", O_WRONLY | O_CREAT) >= 0)
		return 2;
	if (!mkdirat(folder[0].fd, "d", 0700) || !unlinkat(folder[0].fd, "f", 0) ||
	    !symlinkat("x", folder[0].fd, "l") ||
	    !linkat(folder[0].fd, "f", folder[1].fd, "f", 0) ||
	    !syscall(SYS_renameat2, folder[0].fd, "f", folder[1].fd, "f", 0))
		return 3;
	if (open_in(0, "../outside/f", O_RDONLY) >= 0 || open_in(1, "../outside/f", O_RDWR) >= 0 ||
	    open_in(1, "/etc/passwd", O_RDONLY) >= 0 ||
	    !mkdirat(folder[1].fd, "../outside/d", 0700))
		return 4;
	fd = open_in(1, "new", O_RDWR | O_CREAT | O_EXCL);
	if (fd < 0 || syscall(SYS_fchmod, fd, 0600) || ftruncate(fd, 1) || futimens(fd, NULL) ||
	    pwrite(fd, "x", 1, 0) != 1)
		return 5;
	if (mkdirat(folder[1].fd, "d", 0777) || symlinkat("x", folder[1].fd, "d/l") ||
	    linkat(folder[1].fd, "new", folder[1].fd, "two", 0) ||
	    syscall(SYS_renameat2, folder[1].fd, "two", folder[1].fd, "three", 0) ||
	    unlinkat(folder[1].fd, "three", 0))
		return 6;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_MODE, (struct statx *)(void *)&(char[512]){ 0 }))
		return 7;
	return 0;
}

static void folders_hold(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(in_folders(files_try, CW_CONFINE_FOLDERS | CW_CONFINE_WRITABLE), 0);
	assert_int_equal(fstatat(folder[1].fd, "d", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0777); /* no umask */
}

/* A folder that somebody takes out of the export is out of reach, though it was opened before. */
static int moved_try(void)
{
	int dir = open_in(1, "moving", O_PATH | O_DIRECTORY);
	char byte;

	if (dir < 0 || mkdirat(dir, "before", 0700) || send(orders[0], "", 1, 0) != 1 ||
	    recv(orders[0], &byte, 1, 0) != 1)
		return 1;
	if (!mkdirat(dir, "after", 0700) || !unlinkat(dir, "before", AT_REMOVEDIR))
		return 2;
	return 0;
}

static void moved_out(void **state)
{
	char from[64], to[64], byte;
	pid_t mover;
	int status;

	(void)state;
	snprintf(from, sizeof(from), "%s/write/moving", base);
	snprintf(to, sizeof(to), "%s/outside/moved", base);
	assert_int_equal(mkdir(from, 0700), 0);
	while (recv(orders[1], &byte, 1, MSG_DONTWAIT) == 1) /* an earlier test's */
		;
	mover = fork();
	if (!mover)
		_exit(recv(orders[1], &byte, 1, 0) == 1 && !rename(from, to) &&
				      send(orders[1], "", 1, 0) == 1
			      ? 0
			      : 1);
	assert_int_equal(in_folders(moved_try, CW_CONFINE_FOLDERS | CW_CONFINE_WRITABLE), 0);
	waitpid(mover, &status, 0);
	assert_int_equal(status, 0);
}

#define FOLDER_DEADLY(name, needs, call)                                  \
	static int name##_try(void)                                       \
	{                                                                 \
		(void)!(intptr_t)(call);                                  \
		return 0;                                                 \
	}                                                                 \
	static void name(void **state)                                    \
	{                                                                 \
		(void)state;                                              \
		assert_int_equal(in_folders(name##_try, needs), -SIGSYS); \
	}
#define BOTH (CW_CONFINE_FOLDERS | CW_CONFINE_WRITABLE)

FOLDER_DEADLY(chmod_of_read_only_dies, CW_CONFINE_FOLDERS, syscall(SYS_fchmod, 2, 0777))
FOLDER_DEADLY(mkdir_of_read_only_dies, CW_CONFINE_FOLDERS, mkdirat(folder[1].fd, "e", 0777))
FOLDER_DEADLY(chmod_by_path_dies, BOTH, fchmodat(folder[1].fd, "new", 0777, 0))
FOLDER_DEADLY(chown_by_path_dies, BOTH, fchownat(folder[1].fd, "new", 1, 1, 0))
FOLDER_DEADLY(mknod_dies, BOTH, mknodat(folder[1].fd, "n", S_IFIFO, 0))
FOLDER_DEADLY(times_by_path_die, BOTH, utimensat(folder[1].fd, "new", NULL, 0))
FOLDER_DEADLY(link_that_follows_dies, BOTH,
	      linkat(folder[1].fd, "l", folder[1].fd, "m", AT_SYMLINK_FOLLOW))
FOLDER_DEADLY(exchange_dies, BOTH, renameat2(folder[1].fd, "a", folder[1].fd, "b", RENAME_EXCHANGE))
FOLDER_DEADLY(stat_by_path_dies, BOTH,
	      statx(AT_FDCWD, "/", 0, STATX_MODE, (struct statx *)(void *)&(char[512]){ 0 }))
FOLDER_DEADLY(waiting_lock_dies, BOTH, syscall(SYS_fcntl, 2, F_OFD_SETLKW, NULL))
FOLDER_DEADLY(plain_open_dies, BOTH, openat(folder[0].fd, "f", O_RDONLY))

static int ring_try(void)
{
	return ioctl(2, VHOST_VSOCK_SET_RUNNING, NULL) == 0; /* it is no vhost device */
}

static void rings_for_the_kernel(void **state)
{
	(void)state;
	assert_int_equal(in_folders(ring_try, CW_CONFINE_VHOST), 0);
	assert_int_equal(in_folders(ring_try, BOTH), -SIGSYS);
}

FOLDER_DEADLY(log_of_stores_dies, CW_CONFINE_VHOST, ioctl(2, VHOST_SET_LOG_BASE, NULL))

static void make_folders(void)
{
	static const char *const names[] = { "read", "write", "outside" };
	char path[64];
	int fd;

	assert_non_null(mkdtemp(base));
	for (unsigned int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", base, names[i]);
		assert_int_equal(mkdir(path, 0700), 0);
		if (i < 2) {
			folder[i].fd = open(path, O_PATH | O_DIRECTORY);
			folder[i].writable = i == 1;
		}
		strcat(path, "/f");
		fd = open(path, O_RDWR | O_CREAT, 0600);
		assert_true(fd >= 0);
		close(fd);
	}
}

static int end(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", base);
	return system(command);
}

static int begin(void **state)
{
	(void)state;
	make_folders();
	extra = open("/dev/null", O_RDONLY);
	return cw_confine_prepare(&confine, 0, stderr) ||
	       socketpair(AF_UNIX, SOCK_SEQPACKET, 0, orders);
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(open_dies),
		T(openat2_dies),
		T(create_dies),
		T(unlink_dies),
		T(socket_dies),
		T(socketpair_dies),
		T(connect_dies),
		T(execve_dies),
		T(fork_dies),
		T(kill_dies),
		T(ptrace_dies),
		T(mount_dies),
		T(setuid_dies),
		T(unshare_dies),
		T(io_uring_dies),
		T(bpf_dies),
		T(vm_write_dies),
		T(executable_memory_dies),
		T(more_memory_dies),
		T(mprotect_dies),
		T(tty_push_dies),
		T(dup_dies),
		T(sendmsg_dies),
		T(name_dies),
		T(what_it_needs_works),
		T(second_lock_holds),
		T(dies_with_its_keeper),
		T(late_child_refuses),
		T(folders_hold),
		T(moved_out),
		T(chmod_of_read_only_dies),
		T(mkdir_of_read_only_dies),
		T(chmod_by_path_dies),
		T(chown_by_path_dies),
		T(mknod_dies),
		T(times_by_path_die),
		T(link_that_follows_dies),
		T(exchange_dies),
		T(stat_by_path_dies),
		T(waiting_lock_dies),
		T(plain_open_dies),
		T(rings_for_the_kernel),
		T(log_of_stores_dies),
	};

	return cmocka_run_group_tests_name("confine", tests, begin, end);
}
