// SPDX-License-Identifier: BSD-3-Clause
/*
 * The first program of an emulated Linux that has vhost-vsock: runs the PMM with a process remote, and
 * talks to that remote as Linux's programs do, by AF_VSOCK. Prints what came out otherwise.
 */
#include "guest.h"

#include <linux/vm_sockets.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#define CID	42u
#define ECHO	7u
#define MB	(1u << 20)
#define PATIENT 30 /* seconds; an emulated machine may have little of a real one */
#define LOADS	2
#define NOBODY	65534u

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
}

#define UNTIL(x)                                                            \
	do {                                                                \
		double end_ = now() + PATIENT;                              \
		bool is_;                                                   \
		while (!(is_ = (x)) && now() < end_)                        \
			nap();                                              \
		expect(#x, __LINE__, is_ ? 0 : (errno = ETIMEDOUT, -1), 0); \
	} while (0)

/* ---- programs ---- */

static pid_t start(const char *const *argv, int out)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	dup2(out, 1);
	dup2(out, 2);
	execv("/bin/causeway", (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* Runs `causeway ARGUMENTS`, keeps what it prints; returns its exit status. */
static char said[65536];
static const char *run_dir = "/run/root";

static int causeway(const char *a, const char *b, const char *c)
{
	const char *argv[] = { "causeway", a, "--run-dir", run_dir, b, c, NULL };
	size_t len = 0;
	ssize_t n;
	int pipes[2], status = -1;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return -1;
	pid = start(argv, pipes[1]);
	close(pipes[1]);
	while ((n = read(pipes[0], said + len, sizeof(said) - 1 - len)) > 0)
		len += (size_t)n;
	said[len] = 0;
	close(pipes[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool names(const char *what, const char *comm)
{
	size_t n = strlen(what);

	return what[n - 1] == '-' ? !strncmp(comm, what, n) : !strcmp(comm, what);
}

/* How many processes are called so, "x-": begin so; *@last is one of them. */
static int processes(const char *what, pid_t *last)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d))) {
		char path[300], comm[32] = "";
		int fd, len;

		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		fd = atoi(e->d_name) ? open(path, O_RDONLY) : -1;
		len = fd < 0 ? 0 : (int)read(fd, comm, sizeof(comm) - 1);
		if (fd >= 0)
			close(fd);
		if (len <= 0)
			continue;
		comm[len - 1] = 0;
		if (names(what, comm)) {
			n++;
			*last = atoi(e->d_name);
		}
	}
	closedir(d);
	return n;
}

static pid_t process(const char *what)
{
	pid_t pid = -1;

	return processes(what, &pid) == 1 ? pid : -1;
}

static int descriptors(pid_t pid)
{
	char path[64];
	int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* ---- sockets ---- */

static void patient(int s, int seconds)
{
	const struct timeval t = { .tv_sec = seconds };

	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

static int call(unsigned int port, int type)
{
	struct sockaddr_vm a = { .svm_family = AF_VSOCK, .svm_cid = CID, .svm_port = port };
	int s = socket(AF_VSOCK, type | SOCK_CLOEXEC, 0), err;

	patient(s, PATIENT);
	if (!connect(s, (const struct sockaddr *)&a, sizeof(a)))
		return s;
	err = errno;
	close(s);
	errno = err;
	return -1;
}

static void fill(uint8_t *to, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
}

static bool send_all(int s, const uint8_t *from, size_t len)
{
	while (len) {
		ssize_t n = send(s, from, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		from += n;
		len -= (size_t)n;
	}
	return true;
}

static bool receives(int s, const uint8_t *what, size_t len)
{
	static uint8_t got[65536];

	while (len) {
		ssize_t n = recv(s, got, len < sizeof(got) ? len : sizeof(got), 0);

		if (n <= 0 || memcmp(got, what, (size_t)n) != 0)
			return false;
		what += n;
		len -= (size_t)n;
	}
	return true;
}

static bool echoes(size_t len, uint32_t seed)
{
	static uint8_t data[MB];
	int s = call(ECHO, SOCK_STREAM), status = 1;
	bool same;
	pid_t pid;

	if (s < 0)
		return false;
	fill(data, len, seed);
	pid = fork();
	if (!pid)
		_exit(send_all(s, data, len) && !shutdown(s, SHUT_WR) ? 0 : 1);
	same = receives(s, data, len) && recv(s, data, 1, 0) == 0;
	waitpid(pid, &status, 0);
	close(s);
	return same && !status;
}

static void streams(void)
{
	double begun = now();

	TRUE(echoes(1, 1));
	TRUE(echoes(MB, 2));
	printf("guest: 1 MB there and back in %.2f s\n", now() - begun);
	FAILS(call(81, SOCK_STREAM), ECONNRESET);
	FAILS(call(81, SOCK_SEQPACKET), ECONNRESET);
}

static void messages(void)
{
	static const size_t length[] = { 1, 2, 1000, 1500, 7, 2000 };
	static uint8_t data[4096], got[4096];
	int s = call(ECHO, SOCK_SEQPACKET);

	FINE(s);
	fill(data, sizeof(data), 3);
	for (size_t i = 0; i < sizeof(length) / sizeof(length[0]); i++)
		FINE(send(s, data + i, length[i], MSG_NOSIGNAL) == (ssize_t)length[i] ? 0 : -1);
	for (size_t i = 0; i < sizeof(length) / sizeof(length[0]); i++)
		TRUE(recv(s, got, sizeof(got), 0) == (ssize_t)length[i] &&
		     !memcmp(got, data + i, length[i]));
	close(s);
}

/* ---- the remote's shell ---- */

static int console_open(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "/run/console" };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	patient(s, PATIENT);
	FINE(connect(s, (const struct sockaddr *)&a, sizeof(a)));
	return s;
}

static bool console_says(int s, const char *what)
{
	size_t len = 0;

	for (said[0] = 0; !strstr(said, what); said[len] = 0) {
		ssize_t n = len < sizeof(said) - 1 ? recv(s, said + len, 1, 0) : -1;

		if (n <= 0) {
			printf("guest: the shell says: %s\n", said);
			return false;
		}
		len += (size_t)n;
	}
	return true;
}

static bool type(int s, const char *line)
{
	return send(s, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line);
}

static void the_remote_calls(void)
{
	struct sockaddr_vm a = { .svm_family = AF_VSOCK,
				 .svm_cid = VMADDR_CID_ANY,
				 .svm_port = 5000 };
	socklen_t len = sizeof(a);
	int listener = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0), s, console = console_open();
	char line[64] = "";

	patient(listener, PATIENT);
	FINE(bind(listener, (const struct sockaddr *)&a, sizeof(a)));
	FINE(listen(listener, 4));
	TRUE(type(console, "\r") && console_says(console, "remote:~$ "));
	TRUE(type(console, "vsock connect 5000 hello there\r"));
	s = accept(listener, (struct sockaddr *)&a, &len);
	FINE(s);
	patient(s, PATIENT);
	TRUE(a.svm_cid == CID);
	TRUE(recv(s, line, sizeof(line) - 1, 0) == 12 && !strcmp(line, "hello there\n"));
	TRUE(send(s, "fine\n", 5, MSG_NOSIGNAL) == 5);
	close(s);
	TRUE(console_says(console, "answer: fine"));
	TRUE(console_says(console, "remote:~$ "));
	close(listener);
	TRUE(type(console, "vsock connect 5000 gone\r"));
	TRUE(console_says(console, "cannot connect to port 5000: "));
	TRUE(console_says(console, "remote:~$ "));
	close(console);
}

/* ---- under load ---- */

struct load {
	volatile unsigned int rounds, broken, wrong;
};
static struct load *carriers; /* shared with the processes */
static pid_t loads[LOADS];

static void carry(struct load *l, int s)
{
	static uint8_t data[16384], got[16384];

	for (;;) {
		size_t have = 0;
		ssize_t n = 1;

		fill(data, sizeof(data), l->rounds);
		if (!send_all(s, data, sizeof(data)))
			return;
		while (have < sizeof(got) && n > 0) {
			n = recv(s, got + have, sizeof(got) - have, 0);
			have += n > 0 ? (size_t)n : 0;
		}
		l->wrong += memcmp(data, got, have) != 0;
		if (have < sizeof(got))
			return;
		l->rounds++;
	}
}

static void load_forever(struct load *l)
{
	for (;;) {
		int s = call(ECHO, SOCK_STREAM);

		if (s >= 0) {
			carry(l, s);
			l->broken++;
			close(s);
		} else {
			nap();
		}
	}
}

static bool carried(const unsigned int before[LOADS])
{
	for (int i = 0; i < LOADS; i++)
		if (carriers[i].rounds < before[i] + 5)
			return false;
	return true;
}

static void load_goes_on(void)
{
	unsigned int before[LOADS];

	for (int i = 0; i < LOADS; i++)
		before[i] = carriers[i].rounds;
	UNTIL(carried(before));
}

/* Somebody who only waits hears of it too. */
static void end_of_waiting(int s, double begun)
{
	char c;

	patient(s, 10);
	FAILS(recv(s, &c, 1, 0), ECONNRESET);
	printf("guest: who waited knew after %.2f s\n", now() - begun);
	close(s);
}

static void worker_dies(void)
{
	int s = call(ECHO, SOCK_STREAM);
	pid_t worker = process("causeway-worker");
	double begun = now();

	FINE(s);
	FINE(kill(worker, SIGKILL));
	end_of_waiting(s, begun);
	UNTIL(process("causeway-worker") > 0 && process("causeway-worker") != worker);
	load_goes_on();
}

static void remote_restarts(void)
{
	int s = call(ECHO, SOCK_STREAM);
	double begun = now();

	FINE(s);
	TRUE(causeway("restart", "a", NULL) == 0);
	end_of_waiting(s, begun);
	load_goes_on();
}

static void start_load(void)
{
	carriers = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < LOADS; i++) {
		loads[i] = fork();
		if (!loads[i])
			load_forever(&carriers[i]);
	}
	load_goes_on();
}

static void stop_load(bool honest)
{
	for (int i = 0; i < LOADS; i++) {
		kill(loads[i], SIGKILL);
		waitpid(loads[i], NULL, 0);
		printf("guest: load %d: %u rounds, %u times broken\n", i, carriers[i].rounds,
		       carriers[i].broken);
		TRUE(carriers[i].wrong == 0 || !honest);
	}
}

static void recovery(pid_t keeper)
{
	pid_t any;
	int fds = 0, of_worker = 0;

	start_load();
	for (int i = 0; i < 6; i++) {
		worker_dies();
		remote_restarts();
		if (i == 1) {
			fds = descriptors(keeper);
			of_worker = descriptors(process("causeway-worker"));
		}
	}
	stop_load(true);
	UNTIL(descriptors(keeper) == fds);
	UNTIL(descriptors(process("causeway-worker")) == of_worker);
	TRUE(processes("vhost-", &any) == 1);
	TRUE(echoes(100000, 4));
}

/* ---- a remote that writes anything ---- */

#define REGION	  (4u << 20)
#define BLOCK	  0x100000u /* as test_vhost.py puts it, without its two pages of registers */
#define BLOCK_LEN (256u << 10)
#define PAGES	  8192u

/* The remote's memory: the keeper has it by a descriptor. */
static uint8_t *region_of(pid_t keeper)
{
	void *p = MAP_FAILED;
	struct stat st;

	for (int i = 0; i < 256 && p == MAP_FAILED; i++) {
		char path[64], to[64] = "";
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", keeper, i);
		if (readlink(path, to, sizeof(to) - 1) < 0 || strncmp(to, "/memfd:", 7) != 0)
			continue;
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && !fstat(fd, &st) && st.st_size == REGION)
			p = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
	}
	return p == MAP_FAILED ? NULL : p;
}

static void scribble(uint8_t *block, unsigned int round)
{
	if (round % 4 == 1)
		memset(block + PAGES, 0xff, BLOCK_LEN - PAGES);
	else if (round % 4 == 3) /* small numbers: some are addresses and lengths that could be */
		for (size_t i = PAGES; i < BLOCK_LEN; i++)
			block[i] = i % 4 ? 0 : (uint8_t)(i * round >> 3);
	else
		fill(block + PAGES, BLOCK_LEN - PAGES, round);
}

static unsigned int faults(void)
{
	const char *at;
	unsigned int n = 0;

	causeway("status", "--json", NULL);
	at = strstr(said, "\"vsock0\"");
	at = at ? strstr(at, "\"faults\":") : NULL;
	if (at)
		sscanf(at + 9, "%u", &n);
	return n;
}

static void hostility(pid_t keeper)
{
	uint8_t *region = region_of(keeper);
	pid_t worker = process("causeway-worker"), any;
	unsigned int found;

	TRUE(region);
	if (!region)
		return;
	start_load();
	for (unsigned int i = 0; i < 60 || (i < 1000 && !faults()); i++) {
		scribble(region + BLOCK, i);
		nap();
	}
	stop_load(false);
	found = faults();
	printf("guest: %u faults\n", found);
	TRUE(found > 0);
	TRUE(process("causeway-worker") == worker);
	TRUE(causeway("restart", "a", NULL) == 0);
	UNTIL(echoes(1, 1));
	TRUE(echoes(MB, 5));
	TRUE(process("causeway-worker") == worker);
	TRUE(processes("vhost-", &any) == 1);
	munmap(region, REGION);
}

/* ---- all of it ---- */

static void mistakes_before(void)
{
	TRUE(causeway("run", "/other.yaml", NULL) == 1);
	TRUE(strstr(said, "modprobe vhost_vsock"));
}

static bool refused_to_nobody(void)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		run_dir = "/run/nobody";
		_exit(!setgid(NOBODY) && !setuid(NOBODY) &&
				      causeway("run", "/other.yaml", NULL) == 1 &&
				      strstr(said, "right is a user who may")
			      ? 0
			      : 1);
	}
	waitpid(pid, &status, 0);
	return status == 0;
}

static void mistakes_beside(void)
{
	TRUE(causeway("run", "/other.yaml", NULL) == 1);
	TRUE(strstr(said, "cid 42 is another machine's already"));
	TRUE(refused_to_nobody());
}

int main(void)
{
	const char *const argv[] = { "causeway",  "run",	 "--run-dir",
				     "/run/root", "/board.yaml", NULL };
	pid_t keeper;
	int status = -1;

	setvbuf(stdout, NULL, _IONBF, 0);
	FINE(mount("dev", "/dev", "devtmpfs", 0, NULL));
	FINE(mount("proc", "/proc", "proc", 0, NULL));
	FINE(mount("run", "/run", "tmpfs", 0, "mode=755"));
	FINE(mkdir("/run/root", 0700));
	FINE(mkdir("/run/nobody", 0700));
	FINE(chown("/run/nobody", NOBODY, NOBODY));
	mistakes_before();
	load_all();
	keeper = start(argv, 1);
	UNTIL(echoes(1, 1));
	TRUE(causeway("status", NULL, NULL) == 0 && strstr(said, "cid 42"));
	TRUE(causeway("status", "--json", NULL) == 0 && strstr(said, "\"kind\":\t\"vhost\""));
	if (!bad) {
		mistakes_beside();
		streams();
		messages();
		the_remote_calls();
		recovery(keeper);
		hostility(keeper);
	}
	kill(keeper, SIGTERM);
	waitpid(keeper, &status, 0);
	TRUE(status == 0);
	TRUE(processes("vhost-", &keeper) == 0);
	finish();
	return 0;
}
