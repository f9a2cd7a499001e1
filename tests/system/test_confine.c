// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a worker that is no longer ours could still do. Each try runs in a child that locks itself in
 * with the same call as a worker does; most of them must be its last.
 */
#include <causeway/host/confine.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
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
		if (cw_confine_worker(&c, parent, keep, 2, false, NULL, NULL) && filter)
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
			if (!cw_confine_worker(&confine, me, keep, 2, false, NULL, NULL))
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
		_exit(cw_confine_worker(&confine, 1 + getppid(), keep, 1, false, NULL, NULL) ? 0
											     : 1);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static int begin(void **state)
{
	(void)state;
	extra = open("/dev/null", O_RDONLY);
	return cw_confine_prepare(&confine, false, stderr) ||
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
	};

	return cmocka_run_group_tests_name("confine", tests, begin, NULL);
}
